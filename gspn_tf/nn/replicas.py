"""Several replicas of a network, under `tf.distribute`, that train as one.

The loss and the batch statistics are those of the whole batch, of which each replica
has a part: the first the first rows. With one replica nothing here does anything.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

_alone = contextvars.ContextVar("_alone", default=False)


@contextlib.contextmanager
def as_one() -> Iterator[None]:
    """Let a replica compute as if it were the only one, meanwhile."""
    token = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(token)


def count() -> int:
    """Number of replicas that run this step together."""
    context = tf.distribute.get_replica_context()
    return context.num_replicas_in_sync if context and not _alone.get() else 1


def across_replicas(values: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
    """Sums of values over all replicas, with gradients.

    The gradient is the sum of all replicas' too, so a loss that every replica has in
    common must be divided by their number.
    """
    if count() == 1:
        return values
    return tf.distribute.get_replica_context().all_reduce("sum", list(values))


def in_whole_batch(
    function: Callable[..., tf.Tensor], *rows: tf.Tensor
) -> tf.Tensor | tuple[tf.Tensor, ...]:
    """Call what draws for the rows of a batch as if all replicas' rows were there.

    So each replica draws for its rows what one with the whole batch draws for them.

    Args:
        function: Of tensors whose first axis is that of the batch, as its outputs'.
        *rows: This replica's part of them, perhaps none; zeros are in the place of the
            others'.
    """
    if count() == 1:
        return function(*rows)
    number = tf.distribute.get_replica_context().replica_id_in_sync_group
    size = tf.shape(rows[0])[0]
    sizes = tf.one_hot(number, count()) * tf.cast(size, tf.float32)
    sizes = tf.cast(across_replicas([sizes])[0], tf.int32)
    before = tf.cumsum(sizes, exclusive=True)[number]
    after = tf.reduce_sum(sizes) - before - size

    def pad(x: tf.Tensor) -> tf.Tensor:
        around = [[before, after]] + [[0, 0]] * (x.shape.rank - 1)
        return tf.pad(x, around)

    outputs = function(*map(pad, rows))
    return tf.nest.map_structure(lambda x: x[before : before + size], outputs)


def uniform_like(
    rows: tf.Tensor, seed: tf.Tensor, low: float = 0.0, high: float = 1.0
) -> tf.Tensor:
    """Random numbers [B, ...] for the rows [B, ...] of a batch."""
    return in_whole_batch(
        lambda x: tf.random.stateless_uniform(tf.shape(x), seed, low, high), rows
    )


def batch_norm(
    rows: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Normalise rows [n, C] by the statistics of all replicas' rows.

    Returns:
        The normalised rows, and mean [C] and variance of the sample [C].
    """
    x = tf.cast(rows, scale.dtype)
    size = tf.cast(tf.shape(x)[0], x.dtype)
    total, size = across_replicas([tf.reduce_sum(x, 0), size])
    mean = total / size
    (squares,) = across_replicas([tf.reduce_sum(tf.square(x - mean), 0)])
    outputs = (x - mean) * (scale * tf.math.rsqrt(squares / size + epsilon)) + offset
    return tf.cast(outputs, rows.dtype), mean, squares / tf.maximum(size - 1, 1)
