"""Differentiable ops: gathering, interpolation, nearest-neighbour distance."""

import tensorflow as tf

from gspn_tf.ops.portable.blocks import INFINITY
from gspn_tf.ops.portable.checks import Axes
from gspn_tf.ops.portable.search import gspn_knn


def _gather_rows(values: tf.Tensor, indices: tf.Tensor) -> tf.Tensor:
    return tf.gather(values, indices, axis=1, batch_dims=1)


def gspn_group_points(features: tf.Tensor, indices: tf.Tensor) -> tf.Tensor:
    axes = Axes("group_points")
    features = axes.bind("features", features, "BNC")
    return _gather_rows(features, axes.indices("indices", indices, "BMK", "N"))


def gspn_three_interpolate(
    features: tf.Tensor, indices: tf.Tensor, weights: tf.Tensor
) -> tf.Tensor:
    axes = Axes("three_interpolate")
    features = axes.bind("features", features, "BNC")
    indices = axes.indices("indices", indices, "BM3", "N")
    weights = axes.bind("weights", weights, "BM3")
    # One sum: TensorFlow would gather a chain of additions and those of the caller.
    return tf.reduce_sum(_gather_rows(features, indices) * weights[..., None], axis=2)


def _nearest_points(
    to: tf.Tensor, num_to: tf.Tensor, of: tf.Tensor, num_of: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Squared distance and row of the nearest one of `to` for each point of `of`."""
    squares, rows = gspn_knn(to, of, num_to, 1)
    real = tf.sequence_mask(num_of, tf.shape(of)[1]) & (num_to > 0)[:, None]
    indices = tf.where(real, rows[..., 0], 0)
    there = real & (squares[..., 0] < INFINITY)
    # Rows without a match are at distance 0 from themselves: a gradient without NaN.
    to = tf.concat([to, tf.zeros_like(of[:, :1])], 1)
    partner = tf.where(
        there[..., None], _gather_rows(to, indices), tf.stop_gradient(of)
    )
    shift = tf.where(there[..., None], of - partner, 0.0)
    distances = tf.reduce_sum(tf.square(shift), -1)
    return tf.where(there | ~real, distances, INFINITY), indices


def gspn_nn_distance(
    points_a: tf.Tensor, points_b: tf.Tensor, num_a: tf.Tensor, num_b: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    axes = Axes("nn_distance")
    points_a = axes.bind("points_a", points_a, "BN3")
    points_b = axes.bind("points_b", points_b, "BM3")
    num_a = axes.counts("num_a", num_a, "N")
    num_b = axes.counts("num_b", num_b, "M")
    there = _nearest_points(points_b, num_b, points_a, num_a)
    return *there, *_nearest_points(points_a, num_a, points_b, num_b)
