"""Anchors: boxes of given sizes and ratios around every pixel of a pyramid's level."""

import numpy as np
import tensorflow as tf

from gspn_tf.config import MaskRCNNConfig


def base_anchors(size: float, ratios: tuple[float, ...]) -> np.ndarray:
    """Anchors [A, 4] around (0, 0), of whole pixels as torchvision's AnchorGenerator's.

    size    pixels, the side of a square of their area
    ratios  height over width of each
    """
    height = size * np.sqrt(np.array(ratios, np.float32))
    width = size / np.sqrt(np.array(ratios, np.float32))
    corners = np.stack([-width, -height, width, height], axis=-1)
    return np.round(corners / 2).astype(np.float32)


def grid_anchors(
    levels: list[tf.Tensor], size: tf.Tensor, config: MaskRCNNConfig
) -> list[tf.Tensor]:
    """Anchors [h * w * A, 4] of each level, in the order of its rows and columns.

    Args:
        levels: Features [B, h, w, C].
        size: [2] int32, height and width of the image that they are of.
        config: Sizes and ratios.
    """
    found = []
    for level, side in zip(levels, config.anchor_sizes, strict=True):
        grid = tf.shape(level)[1:3]
        stride = tf.cast(size // grid, tf.float32)
        y = tf.range(tf.cast(grid[0], tf.float32)) * stride[0]
        x = tf.range(tf.cast(grid[1], tf.float32)) * stride[1]
        x, y = tf.meshgrid(x, y)
        places = tf.stack([x, y, x, y], axis=-1)[:, :, None]  # [h, w, 1, 4]
        anchors = places + base_anchors(side, config.anchor_ratios)
        found.append(tf.reshape(anchors, [-1, 4]))
    return found
