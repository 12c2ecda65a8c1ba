"""Centre prediction networks (section 3.1): where is the object of this point?

They give a direction and a distance, "similar to [44]" (section 3.3). The paper
describes one in its text and another in Table 7, which the release has too; Table 5
compares with none. Here are also the features of the seeds that all networks see.
"""

from typing import NamedTuple

import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.models.pointnet2 import PointNet2
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import losses
from gspn_tf.nn.layers import ContextEncoder
from gspn_tf.nn.mlp import FloatLayer, SharedMLP, dense
from gspn_tf.nn.pyramid import Context, Pyramid, interpolate, take
from gspn_tf.types import Interpolation, Targets, Terms


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


class SeedContext(NamedTuple):
    """The seeds of a batch of scenes and their surroundings."""

    pyramid: Pyramid
    rows: tf.Tensor  # [B, S]     seeds as rows of the points
    spheres: Context
    to_seeds: Interpolation | None  # seeds -> points; None: seeds alone matter


class SeedFeatures(NamedTuple):
    """The features that the backbone found at the seeds."""

    seeds: SeedContext
    valid: tf.Tensor  # [B, S]     False marks padding
    centers: tf.Tensor  # [B, S, 3]  predicted centres of their objects, metres
    context: tf.Tensor  # [B, S, C]  features of the spheres
    conditions: tf.Tensor  # [B, S, C']  that conditional networks see, of these
    targets: Targets | None  # as in a batch, of training alone


class Centers(NamedTuple):
    """Predicted centres of objects."""

    direction: tf.Tensor  # [B, S, 3]  from the seed; about a unit vector
    distance: tf.Tensor  # [B, S]     metres
    everywhere: tf.Tensor | None  # [B, N, 3]  of every point, if asked for


class CenterNetwork(FloatLayer):
    """A network that finds the centre of each seed's object.

    Inputs: a SeedContext; semantics [B, S, C] of the seeds. Output: Centers. `terms`
    are the names of its losses.
    """

    terms: tuple[str, ...] = ("center",)

    def __init__(self, config: GSPNConfig) -> None:
        super().__init__()
        self.config = config

    def centers(self, outputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Direction [..., 3] and distance [...] of what a network gives [..., 4]."""
        direction, distance = outputs[..., :3], outputs[..., 3]
        if self.config.center_direction == "unit":
            direction = tf.math.l2_normalize(direction, axis=-1)
        return direction, distance

    def losses_of(self, found: Centers, seeds: tf.Tensor, boxes: tf.Tensor) -> Terms:
        """The loss [B, S] of centres at seeds [B, S, 3] on objects, boxes [B, S, 6]."""
        offset, unit = boxes[..., :3] - seeds, tf.ones_like(boxes[..., 0])
        if self.config.center_unit == "half_diagonal":
            unit = box_lib.half_diagonal(boxes)
        loss = losses.center_loss(found.direction, found.distance, offset, unit)
        return {"center": loss}


class PointNet2Centers(CenterNetwork):
    """A PointNet++ on the scene's coordinates (Table 7): every point has its own."""

    def __init__(self, config: GSPNConfig) -> None:
        super().__init__(config)
        self.backbone = PointNet2(config.backbone, channels=0)
        self.output_layer = dense(4, self.backbone.width)

    def call(self, seeds: SeedContext, semantics: tf.Tensor) -> Centers:
        queries = seeds.rows if seeds.to_seeds is None else None
        features, _ = self.backbone(seeds.pyramid, features=None, queries=queries)
        direction, distance = self.centers(self.output_layer(features))
        if seeds.to_seeds is None:
            return Centers(direction, distance, None)
        everywhere = seeds.pyramid.points + direction * distance[..., None]
        at_seeds = take(direction, seeds.rows), take(distance, seeds.rows)
        return Centers(*at_seeds, everywhere)


class ContextCenters(CenterNetwork):
    """A PointNet for each scale of the seed's context (text of section 3.1).

    Other points take the centres of the three nearest seeds, as they do with the
    context features (section 3.2).
    """

    def __init__(self, config: GSPNConfig) -> None:
        super().__init__(config)
        self.encoder = ContextEncoder(len(config.context_radii), config.context_units)
        width = conditioned_width(config, self.encoder.width)
        self.mlp = SharedMLP(config.center_units, (width,))
        self.output_layer = dense(4, config.center_units[-1])

    def call(self, seeds: SeedContext, semantics: tf.Tensor) -> Centers:
        points = seeds.spheres.seeds
        features = self.encoder(seeds.spheres, points)
        features = conditioned(self.config, features, semantics)
        direction, distance = self.centers(self.output_layer(self.mlp(features)))
        if seeds.to_seeds is None:
            return Centers(direction, distance, None)
        centers = points + direction * distance[..., None]
        return Centers(direction, distance, interpolate(centers, seeds.to_seeds))


class NoCenters(CenterNetwork):
    """Every point is its own centre: nothing is predicted (section 4.4)."""

    terms = ()

    def call(self, seeds: SeedContext, semantics: tf.Tensor) -> Centers:
        points = seeds.spheres.seeds
        everywhere = None if seeds.to_seeds is None else seeds.pyramid.points
        return Centers(tf.zeros_like(points), tf.zeros_like(points[..., 0]), everywhere)


CENTER_NETWORKS = {
    "pointnet2": PointNet2Centers,
    "context": ContextCenters,
    "none": NoCenters,
}
