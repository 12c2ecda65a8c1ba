"""PointNet++ as an encoder and decoder over a pyramid (Table 7)."""

import tensorflow as tf

from gspn_tf.config import BackboneConfig
from gspn_tf.nn.layers import FeaturePropagation, SetAbstraction
from gspn_tf.nn.mlp import FloatLayer
from gspn_tf.nn.pyramid import Pyramid, take
from gspn_tf.types import Interpolation


class PointNet2Encoder(FloatLayer):
    """The way down alone.

    Args as of `PointNet2`. Inputs: pyramid, features [B, N, channels] or None. Output:
    the list of each level's features [B, n, C].
    """

    def __init__(self, config: BackboneConfig, channels: int) -> None:
        super().__init__()
        widths = [units[-1] for units in config.abstraction_units]
        units = {"metre": (1.0,) * len(widths), "radius": config.radii}
        below, scales = (channels, *widths), units[config.offset_unit]
        levels = zip(config.abstraction_units, below, scales, strict=False)
        self.abstractions = [SetAbstraction(*level) for level in levels]
        self.level_widths = tuple(widths)

    def call(
        self, pyramid: Pyramid, features: tf.Tensor | None = None
    ) -> list[tf.Tensor]:
        levels, points, x = [], pyramid.points, features
        for layer, level in zip(self.abstractions, pyramid.levels, strict=True):
            x = layer(points, level, features=x)
            levels.append(x)
            points = level.points
        return levels


class PointNet2(PointNet2Encoder):
    """Features at query points.

    Args:
      config: levels and widths.
      channels: of the input features; 0 for coordinates alone.

    Inputs: pyramid, features [B, N, channels] or None, queries [B, Q] rows of the
    points or None for all of them. Outputs: [B, Q, propagation_units[-1][-1]] and the
    list of each level's features [B, n, C], before any propagation.
    """

    def __init__(self, config: BackboneConfig, channels: int) -> None:
        super().__init__(config, channels)
        widths = self.level_widths
        skips = (*reversed(widths[:-1]), channels)
        coarse = (widths[-1], *(units[-1] for units in config.propagation_units))
        self.propagations = [
            FeaturePropagation(units, width, skip)
            for units, width, skip in zip(
                config.propagation_units, coarse, skips, strict=False
            )
        ]
        self.width = config.propagation_units[-1][-1]

    def call(  # type: ignore[override]
        self,
        pyramid: Pyramid,
        features: tf.Tensor | None = None,
        queries: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        levels = super().call(pyramid, features)
        x, (*upward, last) = levels[-1], self.propagations
        skips = reversed(levels[:-1])
        for layer, table, skip in zip(upward, reversed(pyramid.up), skips, strict=True):
            x = layer(x, table, skip=skip)

        table = pyramid.to_points[0]
        if queries is not None:
            table = Interpolation(*(take(each, queries) for each in table))
            features = None if features is None else take(features, queries)
        return last(x, table, skip=features), levels
