"""RoIAlign: features of boxes, on a grid in each (He et al., ICCV 2017).

The definition is torchvision's with `aligned=False`: a box is cut into bins, each bin's
feature is the mean of a few samples in it, and a sample is interpolated from four
pixels, of which the first is at (0, 0).
"""

import tensorflow as tf

from gspn_tf.image import boxes as box_lib

_CANONICAL_SIDE = 224.0  # pixels, of a box that is taken from the level of stride 16
_CANONICAL_LEVEL = 2


def roi_align(
    features: tf.Tensor,
    boxes: tf.Tensor,
    rows: tf.Tensor,
    size: int,
    samples: int = 2,
) -> tf.Tensor:
    """Features [R, size, size, C] float32 of boxes.

    A sample up to a pixel outside has the value of the border, one beyond is 0.

    Args:
        features: [B, h, w, C].
        boxes: [R, 4] in pixels of the features; a side of less than 1 counts as 1.
        rows: [R] int32, of the features that a box is in.
        size: Bins on a side.
        samples: Samples of a bin on a side.

    Reference: torchvision.ops.roi_align. No gradient with respect to boxes.
    """
    count = size * samples
    low = boxes[:, :2]
    length = tf.maximum(box_lib.sizes(boxes), 1.0)
    # Samples are evenly spaced, those of a bin like those of two: a crop has them, of
    # which the corners are the first and the last. A border stands for what is outside.
    features = tf.pad(features, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    first, last = low + length / (2 * count), low + length * (1 - 1 / (2 * count))
    extent = tf.cast(tf.shape(features)[1:3][::-1] - 1, tf.float32)
    places = tf.concat([first + 1, last + 1], -1) / tf.concat([extent, extent], 0)
    places = tf.gather(tf.stop_gradient(places), [1, 0, 3, 2], axis=-1)  # y before x
    crops = tf.image.crop_and_resize(features, places, rows, [count, count])
    return tf.nn.avg_pool2d(crops, samples, samples, "VALID")


def level_of(boxes: tf.Tensor, levels: int) -> tf.Tensor:
    """Level [...] int32 that boxes [..., 4] of an image are taken from: FPN's Eq. 1.

    0 is that of stride 4; a box of 224 x 224 pixels is of level 2.
    """
    side = tf.sqrt(tf.maximum(tf.reduce_prod(box_lib.sizes(boxes), -1), 0.0))
    octaves = tf.math.log(side / _CANONICAL_SIDE) / tf.math.log(2.0)
    level = tf.floor(_CANONICAL_LEVEL + tf.maximum(octaves, -9.0) + 1e-6)
    return tf.clip_by_value(tf.cast(level, tf.int32), 0, levels - 1)


def pyramid_roi_align(
    levels: list[tf.Tensor], boxes: tf.Tensor, size: int
) -> tf.Tensor:
    """Features [B, R, size, size, C] of boxes [B, R, 4] in pixels of the image.

    levels: [B, H / s, W / s, C] at the strides s = 4, 8, 16, ...
    """
    batch, count = tf.unstack(tf.shape(boxes)[:2])
    flat = tf.stop_gradient(tf.reshape(boxes, [-1, 4]))
    image = tf.repeat(tf.range(batch), count)
    level = level_of(flat, len(levels))
    rows = [tf.where(level == i)[:, 0] for i in range(len(levels))]
    crops = [
        roi_align(
            features, tf.gather(flat, at) / 2.0 ** (i + 2), tf.gather(image, at), size
        )
        for i, (features, at) in enumerate(zip(levels, rows, strict=True))
    ]
    rows = [tf.cast(at, tf.int32) for at in rows]
    found = tf.dynamic_stitch(rows, crops)
    return tf.reshape(found, [batch, count, size, size, levels[0].shape[-1]])
