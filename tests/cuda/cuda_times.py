"""Times of the CUDA kernels beside the limits measured in the same run."""

import time
from typing import NamedTuple

import numpy as np
from clouds import make_boxes
from cuda_calls import LAUNCHES
from cuda_library import Call, Device

ROUNDS = 15


class Work(NamedTuple):
    """One op, and the least its first kernel must do."""

    label: str
    op: str
    arguments: dict
    num_bytes: float  # each input read once, each output written once
    flops: float = 0  # 8 for each distance that the kernel computes, if it is all pairs


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
            {"points": points, "num_samples": m, "num_points": counts},
            points.nbytes + 4 * batch * m,
        )
    n, m = 18000, 2048
    points, queries = _points(rng, 1, n), _points(rng, 1, m)
    cloud = {"points": points, "queries": queries, "num_points": np.int32([n])}
    for radius, k in (0.2, 32), (0.5, 256), (1.5, 512):
        yield Work(
            f"ball_query {m} centres, {radius} m, {k} of {n}",
            "ball_query",
            cloud | {"radii": [radius], "num_neighbors": [k]},
            points.nbytes + queries.nbytes + 4 * m * (k + 1),
        )
    cloud = {"points": queries, "queries": points, "num_points": np.int32([m])}
    for k in 3, 16:
        num_bytes = points.nbytes + queries.nbytes + 8 * n * k
        label = f"knn {n} on {m}, k = {k}"
        yield Work(label, "knn", cloud | {"k": k}, num_bytes, 8 * n * m)
    batch, n = 512, 512
    a, b = _points(rng, batch, n), _points(rng, batch, n)
    counts = np.full(batch, n, np.int32)
    yield Work(
        f"nearest {batch} x ({n} on {n})",
        "nn_distance",
        {"points_a": a, "points_b": b, "num_a": counts, "num_b": counts},
        2 * a.nbytes + 8 * batch * n,
        8 * batch * n * n,
    )


def feature_works(rng):
    """Gathering and its gradient, as in the first layer of the backbone."""
    batch, n, channels, m, k = 4, 18000, 64, 2048, 32
    features = rng.random((batch, n, channels)).astype(np.float32)
    indices = rng.integers(0, n, (batch, m, k)).astype(np.int32)
    gradient = rng.random((batch, m, k, channels)).astype(np.float32)
    num_bytes = features.nbytes + indices.nbytes + gradient.nbytes
    label = f"group_points {batch} x {m * k} of {n}, {channels} channels"
    groups = {"features": features, "indices": indices}
    yield Work(label, "group_points", groups, num_bytes)
    sums = {"gradient": gradient, "indices": indices, "num_rows": n}
    yield Work("its gradient", "group_points_grad", sums, num_bytes)


def box_works(rng):
    """Boxes, at the sizes of inference."""
    n, m, r, k = 18000, 256, 384, 1536
    points, counts = _points(rng, 1, n), np.array([n], np.int32)
    boxes, candidates = make_boxes(rng, 1, r), make_boxes(rng, 1, k)
    scores, valid = rng.random((1, k)).astype(np.float32), np.ones((1, k), bool)
    found = {"boxes": candidates, "scores": scores, "valid": valid}
    found |= {"iou_threshold": 0.5, "max_outputs": r}
    yield Work(f"nms_3d {k} -> {r}", "nms_3d", found, 29 * k + 5 * r)
    cloud = {"points": points, "num_points": counts}
    yield Work(
        f"sample_in_boxes {r} x {n}, {m} samples",
        "sample_in_boxes",
        cloud
        | {"boxes": boxes, "seed": np.int32([1, 2]), "num_samples": m, "margin": 0.0},
        points.nbytes + 24 * r + 4 * r * (m + 1),
    )
    values = rng.random((1, 100, m)).astype(np.float32)
    samples = {"samples": _points(rng, 1, 100, m), "values": values}
    yield Work(
        f"nearest_assign 100 x {m} onto {n}",
        "nearest_assign",
        cloud | samples | {"boxes": boxes[:, :100]},
        points.nbytes + 16 * 100 * m + 400 * n,
    )


def report(device: Device) -> None:
    """Prints a table: time, and the bandwidth and arithmetic that it amounts to."""
    limit = bandwidth(device)
    print(f"\ncopy within the device: {limit / 1e9:.0f} GB/s")
    print(f"{'':55}{'ms':>9}{'GB/s':>8}{'of copy':>9}{'TFLOP/s':>9}{'scratch MB':>12}")
    rng = np.random.default_rng(0)
    for work in (*search_works(rng), *feature_works(rng), *box_works(rng)):
        launch = LAUNCHES[work.op](**work.arguments)[0]
        with Call(device, *launch) as call:
            took = milliseconds(device, call.launch)
            scratch = call.scratch_bytes / 1e6
        rate = work.num_bytes / took * 1e3
        print(
            f"{work.label:55}{took:9.3f}{rate / 1e9:8.0f}{rate / limit:9.1%}"
            f"{work.flops / took / 1e9:9.2f}{scratch:12.1f}"
        )
