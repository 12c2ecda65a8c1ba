"""The end of a PointNet in training, against its parts one after the other."""

import numpy as np
import pytest
import tensorflow as tf

from gspn_tf.nn import pooling, products

EPSILON = 1e-3


def inputs_of(sets, size, channels, width, seed=0):
    """Sets far from zero, affine norms of both signs, and a kernel."""
    draw = np.random.default_rng(seed)
    points = draw.normal(3.0, 1.0, (sets, size, channels))
    scales = (draw.normal(0.5, 1.0, n) for n in (channels, channels, width, width))
    scale, offset, last_scale, last_offset = scales
    kernel = draw.normal(0.0, channels**-0.5, (channels, width))
    return [
        tf.constant(x, tf.float32)
        for x in (points, scale, offset, kernel, last_scale, last_offset)
    ]


def plain(sets, scale, offset, kernel, last_scale, last_offset):
    """Maxima and moments in float64, with TensorFlow's gradients."""

    def norm(x, scale, offset):
        mean, variance = tf.nn.moments(x, [0, 1])
        count = np.prod(x.shape[:2])
        outputs = (x - mean) * tf.math.rsqrt(variance + EPSILON) * scale + offset
        return tf.nn.relu(outputs), (mean, variance * count / max(count - 1, 1))

    active, before = norm(sets, scale, offset)
    outputs, after = norm(active @ kernel, last_scale, last_offset)
    return tf.reduce_max(outputs, 1), before, after


def fused(sets, scale, offset, kernel, last_scale, last_offset):
    first, last = (scale, offset, EPSILON), (last_scale, last_offset, EPSILON)
    return pooling.pooled_product(sets, first, kernel, last)


@pytest.mark.parametrize("shape", [(37, 16, 5, 9), (3, 64, 8, 4), (1, 2, 1, 1)])
@pytest.mark.parametrize("chunk", [1, 160, 16_384])
def test_maxima_moments_and_gradients(shape, chunk, monkeypatch):
    monkeypatch.setattr(products, "CHUNK", chunk)
    inputs = inputs_of(*shape)
    exact = [tf.cast(x, tf.float64) for x in inputs]
    weights = tf.random.stateless_normal([shape[0], shape[3]], [1, 2], dtype="float64")
    with tf.GradientTape() as tape:
        tape.watch(exact)
        expected = plain(*exact)
        loss = tf.reduce_sum(expected[0] * weights)
    wanted = tape.gradient(loss, exact)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        found = tf.function(fused)(*inputs)
        loss = tf.reduce_sum(found[0] * tf.cast(weights, tf.float32))
    got = tape.gradient(loss, inputs)
    pairs = zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True)
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    for a, b in zip(got, wanted, strict=True):
        scale = np.abs(b).max() + 1e-3
        np.testing.assert_allclose(a / scale, b / scale, atol=2e-4)


def test_the_first_of_equal_rows_has_the_gradient():
    inputs = inputs_of(1, 8, 3, 4)
    inputs[0] = tf.repeat(inputs[0][:, :4], 2, axis=1)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = tf.reduce_sum(fused(*inputs)[0] ** 2)
    gradient = tape.gradient(loss, inputs)[0].numpy()[0]
    # Both of a pair have the part that the moments give; the first more than that.
    assert np.abs(gradient[::2] - gradient[1::2]).max() > 1e-3


def test_what_is_not_finite_stays_so():
    inputs = inputs_of(5, 8, 3, 4)
    inputs[0] = tf.fill([5, 8, 3], np.nan)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        maxima, *_ = fused(*inputs)
    assert np.isnan(maxima).all()
    gradients = tape.gradient(maxima, inputs)
    assert np.isnan(gradients[3]).all()
