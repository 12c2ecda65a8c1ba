"""Non-maximum suppression of axis-aligned boxes [centre (3), size (3)]."""

import functools

import tensorflow as tf

from gspn_tf.ops.portable.blocks import INFINITY, finite
from gspn_tf.ops.portable.checks import Axes, refuse


def _extents(boxes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Lower and upper corner [..., 3] and volume [...]; a negative size is 0."""
    size = tf.maximum(boxes[..., 3:], 0.0)
    low, high = boxes[..., :3] - 0.5 * size, boxes[..., :3] + 0.5 * size
    return low, high, (size[..., 0] * size[..., 1]) * size[..., 2]


@tf.function(autograph=False, reduce_retracing=True)
def _nms_graph(
    boxes: tf.Tensor,
    scores: tf.Tensor,
    valid: tf.Tensor,
    iou_threshold: float,
    max_outputs: int,
) -> list[tf.Tensor]:
    low, high, volume = _extents(boxes)
    left = valid & tf.math.is_finite(scores) & finite(boxes)
    rows = tf.range(tf.shape(left)[1])

    def pick(values: tf.Tensor, best: tf.Tensor) -> tf.Tensor:
        return tf.gather(values, best[:, None], axis=1, batch_dims=1)

    def take(
        i: tf.Tensor, left: tf.Tensor, indices: tf.TensorArray, taken: tf.TensorArray
    ) -> tuple:
        best = tf.argmax(tf.where(left, scores, -INFINITY), 1, tf.int32)
        there = tf.reduce_any(left, 1)
        shared = tf.minimum(high, pick(high, best)) - tf.maximum(low, pick(low, best))
        shared = tf.maximum(shared, 0.0)
        common = (shared[..., 0] * shared[..., 1]) * shared[..., 2]
        union = ((pick(volume, best) + volume) - common) + 1e-8
        left &= ~(common / union > iou_threshold) & (rows != best[:, None])
        indices = indices.write(i, tf.where(there, best, 0))
        return i + 1, left, indices, taken.write(i, there)

    blank = tf.zeros([tf.shape(boxes)[0]], tf.int32)
    growing = functools.partial(tf.TensorArray, size=1, dynamic_size=True)
    _, _, *arrays = tf.while_loop(
        lambda i, left, *_: (i < max_outputs) & tf.reduce_any(left),
        take,
        (
            0,
            left,
            growing(tf.int32).write(0, blank),
            growing(tf.bool).write(0, blank > 0),
        ),
        parallel_iterations=1,
    )
    found = [tf.transpose(array.stack()) for array in arrays]
    missing = [[0, 0], [0, tf.maximum(max_outputs - tf.shape(found[0])[1], 0)]]
    return [tf.pad(x, missing)[:, :max_outputs] for x in found]


def gspn_nms3d(
    boxes: tf.Tensor,
    scores: tf.Tensor,
    valid: tf.Tensor,
    iou_threshold: float,
    max_outputs: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    axes = Axes("nms_3d")
    boxes = axes.fixed("boxes", boxes, "BR6")
    scores = axes.fixed("scores", scores, "BR")
    valid = axes.bind("valid", valid, "BR", tf.bool)
    if not 0 <= iou_threshold <= 1:
        refuse("nms_3d", "iou_threshold", "within 0..1", iou_threshold)
    if max_outputs < 0:
        refuse("nms_3d", "max_outputs", ">= 0", max_outputs)
    axes.known["K"] = max_outputs
    kept = _nms_graph(boxes, scores, valid, float(iou_threshold), int(max_outputs))
    return axes.ensure(kept[0], "BK"), axes.ensure(kept[1], "BK")
