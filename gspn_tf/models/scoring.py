"""How sure an instance is: the score that suppression goes by, and the exported one.

The paper gives no score. The release multiplies three (model_rpointnet.py:818) to
suppress boxes, multiplies them again over the masks to sort instances, and then writes
1.0 or 0.97 for all of them (its test.py).
"""

from typing import NamedTuple

import tensorflow as tf

from gspn_tf.config import RPointNetConfig
from gspn_tf.models.gspn import GSPNOutputs
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import suppression
from gspn_tf.nn.pyramid import take
from gspn_tf.nn.suppression import zero_padding
from gspn_tf.types import Detections, Proposals, Regions

SURE = 0.01  # Least support of an instance that the release exports with 1.0.
UNSURE_SCORE = 0.97
_DOUBT = 1e-3  # semantic probability that no class is below


class Support(NamedTuple):
    """Opinion of the proposal network on every point of a scene."""

    objectness: tf.Tensor  # [B, N]     of the nearest seed, 0..1
    semantic: tf.Tensor  # [B, N, C]  class probabilities


class RefinedBoxes(NamedTuple):
    """Boxes of instances, before they have masks; best first."""

    boxes: tf.Tensor  # [B, D, 6]
    classes: tf.Tensor  # [B, D]     int32, 1..C-1; 0 on padding
    scores: tf.Tensor  # [B, D]     that they are ranked by
    confidence: tf.Tensor  # [B, D]     probability of the class
    valid: tf.Tensor  # [B, D]     False marks padding


def best_first(found: Detections, key: tf.Tensor) -> tuple[Detections, tf.Tensor]:
    """Detections sorted by key [B, D], then padding; and their former rows [B, D]."""
    order = tf.argsort(tf.where(found.valid, -key, 1.0), axis=-1, stable=True)
    return zero_padding(Detections(*(take(x, order) for x in found))), order


def support_of(scene: GSPNOutputs) -> Support:
    """Support by the proposals of the seeds of a scene, before any suppression."""
    assert scene.to_seeds is not None  # of a whole scene
    nearest = scene.to_seeds.indices[..., 0]  # [B, N]
    return Support(
        objectness=take(tf.sigmoid(scene.proposals.scores), nearest),
        semantic=tf.nn.softmax(scene.semantic_logits),
    )


def of_class(values: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """Values of one class for each region [B, R].

    values [B, R, C] -> [B, R]; deltas [B, R, C, 6] -> [B, R, 6]; masks
    [B, R, C, M] -> [B, R, M].
    """
    return tf.gather(values, classes, axis=2, batch_dims=2)


def mean_semantic(support: Support, regions: Regions) -> tf.Tensor:
    """Mean semantic probabilities [B, R, classes] of regions' points."""
    return tf.reduce_mean(take(support.semantic, regions.indices), 2)


def of_regions(
    support: Support, regions: Regions, semantic: tf.Tensor, classes: tf.Tensor
) -> tf.Tensor:
    """Mean objectness times mean class probability of regions' points: [B, R].

    semantic [B, R, classes] is their `mean_semantic`.
    """
    objectness = tf.reduce_mean(take(support.objectness, regions.indices), -1)
    return objectness * of_class(semantic, classes)


def released_scores(
    found: RefinedBoxes, masks: tf.Tensor, support: Support
) -> tuple[tf.Tensor, tf.Tensor]:
    """1.0 for instances whose masks lie on objects of their class, 0.97 for others.

    Sorted by class probability times mean objectness and semantic probability over
    the soft mask, the former before the latter (test.py of the release).

    Args:
      found: D instances.
      masks: their soft masks [B, D, N], 0..1.
      support: of the N points.

    Returns:
      Scores [B, D], and the key [B, D] to sort by.
    """
    mass = tf.reduce_sum(masks, -1) + 1e-8
    objectness = tf.linalg.matvec(masks, support.objectness) / mass
    semantic = of_class(tf.matmul(masks, support.semantic), found.classes) / mass
    sure = (objectness > SURE) & (semantic > SURE)
    product = found.confidence * semantic * objectness
    return tf.where(sure, 1.0, UNSURE_SCORE), product + tf.where(sure, 2.0, 0.0)


def class_probabilities(
    logits: tf.Tensor, semantic: tf.Tensor, config: RPointNetConfig
) -> tf.Tensor:
    """Probabilities [B, R, classes] among which the class of a region is chosen.

    Where `region_classes` are "objects", the background has none: the probability of
    any object is shared among its classes by theirs, times a power of the semantic
    ones.

    Args:
      logits: [B, R, classes].
      semantic: [B, R, classes] mean semantic probabilities of the regions' points.
      config: how.
    """
    probabilities = tf.nn.softmax(logits)
    if config.region_classes == "any" and not config.class_agnostic:
        return probabilities
    objects = probabilities[..., 1:]
    votes = objects * (semantic[..., 1:] + _DOUBT) ** config.semantic_power
    shares = tf.math.divide_no_nan(votes, tf.reduce_sum(votes, -1, keepdims=True))
    shared = tf.reduce_sum(objects, -1, keepdims=True) * shares
    return tf.concat([tf.zeros_like(shared[..., :1]), shared], -1)


def refine(
    regions: Regions,
    logits: tf.Tensor,
    deltas: tf.Tensor,
    support: Support,
    config: RPointNetConfig,
) -> RefinedBoxes:
    """The best class's box of each region, after suppression class by class.

    Ranked by class probability times a power of the region's support; where
    `class_agnostic`, by the probability of any class, and suppressed as of one class.

    Args:
      regions: R regions.
      logits: [B, R, classes] of their classes.
      deltas: [B, R, classes, 6].
      support: of the points of the scene.
      config: thresholds.
    """
    semantic = mean_semantic(support, regions)
    probabilities = class_probabilities(logits, semantic, config)
    classes = tf.argmax(probabilities, -1, output_type=tf.int32)  # [B, R]
    best, total = tf.reduce_max(probabilities, -1), tf.reduce_sum(probabilities, -1)
    confidence = total if config.class_agnostic else best
    boxes = box_lib.decode(
        regions.boxes, of_class(deltas, classes), config.box_deviation
    )
    supported = of_regions(support, regions, semantic, classes)
    scores = confidence * supported**config.support_power
    keep = regions.valid & (classes > 0) & (confidence >= config.min_score)
    candidates = Proposals(boxes, scores, keep)
    rivals = tf.ones_like(classes) if config.class_agnostic else classes
    rows, valid = suppression.suppress_by_class(candidates, rivals, config)
    boxes = box_lib.enlarge(take(boxes, rows), config.detection_margin)
    classes, scores = take(classes, rows), take(scores, rows)
    confidence = take(confidence, rows)
    return zero_padding(RefinedBoxes(boxes, classes, scores, confidence, valid))
