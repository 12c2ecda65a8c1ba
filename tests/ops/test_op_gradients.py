"""Gradients of the native ops: finite differences, plain loops, half precision."""

import numpy as np
import pytest
import reference
import tensorflow as tf
from clouds import SIZES, assert_same, make_counts, make_points

from gspn_tf import ops


def check_gradient(function, inputs):
    theoretical, numerical = tf.test.compute_gradient(function, inputs, delta=1e-2)
    for a, b in zip(theoretical, numerical, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-2)


def test_gradient_of_group_points():
    features = np.random.default_rng(0).random((2, 6, 3)).astype(np.float32)
    indices = np.array([[[0, 0, 5]], [[1, 2, 1]]], np.int32)
    check_gradient(lambda f: ops.group_points(f, indices), [features])


def test_gradient_of_three_interpolate():
    rng = np.random.default_rng(0)
    features = rng.random((2, 6, 3)).astype(np.float32)
    weights = rng.random((2, 4, 3)).astype(np.float32)
    indices = rng.integers(0, 6, (2, 4, 3)).astype(np.int32)
    check_gradient(
        lambda f, w: ops.three_interpolate(f, indices, w), [features, weights]
    )


@pytest.mark.parametrize("channels", [0, 1, 31, 32, 100])
def test_gradient_of_interpolation_weights_sums_by_halves(channels):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 9, channels)).astype(np.float32)
    indices = rng.integers(0, 9, (2, 70, 3)).astype(np.int32)
    upstream = rng.normal(size=(2, 70, channels)).astype(np.float32)
    weights = tf.zeros(indices.shape)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        mixed = ops.three_interpolate(features, indices, weights)
    rows = np.stack([features[b][indices[b]] for b in range(2)])
    expected = reference.row_products(rows, upstream)
    assert_same(tape.gradient(mixed, weights, upstream), expected)


def test_gradient_of_nn_distance():
    a, b = make_points("random", 2, 5), make_points("random", 2, 7, 1)
    for output in (0, 2):
        check_gradient(lambda x, y, k=output: ops.nn_distance(x, y)[k], [a, b])


@pytest.mark.parametrize("size", SIZES)
def test_gradient_of_nn_distance_equals_reference(size):
    batch, count, other = size
    a, b = make_points("random", batch, count), make_points("random", batch, other, 1)
    num_a, num_b = make_counts(batch, count), make_counts(batch, other)[::-1].copy()
    rng = np.random.default_rng(0)
    up_a = rng.random((batch, count)).astype(np.float32)
    up_b = rng.random((batch, other)).astype(np.float32)
    ta, tb = tf.constant(a), tf.constant(b)
    with tf.GradientTape() as tape:
        tape.watch([ta, tb])
        da, ia, db, ib = ops.nn_distance(ta, tb, num_a, num_b)
    ga, gb = tape.gradient([da, db], [ta, tb], [up_a, up_b])
    for i in range(batch):
        n, m = num_a[i], num_b[i]
        rows = (n, m) if n and m else (0, 0)
        expected = reference.nn_distance_grad(
            a[i, : rows[0]],
            b[i, : rows[1]],
            ia[i, : rows[0]].numpy(),
            ib[i, : rows[1]].numpy(),
            up_a[i],
            up_b[i],
        )
        np.testing.assert_allclose(ga[i, : rows[0]], expected[0], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(gb[i, : rows[1]], expected[1], rtol=1e-5, atol=1e-5)
        assert not ga[i, rows[0] :].numpy().any()
        assert not gb[i, rows[1] :].numpy().any()


def test_gradient_of_group_points_sums_in_order_of_the_slots():
    rng = np.random.default_rng(0)
    features = tf.constant(rng.random((2, 40, 16)), tf.float32)
    indices = rng.integers(0, 40, (2, 300, 8)).astype(np.int32)
    upstream = rng.normal(size=(2, 300, 8, 16)).astype(np.float32)
    with tf.GradientTape() as tape:
        tape.watch(features)
        groups = ops.group_points(features, indices)
    expected = np.zeros((2, 40, 16), np.float32)
    for b in range(2):
        np.add.at(expected[b], indices[b].ravel(), upstream[b].reshape(-1, 16))
    assert_same(tape.gradient(groups, features, upstream), expected)


def test_second_gradients():
    rng = np.random.default_rng(0)
    features = tf.constant(rng.random((1, 5, 2)), tf.float32)
    weights = tf.constant(rng.random((1, 4, 3)), tf.float32)
    indices = rng.integers(0, 5, (1, 4, 3)).astype(np.int32)

    def gradient_norm(f, w):
        with tf.GradientTape() as tape:
            tape.watch([f, w])
            mixed = ops.three_interpolate(f, indices, w) ** 2
            groups = ops.group_points(f, indices) ** 2
            total = tf.reduce_sum(mixed) + tf.reduce_sum(groups)
        to_features, to_weights = tape.gradient(total, [f, w])
        return tf.reduce_sum(to_features**2) + tf.reduce_sum(to_weights**2)

    theoretical, numerical = tf.test.compute_gradient(
        gradient_norm, [features, weights], delta=1e-2
    )
    for a, b in zip(theoretical, numerical, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-2, atol=1e-1)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision_features(dtype):
    features = tf.cast(tf.random.stateless_uniform((1, 6, 4), [1, 2]), dtype)
    indices = np.array([[[0, 1, 1]]], np.int32)
    with tf.GradientTape() as tape:
        tape.watch(features)
        groups = ops.group_points(features, indices)
        mixed = ops.three_interpolate(features, indices, np.ones((1, 1, 3), np.float32))
    assert groups.dtype == mixed.dtype == dtype
    assert tape.gradient(groups, features).dtype == dtype
