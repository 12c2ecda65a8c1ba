"""Loss terms in numbers worked by hand; parity/losses.py has recorded ones."""

import numpy as np
import pytest
import tensorflow as tf

from gspn_tf.nn import losses


@pytest.mark.parametrize(
    "mask, expected, slope",
    [([True, True, False], 1.5, [0.5, 0.5, 0]), ([False] * 3, 0, [0, 0, 0])],
)
def test_masked_mean_ignores_masked_rows_and_their_gradient(mask, expected, slope):
    values = tf.Variable([1.0, 2.0, 300.0])
    with tf.GradientTape() as tape:
        mean = losses.masked_mean(values, tf.constant(mask))
    assert mean.numpy() == expected
    np.testing.assert_allclose(tape.gradient(mean, values), slope)


def test_confidence_loss_labels_near_points():
    logits = tf.constant([[10.0, -10.0], [-10.0, 10.0]])
    squared = tf.constant([[0.0, 1.0], [0.0, 1.0]])
    loss = losses.confidence_loss(logits, squared, radius=0.1)
    np.testing.assert_allclose(loss, [0, 10], atol=1e-3)
