"""The objectness network: does a proposal enclose an object (section 3.1)?"""

import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.nn import losses
from gspn_tf.nn.layers import FloatLayer, SharedMLP, dense


class Objectness(FloatLayer):
    """An MLP to one logit, trained by binary cross-entropy.

    Input: features [B, S, channels]. Output: logits [B, S, width], and of `count`
    boxes a seed [B, S, count, width].
    """

    width = 1

    def __init__(
        self, config: GSPNConfig, channels: int, count: int | None = None
    ) -> None:
        super().__init__()
        units = config.objectness_units
        self.mlp = SharedMLP(units, (channels,))
        self.output_layer = dense((count or 1) * self.width, units[-1])
        self.shape_of_one = [count, self.width] if count else [self.width]

    def call(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        logits = self.output_layer(self.mlp(features, training=training))
        shape = tf.concat([tf.shape(logits)[:-1], self.shape_of_one], 0)
        return tf.reshape(logits, shape)

    def score(self, logits: tf.Tensor) -> tf.Tensor:
        """The logit [...] of an object, of logits [..., width]."""
        return logits[..., 0]

    def loss(self, logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Cross-entropy [...] of logits [..., width]; a label of 1 is an object."""
        return losses.binary_cross_entropy(logits[..., 0], labels)
