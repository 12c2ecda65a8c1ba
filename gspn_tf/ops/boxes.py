"""Ops on axis-aligned boxes, and on the points inside them; see `gspn_tf.ops`."""

import tensorflow as tf

from gspn_tf.ops.library import counts_of, kernels


def nms_3d(
    boxes: tf.Tensor,
    scores: tf.Tensor,
    valid: tf.Tensor,
    *,
    iou_threshold: float,
    max_outputs: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Greedy non-maximum suppression of axis-aligned boxes.

    Takes the box of best score (ties: lower index), drops all whose
    `intersection / (union + 1e-8)` with it is above the threshold, and so on.

    Args:
        boxes: [B, R, 6] float32, centre and size, metres; a negative size counts as 0.
        scores: [B, R] float32.
        valid: [B, R] bool; other boxes are neither taken nor suppress any. A box or
            score that is NaN or infinite counts as not valid.
        iou_threshold: within 0..1.
        max_outputs: K.

    Returns:
        indices [B, K] int32 in order of falling score and valid [B, K] bool; after the
        last taken box 0 and False. A box of zero volume overlaps nothing.

    Reference: released code, model_rpointnet.py:436-466. Not differentiable.
    """
    indices, taken = kernels().gspn_nms3d(
        boxes, scores, valid, iou_threshold=iou_threshold, max_outputs=max_outputs
    )
    return indices, taken


def sample_in_boxes(
    points: tf.Tensor,
    boxes: tf.Tensor,
    seed: tf.Tensor,
    *,
    num_samples: int,
    margin: float = 0.0,
    num_points: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Draws points inside each box, uniformly and with replacement.

    Args:
        points: [B, N, 3] float32, metres.
        boxes: [B, R, 6] float32, centre and size, metres; faces belong to the box.
        seed: [2] int32. The same seed gives the same draw, whatever the padding of
            points and boxes; each box of the batch has its own stream.
        num_samples: M.
        margin: metres by which every box grows on each side, not negative.
        num_points: [B] int32 or None.

    Returns:
        indices [B, R, M] int32 and counts [B, R] int32, the number of points inside
        the box. Indices are 0 where the count is 0.

    Reference: released code, model_rpointnet.py:584-597. Not differentiable.
    """
    points = tf.convert_to_tensor(points, tf.float32)
    counts = counts_of(points, num_points)
    indices, inside = kernels().gspn_sample_in_boxes(
        points, boxes, seed, counts, num_samples=num_samples, margin=margin
    )
    return indices, inside


def nearest_assign(
    points: tf.Tensor,
    samples: tf.Tensor,
    values: tf.Tensor,
    boxes: tf.Tensor,
    num_points: tf.Tensor | None = None,
) -> tf.Tensor:
    """Gives every point inside a box the value of the box's nearest sample.

    Args:
        points: [B, N, 3] float32, metres.
        samples: [B, D, M, 3] float32, metres, the samples of each box.
        values: [B, D, M] float32.
        boxes: [B, D, 6] float32, centre and size, metres; faces belong to the box.
        num_points: [B] int32 or None.

    Returns:
        [B, D, N] float32; 0 for points outside the box and for padding.

    Reference: paper, section 3.2 (inference); released code, unmold_segmentation. Not
    differentiable.
    """
    points = tf.convert_to_tensor(points, tf.float32)
    return kernels().gspn_nearest_assign(
        points, samples, values, boxes, counts_of(points, num_points)
    )
