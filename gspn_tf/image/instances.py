"""Outputs of the heads on proposals -> instances of an image."""

from typing import NamedTuple

import tensorflow as tf

from gspn_tf.config import MaskRCNNConfig
from gspn_tf.image import boxes as box_lib
from gspn_tf.image.pasting import paste
from gspn_tf.image.suppression import suppress
from gspn_tf.nn.pyramid import take
from gspn_tf.nn.suppression import zero_padding
from gspn_tf.types import Proposals

_LEAST_SIDE = 1e-2  # pixels of an instance


class ImageDetections(NamedTuple):
    """Instances found in images of H x W pixels, best first."""

    boxes: tf.Tensor  # [B, D, 4]  x1, y1, x2, y2 in pixels
    classes: tf.Tensor  # [B, D]     int32, 1..C-1; 0 on padding
    scores: tf.Tensor  # [B, D]     0..1
    masks: tf.Tensor  # [B, D, H, W]  bool
    valid: tf.Tensor  # [B, D]     False marks padding


class DetectedBoxes(NamedTuple):
    """Boxes of instances, before they have masks; best first."""

    boxes: tf.Tensor  # [B, D, 4]
    classes: tf.Tensor  # [B, D]     int32, 1..C-1; 0 on padding
    scores: tf.Tensor  # [B, D]     probability of the class
    valid: tf.Tensor  # [B, D]     False marks padding


def detect_boxes(
    proposals: Proposals,
    logits: tf.Tensor,
    deltas: tf.Tensor,
    size: tf.Tensor,
    config: MaskRCNNConfig,
) -> DetectedBoxes:
    """The best boxes after suppression class by class; a proposal may have several.

    Args:
        proposals: R boxes.
        logits: [B, R, classes].
        deltas: [B, R, classes, 4].
        size: [2] int32, height and width that boxes are clipped to.
        config: thresholds, and D.
    """
    c = config
    scores = tf.nn.softmax(logits)[..., 1:]  # [B, R, classes - 1]
    boxes = box_lib.apply_deltas(
        proposals.boxes[:, :, None], deltas[:, :, 1:], c.box_deviation
    )
    boxes = box_lib.clip(boxes, size)
    large = tf.reduce_all(box_lib.sizes(boxes) >= _LEAST_SIDE, -1)
    scores = tf.where(large & proposals.valid[..., None], scores, -1.0)
    classes = tf.zeros_like(scores, tf.int32) + tf.range(1, c.num_classes)
    batch = tf.shape(boxes)[0]
    boxes = tf.reshape(boxes, [batch, -1, 4])
    scores, classes = (tf.reshape(x, [batch, -1]) for x in (scores, classes))
    rows, valid = suppress(
        boxes,
        scores,
        classes,
        iou_threshold=c.detection_iou,
        min_score=max(c.min_score, -0.5),
        max_outputs=c.max_detections,
    )
    boxes, classes, scores = (take(x, rows) for x in (boxes, classes, scores))
    return zero_padding(DetectedBoxes(boxes, classes, scores, valid))


def with_masks(
    found: DetectedBoxes,
    masks: tf.Tensor,
    scale: tf.Tensor,
    size: tf.Tensor,
    threshold: float,
) -> ImageDetections:
    """Instances in the pixels of images, of boxes in those of the resized ones.

    Args:
        found: D boxes.
        masks: [B, D, s, s] their probabilities.
        scale: [4] pixels of the resized images by those of the images.
        size: [2] int32, height and width of the images.
        threshold: Probability that a mask's pixels must be above.
    """
    boxes = found.boxes / scale
    pasted = tf.map_fn(
        lambda each: paste(each[0], each[1], size) > threshold,
        (masks, boxes),
        fn_output_signature=tf.TensorSpec([masks.shape[1], None, None], tf.bool),
    )
    return ImageDetections(boxes, found.classes, found.scores, pasted, found.valid)
