"""Convolutions with what follows them at once: bias or frozen norm, and ReLU."""

import math
from typing import Any

import keras
import tensorflow as tf

from gspn_tf.nn.mlp import FloatLayer

NORM_EPSILON = 1e-5  # Added to variances; torchvision.ops.FrozenBatchNorm2d.


class Convolution(FloatLayer):
    """2D convolution with a bias, in groups of channels if need be.

    Args:
        units: Output channels.
        size: Height and width of the kernel, pixels.
        channels: Input channels.
        stride: Pixels between two windows.
        padding: Zeros on every side, pixels; None: as many as keep the image's size.
        groups: Parts of the channels, each convolved into its part of the outputs.
        deviation: Standard deviation of the first kernel; None: He's.

    Input [B, H, W, channels], output [B, H', W', units]. kernel: [size, size,
    channels / groups, units]. Under mixed precision the product has the policy's
    compute type.
    """

    def __init__(
        self,
        units: int,
        size: int,
        channels: int,
        *,
        stride: int = 1,
        padding: int | None = None,
        groups: int = 1,
        deviation: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stride, self.groups = stride, groups
        self.padding = size // 2 if padding is None else padding
        initializer: Any = "he_normal"
        if deviation is not None:
            initializer = keras.initializers.RandomNormal(stddev=deviation)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(size, size, channels // groups, units),
            initializer=initializer,
        )
        self.add_rest(units)

    def add_rest(self, units: int) -> None:
        """Make the weights that follow the kernel."""
        self.bias = self.add_weight(name="bias", shape=(units,), initializer="zeros")

    def scale_and_bias(self) -> tuple[tf.Tensor | None, tf.Tensor]:
        """Return what the kernel is multiplied by, and what is added: each [units]."""
        return None, tf.convert_to_tensor(self.bias)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        scale, bias = self.scale_and_bias()
        kernel = tf.convert_to_tensor(self.kernel)
        kernel = kernel if scale is None else kernel * scale
        kernel, bias = (tf.cast(x, self.compute_dtype) for x in (kernel, bias))
        product = self.product(tf.cast(inputs, self.compute_dtype), kernel)
        return tf.nn.bias_add(product, bias)

    def product(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Return the convolution of inputs with a kernel."""
        around = [[self.padding, self.padding]] * 2
        if self.groups > 1:
            # TensorFlow has no gradient of convolutions in groups on a CPU.
            padded = tf.pad(inputs, [[0, 0], *around, [0, 0]])
            parts = (tf.split(x, self.groups, axis=-1) for x in (padded, kernel))
            pairs = zip(*parts, strict=True)
            products = [tf.nn.conv2d(x, y, self.stride, "VALID") for x, y in pairs]
            return tf.concat(products, -1)
        if self.padding == 0 and inputs.shape[1:3] == kernel.shape[:2]:
            # One window: the product of two matrices takes half the time.
            length, units = math.prod(kernel.shape[:3]), kernel.shape[3]
            rows = tf.reshape(inputs, [-1, length])
            whole = tf.matmul(rows, tf.reshape(kernel, [length, units]))
            return whole[:, None, None]
        return tf.nn.conv2d(inputs, kernel, self.stride, [[0, 0], *around, [0, 0]])


class NormedConvolution(Convolution):
    """2D convolution with a frozen batch norm in place of a bias.

    Weights of the norm never move, as in all published fine-tunings of Mask R-CNN: its
    batches are of one or two images. They are folded into the kernel.
    """

    def add_rest(self, units: int) -> None:
        for name in ("scale", "offset", "mean", "variance"):
            one = name in ("scale", "variance")
            weight = self.add_weight(
                name=name,
                shape=(units,),
                initializer="ones" if one else "zeros",
                trainable=False,
            )
            setattr(self, name, weight)

    def scale_and_bias(self) -> tuple[tf.Tensor | None, tf.Tensor]:
        factor = self.scale * tf.math.rsqrt(self.variance + NORM_EPSILON)
        return factor, self.offset - self.mean * factor
