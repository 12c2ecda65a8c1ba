"""Ops on axis-aligned boxes [centre (3), size (3)]."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gspn_tf.ops.portable.blocks import (
    INFINITY,
    finite,
    least,
    matchable,
    squared_distances,
)
from gspn_tf.ops.portable.checks import Axes, refuse

BOXES = 8  # that are compared with all points together
NOWHERE = float("nan")  # not inside an infinite box either
CHUNK = 4096  # points inside a box that are compared with its samples together


class Kept(NamedTuple):
    indices: tf.Tensor  # [B, K] int32
    taken: tf.Tensor  # [B, K] bool


class Samples(NamedTuple):
    indices: tf.Tensor  # [B, R, M] int32
    counts: tf.Tensor  # [B, R] int32


# ------------------------------------------------------ non-maximum suppression


def _corners(boxes: tf.Tensor):
    """Lower and upper corner [..., 3] and volume [...]; a negative size is 0."""
    size = tf.maximum(boxes[..., 3:], 0.0)
    low, high = boxes[..., :3] - 0.5 * size, boxes[..., :3] + 0.5 * size
    return low, high, (size[..., 0] * size[..., 1]) * size[..., 2]


@tf.function(autograph=False, reduce_retracing=True)
def _nms(boxes, scores, valid, iou_threshold: float, max_outputs: int):
    low, high, volume = _corners(boxes)
    left = valid & tf.math.is_finite(scores)
    left &= tf.reduce_all(tf.math.is_finite(boxes), -1)
    batch = tf.shape(boxes)[0]

    def pick(values, rows):
        return tf.gather(values, rows[:, None], axis=1, batch_dims=1)

    def take(i, left, indices, taken):
        best = tf.argmax(tf.where(left, scores, -float("inf")), 1, tf.int32)
        there = tf.reduce_any(left, 1)
        shared = tf.minimum(high, pick(high, best)) - tf.maximum(low, pick(low, best))
        shared = tf.maximum(shared, 0.0)
        common = (shared[..., 0] * shared[..., 1]) * shared[..., 2]
        union = ((pick(volume, best) + volume) - common) + 1e-8
        left &= ~(common / union > iou_threshold)
        left &= tf.range(tf.shape(left)[1]) != best[:, None]
        indices = indices.write(i, tf.where(there, best, 0))
        return i + 1, left, indices, taken.write(i, there)

    blank = tf.zeros([batch], tf.int32)
    _, _, indices, taken = tf.while_loop(
        lambda i, left, *_: (i < max_outputs) & tf.reduce_any(left),
        take,
        (
            0,
            left,
            tf.TensorArray(tf.int32, 1, dynamic_size=True).write(0, blank),
            tf.TensorArray(tf.bool, 1, dynamic_size=True).write(0, blank > 0),
        ),
        parallel_iterations=1,
    )
    indices, taken = tf.transpose(indices.stack()), tf.transpose(taken.stack())
    missing = [[0, 0], [0, tf.maximum(max_outputs - tf.shape(indices)[1], 0)]]
    found = tf.pad(indices, missing), tf.pad(taken, missing)
    return [x[:, :max_outputs] for x in found]


def gspn_nms3d(boxes, scores, valid, iou_threshold: float, max_outputs: int) -> Kept:
    axes = Axes("nms_3d")
    boxes = axes.bind("boxes", tf.convert_to_tensor(boxes, tf.float32), "BR6")
    scores = axes.bind("scores", tf.convert_to_tensor(scores, tf.float32), "BR")
    valid = axes.bind("valid", tf.convert_to_tensor(valid, tf.bool), "BR")
    if not 0 <= iou_threshold <= 1:
        refuse("nms_3d", "iou_threshold", "within 0..1", iou_threshold)
    if max_outputs < 0:
        refuse("nms_3d", "max_outputs", ">= 0", max_outputs)
    inputs = tf.stop_gradient(boxes), tf.stop_gradient(scores), valid
    found = _nms(*inputs, float(iou_threshold), int(max_outputs))
    shape = [axes.known["B"], max_outputs]
    return Kept(*(tf.ensure_shape(x, shape) for x in found))


# -------------------------------------------------------------- points in boxes


def _inside(cloud: tf.Tensor, boxes: tf.Tensor, margin: float) -> tf.Tensor:
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


def _each_chunk(
    visit: Callable, clouds: tf.Tensor, boxes: tf.Tensor, size: int, blanks: list
) -> list[tf.Tensor]:
    """What `visit(cloud [3, N], boxes [size, 6], first, b)` gives, joined: [B, R, ..].

    blanks: tensors of the shapes and types of what it gives.
    """
    batch, count = tf.unstack(tf.shape(boxes)[:2])
    per_cloud = -(-count // size)
    padded = tf.pad(boxes, [[0, 0], [0, per_cloud * size - count], [0, 0]])
    total = batch * per_cloud
    arrays = [
        tf.TensorArray(blank.dtype, total + 1).write(total, blank) for blank in blanks
    ]

    def body(i, *arrays):
        b, first = i // per_cloud, i % per_cloud * size
        found = visit(clouds[b], padded[b, first : first + size], first, b)
        return i + 1, *[a.write(i, v) for a, v in zip(arrays, found, strict=True)]

    _, *arrays = tf.while_loop(
        lambda i, *_: i < total, body, (0, *arrays), parallel_iterations=4
    )
    joined = []
    for array in arrays:
        values = array.stack()[:-1]
        shape = tf.concat([[batch, per_cloud * size], tf.shape(values)[2:]], 0)
        joined.append(tf.reshape(values, shape)[:, :count])
    return joined


def _bind_boxes(op: str, points, boxes, num_points, margin: float):
    axes = Axes(op)
    points = axes.bind("points", points, "BN3")
    boxes = axes.bind("boxes", tf.convert_to_tensor(boxes, tf.float32), "BR6")
    num_points = axes.counts("num_points", num_points, "N")
    if not 0 <= margin < float("inf"):
        refuse(op, "margin", ">= 0 and finite", margin)
    return axes, tf.stop_gradient(points), tf.stop_gradient(boxes), num_points


@tf.function(autograph=False, reduce_retracing=True)
def _points_in_boxes(points, boxes, counts, margin: float):
    clouds = _placed(points, counts)
    blank = tf.zeros([BOXES, tf.shape(points)[1]], tf.bool)
    return _each_chunk(
        lambda cloud, some, *_: [_inside(cloud, some, margin)],
        clouds,
        boxes,
        BOXES,
        [blank],
    )[0]


def gspn_points_in_boxes(points, boxes, num_points, margin: float) -> tf.Tensor:
    axes, *inputs = _bind_boxes("points_in_boxes", points, boxes, num_points, margin)
    return tf.ensure_shape(_points_in_boxes(*inputs, margin), axes.shape("BRN"))


# ------------------------------------------------------------- sampling in boxes


def _mix(value: tf.Tensor) -> tf.Tensor:
    """Finaliser of SplitMix64 on uint64, as of the native kernel."""

    def fold(x, shift):
        return tf.bitwise.bitwise_xor(
            x, tf.bitwise.right_shift(x, tf.constant(shift, tf.uint64))
        )

    value += tf.constant(0x9E3779B97F4A7C15, tf.uint64)
    value = fold(value, 30) * tf.constant(0xBF58476D1CE4E5B9, tf.uint64)
    value = fold(value, 27) * tf.constant(0x94D049BB133111EB, tf.uint64)
    return fold(value, 31)


def _uint64(value: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.cast(value, tf.int64), tf.uint64)


@tf.function(autograph=False, reduce_retracing=True)
def _sample_in_boxes(points, boxes, seed, counts, num_samples: int, margin: float):
    clouds = _placed(points, counts)
    words = _uint64(tf.bitcast(seed, tf.uint32))
    shift = tf.constant(32, tf.uint64)
    key = _mix(tf.bitwise.left_shift(words[0], shift) + words[1])

    def visit(cloud, some, first, b):
        inside = _inside(cloud, some, margin)
        found = tf.math.count_nonzero(inside, 1, dtype=tf.int32)  # [BOXES]
        members = tf.concat([tf.cast(tf.where(inside)[:, 1], tf.int32), [0]], 0)
        own = _mix(_mix(key + _uint64(b)) + _uint64(first + tf.range(BOXES)))
        draws = _mix(own[:, None] + _uint64(tf.range(num_samples)))
        draws = tf.bitwise.right_shift(draws, shift) * _uint64(found)[:, None]
        draws = tf.cast(tf.bitwise.right_shift(draws, shift), tf.int32)
        places = tf.cumsum(found, exclusive=True)[:, None] + draws
        return tf.where(found[:, None] > 0, tf.gather(members, places), 0), found

    blanks = [tf.zeros([BOXES, num_samples], tf.int32), tf.zeros([BOXES], tf.int32)]
    return _each_chunk(visit, clouds, boxes, BOXES, blanks)


def gspn_sample_in_boxes(
    points, boxes, seed, num_points, num_samples: int, margin: float
) -> Samples:
    axes, *inputs = _bind_boxes("sample_in_boxes", points, boxes, num_points, margin)
    seed = axes.bind("seed", tf.convert_to_tensor(seed, tf.int32), "2")
    if num_samples < 0:
        refuse("sample_in_boxes", "num_samples", ">= 0", num_samples)
    points, boxes, num_points = inputs
    indices, counts = _sample_in_boxes(
        points, boxes, seed, num_points, num_samples, margin
    )
    shape = axes.shape("BR")
    return Samples(
        tf.ensure_shape(indices, [*shape, num_samples]), tf.ensure_shape(counts, shape)
    )


# ---------------------------------------------------------------- nearest sample


def _nearest_values(places: tf.Tensor, samples: tf.Tensor, values: tf.Tensor):
    """Of values [M], that of the nearest of samples [3, M] to each place [n, 3]."""
    distances, nearest = least(squared_distances(places, samples), 1)
    found = tf.where(distances < INFINITY, tf.gather(values, nearest), 0.0)
    return found[:, 0]


@tf.function(autograph=False, reduce_retracing=True)
def _nearest_assign(points, samples, values, boxes, counts):
    clouds = _placed(points, counts)
    samples = tf.where(finite(samples)[..., None], samples, float("inf"))
    samples = tf.transpose(samples, [0, 1, 3, 2])  # [B, D, 3, M]
    count = tf.shape(points)[1]

    def visit(cloud, some, d, b):
        rows = tf.where(_inside(cloud, some, 0.0)[0])
        places = tf.transpose(tf.gather(cloud, rows[:, 0], axis=1))
        total = -(-tf.shape(places)[0] // CHUNK)

        def chunk(i, parts):
            part = places[i * CHUNK : (i + 1) * CHUNK]
            return i + 1, parts.write(
                i, _nearest_values(part, samples[b, d], values[b, d])
            )

        parts = tf.TensorArray(
            tf.float32, total + 1, element_shape=[None], infer_shape=False
        ).write(total, tf.zeros([0]))
        _, parts = tf.while_loop(
            lambda i, _: i < total, chunk, (0, parts), parallel_iterations=1
        )
        assigned = tf.scatter_nd(rows, parts.concat(), [tf.cast(count, tf.int64)])
        return [assigned[None]]

    return _each_chunk(visit, clouds, boxes, 1, [tf.zeros([1, count])])[0]


def gspn_nearest_assign(points, samples, values, boxes, num_points) -> tf.Tensor:
    axes = Axes("nearest_assign")
    points = axes.bind("points", points, "BN3")
    samples = axes.bind("samples", tf.convert_to_tensor(samples, tf.float32), "BDM3")
    values = axes.bind("values", tf.convert_to_tensor(values, tf.float32), "BDM")
    boxes = axes.bind("boxes", tf.convert_to_tensor(boxes, tf.float32), "BD6")
    num_points = axes.counts("num_points", num_points, "N")
    inputs = [tf.stop_gradient(x) for x in (points, samples, values, boxes)]
    # A last sample that is nowhere: there is always one to look at.
    inputs[1] = tf.pad(
        inputs[1], [[0, 0], [0, 0], [0, 1], [0, 0]], constant_values=float("inf")
    )
    inputs[2] = tf.pad(inputs[2], [[0, 0], [0, 0], [0, 1]])
    return tf.ensure_shape(_nearest_assign(*inputs, num_points), axes.shape("BDN"))
