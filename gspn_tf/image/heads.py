"""The heads of Mask R-CNN: class and box of a region, and its mask."""

import tensorflow as tf

from gspn_tf.config import MaskRCNNConfig
from gspn_tf.image.convolution import Convolution
from gspn_tf.nn.convolution import TransposedConv
from gspn_tf.nn.mlp import FloatLayer

_OUTPUT_DEVIATION = 0.01  # of the first kernels of outputs


class FastRCNNHead(FloatLayer):
    """Class and refined box: two layers that see a region whole.

    Input: features [B, R, s, s, C]. Outputs: logits [B, R, classes], and the encoded
    shift [B, R, classes, 4] if it is of that class.
    """

    def __init__(self, config: MaskRCNNConfig) -> None:
        super().__init__()
        c, units = config, config.head_units
        self.first = Convolution(units, c.box_size, c.pyramid_units, padding=0)
        self.second = Convolution(units, 1, units)
        first = _OUTPUT_DEVIATION
        self.class_output = Convolution(c.num_classes, 1, units, deviation=first)
        self.box_output = Convolution(4 * c.num_classes, 1, units, deviation=first)
        self.num_classes = c.num_classes

    def call(self, features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        regions = tf.shape(features)[:2]
        x = tf.reshape(features, [-1, *features.shape[2:]])
        x = tf.nn.relu(self.second(tf.nn.relu(self.first(x))))  # [B * R, 1, 1, units]
        logits, deltas = self.class_output(x), self.box_output(x)
        return (
            tf.reshape(logits, [*tf.unstack(regions), self.num_classes]),
            tf.reshape(deltas, [*tf.unstack(regions), self.num_classes, 4]),
        )


class FCNMaskHead(FloatLayer):
    """A mask per class: convolutions, and twice as many pixels at the end.

    Input: features [B, R, s, s, C]. Output: logits [B, R, 2s, 2s, classes].
    """

    def __init__(self, config: MaskRCNNConfig) -> None:
        super().__init__()
        widths = [config.pyramid_units, *config.mask_units]
        pairs = zip(widths[1:], widths[:-1], strict=True)
        self.convolutions = [Convolution(units, 3, width) for units, width in pairs]
        self.enlarge = TransposedConv(widths[-1], 2, 2, widths[-1])
        self.enlarge_bias = self.add_weight(
            name="enlarge_bias", shape=(widths[-1],), initializer="zeros"
        )
        self.mask_output = Convolution(
            config.num_classes, 1, widths[-1], deviation=_OUTPUT_DEVIATION
        )

    def call(self, features: tf.Tensor) -> tf.Tensor:
        regions = tf.unstack(tf.shape(features)[:2])
        x = tf.reshape(features, [-1, *features.shape[2:]])
        for convolve in self.convolutions:
            x = tf.nn.relu(convolve(x))
        x = self.enlarge(x)
        x = tf.nn.relu(x + tf.cast(self.enlarge_bias, x.dtype))
        masks = self.mask_output(x)
        return tf.reshape(masks, [*regions, *masks.shape[1:]])
