"""Times of the CUDA kernels beside the limits measured in the same run."""

import time
from typing import NamedTuple

import numpy as np
from clouds import make_boxes
from cuda_library import Call, Device, Host, Output

ROUNDS = 15


class Work(NamedTuple):
    """One kernel call, and the least it must do."""

    label: str
    name: str
    arguments: tuple
    scratch: tuple | None
    num_bytes: float  # each input read once, each output written once
    flops: float  # 8 for each distance that the kernel computes, if it is all pairs


def milliseconds(device: Device, launch) -> float:
    """Median over ROUNDS; each launches until a millisecond or so has passed."""
    launch()
    device.synchronize()
    times, repeat = [], 1
    while len(times) < ROUNDS:
        start = time.perf_counter()
        for _ in range(repeat):
            launch()
        device.synchronize()
        took = time.perf_counter() - start
        if took < 1e-3 and repeat < 1000:
            repeat *= 2
            continue
        times.append(took / repeat * 1e3)
    return float(np.median(times))


def bandwidth(device: Device) -> float:
    """Bytes per second of a copy within the device, read and written."""
    size = 1 << 30
    source, to = device.allocate(size), device.allocate(size)
    took = milliseconds(device, lambda: device.copy(to, source, size))
    for memory in (source, to):
        device.check(device.library.device_free(memory))
    return 2 * size / took * 1e3


def _points(rng, *shape):
    """A room of 8 x 6 x 3 m."""
    return (rng.random((*shape, 3)) * [8, 6, 3]).astype(np.float32)


def search_works(rng):
    """Sampling and search, at the sizes of the CPU's table."""
    for batch, n, m in (1, 18000, 2048), (16, 18000, 2048), (1, 1_000_000, 125_000):
        points, counts = _points(rng, batch, n), np.full(batch, n, np.int32)
        yield Work(
            f"farthest_point_sample {batch} x {n} -> {m}",
            "farthest_point_sample",
            (points, counts, batch, n, m, Output((batch, m), np.int32)),
            (batch, n),
            points.nbytes + 4 * batch * m,
            0,
        )
    n, m = 18000, 2048
    points, queries = _points(rng, 1, n), _points(rng, 1, m)
    counts = np.array([n], np.int32)
    for radius, k in (0.2, 32), (0.5, 256), (1.5, 512):
        outputs = Output((m, k), np.int32), Output((m,), np.int32)
        yield Work(
            f"ball_query {m} centres, {radius} m, {k} of {n}",
            "ball_query",
            (points, counts, 1, n, queries, m, radius, k, *outputs),
            None,
            points.nbytes + queries.nbytes + 4 * m * (k + 1),
            0,
        )
    for k in 3, 16:
        outputs = Output((n, k), np.float32), Output((n, k), np.int32)
        yield Work(
            f"knn {n} on {m}, k = {k}",
            "knn",
            (queries, np.array([m], np.int32), 1, m, points, n, k, *outputs),
            None,
            points.nbytes + queries.nbytes + 8 * n * k,
            8 * n * m,
        )
    batch, n = 512, 512
    a, b = _points(rng, batch, n), _points(rng, batch, n)
    counts = np.full(batch, n, np.int32)
    outputs = Output((batch, n), np.float32), Output((batch, n), np.int32)
    yield Work(
        f"nearest {batch} x ({n} on {n})",
        "nearest",
        (a, counts, b, counts, batch, n, n, *outputs),
        None,
        2 * a.nbytes + 8 * batch * n,
        8 * batch * n * n,
    )


def feature_works(rng):
    """Gathering and its gradient, as in the first layer of the backbone."""
    batch, n, channels, slots = 4, 18000, 64, 2048 * 32
    features = rng.random((batch, n, channels)).astype(np.float32)
    indices = rng.integers(0, n, (batch, slots)).astype(np.int32)
    gradient = rng.random((batch, slots, channels)).astype(np.float32)
    num_bytes = features.nbytes + indices.nbytes + gradient.nbytes
    yield Work(
        f"group_points {batch} x {slots} of {n}, {channels} channels",
        "group_points",
        (
            features,
            indices,
            batch,
            n,
            channels,
            slots,
            Output(gradient.shape, np.float32),
        ),
        None,
        num_bytes,
        0,
    )
    yield Work(
        "its gradient",
        "scatter_rows",
        (gradient, indices, None, batch, n, channels, slots, 1)
        + (Output(features.shape, np.float32),),
        (batch, n, slots),
        num_bytes,
        0,
    )


def box_works(rng):
    """Boxes, at the sizes of inference."""
    n, m, r, k = 18000, 256, 384, 1536
    points, counts = _points(rng, 1, n), np.array([n], np.int32)
    boxes, candidates = make_boxes(rng, 1, r), make_boxes(rng, 1, k)
    scores, valid = rng.random((1, k)).astype(np.float32), np.ones((1, k), bool)
    yield Work(
        f"nms_3d {k} -> {r}",
        "nms_3d",
        (
            candidates,
            scores,
            valid,
            1,
            k,
            0.5,
            r,
            Output((r,), "i4"),
            Output((r,), "?"),
        ),
        (1, k, r),
        29 * k + 5 * r,
        0,
    )
    yield Work(
        f"sample_in_boxes {r} x {n}, {m} samples",
        "sample_in_boxes",
        (points, counts, boxes, Host(np.array([1, 2], np.int32)), 1, n, r, m, 0.0)
        + (Output((r, m), np.int32), Output((r,), np.int32)),
        (1, n, r),
        points.nbytes + 24 * r + 4 * r * (m + 1),
        0,
    )
    samples = _points(rng, 100, m)
    yield Work(
        f"nearest_assign 100 x {m} onto {n}",
        "nearest_assign",
        (points, counts, samples, rng.random((100, m)).astype(np.float32))
        + (boxes[:, :100], 1, n, 100, m, Output((100, n), np.float32)),
        None,
        points.nbytes + 16 * 100 * m + 400 * n,
        0,
    )


def report(device: Device) -> None:
    """Prints a table: time, and the bandwidth and arithmetic that it amounts to."""
    limit = bandwidth(device)
    print(f"\ncopy within the device: {limit / 1e9:.0f} GB/s")
    print(f"{'':55}{'ms':>9}{'GB/s':>8}{'of copy':>9}{'TFLOP/s':>9}{'scratch MB':>12}")
    rng = np.random.default_rng(0)
    for work in (*search_works(rng), *feature_works(rng), *box_works(rng)):
        with Call(device, work.name, work.arguments, work.scratch) as call:
            took = milliseconds(device, call.launch)
            scratch = call.scratch_bytes / 1e6
        rate = work.num_bytes / took * 1e3
        print(
            f"{work.label:55}{took:9.3f}{rate / 1e9:8.0f}{rate / limit:9.1%}"
            f"{work.flops / took / 1e9:9.2f}{scratch:12.1f}"
        )
