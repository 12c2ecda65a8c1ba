"""Non-maximum suppression of axis-aligned boxes [centre (3), size (3)]."""

import tensorflow as tf

from gspn_tf.ops.portable.blocks import INFINITY, finite
from gspn_tf.ops.portable.checks import Axes, refuse


def _overlaps(boxes: tf.Tensor) -> tf.Tensor:
    """Share of the union that two boxes of one scene [R, 6] have in common: [R, R]."""
    size = tf.maximum(boxes[:, 3:], 0.0)
    low, high = boxes[:, :3] - 0.5 * size, boxes[:, :3] + 0.5 * size
    volume = (size[:, 0] * size[:, 1]) * size[:, 2]

    def shared(axis: int) -> tf.Tensor:
        ends = tf.minimum(high[:, axis, None], high[:, axis])
        return tf.maximum(ends - tf.maximum(low[:, axis, None], low[:, axis]), 0.0)

    common = (shared(0) * shared(1)) * shared(2)
    found = common / (((volume[:, None] + volume) - common) + 1e-8)
    return tf.where(tf.math.is_nan(found), 0.0, found)


@tf.function(autograph=False, reduce_retracing=True)
def _nms_graph(
    boxes: tf.Tensor,
    scores: tf.Tensor,
    valid: tf.Tensor,
    iou_threshold: float,
    max_outputs: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    valid &= tf.math.is_finite(scores) & finite(boxes)

    def one(scene: tuple) -> tuple[tf.Tensor, tf.Tensor]:
        boxes, scores = scene
        taken = tf.raw_ops.NonMaxSuppressionWithOverlaps(
            overlaps=_overlaps(boxes),
            scores=scores,
            max_output_size=max_outputs,
            overlap_threshold=iou_threshold,
            score_threshold=-INFINITY,
        )
        count = tf.shape(taken)[0]
        return tf.pad(taken, [[0, max_outputs - count]]), tf.range(max_outputs) < count

    kinds = (
        tf.TensorSpec([max_outputs], tf.int32),
        tf.TensorSpec([max_outputs], tf.bool),
    )
    scores = tf.where(valid, scores, -INFINITY)
    return tf.map_fn(one, (boxes, scores), fn_output_signature=kinds)


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
