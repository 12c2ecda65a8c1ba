"""Boxes in images: (x1, y1, x2, y2), pixels, the corners of least and most.

Everything here is a pure function of float32 tensors; any leading axes broadcast. The
arithmetic is that of torchvision.ops.boxes and its BoxCoder.
"""

import math

import tensorflow as tf

from gspn_tf.nn import boxes as box_lib

_LEAST_SIDE = 1e-6  # pixels; logarithms of padded boxes stay finite
_MAX_LOG_SCALE = math.log(1000.0 / 16)  # a side grows by no more


def sizes(boxes: tf.Tensor) -> tf.Tensor:
    """Width and height [..., 2] of boxes [..., 4]."""
    return boxes[..., 2:] - boxes[..., :2]


def center_size(boxes: tf.Tensor) -> tf.Tensor:
    """Boxes as (centre x y, size x y) [..., 4], which `nn.boxes` is about."""
    size = tf.maximum(sizes(boxes), _LEAST_SIDE)
    return tf.concat([boxes[..., :2] + size / 2, size], axis=-1)


def box_iou(boxes_a: tf.Tensor, boxes_b: tf.Tensor) -> tf.Tensor:
    """Intersection over union [..., A, B] of boxes [..., A, 4] and [..., B, 4]."""
    areas = (tf.reduce_prod(sizes(x), -1) for x in (boxes_a, boxes_b))
    corners = (tf.split(x, 2, axis=-1) for x in (boxes_a, boxes_b))
    return box_lib.corners_iou(*corners, *areas)


def apply_deltas(
    boxes: tf.Tensor, deltas: tf.Tensor, deviation: tuple[float, float]
) -> tf.Tensor:
    """Boxes [..., 4] moved and scaled by deltas [..., 4] (see `nn.boxes.encode`)."""
    moved = box_lib.decode(center_size(boxes), deltas, deviation, _MAX_LOG_SCALE)
    return tf.concat(box_lib.corners(moved), axis=-1)


def clip(boxes: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Parts of boxes [..., 4] that are in an image of `size` [2], height and width."""
    height, width = tf.unstack(tf.cast(size, boxes.dtype))
    return tf.clip_by_value(boxes, 0.0, tf.stack([width, height, width, height]))
