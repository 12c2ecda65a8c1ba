"""How sure an instance is: what suppression goes by, and what is exported.

The paper gives no score. The release multiplies three (model_rpointnet.py:818) to
suppress boxes, multiplies them again over the masks to sort instances, and then writes
1.0 or 0.97 for all of them (its test.py).
"""

from typing import NamedTuple

import tensorflow as tf

from gspn_tf.models.gspn import SceneFeatures
from gspn_tf.nn.pyramid import take
from gspn_tf.types import Proposals, Regions

SURE = 0.01  # least support of an instance that the release exports with 1.0
UNSURE_SCORE = 0.97


class Support(NamedTuple):
    """What the proposal network says of every point of a scene."""

    objectness: tf.Tensor  # [B, N]     of the nearest seed, 0..1
    semantic: tf.Tensor  # [B, N, C]  class probabilities


class Scored(NamedTuple):
    """Instances that have their masks, best first."""

    ranking: tf.Tensor  # [B, D]
    confidence: tf.Tensor  # [B, D]     probability of the class
    classes: tf.Tensor  # [B, D]
    masks: tf.Tensor  # [B, D, N]  0..1


def support_of(scene: SceneFeatures, proposals: Proposals) -> Support:
    """Of a scene and the proposals of its seeds, before any suppression."""
    nearest = scene.to_seeds.indices[..., 0]  # [B, N]
    return Support(
        objectness=take(tf.sigmoid(proposals.scores), nearest),
        semantic=tf.nn.softmax(scene.semantic_logits),
    )


def of_class(values: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """What each region [B, R] says of its class.

    values [B, R, C] -> [B, R]; deltas [B, R, C, 6] -> [B, R, 6]; masks
    [B, R, C, M] -> [B, R, M].
    """
    return tf.gather(values, classes, axis=2, batch_dims=2)


def of_regions(support: Support, regions: Regions, classes: tf.Tensor) -> tf.Tensor:
    """Mean objectness times mean class probability of regions' points: [B, R]."""
    objectness = tf.reduce_mean(take(support.objectness, regions.indices), -1)
    semantic = tf.reduce_mean(take(support.semantic, regions.indices), 2)
    return objectness * of_class(semantic, classes)


def by_ranking(found: Scored, support: Support) -> tuple[tf.Tensor, tf.Tensor]:
    """Scores [B, D] as ranked, and what to sort by [B, D]."""
    return found.ranking, found.ranking


def by_class(found: Scored, support: Support) -> tuple[tf.Tensor, tf.Tensor]:
    """The class probability, in the order of the ranking."""
    return found.confidence, found.ranking


def as_released(found: Scored, support: Support) -> tuple[tf.Tensor, tf.Tensor]:
    """1.0 for instances whose masks lie on objects of their class, 0.97 for others.

    Sorted by class probability times mean objectness and semantic probability over
    the soft mask, the former before the latter (test.py of the release).
    """
    area = tf.reduce_sum(found.masks, -1) + 1e-8
    objectness = tf.linalg.matvec(found.masks, support.objectness) / area
    semantic = of_class(tf.matmul(found.masks, support.semantic), found.classes) / area
    sure = (objectness > SURE) & (semantic > SURE)
    product = found.confidence * semantic * objectness
    return tf.where(sure, 1.0, UNSURE_SCORE), product + tf.where(sure, 2.0, 0.0)


EXPORTED_SCORES = {"ranking": by_ranking, "class": by_class, "released": as_released}
