"""Suppression of boxes and masks that repeat a better one."""

from typing import Any, TypeVar

import tensorflow as tf

from gspn_tf import ops
from gspn_tf.config import RPointNetConfig
from gspn_tf.nn.pyramid import take
from gspn_tf.types import Proposals

Padded = TypeVar("Padded", bound=Any)  # a NamedTuple with a field `valid` [B, D]


def select_proposals(
    proposals: Proposals, max_candidates: int, max_proposals: int, iou_threshold: float
) -> Proposals:
    """The best proposals after 3D non-maximum suppression, best first.

    Args:
      proposals: S boxes with their scores.
      max_candidates: number of boxes with the best scores that are suppressed at all.
      max_proposals: number of boxes that are returned, padding included.
      iou_threshold: IoU with a better box above which a box goes.
    """
    size = tf.minimum(max_candidates, tf.shape(proposals.scores)[1])
    scores = tf.where(proposals.valid, proposals.scores, float("-inf"))
    _, best = tf.math.top_k(scores, size)
    candidates = Proposals(*(take(value, best) for value in proposals))
    kept, valid = ops.nms_3d(
        candidates.boxes,
        candidates.scores,
        candidates.valid,
        iou_threshold=iou_threshold,
        max_outputs=max_proposals,
    )
    return Proposals(take(candidates.boxes, kept), take(candidates.scores, kept), valid)


def suppress_by_class(
    candidates: Proposals, classes: tf.Tensor, config: RPointNetConfig
) -> tuple[tf.Tensor, tf.Tensor]:
    """Non-maximum suppression within each class, then the best scores of all.

    Args:
      candidates: R boxes with scores that are not negative.
      classes: [B, R] int32; 0 is the background, which is never returned.
      config: number of classes, IoU with a better box of the class above which a box
        goes, and D, the number of rows returned.

    Returns:
      Rows [B, D] of the candidates, best first, and which of them are real [B, D].
    """
    num_classes, most = config.proposal.num_classes, config.max_detections
    batch, count = tf.unstack(tf.shape(classes))
    of_each = classes[:, None, :] == tf.range(1, num_classes)[None, :, None]
    shape = [batch * (num_classes - 1), count]

    def repeat(x: tf.Tensor) -> tf.Tensor:
        x = tf.repeat(x[:, None], num_classes - 1, axis=1)
        return tf.reshape(x, tf.concat([shape, tf.shape(x)[3:]], 0))

    rows, valid = ops.nms_3d(
        repeat(candidates.boxes),
        repeat(candidates.scores),
        repeat(candidates.valid) & tf.reshape(of_each, shape),
        iou_threshold=config.detection_iou,
        max_outputs=most,
    )
    rows, valid = tf.reshape(rows, [batch, -1]), tf.reshape(valid, [batch, -1])
    scores = tf.where(valid, take(candidates.scores, rows), -1.0)
    _, best = tf.math.top_k(scores, most)
    return take(rows, best), take(valid, best)


def zero_padding(found: Padded) -> Padded:
    """Instances with zero in all fields of padding."""

    def without_padding(values: tf.Tensor) -> tf.Tensor:
        valid = found.valid[(..., *[None] * (values.shape.rank - 2))]
        return tf.where(valid, values, tf.zeros_like(values))

    return type(found)(*map(without_padding, found))


def duplicate_masks(
    masks: tf.Tensor, classes: tf.Tensor, iou_threshold: float
) -> tf.Tensor:
    """Whether a mask repeats a better one: bool [B, D].

    A mask does if its IoU with any better mask of its class is above the threshold.

    Args:
      masks: [B, D, N] bool, best first.
      classes: [B, D].
      iou_threshold: 1 finds no duplicate.
    """
    points = tf.cast(masks, tf.float32)
    shared = tf.matmul(points, points, transpose_b=True)  # [B, D, D]
    sizes = tf.reduce_sum(points, -1)
    union = sizes[:, :, None] + sizes[:, None, :] - shared
    iou = tf.math.divide_no_nan(shared, union)
    same = classes[:, :, None] == classes[:, None, :]
    better = tf.linalg.band_part(iou, -1, 0) - tf.linalg.band_part(iou, 0, 0)
    return tf.reduce_any((better > iou_threshold) & same, -1)
