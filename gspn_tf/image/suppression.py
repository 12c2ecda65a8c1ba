"""Suppression of boxes in images that repeat a better one of their kind."""

import tensorflow as tf


def suppress(
    boxes: tf.Tensor,
    scores: tf.Tensor,
    kinds: tf.Tensor,
    *,
    iou_threshold: float,
    min_score: float,
    max_outputs: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Greedy non-maximum suppression within each kind, of the best scores of all.

    Args:
        boxes: [B, R, 4] pixels.
        scores: [B, R] float32.
        kinds: [B, R] int32; boxes of two kinds do not suppress each other.
        iou_threshold: IoU with a better box above which a box goes.
        min_score: Scores must be above it.
        max_outputs: K.

    Returns:
        Rows [B, K] int32 of the boxes, best first, and which of them are real [B, K].
        Others are 0.
    """
    # Boxes of each kind are moved to a place of their own: torchvision's batched_nms.
    extent = tf.reduce_max(boxes, [1, 2], keepdims=True) + 1
    apart = boxes + tf.cast(kinds, boxes.dtype)[..., None] * extent

    def of_image(inputs: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        rows, count = tf.raw_ops.NonMaxSuppressionV4(
            boxes=inputs[0],
            scores=inputs[1],
            max_output_size=max_outputs,
            iou_threshold=iou_threshold,
            score_threshold=min_score,
            pad_to_max_output_size=True,
        )
        return rows, tf.range(max_outputs) < count

    signature = (
        tf.TensorSpec([max_outputs], tf.int32),
        tf.TensorSpec([max_outputs], tf.bool),
    )
    inputs = tf.stop_gradient(apart), tf.stop_gradient(scores)
    return tf.map_fn(of_image, inputs, fn_output_signature=signature)
