"""Assignment of objects: which proposals are positive, what regions should become."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gspn_tf.config import RPointNetConfig
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn.pyramid import take
from gspn_tf.nn.replicas import uniform_like
from gspn_tf.types import Proposals, Regions, Targets


class RegionTargets(NamedTuple):
    """Outputs that the heads should have on R regions of M points."""

    classes: tf.Tensor  # [B, R]  int32 of the region's object, 0 for none
    deltas: tf.Tensor  # [B, R, 6]  encoded shift to the object, 0 for none
    masks: tf.Tensor  # [B, R, M]  bool, whether a point is on the object


def iou_with_truth(
    boxes: tf.Tensor,
    truth: Targets,
    box_iou: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = box_lib.pairwise_iou,
) -> tf.Tensor:
    """IoU [B, S, G] of boxes [B, S, 6] with the G objects; -1 for padded ones.

    box_iou: The IoU of two sets of boxes, where they are not of space.
    """
    iou = box_iou(boxes, truth["boxes"])
    return tf.where(truth["valid"][:, None, :], iou, -1.0)


def objectness_labels(
    iou: tf.Tensor, foreground: tf.Tensor, threshold: float
) -> tf.Tensor:
    """Labels [B, S] int32: 1 positive, 0 negative, -1 ignored (section 3.1).

    Positive: a seed on an object whose box overlaps some object by the threshold.
    Negative: its box overlaps none by it. A background seed whose box does overlap
    one is neither.

    Args:
      iou: [B, S, G] of the seeds' boxes with the objects.
      foreground: [B, S] whether a seed is on an object.
      threshold: least IoU of a positive seed.
    """
    overlaps = tf.reduce_max(iou, -1) >= threshold
    return tf.where(overlaps, tf.where(foreground, 1, -1), 0)


def best_of_objects(iou: tf.Tensor, foreground: tf.Tensor) -> tf.Tensor:
    """Whether a seed on an object overlaps an object most: bool [B, S, G].

    An object that no such seed overlaps has none; of equals the first is taken.

    Args:
      iou: [B, S, G] of the seeds' boxes with the objects.
      foreground: [B, S] whether a seed is on an object.
    """
    iou = tf.where(foreground[..., None], iou, 0.0)
    best = tf.one_hot(tf.argmax(iou, 1), tf.shape(iou)[1], True, False, axis=1)
    return best & (iou > 0)


def anchor_labels(
    own: tf.Tensor,
    most: tf.Tensor,
    foreground: tf.Tensor,
    positive_iou: float,
    negative_iou: float,
) -> tf.Tensor:
    """Labels [B, S, A] int32 of anchors: 1 positive, 0 negative, -1 ignored.

    Positive, at a seed on an object: anchors that overlap it by `positive_iou`, and
    the one that does most. Negative: any other that overlaps no object by
    `negative_iou` (Faster R-CNN, of seeds in place of pixels).

    Args:
      own: [B, S, A] IoU with the object that the seed is on.
      most: [B, S, A] the largest IoU with any object.
      foreground: [B, S] whether a seed is on an object.
      positive_iou: least IoU of a positive anchor.
      negative_iou: IoU below which an anchor is negative.
    """
    overlaps = own >= tf.minimum(tf.reduce_max(own, -1, keepdims=True), positive_iou)
    positive = overlaps & (own > 0) & foreground[..., None]
    return tf.where(positive, 1, tf.where(most < negative_iou, 0, -1))


def add_truth(
    proposals: Proposals, truth: Targets, copies: int, seed: tf.Tensor
) -> Proposals:
    """Proposals and `copies` jittered boxes of each object, for training alone.

    Centres move by up to 0.15 of the size, sizes change by up to a quarter, so that
    the heads see boxes to refine from the first step on.
    """
    boxes = tf.repeat(truth["boxes"], copies, axis=1)
    valid = tf.repeat(truth["valid"], copies, axis=1)
    noise = uniform_like(boxes, seed, -1.0, 1.0)
    deltas = noise * [0.15, 0.15, 0.15, 0.25, 0.25, 0.25]
    jittered = box_lib.decode(boxes, deltas, (1.0, 1.0))
    return Proposals(
        boxes=tf.concat([proposals.boxes, jittered], 1),
        scores=tf.concat([proposals.scores, tf.zeros_like(jittered[..., 0])], 1),
        valid=tf.concat([proposals.valid, valid], 1),
    )


def take_first(
    mask: tf.Tensor, count: int, priority: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """`count` rows [B, count] where mask [B, S] holds, and which are real."""
    priority = tf.where(mask, priority, -1.0)
    short = tf.maximum(0, count - tf.shape(mask)[1])
    priority = tf.pad(priority, [[0, 0], [0, short]], constant_values=-1.0)
    values, rows = tf.math.top_k(priority, count)
    return tf.minimum(rows, tf.shape(mask)[1] - 1), values >= 0


def sample_proposals(
    proposals: Proposals, truth: Targets, priority: tf.Tensor, config: RPointNetConfig
) -> Proposals:
    """Positives and negatives in the ratio of section 3.3.

    At most `num_regions * positive_fraction` positives come first; negatives follow in
    proportion to them, `background_regions` where there is none
    (model_rpointnet.py:647). Other boxes are in the places that are left, as padding.

    Args:
      proposals: S boxes to choose from.
      truth: `boxes` [B, G, 6] and `valid` [B, G] of the objects.
      priority: [B, S] uniform random numbers, of which the largest are taken.
      config: numbers of regions, and the IoU of a positive one.
    """
    c = config
    iou = iou_with_truth(proposals.boxes, truth)
    overlaps = tf.reduce_max(iou, -1) >= c.region_iou
    num_positive = int(c.num_regions * c.positive_fraction)
    num_negative = c.num_regions - num_positive
    valid = proposals.valid
    positive, is_positive = take_first(overlaps & valid, num_positive, priority)
    negative, is_negative = take_first(~overlaps & valid, num_negative, priority)
    found = tf.reduce_sum(tf.cast(is_positive, tf.float32), 1)
    quota = tf.floor(found * (1.0 / c.positive_fraction)) - found
    quota = tf.where(found > 0, quota, float(c.background_regions))
    is_negative &= tf.range(num_negative, dtype=tf.float32) < quota[:, None]
    rows = tf.concat([positive, negative], 1)  # [B, R]
    return Proposals(
        boxes=take(proposals.boxes, rows),
        scores=take(proposals.scores, rows),
        valid=tf.concat([is_positive, is_negative], 1),
    )


def region_targets(
    regions: Regions, truth: Targets, config: RPointNetConfig
) -> RegionTargets:
    """Targets of the heads: each region's object is the one that its box overlaps most.

    Args:
      regions: R regions of M points.
      truth: `boxes` [B, G, 6], `classes` [B, G] and `valid` [B, G] of the objects, and
        the `instance` [B, N] of each point of the scene.
      config: least IoU with the object, and the deviation of box deltas.
    """
    iou = iou_with_truth(regions.boxes, truth)
    matched = (tf.reduce_max(iou, -1) >= config.region_iou) & regions.valid
    nearest = tf.argmax(iou, -1, output_type=tf.int32)
    boxes = take(truth["boxes"], nearest)
    deltas = box_lib.encode(regions.boxes, boxes, config.box_deviation)
    on_object = take(truth["instance"], regions.indices) == nearest[..., None]
    return RegionTargets(
        classes=tf.where(matched, take(truth["classes"], nearest), 0),
        deltas=tf.where(matched[..., None], deltas, 0.0),
        masks=on_object & matched[..., None],
    )
