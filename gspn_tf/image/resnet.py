"""ResNet of bottleneck blocks with frozen norms (He et al., CVPR 2016)."""

import tensorflow as tf

from gspn_tf.config import MaskRCNNConfig
from gspn_tf.image.convolution import NormedConvolution
from gspn_tf.nn.mlp import FloatLayer

EXPANSION = 4  # channels of a block's output by those inside


class Bottleneck(FloatLayer):
    """Convolutions of 1, 3 and 1 pixels beside a shortcut.

    [B, H, W, channels] -> [B, H / stride, W / stride, 4 * units].
    """

    def __init__(
        self, units: int, channels: int, stride: int, stride_in: str, weight: float
    ) -> None:
        super().__init__()
        first = stride if stride_in == "1x1" else 1
        self.reduce = NormedConvolution(units, 1, channels, stride=first)
        self.convolve = NormedConvolution(units, 3, units, stride=stride // first)
        # What blocks add is small at first, as no norm holds their sum in range.
        expanded = EXPANSION * units
        deviation = weight * (2.0 / units) ** 0.5
        self.expand = NormedConvolution(expanded, 1, units, deviation=deviation)
        self.shortcut = None
        if channels != expanded or stride > 1:
            self.shortcut = NormedConvolution(
                expanded, 1, channels, stride=stride, deviation=channels**-0.5
            )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        x = tf.nn.relu(self.reduce(inputs))
        x = tf.nn.relu(self.convolve(x))
        x = self.expand(x)
        past = tf.cast(inputs, x.dtype)
        return tf.nn.relu(x + (past if self.shortcut is None else self.shortcut(past)))


class Stage(FloatLayer):
    """Blocks of one size, of which the first may halve the image."""

    def __init__(
        self, count: int, units: int, channels: int, stride: int, stride_in: str
    ) -> None:
        super().__init__()
        widths = [channels] + [EXPANSION * units] * (count - 1)
        self.blocks = [
            Bottleneck(units, width, 1 if i else stride, stride_in, count**-0.5)
            for i, width in enumerate(widths)
        ]

    def call(self, x: tf.Tensor) -> tf.Tensor:
        for block in self.blocks:
            x = block(x)
        return x


class ResNet(FloatLayer):
    """Features of an image at strides 4, 8, 16 and 32.

    Input [B, H, W, channels], sides multiples of 32. Output: four tensors
    [B, H / s, W / s, C]. A stage that should not be trained: `stages[0].trainable =
    False`; `stem` is the convolution before them.
    """

    def __init__(self, config: MaskRCNNConfig) -> None:
        super().__init__()
        c = config
        self.stem = NormedConvolution(c.width, 7, c.num_channels, stride=2)
        units = [c.width * 2**i for i in range(4)]
        self.widths = [EXPANSION * width for width in units]
        self.stages = [
            Stage(count, width, channels, 2 if i else 1, c.stride_in)
            for i, (count, width, channels) in enumerate(
                zip(c.blocks, units, [c.width, *self.widths[:-1]], strict=True)
            )
        ]
        before = 1 if c.pooling_border == "around" else 0
        self.border = [[0, 0], [before, 1], [before, 1], [0, 0]]

    def freeze(self, trained: str) -> None:
        """Keep layers from being trained: all but `MaskRCNNConfig.trained`."""
        first = {"stem": len(self.stages), "4+": 2, "3+": 1}.get(trained, 0)
        for stage in self.stages[:first]:
            stage.trainable = False
        self.stem.trainable = trained in ("all", "in_turn", "stem")

    def call(self, images: tf.Tensor) -> list[tf.Tensor]:
        # Where the border is behind, pixels beyond the last window are not seen.
        x = tf.pad(tf.nn.relu(self.stem(images)), self.border)
        x, levels = tf.nn.max_pool2d(x, 3, 2, "VALID"), []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        return levels
