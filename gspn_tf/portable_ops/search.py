"""Neighbour search: queries go along a space-filling curve, a block at a time.

The points near enough to a block's centre to matter to any of its queries are few, and
those are compared with all of them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gspn_tf.portable_ops.checks import Axes, refuse

BLOCK = 64  # queries that are searched together
CURVE_BITS = 10  # per axis
# Shifts and masks that leave two bits free after each one of such a number.
SPREAD = ((2**16, 0x030000FF), (2**8, 0x0300F00F), (2**4, 0x030C30C3), (4, 0x09249249))
INFINITY = float("inf")
# The bounds of a block are computed with rounding: they are widened by this share, and
# by metres whose square is a normal number.
WIDER, WIDER_BY = 1.0001, 1e-18


class Neighbors(NamedTuple):
    distances: tf.Tensor  # [B, M, k]
    indices: tf.Tensor  # [B, M, k] int32


class Balls(NamedTuple):
    indices: list[tf.Tensor]  # of each radius [B, M, K] int32
    counts: list[tf.Tensor]  # of each radius [B, M] int32


def finite(points: tf.Tensor) -> tf.Tensor:
    """Whether all coordinates [..., 3] are: bool [...]."""
    return tf.reduce_all(tf.math.is_finite(points), -1)


def matchable(points: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Points [B, N, 3] with those that match nothing infinitely far away."""
    real = finite(points) & tf.sequence_mask(counts, tf.shape(points)[1])
    return tf.where(real[..., None], points, INFINITY)


def squared_distances(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Of a [n, 3] and b [3, m]: [n, m], (dx * dx + dy * dy) + dz * dz as in C++.

    Each operation is an op of its own, so that none can be contracted.
    """
    return tf.add_n([tf.math.squared_difference(a[:, i, None], b[i]) for i in range(3)])


def curve_order(points: tf.Tensor) -> tf.Tensor:
    """Rows [B, N] of points [B, N, 3] along a Morton curve; not finite ones last."""
    usable = finite(points)[..., None]
    low = tf.reduce_min(tf.where(usable, points, INFINITY), 1, keepdims=True)
    high = tf.reduce_max(tf.where(usable, points, -INFINITY), 1, keepdims=True)
    largest = tf.reduce_max(high - low, -1, keepdims=True)
    cells = tf.math.divide_no_nan(points - low, largest) * (2**CURVE_BITS - 1)
    bits = tf.cast(tf.where(usable, cells, 0.0), tf.int32)
    for factor, mask in SPREAD:
        bits = (bits | bits * factor) & mask
    code = bits[..., 0] + 2 * bits[..., 1] + 4 * bits[..., 2]
    code = tf.where(usable[..., 0], code, 2**30)
    return tf.math.top_k(-code, tf.shape(code)[1]).indices


class Blocks(NamedTuple):
    """Queries [B, M, 3] along the curve, BLOCK at a time."""

    values: tf.Tensor  # [B * n, BLOCK, 3]; not finite ones are at 0
    per_cloud: tf.Tensor  # n
    places: tf.Tensor  # [B * M] rows of values, flat, of each query

    @classmethod
    def of(cls, queries: tf.Tensor) -> "Blocks":
        """Queries of all clouds in the order of the curve."""
        batch, count = tf.unstack(tf.shape(queries)[:2])
        order = curve_order(queries)
        per_cloud = -(-count // BLOCK)
        padded = tf.minimum(tf.range(per_cloud * BLOCK), count - 1)
        rows = tf.gather(order, padded, axis=1)
        values = tf.gather(queries, rows, axis=1, batch_dims=1)
        values = tf.where(finite(values)[..., None], values, 0.0)
        clouds = tf.range(batch)[:, None]
        inverse = tf.math.invert_permutation(tf.reshape(order + clouds * count, [-1]))
        inverse = tf.reshape(inverse, [batch, count]) + clouds * (
            per_cloud * BLOCK - count
        )
        return cls(
            tf.reshape(values, [-1, BLOCK, 3]), per_cloud, tf.reshape(inverse, [-1])
        )

    def search(self, visit: Callable, clouds: tf.Tensor, blanks: list[tf.Tensor]):
        """What `visit(block [BLOCK, 3], cloud [3, N])` gives for each query.

        blanks: tensors of the shapes and types of what it gives. Returns a list of
        tensors [B * M, ...].
        """
        total = tf.shape(self.values)[0]
        # One more element, so that its shape is known where there is no block.
        arrays = [
            tf.TensorArray(blank.dtype, total + 1).write(total, blank)
            for blank in blanks
        ]

        def body(i, *arrays):
            found = visit(self.values[i], clouds[i // self.per_cloud])
            return i + 1, *[a.write(i, v) for a, v in zip(arrays, found, strict=True)]

        _, *arrays = tf.while_loop(
            lambda i, *_: i < total, body, (0, *arrays), parallel_iterations=2
        )
        found = [array.stack()[:-1] for array in arrays]
        return [
            tf.gather(tf.reshape(x, tf.concat([[-1], tf.shape(x)[2:]], 0)), self.places)
            for x in found
        ]


def _center(block: tf.Tensor) -> tf.Tensor:
    """[1, 3] amid a block [BLOCK, 3], and the largest distance [] to it."""
    low, high = tf.reduce_min(block, 0), tf.reduce_max(block, 0)
    center = (0.5 * low + 0.5 * high)[None]
    reach = tf.sqrt(tf.reduce_max(squared_distances(block, tf.transpose(center))))
    return center, reach


def _within(distances: tf.Tensor, radius: tf.Tensor) -> tf.Tensor:
    """Columns [n] int32 of squared distances [N] within the radius, ascending."""
    limit = tf.square(radius * WIDER + WIDER_BY)
    return tf.cast(tf.where(distances <= limit)[:, 0], tf.int32)


@tf.function(autograph=False, reduce_retracing=True)
def _knn(points, queries, counts, k: int):
    clouds = tf.transpose(matchable(points, counts), [0, 2, 1])
    kept = tf.minimum(k, tf.shape(points)[1])

    def visit(block, cloud):
        center, reach = _center(block)
        around = squared_distances(center, cloud)[0]
        nearest = -tf.math.top_k(-around, kept).values
        farthest = tf.sqrt(tf.reduce_max(nearest))
        rows = _within(around, farthest + 2 * reach)
        distances = squared_distances(block, tf.gather(cloud, rows, axis=1))
        values, places = tf.math.top_k(-distances, kept)
        return -values, tf.gather(rows, places)

    blank = tf.zeros([BLOCK, kept])
    distances, indices = Blocks.of(queries).search(
        visit, clouds, [blank, tf.cast(blank, tf.int32)]
    )
    real = finite(tf.reshape(queries, [-1, 3]))[:, None]
    distances = tf.where(real, distances, INFINITY)
    indices = tf.where(distances < INFINITY, indices, 0)
    missing = [[0, 0], [0, k - kept]]
    return (
        tf.pad(distances, missing, constant_values=INFINITY),
        tf.pad(indices, missing),
    )


def gspn_knn(points, queries, num_points, k: int) -> Neighbors:
    axes = Axes("knn")
    points = axes.bind("points", points, "BN3")
    queries = axes.bind("queries", tf.convert_to_tensor(queries, tf.float32), "BM3")
    num_points = axes.counts("num_points", num_points, "N")
    if k < 1:
        refuse("knn", "k", ">= 1", k)
    axes.known["K"] = k
    points, queries = tf.stop_gradient(points), tf.stop_gradient(queries)
    shape = [axes.sizes["B"], axes.sizes["M"], k]
    return Neighbors(
        *(
            tf.ensure_shape(tf.reshape(x, shape), axes.shape("BMK"))
            for x in _knn(points, queries, num_points, k)
        )
    )


def squared_limit(radius: float) -> np.float32:
    """The largest float32 whose square root is below the radius."""
    radius, largest = np.float32(radius), np.finfo(np.float32).max
    with np.errstate(over="ignore"):
        limit = min(radius * radius, largest)
    while limit > 0 and np.sqrt(limit) >= radius:
        limit = np.nextafter(limit, np.float32(0))
    while limit < largest and np.sqrt(np.nextafter(limit, largest)) < radius:
        limit = np.nextafter(limit, largest)
    return limit


def _first_hits(hits: tf.Tensor, rows: tf.Tensor, count: int):
    """The first `count` columns of bool [BLOCK, n] that are True, and how many.

    rows [n]: what the columns stand for. Unused slots repeat the first hit.
    """
    found = tf.math.count_nonzero(hits, 1, dtype=tf.int32)  # [BLOCK]
    columns = tf.cast(tf.where(hits)[:, 1], tf.int32)
    slots = tf.range(count)[None]
    slots = tf.where(slots < found[:, None], slots, 0)
    places = tf.cumsum(found, exclusive=True)[:, None] + slots
    # A query without any hit reads what follows, or the row of zero at the end.
    values = tf.concat([tf.gather(rows, columns), [0]], 0)
    taken = tf.where(found[:, None] > 0, tf.gather(values, places), 0)
    return taken, tf.minimum(found, count)


@tf.function(autograph=False, reduce_retracing=True)
def _ball_query(points, queries, counts, radii: tuple, num_neighbors: tuple):
    clouds = tf.transpose(matchable(points, counts), [0, 2, 1])

    def visit(block, cloud):
        center, reach = _center(block)
        rows = _within(squared_distances(center, cloud)[0], reach + max(radii))
        distances = squared_distances(block, tf.gather(cloud, rows, axis=1))
        found = []
        for radius, count in zip(radii, num_neighbors, strict=True):
            found += _first_hits(distances <= squared_limit(radius), rows, count)
        return found

    blanks = []
    for count in num_neighbors:
        blanks += [tf.zeros([BLOCK, count], tf.int32), tf.zeros([BLOCK], tf.int32)]
    found = Blocks.of(queries).search(visit, clouds, blanks)
    real = tf.cast(finite(tf.reshape(queries, [-1, 3])), tf.int32)
    return [real[:, None] * x for x in found[::2]], [real * x for x in found[1::2]]


def _check_balls(radii, num_neighbors) -> None:
    if not radii:
        refuse("ball_query", "num_radii", ">= 1", 0)
    for radius in radii:
        if not 0 < radius < INFINITY:
            refuse("ball_query", "radius", "positive and finite", radius)
    if len(num_neighbors) != len(radii):
        expected = f"one for each of {len(radii)} radii"
        refuse("ball_query", "num_neighbors", expected, len(num_neighbors))
    for count in num_neighbors:
        if count < 1:
            refuse("ball_query", "num_neighbors", ">= 1", count)


def gspn_ball_query(
    points, queries, num_points, num_radii: int, radii: list, num_neighbors: list
) -> Balls:
    axes = Axes("ball_query")
    points = axes.bind("points", points, "BN3")
    queries = axes.bind("queries", tf.convert_to_tensor(queries, tf.float32), "BM3")
    num_points = axes.counts("num_points", num_points, "N")
    _check_balls(radii, num_neighbors)
    points, queries = tf.stop_gradient(points), tf.stop_gradient(queries)
    indices, counts = _ball_query(
        points, queries, num_points, tuple(radii), tuple(num_neighbors)
    )
    shape = [axes.sizes["B"], axes.sizes["M"]]
    balls = Balls([], [])
    for index, count, slots in zip(indices, counts, num_neighbors, strict=True):
        index = tf.reshape(index, [*shape, slots])
        balls.indices.append(tf.ensure_shape(index, [*axes.shape("BM"), slots]))
        balls.counts.append(tf.ensure_shape(tf.reshape(count, shape), axes.shape("BM")))
    return balls
