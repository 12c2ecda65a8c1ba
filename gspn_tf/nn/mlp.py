"""Shared MLPs: what Keras's layers on point clouds are made of.

All weights are made in the constructor, so that a model can be loaded before it has
seen data. A first dense layer is linear, so it may be applied before a gather or an
interpolation when that side is smaller: hence `SharedMLP.project` and `.activate`.
"""

import itertools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from gspn_tf.nn import normalization, pooling, replicas
from gspn_tf.nn.products import matrix_product, maximum, with_leading_axes


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


@keras.saving.register_keras_serializable("gspn_tf")
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

    def __init__(self, channels: int, momentum: float = 0.9, **kwargs: Any) -> None:
        super().__init__(momentum=momentum, epsilon=1e-3, autocast=False, **kwargs)
        self.build((None, channels))
        self.input_spec = None  # any number of leading axes

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        learning = training and self.trainable
        if learning and replicas.count() > 1:
            rows = tf.reshape(inputs, [-1, inputs.shape[-1]])
            outputs, mean, variance = replicas.batch_norm(rows, *self.affine)
            self.keep((mean, variance), rows)
            return tf.reshape(outputs, tf.shape(inputs))
        moments = tuple(map(tf.convert_to_tensor, self.moments))
        found = normalization.fused_norm(
            inputs, *self.affine, None if learning else moments
        )
        if learning:
            self.keep((found.batch_mean, found.batch_variance), inputs)
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

    def keep(self, found: tuple[tf.Tensor, ...], inputs: tf.Tensor) -> None:
        """Move the moments towards a mean [C] and a variance (n - 1) of inputs."""
        mean, variance = found
        if self.batch_variance:
            count = tf.cast(tf.size(inputs) // inputs.shape[-1], variance.dtype)
            (count,) = replicas.across_replicas([count])
            variance *= (count - 1) / count
        keep = self.momentum if self.schedule is None else self.schedule()
        for moving, new in zip(self.moments, (mean, variance), strict=True):
            moving.assign(keep * moving + (1 - keep) * new)

    def folded(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Scale [C] of a product before the norm and bias [C] that make one of both."""
        mean, variance = self.moments
        scale = self.gamma * tf.math.rsqrt(variance + self.epsilon)
        return scale, self.beta - mean * scale

    def get_config(self) -> dict[str, Any]:
        config = {"channels": self.gamma.shape[0], "momentum": self.momentum}
        return keras.layers.Layer.get_config(self) | config


@keras.saving.register_keras_serializable("gspn_tf")
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
        if replicas.count() > 1:
            return self._learn_together(projected, pooled)
        pooling_layers = 2 if pooled and len(self.norms) > 1 else 1
        hidden = len(self.norms) - pooling_layers
        x = tf.reshape(projected, [-1, projected.shape[-1]])
        for norm, kernel in zip(self.norms[:hidden], self.kernels[1:], strict=False):
            rows, kernel = x, tf.cast(kernel, x.dtype)
            x, *found = normalization.activated_product(rows, *norm.affine, kernel)
            norm.keep(tuple(found), rows)
        x = with_leading_axes(x, projected)
        if pooling_layers == 2:
            return self._pool(x)
        x = tf.nn.relu(self.norms[-1](x, training=True))
        return maximum(x) if pooled else x

    def _pool(self, x: tf.Tensor) -> tf.Tensor:
        """Apply the last layer, and the norm before it, and take the maxima."""
        sets, kernel = tf.reshape(x, [-1, *x.shape[-2:]]), self.kernels[-1]
        first, last = self.norms[-2:]
        maxima, before, after = pooling.pooled_product(
            sets, first.affine, tf.cast(kernel, tf.float32), last.affine
        )
        first.keep(before, sets)
        last.keep(after, sets)  # of as many rows
        return with_leading_axes(maxima, x[..., 0, :])

    def _learn_together(self, projected: tf.Tensor, pooled: bool) -> tf.Tensor:
        """Do as `_learn` with the statistics of the batches of all replicas."""
        x = tf.nn.relu(self.norms[0](projected, training=True))
        for kernel, norm in zip(self.kernels[1:], self.norms[1:], strict=True):
            x = matrix_product(x, tf.convert_to_tensor(kernel), self.compute_dtype)
            x = tf.nn.relu(norm(x, training=True))
        return maximum(x) if pooled else x
