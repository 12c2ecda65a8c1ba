"""Points inside axis-aligned boxes [centre (3), size (3)]."""

import functools

import tensorflow as tf

from gspn_tf.ops.portable.blocks import (
    INFINITY,
    each_chunk,
    finite,
    least,
    matchable,
    squared_distances,
)
from gspn_tf.ops.portable.checks import Axes, refuse

BOXES = 8  # that are compared with all points together
NOWHERE = float("nan")  # not inside an infinite box either
POINTS_AT_ONCE = 4096  # points inside a box that are compared with its samples together


# --------------------------------------------------------------- points in boxes


def _in_boxes(cloud: tf.Tensor, boxes: tf.Tensor, margin: float) -> tf.Tensor:
    """Which of the points [3, N] are in which closed boxes [R, 6]: bool [R, N]."""
    half = 0.5 * boxes[:, 3:] + margin
    low, high = boxes[:, :3] - half, boxes[:, :3] + half
    inside = [cloud[axis] >= low[:, axis, None] for axis in range(3)]
    inside += [cloud[axis] <= high[:, axis, None] for axis in range(3)]
    return functools.reduce(tf.logical_and, inside)


def _placed(points: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Points [B, N, 3] as [B, 3, N], in no box where they match nothing."""
    points = matchable(points, counts)
    return tf.transpose(tf.where(points < INFINITY, points, NOWHERE), [0, 2, 1])


# ------------------------------------------------------------- sampling in boxes


def _split_mix(value: tf.Tensor) -> tf.Tensor:
    """Finaliser of SplitMix64 on uint64, as of the native kernel."""

    def fold(x: tf.Tensor, shift: int) -> tf.Tensor:
        shifted = tf.bitwise.right_shift(x, tf.constant(shift, tf.uint64))
        return tf.bitwise.bitwise_xor(x, shifted)

    value += tf.constant(0x9E3779B97F4A7C15, tf.uint64)
    value = fold(value, 30) * tf.constant(0xBF58476D1CE4E5B9, tf.uint64)
    value = fold(value, 27) * tf.constant(0x94D049BB133111EB, tf.uint64)
    return fold(value, 31)


def _uint64(value: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.cast(value, tf.int64), tf.uint64)


@tf.function(autograph=False, reduce_retracing=True)
def _samples_graph(
    points: tf.Tensor,
    boxes: tf.Tensor,
    seed: tf.Tensor,
    counts: tf.Tensor,
    num_samples: int,
    margin: float,
) -> list[tf.Tensor]:
    words = _uint64(tf.bitcast(seed, tf.uint32))
    shift = tf.constant(32, tf.uint64)
    key = _split_mix(tf.bitwise.left_shift(words[0], shift) + words[1])

    def visit(
        cloud: tf.Tensor, some: tf.Tensor, first: tf.Tensor, b: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        inside = _in_boxes(cloud, some, margin)
        found = tf.math.count_nonzero(inside, 1, dtype=tf.int32)  # [BOXES]
        members = tf.concat([tf.cast(tf.where(inside)[:, 1], tf.int32), [0]], 0)
        own = _split_mix(key + _uint64(b)) + _uint64(first + tf.range(BOXES))
        draws = _split_mix(own)[:, None] + _uint64(tf.range(num_samples))
        draws = tf.bitwise.right_shift(_split_mix(draws), shift)
        draws = draws * _uint64(found)[:, None]
        draws = tf.cast(tf.bitwise.right_shift(draws, shift), tf.int32)
        places = tf.cumsum(found, exclusive=True)[:, None] + draws
        return tf.where(found[:, None] > 0, tf.gather(members, places), 0), found

    blanks = [tf.zeros([BOXES, num_samples], tf.int32), tf.zeros([BOXES], tf.int32)]
    return each_chunk(visit, _placed(points, counts), boxes, BOXES, blanks)


def gspn_sample_in_boxes(
    points: tf.Tensor,
    boxes: tf.Tensor,
    seed: tf.Tensor,
    num_points: tf.Tensor,
    num_samples: int,
    margin: float,
) -> tuple[tf.Tensor, tf.Tensor]:
    axes = Axes("sample_in_boxes")
    points = axes.fixed("points", points, "BN3")
    boxes = axes.fixed("boxes", boxes, "BR6")
    seed = axes.bind("seed", seed, "2", tf.int32)
    num_points = axes.counts("num_points", num_points, "N")
    if not 0 <= margin < INFINITY:
        refuse("sample_in_boxes", "margin", ">= 0 and finite", margin)
    if num_samples < 0:
        refuse("sample_in_boxes", "num_samples", ">= 0", num_samples)
    axes.known["M"] = num_samples
    found = _samples_graph(points, boxes, seed, num_points, num_samples, margin)
    return axes.ensure(found[0], "BRM"), axes.ensure(found[1], "BR")


# ---------------------------------------------------------------- nearest sample


def _nearest_values(
    places: tf.Tensor, samples: tf.Tensor, values: tf.Tensor
) -> tf.Tensor:
    """The value [n] of the nearest of samples [3, M] to each place [n, 3]."""
    distances, nearest = least(squared_distances(places, samples), 1)
    found = tf.where(distances < INFINITY, tf.gather(values, nearest), 0.0)
    return found[:, 0]


@tf.function(autograph=False, reduce_retracing=True)
def _assign_graph(
    points: tf.Tensor,
    samples: tf.Tensor,
    values: tf.Tensor,
    boxes: tf.Tensor,
    counts: tf.Tensor,
) -> tf.Tensor:
    # A last sample that is nowhere: there is always one to look at.
    samples = tf.where(finite(samples)[..., None], samples, INFINITY)
    samples = tf.pad(
        samples, [[0, 0], [0, 0], [0, 1], [0, 0]], constant_values=INFINITY
    )
    samples = tf.transpose(samples, [0, 1, 3, 2])  # [B, D, 3, M + 1]
    values = tf.pad(values, [[0, 0], [0, 0], [0, 1]])
    count = tf.shape(points)[1]

    def visit(
        cloud: tf.Tensor, some: tf.Tensor, d: tf.Tensor, b: tf.Tensor
    ) -> list[tf.Tensor]:
        rows = tf.where(_in_boxes(cloud, some, 0.0)[0])
        places = tf.transpose(tf.gather(cloud, rows[:, 0], axis=1))
        parts = -(-tf.shape(places)[0] // POINTS_AT_ONCE)

        def write(i: tf.Tensor, found: tf.TensorArray) -> tuple:
            part = places[i * POINTS_AT_ONCE : (i + 1) * POINTS_AT_ONCE]
            own = _nearest_values(part, samples[b, d], values[b, d])
            return i + 1, found.write(i, own)

        found = tf.TensorArray(
            tf.float32, parts + 1, element_shape=[None], infer_shape=False
        ).write(parts, tf.zeros([0]))
        _, found = tf.while_loop(
            lambda i, _: i < parts, write, (0, found), parallel_iterations=1
        )
        assigned = tf.scatter_nd(rows, found.concat(), [tf.cast(count, tf.int64)])
        return [assigned[None]]

    clouds = _placed(points, counts)
    return each_chunk(visit, clouds, boxes, 1, [tf.zeros([1, count])])[0]


def gspn_nearest_assign(
    points: tf.Tensor,
    samples: tf.Tensor,
    values: tf.Tensor,
    boxes: tf.Tensor,
    num_points: tf.Tensor,
) -> tf.Tensor:
    axes = Axes("nearest_assign")
    points = axes.fixed("points", points, "BN3")
    samples = axes.fixed("samples", samples, "BDM3")
    values = axes.fixed("values", values, "BDM")
    boxes = axes.fixed("boxes", boxes, "BD6")
    num_points = axes.counts("num_points", num_points, "N")
    found = _assign_graph(points, samples, values, boxes, num_points)
    return axes.ensure(found, "BDN")
