"""Images as Mask R-CNN sees them: normalised, resized, of sides that it can halve."""

from typing import NamedTuple

import tensorflow as tf

from gspn_tf.config import MaskRCNNConfig

_STRIDE = 32  # of the coarsest features; sides are padded to its multiples


class Prepared(NamedTuple):
    """Images as the network sees them."""

    images: tf.Tensor  # [B, H', W', C]  normalised, resized, zeros behind
    size: tf.Tensor  # [2] int32  height and width without those
    scale: tf.Tensor  # [4]  pixels of them by those of the images, of a box's numbers


def prepare(images: tf.Tensor, config: MaskRCNNConfig) -> Prepared:
    """Normalise images [B, H, W, C], resize them, and pad them with zeros.

    As torchvision's GeneralizedRCNNTransform.
    """
    x = (tf.cast(images, tf.float32) - config.mean) / config.deviation
    given = size = tf.shape(images)[1:3]
    if config.min_side:
        size = fitted_size(given, config.min_side, config.max_side)
        x = tf.image.resize(x, size)
    below, right = tf.unstack(-size % _STRIDE)
    x = tf.pad(x, [[0, 0], [0, below], [0, right], [0, 0]])
    x.set_shape([None, None, None, config.num_channels])
    high, wide = tf.unstack(tf.cast(size / given, tf.float32))
    return Prepared(x, size, tf.stack([wide, high, wide, high]))


def fitted_size(size: tf.Tensor, min_side: int, max_side: int) -> tf.Tensor:
    """Height and width [2] at which the shorter side is `min_side`, as far as it can.

    The longer one is `max_side` at most.
    """
    sides = tf.cast(size, tf.float64)
    scale = tf.minimum(min_side / tf.reduce_min(sides), max_side / tf.reduce_max(sides))
    return tf.cast(tf.floor(sides * scale), tf.int32)
