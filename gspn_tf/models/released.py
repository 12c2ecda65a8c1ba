"""The networks of the release where they differ from the paper's.

A config chooses them by its `kind`. They have the layers, the losses and the numbers of
github.com/ericyi/GSPN, of which the literal one also does what was not meant.
"""

from typing import Any

import keras
import tensorflow as tf

from gspn_tf.config import GSPNConfig, RPointNetConfig
from gspn_tf.models.generators.cvae import ConditionalVAE
from gspn_tf.models.gspn import GSPN
from gspn_tf.models.heads import BoxHead
from gspn_tf.models.proposers.proposer import Objectness
from gspn_tf.models.proposers.shapes import ShapeProposer
from gspn_tf.models.rpointnet import RPointNet
from gspn_tf.nn import assignment, losses
from gspn_tf.nn.mlp import FloatLayer, SharedMLP
from gspn_tf.types import Batch, Proposals


def keep_batch_variance(*mlps: SharedMLP) -> None:
    """Let the norms of MLPs keep the variance of the batch (n), not the sample (n - 1).

    TensorFlow 1 does so where the release runs a layer as a 1D convolution.
    """
    for mlp in mlps:
        for norm in mlp.norms:
            norm.batch_variance = True


def released_labels(
    iou: tf.Tensor, foreground: tf.Tensor, threshold: float, first_alone: bool
) -> tf.Tensor:
    """Labels [B, S] of seeds, where the best one of each object is positive too.

    Args:
      iou: see `assignment.objectness_labels`.
      foreground: see there.
      threshold: see there.
      first_alone: of the objects that have a best seed the first alone decides, as it
        ran (model_rpointnet.py:629).
    """
    best = assignment.best_of_objects(iou, foreground)  # [B, S, G]
    if first_alone:
        first = tf.argmax(tf.cast(tf.reduce_any(best, 1), tf.int32), 1)
        best = tf.gather(best, first, axis=2, batch_dims=1)[..., None]
    labels = assignment.objectness_labels(iou, foreground, threshold)
    return tf.where(tf.reduce_any(best, -1), 1, labels)


class SoftmaxObjectness(Objectness):
    """Two logits and softmax, in place of one."""

    width = 2

    def score(self, logits: tf.Tensor) -> tf.Tensor:
        """The logit [...] of an object: its sigmoid is the softmax's second output."""
        return logits[..., 1] - logits[..., 0]

    def loss(self, logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Cross-entropy [...] of logits [..., 2]; a label of 1 is an object."""
        return losses.cross_entropy(logits, tf.cast(labels == 1, tf.int32))


class CertainVAE(ConditionalVAE):
    """A conditional VAE without a confidence: every generated point is certain."""

    terms = ("generation", "kl")
    point_channels = 3

    def confidence_of(self, cloud: tf.Tensor) -> tf.Tensor:
        """Infinite logits [B, S, P]."""
        return tf.fill(tf.shape(cloud)[:-1], float("inf"))


class ReleasedProposer(ShapeProposer):
    """Generated shapes, where the best seed of each object is positive too."""

    objectness_class = SoftmaxObjectness

    def make_generator(self, context: int) -> CertainVAE:
        """The generative network, on so many channels of context features."""
        return CertainVAE(self.config, context)

    def labels_of(self, iou: tf.Tensor, foreground: tf.Tensor) -> tf.Tensor:
        """Labels [B, S] int32 of seeds, iou [B, S, G]: see `released_labels`."""
        first_alone = self.config.kind == "released_literal_gspn"
        return released_labels(iou, foreground, self.config.positive_iou, first_alone)


@keras.saving.register_keras_serializable("gspn_tf")
class ReleasedGSPN(GSPN):
    """The proposal network of the release, as it was meant to run or as it ran."""

    def __init__(self, config: GSPNConfig, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        vae = self.proposer.vae
        keep_batch_variance(self.semantic_mlp, self.proposer.objectness.mlp)
        keep_batch_variance(vae.prior.mlp, vae.posterior.mlp)
        if vae.context is not None:
            keep_batch_variance(vae.context.mlp)

    def make_proposer(self, context: int) -> ReleasedProposer:
        """The network of the proposals; ValueError for any but the release's."""
        c = self.config
        if (c.proposer, c.generator) != ("shapes", "cvae"):
            raise ValueError(
                f"a network of kind {c.kind} has shapes of a cvae alone, "
                f"got proposer {c.proposer!r} and generator {c.generator!r}"
            )
        return ReleasedProposer(c, context)


class CommonLayers(FloatLayer):
    """Features [B, R, units[-1]] of x [B, R, C] that class and box have in common."""

    def __init__(self, units: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.mlp = SharedMLP(units, (channels,))

    def call(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features = self.mlp(x)
        return features, features


class ReleasedBoxHead(BoxHead):
    """Class and box have their layers in common; in appendix A each has its own."""

    layers_class = CommonLayers


@keras.saving.register_keras_serializable("gspn_tf")
class ReleasedRPointNet(RPointNet):
    """R-PointNet as in the release."""

    box_head_class = ReleasedBoxHead
    constant_scores = True

    def __init__(self, config: RPointNetConfig, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        keep_batch_variance(self.box_head.layers_of.mlp)
        if self.hypercolumns is not None:
            keep_batch_variance(*(layer.mlp for layer in self.hypercolumns.levels))

    def choose_regions(
        self, batch: Batch, proposals: Proposals, seed: tf.Tensor
    ) -> Proposals:
        """Boxes at 0 take the places of missing regions in the batch statistics."""
        chosen = super().choose_regions(batch, proposals, seed)
        boxes = tf.where(chosen.valid[..., None], chosen.boxes, 0.0)
        return chosen._replace(boxes=boxes)


# Keras names some layers of a model in its files by their class, and so would not find
# the weights of files that were written when these classes were one with their parents.
ReleasedProposer.__name__ = ShapeProposer.__name__
ReleasedGSPN.__name__ = GSPN.__name__
