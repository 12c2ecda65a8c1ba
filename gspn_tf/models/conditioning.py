"""The features that the networks of a seed see, made of its surroundings."""

from typing import NamedTuple

import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.nn.layers import FloatLayer, SharedMLP
from gspn_tf.nn.pyramid import Context


class SeedFeatures(NamedTuple):
    """The features that the backbone found at the seeds."""

    rows: tf.Tensor  # [B, S]     seeds as rows of the points
    valid: tf.Tensor  # [B, S]     False marks padding
    centers: tf.Tensor  # [B, S, 3]  predicted centres of their objects, metres
    spheres: Context
    context: tf.Tensor  # [B, S, C]  features of the spheres
    semantics: tf.Tensor  # [B, S, C']


def conditioned_width(config: GSPNConfig, context: int) -> int:
    """Channels of `conditioned`, for so many of the context."""
    semantic = config.backbone.propagation_units[-1][-1]
    return context + semantic * config.semantic_conditioning


def conditioned(
    config: GSPNConfig, context: tf.Tensor, semantics: tf.Tensor
) -> tf.Tensor:
    """Features of seeds that conditional networks see, of [B, S, C] and [B, S, C'].

    The paper has the context's alone (section 3.1), the release the semantic ones
    before them (model_rpointnet.py:388).
    """
    if not config.semantic_conditioning:
        return context
    return tf.concat([semantics, context], axis=-1)


class ReducedContext(FloatLayer):
    """Context features through a layer of the generator (model_rpointnet.py:399)."""

    def __init__(self, units: int, channels: int) -> None:
        super().__init__()
        self.mlp = SharedMLP((units,), (channels,))

    def call(self, context: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.mlp(context, training=training)
