"""Keras layers on point clouds.

All weights are made in the constructor, so that a model can be loaded before it has
seen data. A first dense layer is linear, so it may be applied before a gather or an
interpolation when that side is smaller: hence `SharedMLP.project` and `.activate`.

Keras hands `training` down from a model to the layers that a layer calls, so only
those name it that do something else in training.
"""

import itertools
from typing import Any

import keras
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.nn import normalization
from gspn_tf.nn.products import in_chunks, matrix_product, maximum, with_leading_axes
from gspn_tf.nn.pyramid import Context, Level, interpolate
from gspn_tf.types import Interpolation


def dense(units: int, channels: int) -> keras.layers.Dense:
    """A dense layer of known input width that emits float32 metres or logits."""
    layer = keras.layers.Dense(units, dtype="float32")
    layer.build((None, channels))
    return layer


class FloatLayer(keras.layers.Layer):
    """A layer in float32 that is built when its constructor has made its weights."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.built = True


class BatchNorm(keras.layers.BatchNormalization):
    """Batch normalisation over all axes but the last, by TensorFlow's fused kernel.

    It is twice as fast as Keras's own composition of moments on a CPU. The moving
    variance is that of the sample (n - 1), as in the released code for its 2D layers,
    or with `batch_variance` that of the batch (n), as there for the 1D ones and in
    Keras.
    """

    batch_variance = False

    def __init__(self, channels: int, momentum: float = 0.9) -> None:
        super().__init__(momentum=momentum, epsilon=1e-3, autocast=False)
        self.build((None, channels))
        self.input_spec = None  # any number of leading axes

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        learning = training and self.trainable
        moments = None if learning else tuple(m.value for m in self.moments)
        found = normalization.normalize(inputs, *self.affine, moments)
        if learning:
            self.keep(found.batch_mean, found.batch_variance, tf.size(inputs))
        return tf.reshape(found.y, tf.shape(inputs))

    @property
    def affine(self) -> tuple[tf.Tensor, tf.Tensor, float]:
        """Scale [C], offset [C] and the number that is added to variances."""
        affine = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        return *affine, self.epsilon

    @property
    def moments(self) -> tuple[keras.Variable, keras.Variable]:
        """Moving mean [C] and moving variance [C]."""
        return self.moving_mean, self.moving_variance

    def keep(self, mean: tf.Tensor, variance: tf.Tensor, size: tf.Tensor) -> None:
        """Move the moments towards those (n - 1) of a batch of `size` numbers."""
        if self.batch_variance:
            count = tf.cast(size // mean.shape[0], variance.dtype)
            variance *= (count - 1) / count
        keep = self.momentum
        for moving, found in zip(self.moments, (mean, variance), strict=True):
            moving.assign(keep * moving + (1 - keep) * found)

    def folded(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Scale [C] of a product before the norm and bias [C] that make one of both."""
        mean, variance = self.moments
        scale = self.gamma * tf.math.rsqrt(variance + self.epsilon)
        return scale, self.beta - mean * scale


class SharedMLP(FloatLayer):
    """Dense, batch norm, ReLU, repeated: the same for every point.

    Under mixed precision products and activations have the policy's compute type.

    Args:
      units: output channels of each layer.
      parts: channels of each input part; the first layer sees them concatenated.

    Inputs: one tensor [..., C] (where there is one part). Output [..., units[-1]], and
    where it is `pooled` the maximum over the last axis of points. `project` then
    `activate` is the same with the first layer's product on its own.
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
        self.width = units[-1]

    def project(self, features: tf.Tensor, part: int = 0, count: int = 1) -> tf.Tensor:
        """Product [..., units[0]] of `count` parts [..., C], which are to be added."""
        start, end = sum(self.parts[:part]), sum(self.parts[: part + count])
        kernel = tf.convert_to_tensor(self.kernels[0])[start:end]
        return matrix_product(features, kernel, self.compute_dtype)

    def activate(
        self, projected: tf.Tensor, training: bool = False, pooled: bool = False
    ) -> tf.Tensor:
        """Apply the rest of the network: [..., units[0]] -> [..., units[-1]]."""
        if training and self.trainable:
            return self._learn(projected, pooled)
        return self._infer(tf.nn.relu(self.norms[0](projected)), 1, pooled)

    def call(
        self, inputs: tf.Tensor, training: bool = False, pooled: bool = False
    ) -> tf.Tensor:
        if training and self.trainable:
            return self._learn(self.project(inputs), pooled)
        return self._infer(inputs, 0, pooled)

    def _infer(self, inputs: tf.Tensor, first: int, pooled: bool) -> tf.Tensor:
        """Apply the layers from `first` on, the norms in the kernels."""
        x = tf.cast(tf.reshape(inputs, [-1, inputs.shape[-1]]), self.compute_dtype)
        for i in range(first, len(self.kernels)):
            scale, bias = self.norms[i].folded()
            product = tf.matmul(x, tf.cast(self.kernels[i] * scale, x.dtype))
            if pooled and i == len(self.kernels) - 1:
                product = maximum(with_leading_axes(product, inputs))
            x = tf.nn.relu(tf.nn.bias_add(product, tf.cast(bias, x.dtype)))
        return x if pooled else with_leading_axes(x, inputs)

    def _learn(self, projected: tf.Tensor, pooled: bool) -> tf.Tensor:
        """Apply the rest of the network with the statistics of the batch."""
        x = tf.reshape(projected, [-1, projected.shape[-1]])
        for norm, kernel in zip(self.norms, self.kernels[1:], strict=False):
            size, kernel = tf.size(x), tf.cast(kernel, x.dtype)
            x, mean, variance = normalization.activated_product(x, *norm.affine, kernel)
            norm.keep(mean, variance, size)
        x, norm = with_leading_axes(x, projected), self.norms[-1]
        if not pooled:
            return tf.nn.relu(norm(x, training=True))
        sets = tf.reshape(x, [-1, *x.shape[-2:]])
        maxima, mean, variance = normalization.activated_maximum(sets, *norm.affine)
        norm.keep(mean, variance, tf.size(x))
        return with_leading_axes(maxima, x[..., 0, :])


class SetAbstraction(FloatLayer):
    """PointNet++'s local PointNet: neighbours relative to a centre, MLP, maximum.

    Inputs: points [B, N, 3] below, level (centres and neighbours), features [B, N, C]
    or None. Output [B, n, units[-1]].
    """

    def __init__(self, units: tuple[int, ...], channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mlp = SharedMLP(units, (3, channels) if channels else (3,))

    def call(
        self,
        points: tf.Tensor,
        level: Level,
        features: tf.Tensor | None = None,
        training: bool = False,
    ) -> tf.Tensor:
        # Coordinates are subtracted before the product: far from the origin the
        # difference of two products would keep few digits.
        local = ops.group_points(points, level.neighbors) - level.points[:, :, None]
        projected = self.mlp.project(local, 0)  # [B, n, K, U]
        if features is not None:
            features = self.mlp.project(features, 1)
            projected += ops.group_points(features, level.neighbors)
        return self.mlp.activate(projected, training, pooled=True)


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
