"""Centre prediction networks (section 3.1): where is the object of this point?

They give a direction and a distance, "similar to [44]" (section 3.3). The paper
describes one in its text and another in Table 7, which the release has too; Table 5
compares with none.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.models.conditioning import condition
from gspn_tf.models.pointnet2 import PointNet2
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import losses
from gspn_tf.nn.layers import ContextEncoder, SharedMLP, dense
from gspn_tf.nn.pyramid import Context, Pyramid, interpolate, take
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


def unit_vector(direction: tf.Tensor) -> tf.Tensor:
    """The direction [..., 3] at length one (section 3.3)."""
    return tf.math.l2_normalize(direction, axis=-1)


DIRECTIONS = {"unit": unit_vector, "raw": tf.identity}


def context_encoder(config: GSPNConfig) -> ContextEncoder:
    """The K PointNets of a config (section 3.1)."""
    scales = len(config.context_radii)
    return ContextEncoder(scales, config.context_units, config.context_color)


class CenterNetwork(keras.layers.Layer):
    """Inputs: a Look. Output: Centers."""

    terms: tuple[str, ...] = ("center",)

    def __init__(self, config: GSPNConfig, **kwargs):
        super().__init__(autocast=False, **kwargs)
        metre = config.center_unit == "metre"
        self.unit = lambda x: (
            tf.ones_like(x[..., 0]) if metre else box_lib.half_diagonal(x)
        )

    def losses_of(self, outputs, seeds, boxes) -> dict[str, tf.Tensor]:
        """Each of `terms` [B, S], of seeds [B, S, 3] on the objects of boxes [B, S, 6].

        outputs: a dict with the `direction` and `distance` of the seeds.
        """
        offset, unit = boxes[..., :3] - seeds, self.unit(boxes)
        direction, distance = outputs["direction"], outputs["distance"]
        return {"center": losses.center_loss(direction, distance, offset, unit)}


class PointNet2Centers(CenterNetwork):
    """A PointNet++ on the scene's coordinates (Table 7): every point has its own."""

    def __init__(self, config: GSPNConfig, **kwargs):
        super().__init__(config, **kwargs)
        self.backbone = PointNet2(config.backbone, channels=0)
        self.direct = DIRECTIONS[config.center_direction]
        self.output_layer = dense(4, self.backbone.width)
        self.built = True

    def call(self, look: Look, training=False):
        queries = look.rows if look.to_seeds is None else None
        features, _ = self.backbone(
            look.pyramid, features=None, queries=queries, training=training
        )
        outputs = self.output_layer(features)
        direction, distance = self.direct(outputs[..., :3]), outputs[..., 3]
        if look.to_seeds is None:
            return Centers(direction, distance, None)
        everywhere = look.pyramid.points + direction * distance[..., None]
        at_seeds = take(direction, look.rows), take(distance, look.rows)
        return Centers(*at_seeds, everywhere)


class ContextCenters(CenterNetwork):
    """A PointNet for each scale of the seed's context (text of section 3.1).

    Other points take the centres of the three nearest seeds, as they do with the
    context features (section 3.2).
    """

    def __init__(self, config: GSPNConfig, **kwargs):
        super().__init__(config, **kwargs)
        self.encoder = context_encoder(config)
        self.direct = DIRECTIONS[config.center_direction]
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
        direction, distance = self.direct(outputs[..., :3]), outputs[..., 3]
        if look.to_seeds is None:
            return Centers(direction, distance, None)
        centers = seeds + direction * distance[..., None]
        return Centers(direction, distance, interpolate(centers, look.to_seeds))


class NoCenters(CenterNetwork):
    """Every point is its own centre: nothing is predicted (section 4.4)."""

    terms = ()

    def __init__(self, config: GSPNConfig, **kwargs):
        super().__init__(config, **kwargs)
        self.built = True

    def call(self, look: Look, training=False):
        seeds = look.context.seeds
        everywhere = None if look.to_seeds is None else look.pyramid.points
        return Centers(tf.zeros_like(seeds), tf.zeros_like(seeds[..., 0]), everywhere)

    def losses_of(self, outputs, seeds, boxes):
        """No term."""
        return {}


CENTER_NETWORKS = {
    "pointnet2": PointNet2Centers,
    "context": ContextCenters,
    "none": NoCenters,
}
