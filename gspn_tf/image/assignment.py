"""Assignment of objects: which anchors and regions are positive, and their targets."""

from typing import NamedTuple

import tensorflow as tf

from gspn_tf.config import MaskRCNNConfig
from gspn_tf.image.boxes import box_iou, center_size
from gspn_tf.image.proposals import DEVIATION
from gspn_tf.image.roi_align import roi_align
from gspn_tf.nn.assignment import iou_with_truth, take_first
from gspn_tf.nn.boxes import encode
from gspn_tf.nn.pyramid import take
from gspn_tf.types import Proposals, Targets


class AnchorTargets(NamedTuple):
    """Outputs that the proposal network should have on A anchors."""

    positive: tf.Tensor  # [B, A]  bool
    sampled: tf.Tensor  # [B, A]  bool, whether it is in the losses
    deltas: tf.Tensor  # [B, A, 4]  of positive ones


class SampledRegions(NamedTuple):
    """Regions in the losses, positive ones first, and the heads' outputs for them."""

    boxes: tf.Tensor  # [B, R, 4]  pixels
    valid: tf.Tensor  # [B, R]     False marks padding
    classes: tf.Tensor  # [B, R]     int32 of the region's object, 0 for none
    deltas: tf.Tensor  # [B, R, 4]  encoded shift to the object
    masks: tf.Tensor  # [B, P, s, s]  share of a pixel on the object, of positive ones


def match_anchors(
    iou: tf.Tensor, positive_iou: float, negative_iou: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Which anchors are positive and which negative: bool [B, A] each.

    Positive: those that overlap some object by `positive_iou`, and for each object
    those that overlap it most. Negative: others that overlap none by `negative_iou`.

    Args:
        iou: [B, A, G] with the objects; -1 for padded ones.
        positive_iou: Least IoU of a positive anchor.
        negative_iou: IoU below which an anchor is negative.
    """
    most = tf.reduce_max(iou, -1)
    best = (iou == tf.reduce_max(iou, 1, keepdims=True)) & (iou > 0)
    positive = (most >= positive_iou) | tf.reduce_any(best, -1)
    return positive, ~positive & (most < negative_iou)


def sample_balanced(
    positive: tf.Tensor,
    negative: tf.Tensor,
    priority: tf.Tensor,
    count: int,
    fraction: float,
) -> tuple[tf.Tensor, tf.Tensor]:
    """`count` rows: at most `count * fraction` positives first, then negatives.

    Args:
        positive: [B, S] bool.
        negative: [B, S] bool.
        priority: [B, S] uniform random numbers, of which the largest are taken.
        count: of all that are taken.
        fraction: Greatest share of positives.

    Returns:
        Rows [B, count], and which of them are real.
    """
    first, is_positive = take_first(positive, int(count * fraction), priority)
    second, is_negative = take_first(negative, count, priority)
    found = tf.reduce_sum(tf.cast(is_positive, tf.int32), 1, keepdims=True)
    is_negative &= tf.range(count) < count - found
    rows, real = tf.concat([first, second], 1), tf.concat([is_positive, is_negative], 1)
    order = tf.linspace(1.0, 0.0, rows.shape[1]) * tf.ones_like(rows, tf.float32)
    kept, real = take_first(real, count, order)
    return take(rows, kept), real


def anchor_targets(
    anchors: tf.Tensor, truth: Targets, priority: tf.Tensor, config: MaskRCNNConfig
) -> AnchorTargets:
    """Targets of the proposal network.

    Args:
        anchors: [A, 4] pixels.
        truth: `boxes` [B, G, 4] and `valid` [B, G] of the objects.
        priority: [B, A] uniform random numbers.
        config: numbers of anchors, and their IoUs.
    """
    c = config
    iou = iou_with_truth(anchors, truth, box_iou)
    positive, negative = match_anchors(
        iou, c.anchor_positive_iou, c.anchor_negative_iou
    )
    rows, real = sample_balanced(
        positive, negative, priority, c.num_anchors, c.anchor_positive_fraction
    )
    batch = tf.range(tf.shape(rows)[0])[:, None] + tf.zeros_like(rows)
    places = tf.boolean_mask(tf.stack([batch, rows], -1), real)
    ones = tf.ones(tf.shape(places)[:1], tf.int32)
    sampled = tf.scatter_nd(places, ones, tf.shape(positive)) > 0
    nearest = take(truth["boxes"], tf.argmax(iou, -1, output_type=tf.int32))
    deltas = encode(center_size(anchors), center_size(nearest), DEVIATION)
    return AnchorTargets(positive & sampled, sampled, deltas)


def sample_regions(
    proposals: Proposals,
    truth: Targets,
    priority: tf.Tensor,
    scale: tf.Tensor,
    config: MaskRCNNConfig,
) -> SampledRegions:
    """Regions around the ground truth, and their targets.

    A region's object is the one that its box overlaps most. The objects' own boxes are
    among the regions, as in torchvision.

    Args:
        proposals: S boxes to choose from.
        truth: `boxes` [B, G, 4], `classes` [B, G], `valid` [B, G] and `masks`
            [B, G, H, W] of the objects.
        priority: [B, S + G] uniform random numbers.
        scale: [4] pixels of the masks by those of the boxes, of a box's numbers.
        config: numbers of regions, IoU, deviation of deltas and size of masks.
    """
    c = config
    boxes = tf.concat([proposals.boxes, truth["boxes"]], 1)
    valid = tf.concat([proposals.valid, truth["valid"]], 1)
    iou = iou_with_truth(boxes, truth, box_iou)
    overlaps = tf.reduce_max(iou, -1) >= c.region_iou
    rows, real = sample_balanced(
        overlaps & valid,
        ~overlaps & valid,
        priority,
        c.num_regions,
        c.positive_fraction,
    )
    boxes, matched = take(boxes, rows), take(overlaps, rows) & real
    nearest = take(tf.argmax(iou, -1, output_type=tf.int32), rows)
    objects = center_size(take(truth["boxes"], nearest))
    deltas = encode(center_size(boxes), objects, c.box_deviation)
    first = int(c.num_regions * c.positive_fraction)
    on_masks = boxes[:, :first] * scale
    return SampledRegions(
        boxes=boxes,
        valid=real,
        classes=tf.where(matched, take(truth["classes"], nearest), 0),
        deltas=tf.where(matched[..., None], deltas, 0.0),
        masks=mask_targets(
            truth["masks"], on_masks, nearest[:, :first], 2 * c.mask_size
        ),
    )


def mask_targets(
    masks: tf.Tensor, boxes: tf.Tensor, objects: tf.Tensor, size: int
) -> tf.Tensor:
    """Parts of masks [B, G, H, W] in boxes [B, P, 4]: [B, P, size, size], 0..1.

    objects: [B, P] int32, the mask of each box. Two samples a bin on a side, where
    torchvision takes as many as there are pixels.
    """
    batch, count, height, width = tf.unstack(tf.shape(masks))
    flat = tf.reshape(tf.cast(masks, tf.float32), [-1, height, width, 1])
    rows = objects + count * tf.range(batch)[:, None]
    found = roi_align(flat, tf.reshape(boxes, [-1, 4]), tf.reshape(rows, [-1]), size)
    return tf.reshape(found, [batch, objects.shape[1], size, size])
