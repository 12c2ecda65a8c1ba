"""Features of an image's pixels, and the pixel of each point of its scene.

Only the points that are drawn take their features: a map has tens of times fewer pixels
than its scene has points.
"""

from typing import NamedTuple, Self

import tensorflow as tf

from gspn_tf.data.rgbd_image import RgbdImage


class PixelFeatures(NamedTuple):
    """A map of K features, and which of them each of V points has."""

    features: tf.Tensor  # [K, C] float16
    rows: tf.Tensor  # [V] int32 rows of the features

    @classmethod
    def spec(cls, channels: int) -> Self:
        """Give the specifications of both, of any K and V."""
        features = tf.TensorSpec([None, channels], tf.float16)
        return cls(features, tf.TensorSpec([None], tf.int32))

    @classmethod
    def of_image(cls, image: RgbdImage | None, count: int, channels: int) -> Self:
        """Take the features of an image, see `of_map`.

        Raises:
            ValueError: There is none, or it has no features, or not `count` measured
                pixels or so many channels.
        """
        if image is None or image.features is None:
            raise ValueError(
                f"the network sees image features of {channels} channels, which a scan "
                "alone has not: give `segment` the image of the frame, with features"
            )
        found = image.num_measured, image.features.shape[-1]
        if found != (count, channels):
            raise ValueError(
                f"image must have {count} measured pixels, one for each point, and "
                f"features of {channels} channels, got {found[0]} and {found[1]}"
            )
        return cls.of_map(image.features, image.depth, channels)

    @classmethod
    def of_map(cls, features: tf.Tensor, depth: tf.Tensor, channels: int) -> Self:
        """Lay a map over the image whose measured pixels, row by row, are the points.

        Pixel (y, x) has the features at round(y h / H), round(x w / W), as far as there
        are such: the nearest ones by their place divided by the map's stride.

        Args:
            features: [h, w, channels] float16.
            depth: [H, W] metres, 0 = not measured.
            channels: Of the map.
        """
        pixels = measured_pixels(depth)
        size = tf.shape(features, tf.int64)[:2]
        scaled = tf.cast(pixels * size, tf.float64)
        places = tf.round(scaled / tf.cast(tf.shape(depth), tf.float64))
        y, x = tf.unstack(tf.minimum(tf.cast(places, tf.int64), size - 1), axis=1)
        flat = tf.reshape(features, [-1, tf.shape(features)[-1]])
        flat = tf.ensure_shape(flat, [None, channels])
        return cls(flat, tf.cast(y * size[1] + x, tf.int32))

    def of_points(self, points: tf.Tensor) -> "PixelFeatures":
        """Leave out all points but those of the rows [n]."""
        return self._replace(rows=tf.gather(self.rows, points))

    def joined(self, other: "PixelFeatures") -> "PixelFeatures":
        """Let the points of another scene follow, with their map."""
        features = tf.concat([self.features, other.features], 0)
        others = other.rows + tf.shape(self.features)[0]
        return PixelFeatures(features, tf.concat([self.rows, others], 0))

    def values(self) -> tf.Tensor:
        """Give the points their features: [V, C] float32."""
        return tf.cast(tf.gather(self.features, self.rows), tf.float32)


def measured_pixels(depth: tf.Tensor) -> tf.Tensor:
    """Find the pixels of a frame's points [V, 2] int64: of depth [H, W], row by row."""
    return tf.where(tf.math.is_finite(depth) & (depth > 0))


def paint_points(labels: tf.Tensor, depth: tf.Tensor) -> tf.Tensor:
    """Lay labels [V] of a frame's points on its image [H, W]; -1 elsewhere."""
    nothing = tf.fill(tf.shape(depth), -1)
    return tf.tensor_scatter_nd_update(nothing, measured_pixels(depth), labels)
