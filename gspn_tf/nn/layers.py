"""Keras layers on point clouds.

Keras hands `training` down from a model to the layers that a layer calls, so only
those name it that do something else in training.
"""

from typing import Any

import keras
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.nn import replicas
from gspn_tf.nn.mlp import BatchNorm as BatchNorm  # public here too
from gspn_tf.nn.mlp import FloatLayer, SharedMLP, dense
from gspn_tf.nn.products import in_chunks
from gspn_tf.nn.pyramid import Context, Level, interpolate
from gspn_tf.types import Gaussian, Interpolation, Regions


@keras.saving.register_keras_serializable("gspn_tf")
class SetAbstraction(FloatLayer):
    """PointNet++'s local PointNet: neighbours relative to a centre, MLP, maximum.

    Args:
      units: output channels of each layer.
      channels: of the features; 0 for none.
      unit: metres by which the neighbours' coordinates are divided.

    Inputs: points [B, N, 3] below, level (centres and neighbours), features [B, N, C]
    or None. Output [B, n, units[-1]].
    """

    def __init__(
        self, units: tuple[int, ...], channels: int, unit: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.mlp = SharedMLP(units, (3, channels) if channels else (3,))
        self.unit = unit

    def call(
        self,
        points: tf.Tensor,
        level: Level,
        features: tf.Tensor | None = None,
        training: bool = False,
    ) -> tf.Tensor:
        level = Level(*level)  # Keras's files have lists in place of named tuples
        # Coordinates are subtracted before the product: far from the origin the
        # difference of two products would keep few digits.
        local = ops.group_points(points, level.neighbors) - level.points[:, :, None]
        if self.unit != 1.0:
            local /= self.unit
        projected = self.mlp.project(local, 0)  # [B, n, K, U]
        if features is not None:
            features = self.mlp.project(features, 1)
            projected += ops.group_points(features, level.neighbors)
        return self.mlp.activate(projected, training, pooled=True)


@keras.saving.register_keras_serializable("gspn_tf")
class FeaturePropagation(FloatLayer):
    """PointNet++'s way up: interpolate coarse features, add the skip, MLP.

    Inputs: coarse [B, n, C], table n -> m, skip [B, m, S] or None. Output
    [B, m, units[-1]].
    """

    def __init__(
        self, units: tuple[int, ...], channels: int, skip: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.mlp = SharedMLP(units, (channels, skip) if skip else (channels,))

    def call(
        self,
        coarse: tf.Tensor,
        table: Interpolation,
        skip: tf.Tensor | None = None,
        training: bool = False,
    ) -> tf.Tensor:
        projected = interpolate(self.mlp.project(coarse, 0), table)
        if skip is not None:
            projected += self.mlp.project(skip, 1)
        return self.mlp.activate(projected, training)


@keras.saving.register_keras_serializable("gspn_tf")
class ContextEncoder(FloatLayer):
    """One PointNet for each scale of the context around a seed (section 3.1).

    Points are expressed relative to `centers`: the seed itself, or the predicted
    centre of its object, which removes the location (model_rpointnet.py:377). Inputs:
    the context, centers [B, S, 3]. Output [B, S, scales * units[-1]]; zeros for a
    sphere without points.
    """

    def __init__(self, num_scales: int, units: tuple[int, ...], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scales = [SharedMLP(units, (6,)) for _ in range(num_scales)]
        self.width = num_scales * units[-1]

    def call(
        self, context: Context, centers: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        context = Context(*context)
        around = tf.concat([context.colors, context.points], -1)
        origin = tf.concat([context.seed_colors, centers], -1)
        features, spheres = [], zip(context.neighbors, context.counts, strict=True)
        for mlp, (near, count) in zip(self.scales, spheres, strict=True):

            def encode(
                near: tf.Tensor, origin: tf.Tensor, mlp: SharedMLP = mlp
            ) -> tf.Tensor:
                local = ops.group_points(around, near) - origin[:, :, None, :]
                return mlp(local, pooled=True)

            row = tf.TensorSpec([mlp.width], self.compute_dtype)
            whole = encode if training else in_chunks(encode, near.shape[-1], row)
            found = whole(near, origin)
            features.append(tf.where(count[..., None] > 0, found, 0))
        return tf.concat(features, axis=-1)


@keras.saving.register_keras_serializable("gspn_tf")
class GaussianMLP(FloatLayer):
    """MLP to a diagonal Gaussian: mean and log variance, each [..., latent_size].

    The log variance is clipped to [-10, 1] (model_rpointnet.py:388).
    """

    def __init__(
        self, units: tuple[int, ...], latent_size: int, channels: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.mlp = SharedMLP(units, (channels,))
        self.output_layer = dense(2 * latent_size, units[-1])

    def call(self, inputs: tf.Tensor) -> Gaussian:
        mean, log_variance = tf.split(self.output_layer(self.mlp(inputs)), 2, axis=-1)
        return Gaussian(mean, tf.clip_by_value(log_variance, -10.0, 1.0))


@keras.saving.register_keras_serializable("gspn_tf")
class PointRoIAlign(FloatLayer):
    """Equally many scene points for every box (section 3.2).

    Points are drawn with replacement from those inside the box.

    Args:
      num_points: points drawn for a box.
      margin: metres by which a box is enlarged on every side to draw its points.

    Inputs: points [B, N, 3], boxes [B, R, 6], valid [B, R], the scenes' num_points
    [B], seed [2] int32. Output: Regions; a box without points becomes invalid.
    """

    def __init__(self, num_points: int, margin: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_points, self.margin = num_points, margin

    def call(
        self,
        points: tf.Tensor,
        boxes: tf.Tensor,
        valid: tf.Tensor,
        num_points: tf.Tensor,
        seed: tf.Tensor,
    ) -> Regions:

        def draw(points: tf.Tensor, boxes: tf.Tensor, count: tf.Tensor) -> tuple:
            size, margin = self.num_points, self.margin
            return ops.sample_in_boxes(
                points, boxes, seed, num_samples=size, margin=margin, num_points=count
            )

        indices, counts = replicas.in_whole_batch(draw, points, boxes, num_points)
        return Regions(boxes, indices, valid & (counts > 0))
