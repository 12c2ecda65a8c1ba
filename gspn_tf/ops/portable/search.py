"""Neighbour search, a block of queries at a time.

The points near enough to a block's centre to matter to any of its queries are few, and
those are compared with all of them.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from gspn_tf.ops.portable.blocks import (
    INFINITY,
    Blocks,
    each_chunk,
    finite,
    least,
    matchable,
    squared_bound,
    squared_distances,
)
from gspn_tf.ops.portable.checks import Axes, refuse

FEW_POINTS = 256  # points that each query is compared with
ALL = 4096  # queries at a time


def _search(
    points: tf.Tensor,
    queries: Blocks,
    radii: Callable,
    visit: Callable,
    blanks: list[tf.Tensor],
) -> list[tf.Tensor]:
    """Calls `visit(distances [size, n], rows [n])` for each block of queries.

    The distances are to those points [B, N, 3] that lie within a radius of any query
    of the block; `radii(around [1, N], reach)` says which, from the squared distances
    to its centre. blanks: as of each_chunk.
    """
    clouds = tf.transpose(points, [0, 2, 1])

    def look(cloud: tf.Tensor, center: tf.Tensor, i: tf.Tensor, b: tf.Tensor) -> list:
        around, reach = squared_distances(center, cloud), queries.reaches[b, i]
        near = around[0] <= squared_bound(reach + radii(around, reach))
        rows = tf.cast(tf.where(near)[:, 0], tf.int32)
        places = tf.gather(cloud, rows, axis=1)
        found = visit(squared_distances(queries.points[b, i], places), rows)
        return [value[None] for value in found]

    blanks = [blank[None] for blank in blanks]
    found = each_chunk(look, clouds, queries.centers, 1, blanks)
    return [queries.in_order(x) for x in found]


def _at_origin(queries: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Queries [B, M, 3], those that are not finite at 0, and which are: [B, M, 1]."""
    real = finite(queries)[..., None]
    return tf.where(real, queries, 0.0), real


@tf.function(autograph=False, reduce_retracing=True)
def _knn_graph(
    points: tf.Tensor, queries: tf.Tensor, counts: tf.Tensor, k: int
) -> tuple[tf.Tensor, tf.Tensor]:
    size, num_queries = tf.shape(points)[1], tf.shape(queries)[1]
    # There are always k to look at, if nowhere.
    missing = [[0, 0], [0, k], [0, 0]]
    points = tf.pad(matchable(points, counts), missing, constant_values=INFINITY)
    queries, real = _at_origin(queries)
    # So many that a block has about a dozen points of its own.
    share = tf.clip_by_value(12 * num_queries // tf.maximum(size, 1), 128, 8192)
    many = size > FEW_POINTS
    blocks = Blocks.of(queries, tf.where(many, share, ALL), near=many)

    def radii(around: tf.Tensor, reach: tf.Tensor) -> tf.Tensor:
        # The k nearest of the centre are that near, and one reach more, to any query.
        return tf.sqrt(least(around, k)[0][0, -1]) + reach

    def visit(distances: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        values, places = least(distances, k)
        return values, tf.gather(rows, places)

    blank = tf.zeros([tf.shape(blocks.points)[2], k])
    distances, indices = _search(
        points, blocks, radii, visit, [blank, tf.cast(blank, tf.int32)]
    )
    distances = tf.where(real, distances, INFINITY)
    return distances, tf.where(distances < INFINITY, indices, 0)


def gspn_knn(
    points: tf.Tensor, queries: tf.Tensor, num_points: tf.Tensor, k: int
) -> tuple[tf.Tensor, tf.Tensor]:
    axes = Axes("knn")
    points = axes.fixed("points", points, "BN3")
    queries = axes.fixed("queries", queries, "BM3")
    num_points = axes.counts("num_points", num_points, "N")
    if k < 1:
        refuse("knn", "k", ">= 1", k)
    axes.known["K"] = k
    distances, indices = _knn_graph(points, queries, num_points, k)
    return axes.ensure(distances, "BMK"), axes.ensure(indices, "BMK")


def squared_limit(radius: float) -> np.float32:
    """The largest float32 whose square root is below the radius."""
    bound, largest = np.float32(radius), np.finfo(np.float32).max
    with np.errstate(over="ignore"):
        limit = np.minimum(bound * bound, largest)
    while limit > 0 and np.sqrt(limit) >= bound:
        limit = np.nextafter(limit, np.float32(0))
    while limit < largest and np.sqrt(np.nextafter(limit, largest)) < bound:
        limit = np.nextafter(limit, largest)
    return limit


def _first_hits(
    hits: tf.Tensor, rows: tf.Tensor, count: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """The first `count` columns of bool [size, n] that are True, and how many.

    rows [n]: what the columns stand for. Unused slots repeat the first hit.
    """
    found = tf.math.count_nonzero(hits, 1, dtype=tf.int32)  # [size]
    columns = tf.cast(tf.where(hits)[:, 1], tf.int32)
    slots = tf.range(count)[None]
    slots = tf.where(slots < found[:, None], slots, 0)
    places = tf.cumsum(found, exclusive=True)[:, None] + slots
    # A query without any hit reads what follows, or the row of zero at the end.
    values = tf.concat([tf.gather(rows, columns), [0]], 0)
    taken = tf.where(found[:, None] > 0, tf.gather(values, places), 0)
    return taken, tf.minimum(found, count)


@tf.function(autograph=False, reduce_retracing=True)
def _balls_graph(
    points: tf.Tensor, queries: tf.Tensor, counts: tf.Tensor, radii: tuple, sizes: tuple
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    queries, real = _at_origin(queries)
    # Few queries are far apart, and would have few points to skip in common.
    blocks = Blocks.of(queries, tf.clip_by_value(tf.shape(queries)[1] // 64, 16, 128))

    def visit(distances: tf.Tensor, rows: tf.Tensor) -> list[tf.Tensor]:
        found: list[tf.Tensor] = []
        for radius, size in zip(radii, sizes, strict=True):
            found += _first_hits(distances <= squared_limit(radius), rows, size)
        return found

    each = tf.shape(blocks.points)[2]
    blanks = [tf.zeros(s, tf.int32) for size in sizes for s in ([each, size], [each])]
    clouds = matchable(points, counts)
    found = _search(clouds, blocks, lambda *_: max(radii), visit, blanks)
    real = tf.cast(real, tf.int32)
    return [real * x for x in found[::2]], [real[..., 0] * x for x in found[1::2]]


def _check_balls(radii: Sequence[float], num_neighbors: Sequence[int]) -> None:
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
    points: tf.Tensor,
    queries: tf.Tensor,
    num_points: tf.Tensor,
    num_radii: int,
    radii: Sequence[float],
    num_neighbors: Sequence[int],
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    axes = Axes("ball_query")
    points = axes.fixed("points", points, "BN3")
    queries = axes.fixed("queries", queries, "BM3")
    num_points = axes.counts("num_points", num_points, "N")
    _check_balls(radii, num_neighbors)
    sizes = tuple(num_neighbors)
    found, counts = _balls_graph(points, queries, num_points, tuple(radii), sizes)
    indices = []
    for rows, axes.known["K"] in zip(found, sizes, strict=True):
        indices.append(axes.ensure(rows, "BMK"))
    return indices, [axes.ensure(x, "BM") for x in counts]
