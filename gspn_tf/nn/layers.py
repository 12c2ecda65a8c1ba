"""Keras layers on point clouds.

All weights are made in the constructor, so that a model can be loaded before it has
seen data. A first dense layer is linear, so it may be applied before a gather or an
interpolation when that side is smaller: hence `SharedMLP.project` and `.activate`.

Keras hands `training` down from a model to the layers that a layer calls, so only
those name it that do something else in training.
"""

import itertools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.nn import replicas
from gspn_tf.nn.pyramid import Context, Level, interpolate
from gspn_tf.types import Gaussian, Interpolation, Regions


def dense(units: int, channels: int) -> keras.layers.Dense:
    """A dense layer of known input width that emits float32 metres or logits."""
    layer = keras.layers.Dense(units, dtype="float32")
    layer.build((None, channels))
    return layer


class FloatLayer(keras.layers.Layer):
    """A layer in float32 that is built when its constructor has made its weights."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.supports_jit = False  # XLA has no kernels for the point ops
        self.built = True


class BatchNorm(keras.layers.BatchNormalization):
    """Batch normalisation over all axes but the last, by TensorFlow's fused kernel.

    It is twice as fast as Keras's own composition of moments on a CPU. Several replicas
    that train have the statistics of all their rows in common, without it. The moving
    variance is that of the sample (n - 1), as in the released code for its 2D layers,
    or with `batch_variance` that of the batch (n), as there for the 1D ones and in
    Keras. A `schedule` gives the momentum at each step in place of the constant one.
    """

    batch_variance = False
    schedule: Callable[[], tf.Tensor] | None = None

    def __init__(self, channels: int, momentum: float = 0.9) -> None:
        super().__init__(momentum=momentum, epsilon=1e-3)
        self.build((None, channels))
        self.input_spec = None  # any number of leading axes

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        learning = training and self.trainable
        rows = tf.reshape(inputs, [-1, inputs.shape[-1]])
        affine = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        if learning and replicas.count() > 1:
            outputs, mean, variance = replicas.batch_norm(rows, *affine, self.epsilon)
        else:
            outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
                x=rows[:, None, None],
                scale=affine[0],
                offset=affine[1],
                mean=[] if learning else tf.convert_to_tensor(self.moving_mean),
                variance=[] if learning else tf.convert_to_tensor(self.moving_variance),
                epsilon=self.epsilon,
                is_training=learning,
            )
        if learning:
            if self.batch_variance:
                count = tf.cast(tf.shape(rows)[0], variance.dtype)
                (count,) = replicas.across_replicas([count])
                variance *= (count - 1) / count
            keep = self.momentum if self.schedule is None else self.schedule()
            self.moving_mean.assign(keep * self.moving_mean + (1 - keep) * mean)
            self.moving_variance.assign(
                keep * self.moving_variance + (1 - keep) * variance
            )
        return tf.reshape(outputs, tf.shape(inputs))


class SharedMLP(FloatLayer):
    """Dense, batch norm, ReLU, repeated: the same for every point.

    Args:
      units: output channels of each layer.
      parts: channels of each input part; the first layer sees them concatenated.

    Inputs: one tensor [..., C] (where there is one part). Output [..., units[-1]].
    `project` then `activate` is the same with the first layer's product on its own.
    """

    def __init__(
        self, units: tuple[int, ...], parts: tuple[int, ...], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.parts = parts
        self.kernels = [
            self.add_weight(shape=shape, name=f"kernel_{i}")
            for i, shape in enumerate(itertools.pairwise((sum(parts), *units)))
        ]
        self.norms = [BatchNorm(width) for width in units]

    def project(self, features: tf.Tensor, part: int = 0) -> tf.Tensor:
        """Product [..., units[0]] of one part [..., parts[part]]; sum over parts."""
        start = sum(self.parts[:part])
        kernel = tf.convert_to_tensor(self.kernels[0])
        return matrix_product(features, kernel[start : start + self.parts[part]])

    def activate(self, projected: tf.Tensor) -> tf.Tensor:
        """Apply the rest of the network: [..., units[0]] -> [..., units[-1]]."""
        x = tf.nn.relu(self.norms[0](projected))
        for kernel, norm in zip(self.kernels[1:], self.norms[1:], strict=True):
            x = tf.nn.relu(norm(matrix_product(x, tf.convert_to_tensor(kernel))))
        return x

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.activate(self.project(inputs))


def matrix_product(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Product [..., D] of x [..., C] and kernel [C, D], as one matrix product."""
    rows = tf.reshape(x, [-1, kernel.shape[0]])
    shape = tf.concat([tf.shape(x)[:-1], [kernel.shape[1]]], 0)
    product = tf.reshape(tf.matmul(rows, kernel), shape)
    product.set_shape([*x.shape[:-1], kernel.shape[1]])
    return product


class SetAbstraction(FloatLayer):
    """PointNet++'s local PointNet: neighbours relative to a centre, MLP, maximum.

    Inputs: points [B, N, 3] below, level (centres and neighbours), features [B, N, C]
    or None. Output [B, n, units[-1]].
    """

    def __init__(self, units: tuple[int, ...], channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mlp = SharedMLP(units, (3, channels) if channels else (3,))

    def call(
        self, points: tf.Tensor, level: Level, features: tf.Tensor | None = None
    ) -> tf.Tensor:
        # Coordinates are subtracted before the product: far from the origin the
        # difference of two products would keep few digits.
        local = ops.group_points(points, level.neighbors) - level.points[:, :, None]
        projected = self.mlp.project(local, 0)  # [B, n, K, U]
        if features is not None:
            features = self.mlp.project(features, 1)
            projected += ops.group_points(features, level.neighbors)
        return tf.reduce_max(self.mlp.activate(projected), axis=2)


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
        self, coarse: tf.Tensor, table: Interpolation, skip: tf.Tensor | None = None
    ) -> tf.Tensor:
        projected = interpolate(self.mlp.project(coarse, 0), table)
        if skip is not None:
            projected += self.mlp.project(skip, 1)
        return self.mlp.activate(projected)


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

    def call(self, context: Context, centers: tf.Tensor) -> tf.Tensor:
        around = tf.concat([context.colors, context.points], -1)
        origin = tf.concat([context.seed_colors, centers], -1)
        features, spheres = [], zip(context.neighbors, context.counts, strict=True)
        for mlp, (near, count) in zip(self.scales, spheres, strict=True):
            local = ops.group_points(around, near) - origin[:, :, None, :]
            feature = tf.reduce_max(mlp(local), axis=2)
            features.append(tf.where(count[..., None] > 0, feature, 0.0))
        return tf.concat(features, axis=-1)


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
