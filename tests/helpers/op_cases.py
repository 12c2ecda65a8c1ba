"""The table of op cases: arguments of every op, and what the naive reference gives.

Any implementation is compared with it: the native library, the portable twins, and
without TensorFlow the CUDA kernels on a GPU or in the emulation. Arguments are those
of the op in the library, all by name.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import reference
from clouds import KINDS, Inputs, make_boxes, make_points


def _padded(values, rows):
    """Values [n, ...] with zeros for the other rows."""
    padded = np.zeros((rows, *values.shape[1:]), values.dtype)
    padded[: len(values)] = values
    return padded


# --------------------------------------------------------- sampling and search


def farthest_point_sample(x):
    counts = [20, 0, 90, 1]
    return {
        "points": x.points,
        "num_samples": x.choose(counts),
        "num_points": x.num_points,
    }


def sampled(b, points, num_samples, num_points):
    return (reference.farthest_point_sample(points[b, : num_points[b]], num_samples),)


BALLS = [[(0.3, 8), (0.8, 20), (9, 40)], [(0.5, 4)], [(1e-30, 2), (1e25, 3)], [(1, 70)]]


def ball_query(x):
    balls = x.choose(BALLS)
    radii = [np.clip(x.scale * radius, 1e-45, 3e38) for radius, _ in balls]
    return {
        "points": x.points,
        "queries": x.queries,
        "num_points": x.num_points,
        "radii": np.float32(radii).tolist(),
        "num_neighbors": [k for _, k in balls],
    }


def in_balls(b, points, queries, num_points, radii, num_neighbors):
    cloud, balls = points[b, : num_points[b]], zip(radii, num_neighbors, strict=True)
    found = [reference.ball_query(cloud, queries[b], *ball) for ball in balls]
    return *(indices for indices, _ in found), *(counts for _, counts in found)


def knn(x):
    return {
        "points": x.points,
        "queries": x.queries,
        "num_points": x.num_points,
        "k": x.choose([3, 1, 20, 70, 7, 33, 700]),
    }


def neighbors(b, points, queries, num_points, k):
    return reference.knn(points[b, : num_points[b]], queries[b], k)


# -------------------------------------------------------------------- features


def group_points(x, slots=4):
    rows = x.points.shape[1] + 1
    channels = x.choose([7, 64, 0, 1, 31, 32])
    return {
        "features": x.floats(x.batch, rows, channels),
        "indices": x.rows(rows, x.batch, x.num_queries, slots),
    }


def grouped(b, features, indices):
    return (features[b][indices[b]],)


def group_points_grad(x):
    found = group_points(x)
    channels = found["features"].shape[2]
    return {
        "gradient": x.floats(*found["indices"].shape, channels),
        "indices": found["indices"],
        "num_rows": found["features"].shape[1],
    }


def group_sums(b, gradient, indices, num_rows):
    return (reference.scatter_rows(gradient[b], indices[b], num_rows),)


def three_interpolate(x):
    found = group_points(x, 3)
    return found | {"weights": x.floats(*found["indices"].shape)}


def interpolated(b, features, indices, weights):
    return (reference.three_interpolate(features[b], indices[b], weights[b]),)


def three_interpolate_grad(x):
    found = three_interpolate(x)
    _, rows, channels = found.pop("features").shape
    gradient = x.floats(x.batch, x.num_queries, channels)
    return {"gradient": gradient, **found, "num_rows": rows}


def weighted_sums(b, gradient, indices, weights, num_rows):
    parts = weights[b][..., None] * gradient[b][:, None]
    return (reference.scatter_rows(parts, indices[b], num_rows),)


def three_interpolate_weights_grad(x):
    found = group_points(x, 3)
    channels = found["features"].shape[2]
    return found | {"gradient": x.floats(x.batch, x.num_queries, channels)}


def products(b, features, indices, gradient):
    return (reference.row_products(features[b][indices[b]], gradient[b]),)


# ------------------------------------------------------------ Chamfer distance


def nn_distance(x):
    return {
        "points_a": x.points,
        "points_b": x.queries,
        "num_a": x.num_points,
        "num_b": x.num_real_queries,
    }


def nearest(b, points_a, points_b, num_a, num_b):
    real_a, real_b = points_a[b, : num_a[b]], points_b[b, : num_b[b]]
    there, back = reference.nearest(real_b, real_a), reference.nearest(real_a, real_b)
    rows, other_rows = points_a.shape[1], points_b.shape[1]
    found = [_padded(values, rows) for values in there]
    return *found, *(_padded(values, other_rows) for values in back)


def nn_distance_grad(x):
    pair = nn_distance(x)
    found = [nearest(b, **pair) for b in range(x.batch)]
    (n, m), batch = (pair[name].shape[1] for name in ("points_a", "points_b")), x.batch
    return pair | {
        "indices_a": np.int32([f[1] for f in found]).reshape(batch, n),
        "indices_b": np.int32([f[3] for f in found]).reshape(batch, m),
        "upstream_a": x.floats(batch, n),
        "upstream_b": x.floats(batch, m),
    }


def nearest_slopes(b, points_a, points_b, num_a, num_b, **others):
    n, m = num_a[b], num_b[b]
    names = "indices_a", "indices_b", "upstream_a", "upstream_b"
    rows = zip(names, (n, m, n, m), strict=True)
    sides = [others[name][b, :count] for name, count in rows]
    slopes = np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32)
    if n and m:
        pair = points_a[b, :n], points_b[b, :m]
        slopes = reference.nn_distance_grad(*pair, *sides)
    rows = points_a.shape[1], points_b.shape[1]
    return tuple(_padded(*side) for side in zip(slopes, rows, strict=True))


# ----------------------------------------------------------------------- boxes


def nms_3d(x):
    boxes = x.boxes(x.points.shape[1] % 300)
    scores = x.rng.integers(0, 9, boxes.shape[:2]).astype(np.float32) / 8
    return {
        "boxes": boxes,
        "scores": x.spoil(scores, 0.05, [np.nan, -np.inf]),
        "valid": x.rng.random(scores.shape) < 0.8,
        "iou_threshold": x.choose([0.25, 0.0, 0.5, 1.0]),
        "max_outputs": x.choose([90, 17, 300, 0]),
    }


def kept(b, boxes, scores, valid, iou_threshold, max_outputs):
    own = boxes[b], scores[b], valid[b]
    return reference.nms_3d(*own, iou_threshold, max_outputs)


def sample_in_boxes(x):
    return {
        "points": x.points,
        "boxes": x.boxes(x.num_queries),
        "seed": x.choose(np.int32([[-3, 77], [0, 0], [2**31 - 1, -(2**31)]])),
        "num_points": x.num_points,
        "num_samples": x.choose([20, 0, 6]),
        "margin": x.choose([0.0, 0.25, 1e-45, 3e38]),
    }


def drawn(b, points, boxes, seed, num_points, num_samples, margin):
    cloud = points[b, : num_points[b]]
    return reference.sample_in_boxes(
        cloud, boxes[b], seed.tolist(), b, num_samples, margin
    )


def nearest_assign(x):
    samples = x.choose([5, 1, 30, 0])
    cloud = x.cloud(x.num_queries * samples)
    cloud = cloud.reshape(x.batch, x.num_queries, samples, 3)
    return {
        "points": x.points,
        "samples": cloud,
        "values": x.floats(*cloud.shape[:3]),
        "boxes": x.boxes(x.num_queries),
        "num_points": x.num_points,
    }


def assigned(b, points, samples, values, boxes, num_points):
    cloud, rows = points[b, : num_points[b]], points.shape[1]
    found = reference.nearest_assign(cloud, samples[b], values[b], boxes[b])
    return (_padded(found.T, rows).T,)


class Op(NamedTuple):
    """How arguments of an op are made, and its reference for cloud b of them."""

    arguments: Callable[[Inputs], dict]
    expected: Callable[..., tuple]


OPS = {
    "farthest_point_sample": Op(farthest_point_sample, sampled),
    "ball_query": Op(ball_query, in_balls),
    "knn": Op(knn, neighbors),
    "group_points": Op(group_points, grouped),
    "group_points_grad": Op(group_points_grad, group_sums),
    "three_interpolate": Op(three_interpolate, interpolated),
    "three_interpolate_grad": Op(three_interpolate_grad, weighted_sums),
    "three_interpolate_weights_grad": Op(three_interpolate_weights_grad, products),
    "nn_distance": Op(nn_distance, nearest),
    "nn_distance_grad": Op(nn_distance_grad, nearest_slopes),
    "nms_3d": Op(nms_3d, kept),
    "sample_in_boxes": Op(sample_in_boxes, drawn),
    "nearest_assign": Op(nearest_assign, assigned),
}


class Case(NamedTuple):
    """One call of an op. Its arguments are made when they are needed."""

    op: str
    label: str
    make: Callable[[], dict]


# (batch, points, queries): nothing, one block, several, enough for the spatial tree.
SIZES = [
    *((0, 5, 5), (2, 9, 0), (2, 0, 5), (1, 1, 1), (2, 65, 64), (3, 200, 33)),
    (1, 1100, 70),
]


def _lattice():
    """Points with far more ties than a window of samples holds."""
    axis = np.arange(24, dtype=np.float32)
    points = np.stack(np.meshgrid(axis, axis, [0, 1]), -1).reshape(1, -1, 3) / 8
    points = np.random.default_rng(0).permutation(points, axis=1).astype(np.float32)
    return {"points": points, "num_points": np.int32([points.shape[1]])}


def _every_point():
    """More samples than points, so that blocks of points are left out in all ways."""
    points, num_points = make_points("random", 1, 300), np.int32([300])
    return {"points": points, "num_samples": 310, "num_points": num_points}


def _surface():
    """A point at exactly the radius, which is outside, and one just inside."""
    radius = np.float32(0.1)
    points = np.zeros((1, 3, 3), np.float32)
    points[0, :, 0] = [radius, np.nextafter(radius, np.float32(0)), 0]
    cloud = {"points": points, "queries": points[:, 2:], "num_points": np.int32([3])}
    return cloud | {"radii": [float(radius)], "num_neighbors": [3]}


def _many_rows():
    """Slots of several tiles of a sort, of which half name one row."""
    rng, rows, slots = np.random.default_rng(0), 70000, 2600
    indices = rng.integers(0, rows, (1, slots, 1)).astype(np.int32)
    indices[rng.random(indices.shape) < 0.5] = 65537
    gradient = rng.normal(size=(1, slots, 1, 1)).astype(np.float32)
    return {"gradient": gradient, "indices": indices, "num_rows": rows}


def _many_boxes():
    points, samples = make_points("random", 1, 3000), make_points("random", 1, 1400, 1)
    values = np.broadcast_to(np.arange(1, 21, dtype=np.float32), (1, 70, 20))
    return {
        "points": points,
        "samples": samples.reshape(1, 70, 20, 3),
        "values": values,
        "boxes": make_boxes(np.random.default_rng(0), 1, 70),
        "num_points": np.int32([3000]),
    }


SPECIAL = [
    Case("farthest_point_sample", "ties", lambda: _lattice() | {"num_samples": 300}),
    Case("knn", "ties", lambda: _lattice() | {"queries": _lattice()["points"], "k": 7}),
    Case("farthest_point_sample", "every point", _every_point),
    Case("ball_query", "surface", _surface),
    Case("group_points_grad", "many rows", _many_rows),
    Case("nearest_assign", "many boxes", _many_boxes),
    Case("nn_distance", "trees", lambda: nn_distance(Inputs("random", 2, 300, 2100))),
    Case("nms_3d", "large", lambda: nms_3d(Inputs("random", 2, 299, 1, variant=2))),
]


def grid_case(op, kind, size):
    """A case whose attributes depend on the kind of its clouds."""
    variant = KINDS.index(kind)
    inputs = (kind, *size, variant, variant)
    label = "-".join(map(str, (kind, *size)))
    return Case(op, label, lambda: OPS[op].arguments(Inputs(*inputs)))


CASES = SPECIAL + [
    grid_case(op, kind, size) for op in OPS for kind in KINDS for size in SIZES
]


def compare(op, arguments, found, equal):
    """Compares the outputs [B, ...] of an op, cloud by cloud, with the reference."""
    batch = len(next(a for a in arguments.values() if np.ndim(a) > 1))
    with np.errstate(all="ignore"):
        for b in range(batch):
            expected = OPS[op].expected(b, **arguments)
            for value, wanted in zip(found, expected, strict=True):
                assert value[b].shape == wanted.shape
                equal(value[b], wanted)
    assert all(len(value) == batch for value in found)
