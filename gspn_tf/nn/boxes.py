"""Boxes: axis-aligned, (centre x y z, size x y z), metres.

Everything here is a pure function of float32 tensors; any leading axes broadcast.
`volume`, `corners_iou`, `encode` and `decode` are of any number of dimensions.
"""

from collections.abc import Sequence

import tensorflow as tf

EPSILON = 1e-8  # Divisions stay finite, as in the released code.


def corners(boxes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Lowest and highest corner, each [..., 3], of boxes [..., 6]."""
    center, size = tf.split(boxes, 2, axis=-1)
    return center - size / 2, center + size / 2


def bounding(points: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """Tight box [..., 6] around points [..., P, 3].

    Args:
      points: [..., P, 3] metres.
      mask: [..., P] bool, the points that count; where none does, all do.
    """
    low = high = points
    if mask is not None:
        keep = (mask | ~tf.reduce_any(mask, -1, keepdims=True))[..., None]
        low = tf.where(keep, points, float("inf"))
        high = tf.where(keep, points, float("-inf"))
    low, high = tf.reduce_min(low, -2), tf.reduce_max(high, -2)
    return tf.concat([(low + high) / 2, high - low], axis=-1)


def enlarge(boxes: tf.Tensor, margin: float) -> tf.Tensor:
    """Boxes [..., 6] with every side `margin` metres further out."""
    center, size = tf.split(boxes, 2, axis=-1)
    return tf.concat([center, size + 2 * margin], axis=-1)


def volume(boxes: tf.Tensor) -> tf.Tensor:
    """Volume [...] of boxes [..., 6], cubic metres."""
    _, size = tf.split(boxes, 2, axis=-1)
    return tf.reduce_prod(size, -1)


def half_diagonal(boxes: tf.Tensor) -> tf.Tensor:
    """Metres [...] from the centre of boxes [..., 6] to a corner; at least 5 cm.

    As a unit of losses it is so not that of the few points that a cut scene has of some
    objects, which would outweigh all others.
    """
    return tf.maximum(tf.norm(boxes[..., 3:] / 2, axis=-1), 0.05)


def pairwise_iou(boxes_a: tf.Tensor, boxes_b: tf.Tensor) -> tf.Tensor:
    """Intersection over union [..., A, B] of boxes [..., A, 6] and [..., B, 6]."""
    volumes = volume(boxes_a), volume(boxes_b)
    return corners_iou(corners(boxes_a), corners(boxes_b), *volumes)


def corners_iou(
    corners_a: Sequence[tf.Tensor],
    corners_b: Sequence[tf.Tensor],
    volume_a: tf.Tensor,
    volume_b: tf.Tensor,
) -> tf.Tensor:
    """Intersection over union [..., A, B] of boxes of d dimensions.

    Args:
      corners_a: lowest and highest corner, each [..., A, d].
      corners_b: lowest and highest corner, each [..., B, d].
      volume_a: [..., A].
      volume_b: [..., B].
    """
    low_a, high_a = (x[..., :, None, :] for x in corners_a)
    low_b, high_b = (x[..., None, :, :] for x in corners_b)
    overlap = tf.nn.relu(tf.minimum(high_a, high_b) - tf.maximum(low_a, low_b))
    shared = tf.reduce_prod(overlap, -1)
    total = volume_a[..., :, None] + volume_b[..., None, :]
    return shared / (total - shared + EPSILON)


def encode(
    boxes: tf.Tensor, targets: tf.Tensor, deviation: tuple[float, float]
) -> tf.Tensor:
    """Deltas [..., 6] that turn boxes into targets (Faster R-CNN's, in 3D).

    Centre shift in box sizes, then log ratio of sizes, divided by `deviation`.
    """
    center, size = tf.split(boxes, 2, axis=-1)
    target_center, target_size = tf.split(targets, 2, axis=-1)
    size, target_size = size + EPSILON, target_size + EPSILON
    shift = (target_center - center) / size / deviation[0]
    scale = tf.math.log(target_size / size) / deviation[1]
    return tf.concat([shift, scale], axis=-1)


def decode(
    boxes: tf.Tensor,
    deltas: tf.Tensor,
    deviation: tuple[float, float],
    max_log_scale: float = 20.0,
) -> tf.Tensor:
    """Inverse of `encode`: boxes [..., 6] moved and scaled by deltas [..., 6].

    Sides grow by a factor of exp(max_log_scale) at most, so that they stay finite.
    """
    center, size = tf.split(boxes, 2, axis=-1)
    shift, scale = tf.split(deltas, 2, axis=-1)
    scale = tf.clip_by_value(scale * deviation[1], -20.0, max_log_scale)
    center = center + shift * deviation[0] * size
    return tf.concat([center, size * tf.exp(scale)], axis=-1)


def normalize(points: tf.Tensor, boxes: tf.Tensor) -> tf.Tensor:
    """Points [..., R, M, 3] in the frame of boxes [..., R, 6]: a unit cube at 0.

    A side of less than a millimetre counts as a metre: its points are at about 0.
    """
    center, size = tf.split(boxes[..., None, :], 2, axis=-1)
    return (points - center) / tf.where(size < 1e-3, 1.0, size)
