"""Changes of training images: functions of tensors alone, each of its own seed.

`ImageAugmentationConfig` has the strengths. They are those of the paper's section 4.3:
a mirror image, a turn, and another gamma of the colours alone.
"""

import math

import tensorflow as tf

from gspn_tf.config import ImageAugmentationConfig

_WHOLE = 255.0  # level of a full colour
_RGB = 3  # channels of colours, which are the first


def augment_image(
    image: tf.Tensor,
    labels: tf.Tensor,
    options: ImageAugmentationConfig,
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Change an image and the labels of its pixels alike.

    Args:
        image: [H, W, C] float32, 0..255, colours first.
        labels: [H, W] int32, -1 where there is none, as in what is turned into view.
        options: Strengths.
        seed: [2] integers.
    """
    draws = tf.random.stateless_uniform([3], seed)
    if options.gamma:
        image = with_gamma(image, tf.exp(options.gamma * (2 * draws[0] - 1)))
    if options.rotation:
        angle = math.radians(options.rotation) * (2 * draws[1] - 1)
        image = turn(image, angle, "BILINEAR")
        labels = turn(labels[..., None] + 1, angle, "NEAREST")[..., 0] - 1
    if options.flip:
        flipped = draws[2] < options.flip
        image, labels = (
            tf.where(flipped, tf.reverse(x, [1]), x) for x in (image, labels)
        )
    return image, labels


def with_gamma(image: tf.Tensor, gamma: tf.Tensor) -> tf.Tensor:
    """Raise the colours of an image [H, W, C], as shares of 255, to a power."""
    colors, others = image[..., :_RGB], image[..., _RGB:]
    return tf.concat([_WHOLE * (colors / _WHOLE) ** gamma, others], -1)


def turn(image: tf.Tensor, angle: tf.Tensor, interpolation: str) -> tf.Tensor:
    """Turn an image [H, W, C] about its middle; what comes into view is 0.

    Args:
        image: Numbers of any type.
        angle: Radians, clockwise.
        interpolation: "NEAREST" or "BILINEAR".
    """
    size = tf.shape(image)[:2]
    y, x = tf.unstack((tf.cast(size, tf.float32) - 1) / 2)
    cos, sin = tf.cos(angle), tf.sin(angle)
    # Where a pixel of the result is in the image.
    transform = [cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y]
    turned = tf.raw_ops.ImageProjectiveTransformV3(
        images=image[None],
        transforms=tf.stack([*transform, 0.0, 0.0])[None],
        output_shape=size,
        fill_value=0.0,
        interpolation=interpolation,
        fill_mode="CONSTANT",
    )[0]
    return tf.ensure_shape(turned, image.shape)
