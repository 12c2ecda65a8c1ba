"""What every proposal network takes and gives (section 3.1, Table 4)."""

from typing import NamedTuple

import keras
import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.models.conditioning import condition
from gspn_tf.models.objectness import OBJECTNESS
from gspn_tf.nn import assignment, losses
from gspn_tf.nn.pyramid import Context


class SeedFeatures(NamedTuple):
    """What the feature backbone found at the seeds."""

    rows: tf.Tensor  # [B, S]     seeds as rows of the points
    valid: tf.Tensor  # [B, S]     False marks padding
    centers: tf.Tensor  # [B, S, 3]  predicted centres of their objects, metres
    spheres: Context
    context: tf.Tensor  # [B, S, C]  features of the spheres
    semantics: tf.Tensor  # [B, S, C']


class SeedTruth(NamedTuple):
    """The objects of a scene, and those that its seeds are on."""

    targets: dict[str, tf.Tensor]
    foreground: tf.Tensor  # [B, S]     whether a seed is on an object
    instance: tf.Tensor  # [B, S]     int32 row of that object; 0 for none
    shapes: tf.Tensor  # [B, S, P, 3]
    boxes: tf.Tensor  # [B, S, 6]  around these shapes


class Proposer(keras.layers.Layer):
    """A network that makes proposals at seeds.

    Args:
      config: widths and losses.
      context: channels of the context features.
      semantics: channels that `condition` adds to them.

    Inputs: SeedFeatures; targets as in a batch, or None outside of training. Outputs: a
    dict with at least `proposals` (one box and score a seed), and `objectness` logits
    [B, S, ...]. Where a seed has `boxes_per_seed` > 1, `candidates` are the proposals
    [B, S * boxes_per_seed] of which R-PointNet selects, those of a seed in succession,
    and `proposals` are the best of each seed.

    `terms` are the names of the losses besides that of the objectness, `monitored`
    those of all whose sum tells which weights are the best.
    """

    terms: tuple[str, ...]
    monitored: tuple[str, ...]
    boxes_per_seed = 1

    def __init__(self, config: GSPNConfig, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.config = config
        self.condition = condition(config)

    def losses_of(self, outputs, truth: SeedTruth) -> dict[str, tf.Tensor]:
        """Each of `terms` [B, S]; what it is at seeds off all objects has no effect."""
        raise NotImplementedError

    def objectness_loss(self, outputs, truth: SeedTruth) -> tf.Tensor:
        """Cross-entropy of the seeds whose box does, or does not, hold an object."""
        proposals, targets = outputs["proposals"], truth.targets
        iou = assignment.iou_with_truth(
            proposals.boxes, targets["boxes"], targets["valid"]
        )
        labels = assignment.objectness_labels(
            iou, truth.foreground, self.config.positive_iou
        )
        labels = tf.where(self.best_seeds(iou, truth.foreground), 1, labels)
        loss = self.objectness.loss(outputs["objectness"], labels)
        return losses.masked_mean(loss, (labels >= 0) & proposals.valid)

    def best_seeds(self, iou, foreground):
        """Seeds [B, S] that are positive whatever their IoU."""
        best = assignment.best_of_objects(iou, foreground)
        if self.config.best_seeds == "none":
            return tf.zeros_like(foreground)
        if self.config.best_seeds == "all":
            return tf.reduce_any(best, -1)
        found = tf.cast(tf.reduce_any(best, 1), tf.int32)  # [B, G]
        return tf.gather(best, tf.argmax(found, 1), axis=2, batch_dims=1)

    def objectness_of(self, channels: int, count: int | None = None):
        """The objectness network of the config, see `Objectness`."""
        return OBJECTNESS[self.config.objectness_loss](self.config, channels, count)
