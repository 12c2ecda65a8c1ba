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


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_rare_classes_weigh_more_and_the_mean_weight_is_one(power):
    labels = tf.constant([[0, 0, 0, 2], [2, 0, 3, 1]])
    weights = tf.constant([[1.0, 1, 1, 1], [1, 1, 1, 0]])  # class 1 does not count
    found = losses.rarity(labels, weights, 4, power).numpy()
    common, twice, once = found[0, 0], found[0, 3], found[1, 2]
    assert twice / common == pytest.approx(2**power)
    assert once / common == pytest.approx(4**power)
    assert (found * weights).numpy().sum() / 7 == pytest.approx(1)


def test_rarity_of_no_points_is_zero():
    labels, weights = tf.zeros([2, 3], tf.int32), tf.zeros([2, 3])
    np.testing.assert_array_equal(losses.rarity(labels, weights, 4, 0.5), 0)
