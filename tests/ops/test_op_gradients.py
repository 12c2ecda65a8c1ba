"""Gradients of the native ops: finite differences, second ones, half precision."""

import numpy as np
import pytest
import tensorflow as tf
from clouds import make_points
from tensorflow.python.framework import config

from gspn_tf import ops

INDICES = np.random.default_rng(0).integers(0, 6, (2, 4, 3)).astype(np.int32)
FEATURES = np.random.default_rng(1).random((2, 6, 2)).astype(np.float32)
WEIGHTS = np.random.default_rng(2).random((2, 4, 3)).astype(np.float32)


def second(features, weights):
    """The norm of the gradients of sums of squares."""
    with tf.GradientTape() as tape:
        tape.watch([features, weights])
        mixed = ops.three_interpolate(features, INDICES, weights) ** 2
        groups = ops.group_points(features, INDICES) ** 2
        total = tf.reduce_sum(mixed) + tf.reduce_sum(groups)
    to_features, to_weights = tape.gradient(total, [features, weights])
    return tf.reduce_sum(to_features**2) + tf.reduce_sum(to_weights**2)


PAIR = [make_points("random", 2, 5), make_points("random", 2, 7, 1)]


@pytest.mark.parametrize(
    "function, inputs",
    [
        (lambda f: ops.group_points(f, INDICES), [FEATURES]),
        (lambda f, w: ops.three_interpolate(f, INDICES, w), [FEATURES, WEIGHTS]),
        (lambda a, b: ops.nn_distance(a, b)[0], PAIR),
        (lambda a, b: ops.nn_distance(a, b)[2], PAIR),
        (second, [FEATURES, WEIGHTS]),
    ],
    ids=["group_points", "three_interpolate", "nn_distance", "backwards", "second"],
)
def test_finite_differences(function, inputs):
    inputs = [tf.constant(value) for value in inputs]
    theoretical, numerical = tf.test.compute_gradient(function, inputs, delta=1e-2)
    for a, b in zip(theoretical, numerical, strict=True):
        np.testing.assert_allclose(
            a, b, rtol=2e-2, atol=1e-1 if function is second else 2e-2
        )


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision_features(dtype):
    features = tf.cast(FEATURES, dtype)
    with tf.GradientTape() as tape:
        tape.watch(features)
        groups = ops.group_points(features, INDICES)
        mixed = ops.three_interpolate(features, INDICES, WEIGHTS)
    assert groups.dtype == mixed.dtype == dtype
    assert tape.gradient(groups, features).dtype == dtype
    with ops.portable():
        assert ops.group_points(features, INDICES).dtype == dtype


def test_gradients_are_deterministic():
    """Every call gives the same bits, also where TensorFlow insists on it."""
    points = tf.constant(make_points("random", 1, 3000))
    indices = np.random.default_rng(0).integers(0, 9, (1, 900, 50)).astype(np.int32)

    def gradient():
        with tf.GradientTape() as tape:
            tape.watch(points)
            groups = ops.group_points(points, indices) * [1.0, 0.1, 0.01]
            mixed = ops.three_interpolate(points, indices[..., :3], groups[:, :, 0])
            near = ops.nn_distance(points, points[:, :700] + 0.1)[0]
            total = sum(map(tf.reduce_sum, (groups**2, mixed**2, near)))
        return tape.gradient(total, points).numpy()

    expected = gradient()
    tf.config.experimental.enable_op_determinism()
    try:
        for _ in range(5):
            np.testing.assert_array_equal(gradient(), expected)
    finally:
        config.disable_op_determinism()
