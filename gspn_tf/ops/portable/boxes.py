"""Points inside axis-aligned boxes [centre (3), size (3)]."""

from collections.abc import Callable

import tensorflow as tf

from gspn_tf.ops.portable.blocks import (
    INFINITY,
    finite,
    least,
    matchable,
    squared_distances,
)
from gspn_tf.ops.portable.checks import Axes, refuse

NOWHERE = float("nan")  # not inside an infinite box either
POINTS_AT_ONCE = 4096  # points inside a box that are compared with its samples together


# --------------------------------------------------------------- points in boxes


def _inside(cloud: tf.Tensor, box: tf.Tensor, margin: float) -> tf.Tensor:
    """Rows [n] int32 of the points [3, N] that are in a closed box [6]."""
    half = 0.5 * box[3:] + margin
    low, high = (box[:3] - half)[:, None], (box[:3] + half)[:, None]
    x, y, z = tf.unstack((cloud >= low) & (cloud <= high), num=3)
    return tf.cast(tf.where(x & y & z)[:, 0], tf.int32)


def _placed(points: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Points [B, N, 3] as [B, 3, N], in no box where they match nothing."""
    points = matchable(points, counts)
    return tf.transpose(tf.where(points < INFINITY, points, NOWHERE), [0, 2, 1])


def _each_box(visit: Callable, boxes: tf.Tensor, kinds: list) -> list[tf.Tensor]:
    """Stacks what `visit(box [6], b, r)` gives for boxes [B, R, 6]: [B, R, ...].

    kinds: shapes and types of what it gives.
    """
    batch, count = tf.unstack(tf.shape(boxes)[:2])

    def one(i: tf.Tensor) -> list[tf.Tensor]:
        b, r = i // count, i % count
        return visit(boxes[b, r], b, r)

    found = tf.map_fn(
        one, tf.range(batch * count), fn_output_signature=kinds, parallel_iterations=8
    )
    return [
        tf.reshape(x, tf.concat([[batch, count], tf.shape(x)[1:]], 0)) for x in found
    ]


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

    clouds = _placed(points, counts)

    def visit(box: tf.Tensor, b: tf.Tensor, r: tf.Tensor) -> list[tf.Tensor]:
        members = _inside(clouds[b], box, margin)
        found = tf.shape(members)[0]
        own = _split_mix(_split_mix(key + _uint64(b)) + _uint64(r))
        draws = _split_mix(own + _uint64(tf.range(num_samples)))
        draws = tf.bitwise.right_shift(draws, shift) * _uint64(found)
        rows = tf.cast(tf.bitwise.right_shift(draws, shift), tf.int32)
        # Of no members the draws are 0, and so is what they take.
        return [tf.gather(tf.concat([members, [0]], 0), rows), found]

    kinds = [tf.TensorSpec([num_samples], tf.int32), tf.TensorSpec([], tf.int32)]
    return _each_box(visit, boxes, kinds)


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

    clouds = _placed(points, counts)

    def visit(box: tf.Tensor, b: tf.Tensor, d: tf.Tensor) -> list[tf.Tensor]:
        rows = _inside(clouds[b], box, 0.0)
        places = tf.transpose(tf.gather(clouds[b], rows, axis=1))
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
        return [tf.scatter_nd(rows[:, None], found.concat(), [count])]

    return _each_box(visit, boxes, [tf.TensorSpec([None], tf.float32)])[0]


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
    found = tf.cond(
        tf.equal(tf.size(boxes), 0),
        lambda: tf.zeros([axes.sizes[name] for name in "BDN"]),
        lambda: _assign_graph(points, samples, values, boxes, num_points),
    )
    return axes.ensure(found, "BDN")
