"""Centre prediction networks (section 3.1): where is the object of this point?

Both give a direction and a distance, "similar to [44]" (section 3.3). The paper
describes one in its text and another in Table 7, which the release has too.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.layers import ContextEncoder, SharedMLP, dense
from gspn_tf.models.pointnet2 import PointNet2
from gspn_tf.pyramid import Context, Pyramid, interpolate, take
from gspn_tf.types import Interpolation


class Look(NamedTuple):
    """The seeds of a batch of scenes and their surroundings."""

    pyramid: Pyramid
    rows: tf.Tensor  # [B, S]     seeds as rows of the points
    context: Context
    semantics: tf.Tensor | None  # [B, S, C]  features of the seeds, once known
    to_seeds: Interpolation | None  # seeds -> points; None: seeds alone matter


class Centers(NamedTuple):
    """Predicted centres of objects."""

    direction: tf.Tensor  # [B, S, 3]  from the seed; about a unit vector
    distance: tf.Tensor  # [B, S]     metres
    everywhere: tf.Tensor | None  # [B, N, 3]  of every point, if asked for


class WithoutSemantics(keras.layers.Layer):
    """Context features alone (section 3.1)."""

    width = 0

    def call(self, context, semantics):
        return context


class WithSemantics(keras.layers.Layer):
    """Context features and the semantic feature of the seed (release)."""

    def __init__(self, width: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.width = width

    def call(self, context, semantics):
        return tf.concat([context, semantics], axis=-1)


def condition(config: GSPNConfig) -> WithoutSemantics | WithSemantics:
    """What the conditional networks of a config see besides the context."""
    if config.semantic_conditioning:
        return WithSemantics(config.backbone.propagation_units[-1][-1])
    return WithoutSemantics()


class PointNet2Centers(keras.layers.Layer):
    """A PointNet++ on the scene's coordinates (Table 7): every point has its own."""

    def __init__(self, config: GSPNConfig, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.backbone = PointNet2(config.backbone, channels=0)
        self.output_layer = dense(4, self.backbone.width)
        self.built = True

    def call(self, look: Look, training=False):
        queries = look.rows if look.to_seeds is None else None
        features, _ = self.backbone(
            look.pyramid, features=None, queries=queries, training=training
        )
        outputs = self.output_layer(features)
        if look.to_seeds is None:
            return Centers(outputs[..., :3], outputs[..., 3], None)
        everywhere = look.pyramid.points + outputs[..., :3] * outputs[..., 3:]
        outputs = take(outputs, look.rows)
        return Centers(outputs[..., :3], outputs[..., 3], everywhere)


class ContextCenters(keras.layers.Layer):
    """A PointNet for each scale of the seed's context (text of section 3.1).

    Other points take the centres of the three nearest seeds, as they do with the
    context features (section 3.2).
    """

    def __init__(self, config: GSPNConfig, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.encoder = ContextEncoder(len(config.context_radii), config.context_units)
        self.condition = condition(config)
        width = self.encoder.width + self.condition.width
        self.mlp = SharedMLP(config.center_units, (width,))
        self.output_layer = dense(4, config.center_units[-1])
        self.built = True

    def call(self, look: Look, training=False):
        seeds = look.context.seeds
        features = self.encoder(look.context, seeds, training=training)
        features = self.condition(features, look.semantics)
        outputs = self.output_layer(self.mlp(features, training=training))
        direction, distance = outputs[..., :3], outputs[..., 3]
        if look.to_seeds is None:
            return Centers(direction, distance, None)
        centers = seeds + direction * distance[..., None]
        return Centers(direction, distance, interpolate(centers, look.to_seeds))


CENTER_NETWORKS = {"pointnet2": PointNet2Centers, "context": ContextCenters}
