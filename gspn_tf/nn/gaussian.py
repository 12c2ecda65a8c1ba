"""A network whose output is a distribution."""

from typing import Any

import tensorflow as tf

from gspn_tf.nn.layers import FloatLayer, SharedMLP, dense
from gspn_tf.types import Gaussian


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
