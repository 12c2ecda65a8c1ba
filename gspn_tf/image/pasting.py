"""Masks of boxes -> masks of the image."""

import tensorflow as tf

from gspn_tf.image import boxes as box_lib


def paste(masks: tf.Tensor, boxes: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Probabilities [D, H, W] of masks [D, s, s] that fill boxes [D, 4]; 0 outside.

    As torchvision's `paste_masks_in_image`: a mask gets a border of zeros, its box the
    like, in whole pixels; between the pixels of the mask values are interpolated.

    Args:
        masks: [D, s, s] probabilities.
        boxes: [D, 4] in pixels of the image.
        size: [2] int32, height and width of the image.
    """
    side = masks.shape[-1]
    padded = tf.pad(masks, [[0, 0], [1, 1], [1, 1]])
    half = box_lib.sizes(boxes) / 2 * ((side + 2) / side)
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    low = tf.cast(tf.cast(center - half, tf.int32), tf.float32)  # towards zero
    high = tf.cast(tf.cast(center + half, tf.int32), tf.float32)
    x, y = (
        _weights(low[:, i], high[:, i], size[1 - i], side + 2) for i in range(2)
    )  # [D, W, s + 2], [D, H, s + 2]
    return tf.matmul(tf.matmul(y, padded), x, transpose_b=True)


def _weights(
    low: tf.Tensor, high: tf.Tensor, length: tf.Tensor, side: int
) -> tf.Tensor:
    """Weights [D, length, side] of `side` values in the pixels low..high [D]."""
    pixels = tf.range(tf.cast(length, tf.float32))
    count = tf.maximum(high - low + 1, 1.0)[:, None]
    place = (pixels - low[:, None] + 0.5) * (side / count) - 0.5
    place = tf.clip_by_value(place, 0.0, side - 1.0)
    weights = tf.nn.relu(
        1 - tf.abs(place[..., None] - tf.range(side, dtype=tf.float32))
    )
    inside = (pixels >= low[:, None]) & (pixels < low[:, None] + count)
    return tf.where(inside[..., None], weights, 0.0)
