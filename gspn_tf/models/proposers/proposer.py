"""The inputs and outputs that every proposal network has (section 3.1, Table 4)."""

from typing import Any, NamedTuple

import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.nn import assignment, losses
from gspn_tf.nn.mlp import FloatLayer, SharedMLP, dense
from gspn_tf.types import Targets, Terms


class Objectness(FloatLayer):
    """An MLP to one logit, trained by binary cross-entropy.

    Input: features [B, S, channels]. Output: logits [B, S, width], and of `count`
    boxes a seed [B, S, count, width].
    """

    width = 1

    def __init__(
        self, config: GSPNConfig, channels: int, count: int | None = None
    ) -> None:
        super().__init__()
        units = config.objectness_units
        self.mlp = SharedMLP(units, (channels,))
        self.output_layer = dense((count or 1) * self.width, units[-1])
        self.shape_of_one = [count, self.width] if count else [self.width]

    def call(self, features: tf.Tensor) -> tf.Tensor:
        logits = self.output_layer(self.mlp(features))
        shape = tf.concat([tf.shape(logits)[:-1], self.shape_of_one], 0)
        return tf.reshape(logits, shape)

    def score(self, logits: tf.Tensor) -> tf.Tensor:
        """The logit [...] of an object, of logits [..., width]."""
        return logits[..., 0]

    def loss(self, logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Cross-entropy [...] of logits [..., width]; a label of 1 is an object."""
        return losses.binary_cross_entropy(logits[..., 0], labels)


class SeedTruth(NamedTuple):
    """The objects of a scene, and those that its seeds are on."""

    targets: Targets
    foreground: tf.Tensor  # [B, S]     whether a seed is on an object
    instance: tf.Tensor  # [B, S]     int32 row of that object; 0 for none
    shapes: tf.Tensor  # [B, S, P, 3]
    boxes: tf.Tensor  # [B, S, 6]  around these shapes


class Proposer(FloatLayer):
    """A network that makes proposals at seeds.

    Args:
      config: widths and losses.
      context: channels of the context features.

    Inputs: SeedFeatures. Output: a NamedTuple with at least the `proposals`, one a
    seed, and the `objectness` logits. Where `boxes_per_seed` is more than one, it has
    as many `candidates` a seed, those of one seed in succession, of which R-PointNet
    selects; the proposal is the best of them.

    `terms` are the names of the losses besides that of the objectness, `monitored`
    those of all whose sum tells which weights are the best.
    """

    terms: tuple[str, ...]
    monitored: tuple[str, ...]
    objectness: Objectness
    objectness_class = Objectness
    boxes_per_seed = 1

    def __init__(self, config: GSPNConfig) -> None:
        super().__init__()
        self.config = config

    def losses_of(self, found: Any, truth: SeedTruth) -> Terms:
        """Each of `terms` [B, S]; it has no effect at seeds that are on no object."""
        raise NotImplementedError

    def objectness_loss(self, found: Any, truth: SeedTruth) -> tf.Tensor:
        """Cross-entropy of the seeds whose box does, or does not, hold an object."""
        iou = assignment.iou_with_truth(found.proposals.boxes, truth.targets)
        labels = self.labels_of(iou, truth.foreground)
        loss = self.objectness.loss(found.objectness, labels)
        return losses.masked_mean(loss, (labels >= 0) & found.proposals.valid)

    def labels_of(self, iou: tf.Tensor, foreground: tf.Tensor) -> tf.Tensor:
        """Labels [B, S] int32 of seeds, iou [B, S, G]: see `assignment`."""
        return assignment.objectness_labels(iou, foreground, self.config.positive_iou)
