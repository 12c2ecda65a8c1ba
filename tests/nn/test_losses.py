"""Loss terms: hand-worked numbers, masks, gradients."""

import numpy as np
import pytest
import tensorflow as tf

from gspn_tf.nn import losses
from gspn_tf.types import Gaussian


def test_masked_mean_ignores_masked_rows_and_their_gradient():
    values = tf.Variable([1.0, 2.0, 300.0])
    with tf.GradientTape() as tape:
        mean = losses.masked_mean(values, tf.constant([True, True, False]))
    assert mean.numpy() == 1.5
    np.testing.assert_allclose(tape.gradient(mean, values), [0.5, 0.5, 0])


def test_masked_mean_of_nothing_is_zero_with_finite_gradient():
    values = tf.Variable([1.0, 2.0])
    with tf.GradientTape() as tape:
        mean = losses.masked_mean(values, tf.constant([False, False]))
    assert mean.numpy() == 0
    np.testing.assert_array_equal(tape.gradient(mean, values), [0, 0])


def test_smooth_l1_hand_worked():
    got = losses.smooth_l1(tf.constant([0.0, 0.5, -1.0, 3.0]))
    np.testing.assert_allclose(got, [0, 0.125, 0.5, 2.5])


def test_center_loss_is_zero_at_the_truth():
    offset = tf.constant([[3.0, 4.0, 0.0]])
    loss = losses.center_loss(
        offset / 5, tf.constant([5.0]), offset, tf.constant([2.0])
    )
    np.testing.assert_allclose(loss, [0], atol=1e-7)


def test_center_loss_hand_worked():
    # Direction (1,0,0) instead of (0,1,0): 2 * 0.5; distance 3 m too far over 2 m.
    loss = losses.center_loss(
        tf.constant([[1.0, 0, 0]]),
        tf.constant([4.0]),
        tf.constant([[0.0, 1, 0]]),
        tf.constant([2.0]),
    )
    np.testing.assert_allclose(loss, [1.0 + (1.5 - 0.5)], atol=1e-6)


def test_chamfer_hand_worked():
    # One point 2 m from the nearer of two points, which are 2 and 4 m from it.
    loss, squared = losses.chamfer(
        tf.constant([[[0.0, 0, 0]]]), tf.constant([[[2.0, 0, 0], [0, 4, 0]]])
    )
    np.testing.assert_allclose(loss, [4 + (4 + 16) / 2])
    np.testing.assert_allclose(squared, [[4.0]])


def test_confidence_loss_labels_near_points():
    logits = tf.constant([[10.0, -10.0], [-10.0, 10.0]])
    squared = tf.constant([[0.0, 1.0], [0.0, 1.0]])
    loss = losses.confidence_loss(logits, squared, radius=0.1)
    np.testing.assert_allclose(loss, [0, 10], atol=1e-3)


def test_gaussian_kl_is_zero_for_equal_and_hand_worked():
    zero = tf.zeros([1, 4])
    same = Gaussian(zero, zero)
    np.testing.assert_allclose(losses.gaussian_kl(same, same), [0])
    # p = N(1, 1), q = N(0, e): 0.5 (1 - 0 + 2/e - 1) = 1/e
    p, q = Gaussian(zero + 1, zero), Gaussian(zero, zero + 1)
    np.testing.assert_allclose(losses.gaussian_kl(p, q), [np.exp(-1)], rtol=1e-6)


def test_gaussian_kl_is_eq_2_of_the_paper():
    rng = np.random.default_rng(0)
    mean_p, mean_q = rng.normal(size=(2, 3, 8))
    sigma_p, sigma_q = rng.uniform(0.5, 2, size=(2, 3, 8))
    eq_2 = np.log(sigma_q / sigma_p) - 0.5
    eq_2 += (sigma_p**2 + (mean_p - mean_q) ** 2) / (2 * sigma_q**2)
    p, q = Gaussian(mean_p, 2 * np.log(sigma_p)), Gaussian(mean_q, 2 * np.log(sigma_q))
    got = losses.gaussian_kl(p, q)
    np.testing.assert_allclose(got, eq_2.mean(-1), rtol=1e-6)


@pytest.mark.parametrize(
    "label, want", [(1, np.log(2)), (0, np.log(2)), (-1, np.log(2))]
)
def test_binary_cross_entropy_at_zero(label, want):
    got = losses.binary_cross_entropy(tf.constant([0.0]), tf.constant([label]))
    np.testing.assert_allclose(got, [want], rtol=1e-6)


def test_binary_cross_entropy_prefers_the_label():
    logits = tf.constant([5.0, 5.0])
    right, wrong = losses.binary_cross_entropy(logits, tf.constant([1, 0])).numpy()
    assert right < 0.01 and wrong > 4.9
