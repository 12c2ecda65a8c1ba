"""Matrix products and maxima of points in sets, and how they stay in the caches."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

CHUNK = 16_384  # points whose activations are made at once


def matrix_product(x: tf.Tensor, kernel: tf.Tensor, dtype: str) -> tf.Tensor:
    """Product [..., D] of x [..., C] and kernel [C, D], as one matrix product."""
    rows = tf.cast(tf.reshape(x, [-1, kernel.shape[0]]), dtype)
    return with_leading_axes(tf.matmul(rows, tf.cast(kernel, dtype)), x)


def with_leading_axes(rows: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Rows [R, D] as [..., D], of the axes of `like` [..., C] but its last."""
    width = rows.shape[-1]
    found = tf.reshape(rows, tf.concat([tf.shape(like)[:-1], [width]], 0))
    found.set_shape([*like.shape[:-1], width])
    return found


def maximum(sets: tf.Tensor) -> tf.Tensor:
    """The maximum [..., C] of sets [..., K, C], whose K is known."""
    size, channels = sets.shape[-2:]
    rows = tf.reshape(sets, [-1, size, 1, channels])
    # Twice as fast as tf.reduce_max in half precision.
    rows = tf.nn.max_pool2d(rows, [size, 1], [size, 1], "VALID")
    return with_leading_axes(tf.reshape(rows, [-1, channels]), sets[..., 0, :])


def in_chunks(
    function: Callable[..., tf.Tensor], size: int, row: tf.TensorSpec
) -> Callable[..., tf.Tensor]:
    """Make a function of sets of `size` points that takes CHUNK points at a time.

    The activations of so many stay in the processor's caches; those of a whole scene
    go to memory and back, layer by layer. It is for inference: the result has no
    gradient, which would need them all.

    Args:
      function: of tensors [B, n, ...], or structures of them, one row a set. A row of
        its result [B, n, ...] depends on that row alone.
      size: points of a set.
      row: shape and type of such a row.
    """

    def swapped(x: tf.Tensor) -> tf.Tensor:
        return tf.transpose(x, [1, 0, *range(2, x.shape.rank)])

    def whole(*elements: Any) -> tf.Tensor:
        def add(state: Any, chunk: slice) -> Any:
            some = tf.nest.map_structure(lambda x: x[:, chunk], elements)
            return state, (swapped(function(*some)),)

        count = tf.shape(tf.nest.flatten(elements)[0])[1]
        rows = (tf.TensorSpec([None, *row.shape], row.dtype),)
        _, (found,) = fold(add, (), rows, count, size)
        return tf.stop_gradient(swapped(found))

    return whole


def fold(
    function: Callable[[Any, slice], Any],
    state: Any,
    rows: tuple[tf.TensorSpec, ...],
    count: tf.Tensor,
    size: int,
) -> tuple[Any, list[tf.Tensor]]:
    """Call a function for chunks of sets, one after the other.

    Args:
      function: of the state and a chunk of the sets. Returns the next state and tensors
        that are joined.
      state: what the first call gets.
      rows: shape and type of a row of each of these tensors.
      count: number of the sets.
      size: points of a set; about CHUNK points are a chunk.

    Returns:
      The last state, and the joined tensors.
    """
    step = max(CHUNK // size, 1)
    count = tf.maximum(count, 1)  # a chunk without sets tells the other axes
    parts = tuple(
        tf.TensorArray(
            row.dtype,
            -(-count // step),
            infer_shape=False,
            element_shape=[None, *row.shape],
        )
        for row in rows
    )

    def chunk(start: tf.Tensor, state: Any, parts: Any) -> tuple[tf.Tensor, Any, Any]:
        state, found = function(state, slice(start, start + step))
        pairs = zip(parts, found, strict=True)
        return start + step, state, tuple(p.write(start // step, x) for p, x in pairs)

    _, state, parts = tf.while_loop(
        lambda start, *_: start < count,
        chunk,
        (tf.constant(0), state, parts),
        parallel_iterations=1,
    )
    return state, [part.concat() for part in parts]
