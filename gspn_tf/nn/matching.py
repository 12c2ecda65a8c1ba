"""Which proposal is positive, and which become training regions."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from gspn_tf import ops
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn.pyramid import take
from gspn_tf.types import Proposals


class RegionTargets(NamedTuple):
    """Boxes chosen for training the heads and what they should become."""

    boxes: tf.Tensor  # [B, R, 6]
    instances: tf.Tensor  # [B, R]  int32 row of the matched object, -1 for none
    classes: tf.Tensor  # [B, R]  int32, 0 for negatives
    deltas: tf.Tensor  # [B, R, 6] encoded shift to the matched object
    valid: tf.Tensor  # [B, R]


def iou_with_truth(boxes: tf.Tensor, truth: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
    """IoU [B, S, G] of boxes [B, S, 6] with objects [B, G, 6]; -1 for padded ones."""
    iou = box_lib.pairwise_iou(boxes, truth)
    return tf.where(valid[:, None, :], iou, -1.0)


def objectness_labels(
    iou: tf.Tensor, foreground: tf.Tensor, threshold: float, best: tf.Tensor
) -> tf.Tensor:
    """Labels [B, S] int32: 1 positive, 0 negative, -1 ignored (section 3.1).

    Positive: a seed on an object whose box overlaps some object (iou [B, S, G]) by
    the threshold, or one of the `best` [B, S]. Negative: overlaps none by it. A
    background seed whose box does overlap one is neither.
    """
    overlaps = tf.reduce_max(iou, -1) >= threshold
    label = tf.where(overlaps, tf.where(foreground, 1, -1), 0)
    return tf.where(best, 1, label)


def _best_of_objects(iou: tf.Tensor, foreground: tf.Tensor):
    """The seed on an object with the largest IoU for each object [B, G], if any."""
    iou = tf.where(foreground[..., None], iou, -1.0)
    return tf.argmax(iou, 1, output_type=tf.int32), tf.reduce_max(iou, 1) > 0


def best_of_all(iou: tf.Tensor, foreground: tf.Tensor) -> tf.Tensor:
    """Seeds [B, S] that overlap some object most, iou [B, S, G]."""
    seeds, found = _best_of_objects(iou, foreground)
    chosen = tf.one_hot(seeds, tf.shape(iou)[1], True, False)  # [B, G, S]
    return tf.reduce_any(chosen & found[..., None], 1)


def best_of_first(iou: tf.Tensor, foreground: tf.Tensor) -> tf.Tensor:
    """The same of the first object that any seed overlaps, as the release ran."""
    _, found = _best_of_objects(iou, foreground)
    first = tf.one_hot(tf.argmax(tf.cast(found, tf.int32), 1), tf.shape(iou)[2])
    return best_of_all(tf.where(first[:, None, :] > 0, iou, -1.0), foreground)


def best_of_none(iou: tf.Tensor, foreground: tf.Tensor) -> tf.Tensor:
    """No seed (section 3.1)."""
    return tf.zeros_like(foreground)


BEST_SEEDS = {"none": best_of_none, "first": best_of_first, "all": best_of_all}


def anchor_labels(
    own: tf.Tensor,
    most: tf.Tensor,
    foreground: tf.Tensor,
    positive_iou: float,
    negative_iou: float,
) -> tf.Tensor:
    """Labels [B, S, A] int32 of anchors: 1 positive, 0 negative, -1 ignored.

    own, most [B, S, A]: IoU with the object that the seed is on, the largest with any.
    Positive, at a seed on an object (foreground [B, S]): anchors that overlap it by
    `positive_iou`, and the one that does most. Negative: any other that overlaps no
    object by `negative_iou` (Faster R-CNN, of seeds in place of pixels).
    """
    overlaps = own >= tf.minimum(tf.reduce_max(own, -1, keepdims=True), positive_iou)
    positive = overlaps & (own > 0) & foreground[..., None]
    return tf.where(positive, 1, tf.where(most < negative_iou, 0, -1))


def select_proposals(
    proposals: Proposals, max_candidates: int, max_proposals: int, iou_threshold: float
) -> Proposals:
    """The best proposals after 3D non-maximum suppression, best first."""
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


def add_truth(
    proposals: Proposals, targets: dict[str, tf.Tensor], copies: int, seed: tf.Tensor
) -> Proposals:
    """Proposals and `copies` jittered boxes of each object, for training alone.

    Centres move by up to 0.15 of the size, sizes change by up to a quarter, so that
    the heads see boxes to refine from the first step on.
    """
    boxes = tf.repeat(targets["boxes"], copies, axis=1)
    valid = tf.repeat(targets["valid"], copies, axis=1)
    noise = tf.random.stateless_uniform(tf.shape(boxes), seed, -1.0, 1.0)
    deltas = noise * [0.15, 0.15, 0.15, 0.25, 0.25, 0.25]
    jittered = box_lib.decode(boxes, deltas, (1.0, 1.0))
    return Proposals(
        boxes=tf.concat([proposals.boxes, jittered], 1),
        scores=tf.concat([proposals.scores, tf.zeros_like(jittered[..., 0])], 1),
        valid=tf.concat([proposals.valid, valid], 1),
    )


def duplicate_masks(
    masks: tf.Tensor, classes: tf.Tensor, iou_threshold: float
) -> tf.Tensor:
    """Which masks [B, D, N] bool, best first, repeat a better one: bool [B, D].

    A mask does if its IoU with any better mask of its class [B, D] is above the
    threshold.
    """
    points = tf.cast(masks, tf.float32)
    shared = tf.matmul(points, points, transpose_b=True)  # [B, D, D]
    area = tf.reduce_sum(points, -1)
    union = area[:, :, None] + area[:, None, :] - shared
    iou = tf.math.divide_no_nan(shared, union)
    same = classes[:, :, None] == classes[:, None, :]
    better = tf.linalg.band_part(iou, -1, 0) - tf.linalg.band_part(iou, 0, 0)
    return tf.reduce_any((better > iou_threshold) & same, -1)


# Boxes [B, R, 6] of regions that are not valid [B, R].
FILLERS = {
    "proposals": lambda boxes, valid: boxes,
    "empty": lambda boxes, valid: tf.where(valid[..., None], boxes, 0.0),
}


def _take_first(mask: tf.Tensor, count: int, priority: tf.Tensor):
    """`count` rows [B, count] where mask [B, S] holds, and which are real."""
    priority = tf.where(mask, priority, -1.0)
    short = tf.maximum(0, count - tf.shape(mask)[1])
    priority = tf.pad(priority, [[0, 0], [0, short]], constant_values=-1.0)
    values, rows = tf.math.top_k(priority, count)
    return tf.minimum(rows, tf.shape(mask)[1] - 1), values >= 0


def sample_regions(
    proposals: Proposals,
    targets: dict[str, tf.Tensor],
    *,
    priority: tf.Tensor,
    num_regions: int,
    positive_fraction: float,
    positive_iou: float,
    background_regions: int,
    deviation: tuple[float, float],
    fill: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
) -> RegionTargets:
    """Positives and negatives in the ratio of section 3.3.

    targets: `boxes` [B, G, 6], `classes` [B, G], `valid` [B, G]; priority [B, S]:
    uniform random numbers, the largest are taken. At most
    `num_regions * positive_fraction` positives come first; negatives follow in
    proportion to them, `background_regions` where there is none
    (model_rpointnet.py:647). fill: one of FILLERS, for rows that are not valid.
    """
    iou = iou_with_truth(proposals.boxes, targets["boxes"], targets["valid"])
    overlaps = tf.reduce_max(iou, -1) >= positive_iou
    num_positive = int(num_regions * positive_fraction)
    positive, is_positive = _take_first(
        overlaps & proposals.valid, num_positive, priority
    )
    negative, is_negative = _take_first(
        ~overlaps & proposals.valid, num_regions - num_positive, priority
    )
    found = tf.reduce_sum(tf.cast(is_positive, tf.float32), 1)
    quota = tf.floor(found * (1.0 / positive_fraction)) - found
    quota = tf.where(found > 0, quota, float(background_regions))
    rank = tf.range(num_regions - num_positive, dtype=tf.float32)
    is_negative &= rank < quota[:, None]

    rows = tf.concat([positive, negative], 1)  # [B, R]
    matched = tf.concat([is_positive, tf.zeros_like(is_negative)], 1)
    nearest = tf.argmax(take(iou, rows), -1, output_type=tf.int32)
    boxes, valid = take(proposals.boxes, rows), tf.concat([is_positive, is_negative], 1)
    return RegionTargets(
        boxes=fill(boxes, valid),
        instances=tf.where(matched, nearest, -1),
        classes=tf.where(matched, take(targets["classes"], nearest), 0),
        deltas=box_lib.encode(boxes, take(targets["boxes"], nearest), deviation),
        valid=valid,
    )
