"""The draw of a scene's points that the networks see, and of an object's shape."""

import tensorflow as tf

from gspn_tf import ops
from gspn_tf.data import surface


def random_points(points: tf.Tensor, count: int, seed: tf.Tensor) -> tf.Tensor:
    """Rows of points [V, 3] without repetition, all of them where V < count."""
    rows = tf.range(tf.shape(points)[0])
    return tf.random.experimental.stateless_shuffle(rows, seed)[:count]


def farthest_points(points: tf.Tensor, count: int, seed: tf.Tensor) -> tf.Tensor:
    """Distinct rows in farthest point order (dataset.py:87 of the release)."""
    rows = ops.farthest_point_sample(points[None], count)[0]
    return rows[: tf.shape(points)[0]]


POINTS = {"random": random_points, "farthest": farthest_points}


def draw(
    points: tf.Tensor, count: int, kind: str, density: float, seed: tf.Tensor
) -> tf.Tensor:
    """Draw rows of points [V, 3] that a network sees: `count` of them at most.

    Args:
        points: Metres.
        count: Most rows.
        kind: How they are drawn, a key of `POINTS`.
        density: Rows of a square metre of surface; 0: `count` in any case.
        seed: [2] integers, of a random draw.
    """
    rows = POINTS[kind](points, count, seed)
    if not density:
        return rows
    size = tf.minimum(size_of(points, density), float(count))
    return rows[: tf.cast(size, tf.int32)]


def size_of(points: tf.Tensor, density: float) -> tf.Tensor:
    """Points of a scene [V, 3] at a density, see `draw`: a whole float32."""
    if not density:
        return tf.cast(tf.shape(points)[0], tf.float32)
    return tf.math.ceil(density * surface.area(points))


def thin(rows: tf.Tensor, most: float, seed: tf.Tensor) -> tf.Tensor:
    """Leave out the last of rows [n] in random order, a random share up to `most`."""
    if not most:
        return rows
    share = 1 - most * tf.random.stateless_uniform([], tf.random.fold_in(seed, 1))
    kept = tf.math.ceil(share * tf.cast(tf.shape(rows)[0], tf.float32))
    return rows[: tf.cast(kept, tf.int32)]


def order_of(picks: tf.Tensor) -> tf.Tensor:
    """Farthest point order [n] of the points that farthest_points picks.

    They are in this order already, until all distinct ones are taken: see
    `gspn_tf.ops.farthest_point_sample`.
    """
    return tf.where(picks > 0, tf.range(tf.shape(picks)[0]), 0)


def random_shapes(
    points: tf.Tensor, starts: tf.Tensor, counts: tf.Tensor, size: int, seed: tf.Tensor
) -> tf.Tensor:
    """Rows [G, size] of points [V, 3], with repetition, for each of G objects.

    The points of an object are the `counts` ones from `starts` on, [G] each.
    """
    uniform = tf.random.stateless_uniform([tf.shape(counts)[0], size], seed)
    picks = tf.cast(uniform * tf.cast(counts, tf.float32)[:, None], tf.int32)
    return starts[:, None] + tf.minimum(picks, counts[:, None] - 1)


def farthest_shapes(
    points: tf.Tensor, starts: tf.Tensor, counts: tf.Tensor, size: int, seed: tf.Tensor
) -> tf.Tensor:
    """Rows [G, size] in farthest point order; random ones where an object has too few.

    As dataset.py:108 of the release.
    """
    most = tf.maximum(tf.reduce_max(counts, axis=0), 1)
    slots = starts[:, None] + tf.range(most)
    clouds = tf.gather(points, tf.minimum(slots, tf.shape(points)[0] - 1))
    order = ops.farthest_point_sample(clouds, size, num_points=counts)  # [G, size]
    first = tf.range(size)[None] < counts[:, None]
    more = random_shapes(points, starts, counts, size, seed)
    return tf.where(first, starts[:, None] + order, more)


SHAPES = {"random": random_shapes, "farthest": farthest_shapes}
