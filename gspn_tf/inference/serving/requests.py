"""Checks of the requests to a server, in the graph: a bad one is INVALID_ARGUMENT."""

import contextlib
from typing import NamedTuple

import tensorflow as tf

from gspn_tf.data.observation import finite_rows

EVERY_ROW = -1  # as num_points: no padding
MOST_SCANS = 64  # in a request, so that none keeps a server busy for hours


class RequestedScans(NamedTuple):
    """The scans of a request."""

    points: tf.Tensor  # [B, N, 3]  metres
    colors: tf.Tensor  # [B, N, 3]  uint8
    counts: tf.Tensor  # [B]        rows that are no padding, 1..N


def check_request(
    points: tf.Tensor, colors: tf.Tensor, num_points: tf.Tensor, max_points: int
) -> RequestedScans:
    """Check a request and return its scans; [N, 3] is a batch of one.

    Raises:
        tf.errors.InvalidArgumentError: when run; it names the argument.
    """
    shape, colors_shape = tf.shape(points), tf.shape(colors)
    with _require(
        (
            tf.reduce_any(tf.rank(points) == [2, 3]) & tf.reduce_all(shape[-1:] == 3),
            ("points must be [N, 3] or [B, N, 3], got the shape", shape),
        ),
        (tf.size(points) > 0, ("points must not be empty, got the shape", shape)),
        (
            tf.reduce_all(shape[-2:-1] <= max_points),
            (f"points must have at most {max_points} rows, got the shape", shape),
        ),
        (
            tf.reduce_all(shape[:-2] <= MOST_SCANS),
            (f"points must be at most {MOST_SCANS} scans, got the shape", shape),
        ),
        (
            _equal(shape, colors_shape),
            ("colors must have the shape of points,", shape, "got", colors_shape),
        ),
    ):
        points = tf.reshape(points, [-1, shape[-2], 3])
        colors = tf.reshape(colors, [-1, shape[-2], 3])
    batch, length = tf.unstack(tf.shape(points)[:2])
    with _require(
        (
            (tf.rank(num_points) == 0)
            | _equal(tf.shape(num_points), tf.shape(points)[:1]),
            ("num_points must be a number or of the shape", [batch], "got", num_points),
        )
    ):
        counts = tf.where(num_points == EVERY_ROW, length, num_points)
        counts = tf.broadcast_to(counts, [batch])
    real = tf.sequence_mask(counts, length)
    broken = tf.math.count_nonzero(real & ~finite_rows(points), dtype=tf.int32)
    with _require(
        (
            tf.reduce_all((counts >= 1) & (counts <= length)),
            ("num_points must be within 1 and", length, "or -1, got", num_points),
        ),
        (broken == 0, ("points must be finite, number of rows that are not:", broken)),
    ):
        return RequestedScans(tf.identity(points), colors, tf.identity(counts))


def _require(*checks: tuple) -> contextlib.AbstractContextManager:
    """Make checks one after the other; ops made within the context wait for them.

    Args:
        *checks: Each is a condition and the words and tensors of its error.
    """
    last: list = []
    for condition, text in checks:
        with tf.control_dependencies(last):
            last = [tf.raw_ops.Assert(condition=condition, data=text, summarize=4)]
    return tf.control_dependencies(last)


def _equal(shape: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    """Say whether two shapes are the same, also where they differ in length.

    As texts: an op that compares vectors of different lengths gives a number, which
    optimised graphs do not expect.
    """
    return tf.strings.format("{}", shape) == tf.strings.format("{}", other)
