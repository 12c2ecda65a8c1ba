"""The feature pyramid: a level sees what coarser ones do (Lin et al., CVPR 2017)."""

import tensorflow as tf

from gspn_tf.image.convolution import Convolution
from gspn_tf.nn.mlp import FloatLayer


class FeaturePyramid(FloatLayer):
    """Features of `units` channels at every stride, and at twice the last.

    Input: tensors [B, H / s, W / s, C] of widths `channels`, each half as large as the
    one before. Output: as many of `units` channels, and every second pixel of the last.
    """

    def __init__(self, units: int, channels: list[int]) -> None:
        super().__init__()
        self.lateral = [Convolution(units, 1, width) for width in channels]
        self.smooth = [Convolution(units, 3, units) for _ in channels]

    def call(self, features: list[tf.Tensor]) -> list[tf.Tensor]:
        pairs = zip(self.lateral, features, strict=True)
        inner = [layer(level) for layer, level in pairs]
        for i in reversed(range(len(inner) - 1)):
            coarse = tf.repeat(tf.repeat(inner[i + 1], 2, axis=1), 2, axis=2)
            inner[i] += coarse
        levels = [layer(x) for layer, x in zip(self.smooth, inner, strict=True)]
        return [*levels, levels[-1][:, ::2, ::2]]
