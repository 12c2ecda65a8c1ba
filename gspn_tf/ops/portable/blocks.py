"""Points in blocks of neighbours, since most of space is far from each.

A block is known by its centre and its reach, the distance to its farthest point. What
lies beyond the reach and a radius cannot be within that radius of any of its points.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

SPLIT = 4  # parts that are made of one
INFINITY = float("inf")
# Bounds are computed with rounding: they are widened by this share, and by metres whose
# square is a normal number.
WIDER, WIDER_BY = 1.0001, 1e-18


def finite(points: tf.Tensor) -> tf.Tensor:
    """Whether all coordinates of points [..., 3] are finite: bool [...]."""
    return tf.reduce_all(tf.math.is_finite(points), -1)


def matchable(points: tf.Tensor, counts: tf.Tensor) -> tf.Tensor:
    """Points [B, N, 3] with those that match nothing infinitely far away."""
    real = finite(points) & tf.sequence_mask(counts, tf.shape(points)[1])
    return tf.where(real[..., None], points, INFINITY)


def squared_distances(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Squared distances of a [..., n, 3] and b [..., 3, m], rounded as in C++.

    (dx * dx + dy * dy) + dz * dz: an op for each step, so that none is contracted.

    Returns:
        [..., n, m] float32, m^2.
    """
    squares = tf.math.squared_difference
    return tf.add_n([squares(a[..., i, None], b[..., i, None, :]) for i in range(3)])


def least(values: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The k least of each row [n, m >= k], ascending, and their columns: [n, k] each.

    TensorFlow is much faster at one than at a few.
    """
    if k > 3:
        found, columns = tf.math.top_k(-values, k)
        return -found, columns
    left = -values
    picks = [tf.math.top_k(left, 1)]
    slots = tf.range(tf.shape(values)[1])
    while len(picks) < k:
        left = tf.where(slots == picks[-1].indices, -INFINITY, left)
        picks.append(tf.math.top_k(left, 1))
    found, columns = (tf.concat(x, 1) for x in zip(*picks, strict=True))
    return -found, columns


def squared_bound(radius: tf.Tensor) -> tf.Tensor:
    """A bound: no squared distance within the radius is above it."""
    return tf.square(radius * WIDER + WIDER_BY)


def filled(
    size: tf.Tensor,
    blanks: Sequence[tf.Tensor],
    steps: tf.Tensor,
    write: Callable[..., list],
    parallel: int = 1,
) -> list[tf.Tensor]:
    """Tensors of `size` elements that a loop writes.

    Args:
        size: the number of elements.
        blanks: one element of each tensor, for its shape and type.
        steps: how often `write(step, arrays)` is called; it returns the arrays.
        write: see steps.
        parallel: steps that may run at the same time.
    """
    # One element more, so that its shape is known where there is no other.
    arrays = [tf.TensorArray(x.dtype, size + 1).write(size, x) for x in blanks]
    _, *arrays = tf.while_loop(
        lambda step, *_: step < steps,
        lambda step, *arrays: (step + 1, *write(step, arrays)),
        (0, *arrays),
        parallel_iterations=parallel,
    )
    return [array.stack()[:-1] for array in arrays]


def _cut(
    points: tf.Tensor, size: int | tf.Tensor, near: bool | tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Number n of blocks and rows [B, m] of clouds [B, N, 3], block after block.

    Every part is cut in SPLIT along its longest side until parts are small enough:
    by four at a time, as each takes a sort. Without `near` rows stay in their order.
    The last row fills up m, which is a multiple of n.
    """
    batch, count = tf.unstack(tf.shape(points)[:2])
    number = tf.while_loop(
        lambda n: n * size < count, lambda n: (n * SPLIT,), (tf.ones_like(count),)
    )[0]
    number = tf.minimum(number, count)  # none of an empty cloud
    padded = -(-count // tf.maximum(number, 1)) * number
    rows = tf.minimum(tf.range(padded), count - 1) + tf.zeros([batch, 1], tf.int32)
    keys = tf.where(finite(points)[..., None], points, INFINITY)

    def cut(parts: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        rows = tf.reshape(rows, [batch, parts, padded // parts])
        near = tf.gather(keys, rows, axis=1, batch_dims=1)  # [B, parts, n, 3]
        high = tf.where(near < INFINITY, near, -INFINITY)
        side = tf.reduce_max(high, 2) - tf.reduce_min(near, 2)
        along = tf.gather(near, tf.argmax(side, -1), axis=3, batch_dims=2)
        order = tf.math.top_k(-along, tf.shape(rows)[2]).indices
        rows = tf.gather(rows, order, axis=2, batch_dims=2)
        return parts * SPLIT, tf.reshape(rows, [batch, padded])

    _, rows = tf.while_loop(
        lambda parts, _: tf.logical_and(near, parts < number),
        cut,
        (1, rows),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, None])),
        parallel_iterations=1,
    )
    return number, rows


class Blocks(NamedTuple):
    """Points of B clouds, `size` of them at a time; some may be there twice."""

    points: tf.Tensor  # [B, n, size, 3]
    centers: tf.Tensor  # [B, n, 3]; points that are not finite count as the origin
    reaches: tf.Tensor  # [B, n] metres
    places: tf.Tensor  # [B, N] where each point is among the n * size of its cloud

    @classmethod
    def of(
        cls, points: tf.Tensor, size: int | tf.Tensor, near: bool | tf.Tensor = True
    ) -> "Blocks":
        """Blocks of clouds [B, N, 3], of at most `size` points.

        They are neighbours, or without `near` as they come, which takes no sort.
        """
        batch, count = tf.unstack(tf.shape(points)[:2])
        number, rows = _cut(points, size, near)  # [B, n * size]
        first = tf.range(batch)[:, None] * count
        slots = tf.range(tf.shape(rows)[1]) + tf.zeros_like(rows)
        places = tf.math.unsorted_segment_max(slots, rows + first, batch * count)
        points = tf.gather(points, rows, axis=1, batch_dims=1)
        each = tf.shape(rows)[1] // tf.maximum(number, 1)
        points = tf.reshape(points, [batch, number, each, 3])
        known = tf.where(finite(points)[..., None], points, 0.0)
        low, high = tf.reduce_min(known, 2), tf.reduce_max(known, 2)
        centers = 0.5 * low + 0.5 * high
        around = squared_distances(known, centers[..., None])[..., 0]
        reaches = tf.sqrt(tf.reduce_max(around, 2))
        return cls(points, centers, reaches, tf.reshape(places, [batch, count]))

    def in_order(self, values: tf.Tensor) -> tf.Tensor:
        """Values [B, n, size, ...] as those of the points: [B, N, ...]."""
        shape = tf.shape(values)
        rows = tf.reshape(values, tf.concat([shape[:1], [-1], shape[3:]], 0))
        return tf.gather(rows, self.places, axis=1, batch_dims=1)


def each_chunk(
    visit: Callable, clouds: tf.Tensor, items: tf.Tensor, size: int, blanks: Sequence
) -> list[tf.Tensor]:
    """Joins what `visit(cloud [3, N], items [size, C], first, b)` gives: [B, R, ..].

    Args:
        visit: sees `size` of the items [B, R, C] of cloud b, from `first` on.
        clouds: [B, 3, N].
        items: boxes or centres; zero after the last.
        size: items that are visited together.
        blanks: tensors of the shapes and types of what `visit` gives.
    """
    batch, count = tf.unstack(tf.shape(items)[:2])
    per_cloud = -(-count // size)
    padded = tf.pad(items, [[0, 0], [0, per_cloud * size - count], [0, 0]])

    def write(i: tf.Tensor, arrays: Sequence[tf.TensorArray]) -> list[tf.TensorArray]:
        b, first = i // per_cloud, i % per_cloud * size
        found = visit(clouds[b], padded[b, first : first + size], first, b)
        return [a.write(i, value) for a, value in zip(arrays, found, strict=True)]

    total = batch * per_cloud
    joined = []
    for values in filled(total, blanks, total, write, parallel=4):
        shape = tf.concat([[batch, per_cloud * size], tf.shape(values)[2:]], 0)
        joined.append(tf.reshape(values, shape)[:, :count])
    return joined
