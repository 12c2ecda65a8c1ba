"""What the networks see of a scan: near the origin, some of its points, scaled colours.

The same functions make training batches, feed the `Segmenter` of `gspn_tf.inference`
and are part of what is exported for servers: plain TensorFlow that any worker can run.
"""

from typing import Literal

import tensorflow as tf

from gspn_tf.data import sampling

CENTERED = 10_000  # the origin is the median of about so many points


def origin(points: tf.Tensor) -> tf.Tensor:
    """Median [3] of points [V, 3], V >= 1, in each coordinate.

    Far from the origin float32 is coarse; the networks see differences only.
    """
    total = tf.shape(points)[0]
    rows = tf.range(0, total, tf.maximum(1, total // CENTERED))
    ordered = tf.sort(tf.gather(points, rows), axis=0)
    count = tf.shape(rows)[0]
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2


def network_inputs(
    points: tf.Tensor,
    colors: tf.Tensor,
    num_points: int,
    kind: Literal["random", "farthest"] = "random",
    seed: tf.Tensor | tuple[int, int] = (0, 0),
) -> dict[str, tf.Tensor]:
    """A whole scan as a batch of one scene, for inference.

    Args:
        points: [V, 3] float32, metres, z up; rows that are not finite are left out.
        colors: [V, 3] uint8.
        num_points: points that the network sees, where the scan has as many.
        kind: how they are drawn, see `DataConfig.sampling`.
        seed: [2] integers, of the draw.

    Returns:
        points [1, N, 3] metres, colors [1, N, 3] 0..1, num_points [1] = N <= num_points
        and rows [1, N] int32: which of the V points they are.
    """
    finite = tf.where(tf.reduce_all(tf.math.is_finite(points), axis=1))[:, 0]
    drawn = sampling.POINTS[kind](tf.gather(points, finite), num_points, seed)
    rows = tf.cast(tf.gather(finite, drawn), tf.int32)
    scan = {"points": points, "colors": colors}
    batch = observe(scan, rows, tf.shape(rows)[0]) | {"rows": rows}
    return {name: value[None] for name, value in batch.items()}


def observe(scan: dict, picks: tf.Tensor, count: int | tf.Tensor) -> dict:
    """The rows `picks` of a scan, padded to `count`: what a network takes as its batch.

    scan     points [V, 3] float32 metres, colors [V, 3] of any type, 0..255
    Returns  points [count, 3], colors float32 [count, 3] 0..1, num_points: len(picks)
    """
    # Optimised graphs turn a division by a constant into this product, eager code not.
    colors = tf.cast(scan["colors"], tf.float32) * (1 / 255)
    return {
        "points": take(scan["points"], picks, count),
        "colors": take(colors, picks, count),
        "num_points": tf.shape(picks)[0],
    }


def take(
    values: tf.Tensor, picks: tf.Tensor, count: int | tf.Tensor, fill: float = 0
) -> tf.Tensor:
    """The rows `picks` of values [V, ...], then rows of `fill`: [count, ...]."""
    values = tf.gather(values, picks)
    padding = [[0, count - tf.shape(picks)[0]]] + [[0, 0]] * (values.shape.rank - 1)
    values = tf.pad(values, padding, constant_values=fill)
    return tf.ensure_shape(values, [tf.get_static_value(count), *values.shape[1:]])
