"""Boxes in images: (x1, y1, x2, y2), pixels, the corners of least and most.

Everything here is a pure function of float32 tensors; any leading axes broadcast. The
arithmetic is that of torchvision.ops.boxes and its BoxCoder.
"""

import math

import tensorflow as tf

_LEAST_SIDE = 1e-6  # pixels; logarithms of padded boxes stay finite
_MOST_LOG_SCALE = math.log(1000.0 / 16)  # a side grows by no more


def sizes(boxes: tf.Tensor) -> tf.Tensor:
    """Width and height [..., 2] of boxes [..., 4]."""
    return boxes[..., 2:] - boxes[..., :2]


def area(boxes: tf.Tensor) -> tf.Tensor:
    """Area [...] of boxes [..., 4], square pixels."""
    return tf.reduce_prod(sizes(boxes), -1)


def pairwise_iou(boxes_a: tf.Tensor, boxes_b: tf.Tensor) -> tf.Tensor:
    """Intersection over union [..., A, B] of boxes [..., A, 4] and [..., B, 4]."""
    a, b = boxes_a[..., :, None, :], boxes_b[..., None, :, :]
    low = tf.maximum(a[..., :2], b[..., :2])
    high = tf.minimum(a[..., 2:], b[..., 2:])
    shared = tf.reduce_prod(tf.nn.relu(high - low), -1)
    return tf.math.divide_no_nan(shared, area(a) + area(b) - shared)


def encode(
    boxes: tf.Tensor, targets: tf.Tensor, deviation: tuple[float, float]
) -> tf.Tensor:
    """Deltas [..., 4] that turn boxes into targets (Faster R-CNN).

    Centre shift in box sizes, then log ratio of sizes, divided by `deviation`.
    """
    size, target_size = (tf.maximum(sizes(x), _LEAST_SIDE) for x in (boxes, targets))
    shift = (targets[..., :2] + target_size / 2) - (boxes[..., :2] + size / 2)
    scale = tf.math.log(target_size / size) / deviation[1]
    return tf.concat([shift / size / deviation[0], scale], axis=-1)


def decode(
    boxes: tf.Tensor, deltas: tf.Tensor, deviation: tuple[float, float]
) -> tf.Tensor:
    """Inverse of `encode`: boxes [..., 4] moved and scaled by deltas [..., 4]."""
    size, (shift, scale) = sizes(boxes), tf.split(deltas, 2, axis=-1)
    center = boxes[..., :2] + size / 2 + shift * deviation[0] * size
    scale = tf.minimum(scale * deviation[1], _MOST_LOG_SCALE)
    half = size * tf.exp(scale) / 2
    return tf.concat([center - half, center + half], axis=-1)


def clip(boxes: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Parts of boxes [..., 4] that are in an image of `size` [2], height and width."""
    height, width = tf.unstack(tf.cast(size, boxes.dtype))
    return tf.clip_by_value(boxes, 0.0, tf.stack([width, height, width, height]))
