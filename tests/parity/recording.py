"""Our model, made to compute in the order and with the rounding of the recording.

The same functions: features are gathered and concatenated before they are multiplied, a
bias is added before the batch norm that takes it off again, and numbers are rounded as
arithmetic.py says. Weights, geometry, losses and all else are our own.
"""

import contextlib
import functools
import operator
from collections.abc import Callable, Iterator
from typing import NamedTuple
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.models import gspn, heads
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import convolution, layers, pyramid
from gspn_tf.nn.pyramid import interpolate, take
from gspn_tf.paper.release.names import weights
from gspn_tf.types import Interpolation
from parity import arithmetic
from parity.arithmetic import matmul
from parity.released import recorded_value

TRANSPOSED_CONV, PROPOSE = convolution.TransposedConv.call, gspn.GSPN.propose


class BiasGradient(NamedTuple):
    """The gradient [C] of a bias before a batch norm."""

    value: np.ndarray
    terms: np.ndarray  # sum of the magnitudes of what was added up


class Recording:
    """A pass of the recording knows these things beside the model's state."""

    def __init__(self, model: keras.Model) -> None:
        self.of_norm = {id(w.variable): w for w in weights(model) if w.bias}
        self.biases: dict[str, BiasGradient] = {}
        self.shift: tf.Tensor | None = None
        self.crop: tf.Tensor | None = None

    def batch_norm(self, norm, inputs, training=False):
        weight = self.of_norm[id(norm.moving_mean)]
        bias, learning = recorded_value(weight.bias), training and norm.trainable
        flat = norm.batch_variance
        kind = arithmetic.Composed if flat else arithmetic.Fused

        @tf.custom_gradient
        def normalize(inputs, gamma, beta):
            shape = inputs.shape
            rows = tf.reshape(inputs, [-1, shape[-1]]) + bias
            mean = recorded_value(weight.name)
            variance = norm.moving_variance.numpy()
            if learning:
                old_mean, mean = mean, kind.mean(rows)
                old_variance, variance = variance, kind.mean(tf.square(rows - mean))
                share = np.float32(1 if flat else len(rows) / (len(rows) - 1))
                change = np.float32(1) - np.float32(norm.momentum)
                norm.moving_mean.assign(old_mean - (old_mean - mean) * change - bias)
                kept = old_variance - (old_variance - variance * share) * change
                norm.moving_variance.assign(kept)
            root = arithmetic.reciprocal_root(variance + np.float32(norm.epsilon))
            outputs = kind.forward(rows, mean, root * gamma.numpy(), beta)

            def backward(dy):
                dy = tf.reshape(dy, rows.shape)
                found = kind.gradients(rows, dy, mean, root, gamma.numpy(), learning)
                dx, of_gamma, of_beta = found
                terms = tf.reduce_sum(tf.abs(dx), 0).numpy()
                value = arithmetic.column_sums(dx)
                self.biases[weight.bias] = BiasGradient(value, terms)
                dx = tf.reshape(dx, shape)
                return dx, tf.constant(of_gamma), tf.constant(of_beta)

            return tf.reshape(outputs, shape), backward

        return normalize(inputs, *map(tf.convert_to_tensor, (norm.gamma, norm.beta)))

    def propose(self, network, batch, seeds, semantics, found):
        self.shift = tf.stop_gradient(found.direction * found.distance[..., None])
        return PROPOSE(network, batch, seeds, semantics, found)

    def context_encoder(self, encoder, context, centers, training=None):
        """Relative to the seed, then to the shift from there to the centre."""
        colors, reference = context.colors, context.seed_colors
        features = []
        for mlp, near in zip(encoder.scales, context.neighbors, strict=True):
            local = ops.group_points(context.points, near) - context.seeds[:, :, None]
            color = ops.group_points(colors, near) - reference[:, :, None]
            parts = color, local - self.shift[:, :, None]
            x = mlp.activate(whole_product(mlp, *parts))
            features.append(tf.reduce_max(x, axis=2))
        return tf.concat(features, -1)

    def region_features(self, mlp, features, regions, training=None, rest=None, _=None):
        """Points are gathered once, for both heads."""
        if self.crop is None:
            scene = features.scene
            entity = interpolate(scene.context, scene.to_seeds)
            rows = tf.concat([entity, features.levels], -1)
            crop = [ops.group_points(rows, regions.indices)]
            for place in (scene.centers.everywhere, features.points):
                near = take(place, regions.indices)
                crop.append(box_lib.normalize(near, regions.boxes))
            self.crop = tf.concat(crop, -1)
        product = whole_product(mlp, self.crop)
        return rest(product) if rest else product


def whole_product(mlp: layers.SharedMLP, *parts: tf.Tensor) -> tf.Tensor:
    """The first product of an MLP with all parts of its input at once."""
    return matmul(tf.concat(parts, -1), tf.convert_to_tensor(mlp.kernels[0]))


def set_abstraction(layer, points, level, features=None, training=None):
    parts = [ops.group_points(points, level.neighbors) - level.points[:, :, None]]
    if features is not None:
        parts.append(ops.group_points(features, level.neighbors))
    x = layer.mlp.activate(whole_product(layer.mlp, *parts))
    return tf.reduce_max(x, axis=2)


def feature_propagation(layer, coarse, table, skip=None, training=None):
    parts = [interpolate(coarse, table), *([] if skip is None else [skip])]
    return layer.mlp.activate(whole_product(layer.mlp, *parts))


def activate(mlp, projected, training=None, pooled=False):
    """One layer after another, as the training or inference around them says."""
    x = tf.nn.relu(mlp.norms[0](projected))
    for kernel, norm in zip(mlp.kernels[1:], mlp.norms[1:], strict=True):
        x = tf.nn.relu(norm(matmul(x, tf.convert_to_tensor(kernel))))
    return tf.reduce_max(x, axis=-2) if pooled else x


def shared_mlp(mlp, inputs, training=None, pooled=False):
    return activate(mlp, whole_product(mlp, inputs), pooled=pooled)


def interpolation(coarse, fine, num_coarse, power=2.0):
    """Weights from reciprocals of squared distances, not from powers."""
    squared, indices = ops.three_nn(coarse, fine, num_points=num_coarse)
    inverse = 1.0 / tf.maximum(squared, 1e-10)
    return Interpolation(indices, inverse / tf.reduce_sum(inverse, -1, keepdims=True))


def mask_head(head, features, regions, training=None):
    """Global features before local ones."""
    gathered = heads.region_features(head.local_mlp, features, regions)
    local = head.local_mlp.activate(gathered)
    whole = tf.reduce_max(head.global_mlp(local), axis=2)
    mlp = head.mask_mlp
    shape = [*local.shape[:3], whole.shape[-1]]
    both = tf.concat([tf.broadcast_to(whole[:, :, None], shape), local], -1)
    kernel = tf.roll(tf.convert_to_tensor(mlp.kernels[0]), -mlp.parts[0], 0)
    logits = head.mask_output(mlp.activate(matmul(both, kernel)))
    return tf.transpose(logits, [0, 1, 3, 2])


def transposed_conv(layer, inputs):
    """Overlapping phases are added from the first input pixel to the last."""
    if inputs.shape[1] == 1:
        kernel = tf.transpose(tf.reshape(layer.kernel, [-1, inputs.shape[-1]]))
        product = arithmetic.vector_products(inputs[:, 0, 0], kernel)
        return tf.reshape(product, [-1, layer.size, layer.size, layer.units])
    backwards = lambda phases: functools.reduce(operator.add, phases[::-1])  # noqa: E731
    with mock.patch.object(tf, "add_n", backwards):
        return TRANSPOSED_CONV(layer, inputs)


def dense(layer, inputs, training=None):
    """Two cores share the terms of a product of many rows and very few columns."""
    shared = layer.units == 4 and np.prod(inputs.shape[:-1]) >= 2048
    kernel = tf.convert_to_tensor(layer.kernel)
    return matmul(inputs, kernel, 96 * shared) + layer.bias


def as_method(function: Callable) -> Callable:
    """A function that a class binds to its instances, as it does not a method."""
    return lambda *args, **kwargs: function(*args, **kwargs)


@contextlib.contextmanager
def as_recorded(model: keras.Model) -> Iterator[dict[str, BiasGradient]]:
    """Within it the model computes as the recording did.

    Gives the gradients of the biases before batch norms, which are none of its weights,
    by their names in the release, once a tape has been asked for gradients.
    """
    pass_ = Recording(model)
    replaced = (
        (convolution, "matrix_product", lambda x, kernel, _: matmul(x, kernel)),
        (layers.SharedMLP, "activate", activate),
        (layers.SharedMLP, "call", shared_mlp),
        (layers.BatchNorm, "call", pass_.batch_norm),
        (layers.SetAbstraction, "call", set_abstraction),
        (layers.FeaturePropagation, "call", feature_propagation),
        (layers.ContextEncoder, "call", pass_.context_encoder),
        (convolution.TransposedConv, "call", transposed_conv),
        (keras.layers.Dense, "call", dense),
        (gspn.GSPN, "propose", pass_.propose),
        (heads, "region_features", pass_.region_features),
        (heads.MaskHead, "call", mask_head),
        (pyramid, "interpolation", interpolation),
    )
    with contextlib.ExitStack() as stack:
        for owner, name, function in replaced:
            stack.enter_context(mock.patch.object(owner, name, as_method(function)))
        yield pass_.biases
