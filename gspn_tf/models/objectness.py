"""Does what is proposed at a seed enclose an object (section 3.1)?"""

import keras
import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.nn import losses
from gspn_tf.nn.layers import SharedMLP, dense


class Objectness(keras.layers.Layer):
    """An MLP on context features [B, S, C] to logits [B, S, width].

    Of `count` boxes a seed: to logits [B, S, count, width]. Subclasses make one logit,
    `score`, of each, and a loss against labels that are 1 for an object, both [B, S]
    or [B, S, count].
    """

    width: int

    def __init__(
        self, config: GSPNConfig, channels: int, count: int | None = None, **kwargs
    ):
        super().__init__(autocast=False, **kwargs)
        units = config.objectness_units
        self.mlp = SharedMLP(units, (channels,), config.flat_variance)
        self.output_layer = dense((count or 1) * self.width, units[-1])
        self.shape_of_one = [count, self.width] if count else [self.width]
        self.built = True

    def call(self, context, training=False):
        logits = self.output_layer(self.mlp(context, training=training))
        return tf.reshape(
            logits, tf.concat([tf.shape(logits)[:-1], self.shape_of_one], 0)
        )


class BinaryObjectness(Objectness):
    """One logit and binary cross-entropy, as in the paper."""

    width = 1

    def score(self, logits):
        """Logit of an object [...] of logits [..., width]."""
        return logits[..., 0]

    def loss(self, logits, labels):
        """Cross-entropy [...] against labels [...]."""
        return losses.binary_cross_entropy(logits[..., 0], labels)


class SoftmaxObjectness(Objectness):
    """Two logits and softmax, as in the release."""

    width = 2

    def score(self, logits):
        """Logit of an object [...]: its sigmoid is the softmax's second output."""
        return logits[..., 1] - logits[..., 0]

    def loss(self, logits, labels):
        """Cross-entropy [...] against labels [...]."""
        return losses.cross_entropy(logits, tf.cast(labels == 1, tf.int32))


OBJECTNESS = {"binary": BinaryObjectness, "softmax": SoftmaxObjectness}
