"""Farthest point sampling, with many samples for one look at all points.

Distances to the nearest sample only ever fall. So the farthest of all points is among
the WINDOW farthest ones of a moment ago for as long as one of those is farther than all
the others were then: samples are taken from this window first, and what they change
in the rest is found afterwards, in blocks of neighbours that they can reach.
"""

import tensorflow as tf

from gspn_tf.ops.portable.blocks import (
    INFINITY,
    Blocks,
    filled,
    finite,
    matchable,
    squared_bound,
    squared_distances,
)
from gspn_tf.ops.portable.checks import Axes

BLOCK = 256  # points
WINDOW = 512  # points that the next samples are taken from
SAMPLES_AT_ONCE = 32  # of them that are looked at together
PAIRS_AT_ONCE = 2048  # of a sample and a block


def _next_samples(cloud: tf.Tensor, nearest: tf.Tensor) -> tf.Tensor:
    """Rows [p] of the next samples, p <= WINDOW; none when all are at distance 0.

    cloud [N, 3]; nearest [N]: squared distances to the nearest sample.

    A point is a sample, at its height, when no higher one is so near that it could
    lower it. Of the SAMPLES_AT_ONCE highest that is so for most: they are taken
    together, and put in order of their heights later. A sample changes nothing that is
    farther from it than its height, whichever of both is first.
    """
    size = tf.minimum(WINDOW, tf.shape(nearest)[0])
    heights, rows = tf.math.top_k(tf.concat([nearest, [-1.0]], 0), size + 1)
    # The first point outside: no sample may come after it.
    height_outside, row_outside = heights[-1], rows[-1]
    rows = tf.sort(rows[:-1])  # so that of equals the first is taken
    points = tf.gather(cloud, rows)
    points = tf.where(tf.math.is_finite(points), points, 0.0)
    places = tf.transpose(points)
    together = tf.minimum(SAMPLES_AT_ONCE, size)

    def take(_: tf.Tensor, taken: tf.Tensor, left: tf.Tensor) -> tuple:
        heights, picks = tf.math.top_k(left, together)
        before = tf.gather(rows, picks) < row_outside
        sure = (heights > height_outside) | ((heights == height_outside) & before)
        apart = squared_distances(tf.gather(points, picks), places)  # [m, size]
        lowers = tf.gather(apart, picks, axis=1) < heights  # [m, m]: row the column
        lowered = tf.reduce_any(lowers & higher, 0)
        heights = tf.where(sure & ~lowered, heights, 0.0)
        taken = tf.tensor_scatter_nd_max(taken, picks[:, None], heights)
        apart = tf.where(apart < heights[:, None], apart, INFINITY)
        left = tf.minimum(left, tf.reduce_min(apart, 0))
        return heights[0] > 0, taken, left

    higher = tf.range(together)[:, None] < tf.range(together)
    left = tf.gather(nearest, rows)
    _, taken, _ = tf.while_loop(
        lambda going, *_: going,
        take,
        (True, tf.zeros_like(left), left),
        parallel_iterations=1,
    )
    heights, order = tf.math.top_k(taken, size)
    return tf.gather(rows, order[: tf.math.count_nonzero(heights, dtype=tf.int32)])


def _approach(blocks: Blocks, nearest: tf.Tensor, samples: tf.Tensor) -> tf.Tensor:
    """Squared distances nearest [n, size] after the samples [p, 3] are taken.

    blocks: of one cloud, points [n, 3, size] and centers [3, n].
    """
    limits = squared_bound(tf.sqrt(tf.reduce_max(nearest, 1)) + blocks.reaches)
    around = squared_distances(samples, blocks.centers)  # [p, n]
    pairs = tf.cast(tf.where(around <= limits), tf.int32)

    def compare(start: tf.Tensor, nearest: tf.Tensor) -> tuple:
        sample, block = tf.unstack(pairs[start : start + PAIRS_AT_ONCE], axis=1)
        squares = tf.math.squared_difference(
            tf.gather(blocks.points, block), tf.gather(samples, sample)[..., None]
        )
        least = tf.math.unsorted_segment_min(
            tf.reduce_sum(squares, 1), block, tf.shape(nearest)[0]
        )
        return start + PAIRS_AT_ONCE, tf.minimum(nearest, least)

    return tf.while_loop(
        lambda start, _: start < tf.shape(pairs)[0],
        compare,
        (0, nearest),
        parallel_iterations=1,
    )[1]


def _sample_cloud(cloud: tf.Tensor, blocks: Blocks, count: tf.Tensor) -> tf.Tensor:
    """Rows [count] of the samples of one cloud [N, 3] in blocks of neighbours."""
    usable = finite(blocks.points)  # [n, size]
    nearest = tf.where(usable, tf.float32.max, 0.0)
    known = tf.where(usable[..., None], blocks.points, 0.0)
    centers = tf.transpose(blocks.centers)
    blocks = blocks._replace(points=tf.transpose(known, [0, 2, 1]), centers=centers)

    def take(taken: tf.Tensor, fresh: tf.Tensor, nearest: tf.Tensor) -> tuple:
        nearest = _approach(blocks, nearest, tf.gather(cloud, fresh))
        in_order = tf.gather(tf.reshape(nearest, [-1]), blocks.places)
        fresh = _next_samples(cloud, in_order)
        return tf.concat([taken, fresh], 0), fresh, nearest

    first = tf.zeros([1], tf.int32)
    rows = tf.TensorShape([None])
    taken, _, _ = tf.while_loop(
        lambda taken, fresh, _: (tf.shape(taken)[0] < count) & (tf.shape(fresh)[0] > 0),
        take,
        (first, first, nearest),
        shape_invariants=(rows, rows, nearest.shape),
        parallel_iterations=1,
    )
    taken = taken[:count]
    return tf.pad(taken, [[0, count - tf.shape(taken)[0]]])


@tf.function(autograph=False, reduce_retracing=True)
def _sample_clouds(
    points: tf.Tensor, counts: tf.Tensor, num_samples: tf.Tensor
) -> tf.Tensor:
    points = matchable(points, counts)
    blocks = Blocks.of(points, BLOCK)

    def write(b: tf.Tensor, arrays: list) -> list[tf.TensorArray]:
        own = Blocks(*(value[b] for value in blocks))
        return [arrays[0].write(b, _sample_cloud(points[b], own, num_samples))]

    batch = tf.shape(points)[0]
    return filled(batch, [tf.zeros([num_samples], tf.int32)], batch, write)[0]


def gspn_farthest_point_sample(
    points: tf.Tensor, num_samples: int | tf.Tensor, num_points: tf.Tensor
) -> tf.Tensor:
    axes = Axes("farthest_point_sample")
    points = axes.fixed("points", points, "BN3")
    num_samples = axes.bind("num_samples", num_samples, "", tf.int32)
    num_points = axes.counts("num_points", num_points, "N")
    num_samples = axes.within("num_samples", num_samples, 0, tf.int32.max)
    indices = tf.cond(
        tf.equal(axes.sizes["N"], 0),
        lambda: tf.zeros([axes.sizes["B"], num_samples], tf.int32),
        lambda: _sample_clouds(points, num_points, num_samples),
    )
    # TensorFlow knows this length also where it was taken from another shape.
    axes.known["M"] = tf.zeros([num_samples], tf.bool).shape[0]
    return axes.ensure(indices, "BM")
