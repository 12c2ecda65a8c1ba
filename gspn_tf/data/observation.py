"""Scans as networks see them: near the origin, some of their points, scaled colours.

The same functions make training batches, feed the networks whole scans and are part of
what is exported for servers: plain TensorFlow that any worker can run.
"""

from typing import Literal, NamedTuple

import tensorflow as tf

from gspn_tf.data import sampling
from gspn_tf.data.pixel_features import PixelFeatures

CENTERED = 10_000  # the origin is the median of about so many points
FIRST_DRAW = (0, 0)  # seed of the points of a scan, where no other is given


class ObservedScan(NamedTuple):
    """One scan of V points near the origin, and the N of them that a network sees."""

    origin: tf.Tensor  # [3] float64 metres, in the scan's frame
    points: tf.Tensor  # [V, 3] float32 metres from `origin`
    rows: tf.Tensor  # [N] int32 rows of the points that the network sees
    # The network's input: points, colors, num_points, perhaps image_features and order.
    batch: dict

    def in_scan_frame(self, values: tf.Tensor) -> tf.Tensor:
        """Move places [..., 3] or boxes [..., 6] from the origin to the scan."""
        moved = tf.cast(values[..., :3], tf.float64) + self.origin
        return tf.concat([tf.cast(moved, tf.float32), values[..., 3:]], axis=-1)


def observe_scan(
    points: tf.Tensor,
    colors: tf.Tensor,
    num_points: int,
    kind: Literal["random", "farthest"] = "random",
    seed: tf.Tensor | tuple[int, int] = FIRST_DRAW,
    density: float = 0.0,
    pixels: PixelFeatures | None = None,
) -> ObservedScan:
    """Move a scan to the origin and draw the points that a network sees.

    Far from the origin float32 is coarse, and the networks see differences only: so the
    origin is taken off in float64.

    Args:
        points: [V, 3] floats, metres, z up, with at least one finite row.
        colors: [V, 3] uint8.
        num_points: Most points that the network sees, where the scan has as many.
        kind: How they are drawn, see `DataConfig.sampling`.
        seed: [2] integers, of the draw.
        density: Points of a square metre, see `DataConfig.density`.
        pixels: Features of the image that the scan is of, where the network sees them.
    """
    center = median(tf.boolean_mask(points, finite_rows(points)))
    near = tf.cast(tf.cast(points, tf.float64) - center, tf.float32)
    batch = network_inputs(near, colors, num_points, kind, seed, density, pixels)
    rows = batch.pop("rows")[0]
    if kind == "farthest":
        batch["order"] = sampling.order_of(rows)[None]
    return ObservedScan(center, near, rows, batch)


def finite_rows(points: tf.Tensor) -> tf.Tensor:
    """Say which of points [..., 3] have three finite coordinates: bool [...]."""
    return tf.reduce_all(tf.math.is_finite(points), axis=-1)


def median(points: tf.Tensor) -> tf.Tensor:
    """Median [3] float64 of points [V, 3] floats, V >= 1, in each coordinate."""
    total = tf.shape(points)[0]
    rows = tf.range(0, total, tf.maximum(1, total // CENTERED))
    ordered = tf.sort(tf.cast(tf.gather(points, rows), tf.float64), axis=0)
    count = tf.shape(rows)[0]
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2


def network_inputs(
    points: tf.Tensor,
    colors: tf.Tensor,
    num_points: int,
    kind: Literal["random", "farthest"] = "random",
    seed: tf.Tensor | tuple[int, int] = FIRST_DRAW,
    density: float = 0.0,
    pixels: PixelFeatures | None = None,
) -> dict[str, tf.Tensor]:
    """Draw points of a whole scan as a batch of one scene, for inference.

    Args:
        points: [V, 3] float32, metres, z up; rows that are not finite are left out.
        colors: [V, 3] uint8.
        num_points: Most points that the network sees, where the scan has as many.
        kind: How they are drawn, see `DataConfig.sampling`.
        seed: [2] integers, of the draw.
        density: Points of a square metre, see `DataConfig.density`.
        pixels: Features of the image that the scan is of, where the network sees them.

    Returns:
        points [1, N, 3] metres, colors [1, N, 3] 0..1, num_points [1] = N <= num_points
        and rows [1, N] int32: which of the V points they are; with `pixels` also
        image_features [1, N, C].
    """
    finite = tf.where(finite_rows(points))[:, 0]
    near = tf.gather(points, finite)
    drawn = sampling.draw(near, num_points, kind, density, seed)
    rows = tf.cast(tf.gather(finite, drawn), tf.int32)
    scan = {"points": points, "colors": colors}
    if pixels is not None:
        scan["pixels"] = pixels
    batch = observe(scan, rows, tf.shape(rows)[0]) | {"rows": rows}
    return {name: value[None] for name, value in batch.items()}


def observe(scan: dict, picks: tf.Tensor, count: int | tf.Tensor) -> dict:
    """Take the rows `picks` of a scan, padded to `count`, as a network takes them.

    Args:
        scan: points [V, 3] float32 metres, colors [V, 3] of any type, 0..255, and
            perhaps pixels, their PixelFeatures.
        picks: Rows of the scan, `count` of them at most.
        count: Rows of the result.

    Returns:
        points [count, 3], colors float32 [count, 3] 0..1, num_points: len(picks); of
        pixels image_features float32 [count, C].
    """
    # Optimised graphs turn a division by a constant into this product, eager code not.
    colors = tf.cast(scan["colors"], tf.float32) * (1 / 255)
    seen = {
        "points": padded_rows(tf.gather(scan["points"], picks), count),
        "colors": padded_rows(tf.gather(colors, picks), count),
        "num_points": tf.shape(picks)[0],
    }
    if "pixels" in scan:
        features = scan["pixels"].of_points(picks).values()
        seen["image_features"] = padded_rows(features, count)
    return seen


def padded_rows(
    values: tf.Tensor, count: int | tf.Tensor, fill: float | str = 0
) -> tf.Tensor:
    """Append rows of `fill` to values [n, ...] so that they are [count, ...]."""
    padding = [[0, count - tf.shape(values)[0]]] + [[0, 0]] * (values.shape.rank - 1)
    values = tf.pad(values, padding, constant_values=fill)
    return tf.ensure_shape(values, [tf.get_static_value(count), *values.shape[1:]])
