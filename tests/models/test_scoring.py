"""Scores of instances and their order."""

import numpy as np
import tensorflow as tf

from gspn_tf.models import scoring
from gspn_tf.models.scoring import Scored, Support
from gspn_tf.types import Regions

# Four points; classes are background, one and two.
SUPPORT = Support(
    objectness=tf.constant([[1.0, 0.5, 0.0, 0.2]]),
    semantic=tf.constant([[[0, 1.0, 0], [0.5, 0.25, 0.25], [0, 0, 1.0], [1.0, 0, 0]]]),
)
FOUND = Scored(
    ranking=tf.constant([[0.5, 0.4, 0.3]]),
    confidence=tf.constant([[0.6, 0.9, 0.7]]),
    classes=tf.constant([[2, 1, 1]]),
    masks=tf.constant([[[0, 0, 1.0, 0.5], [0, 1.0, 0, 0], [1.0, 0.5, 0, 0]]]),
)


def test_support_of_regions_is_a_product_of_means():
    boxes = tf.zeros([1, 2, 6])
    rows = tf.constant([[[0, 1], [2, 2]]])
    regions = Regions(boxes, rows, tf.constant([[True, True]]))
    found = scoring.of_regions(SUPPORT, regions, tf.constant([[1, 2]]))
    np.testing.assert_allclose(found, [[0.75 * 0.625, 0.0]])


def test_scores_of_the_ranking_and_of_the_class():
    scores, key = scoring.by_ranking(FOUND, SUPPORT)
    np.testing.assert_array_equal(scores, FOUND.ranking)
    np.testing.assert_array_equal(key, FOUND.ranking)
    scores, key = scoring.by_class(FOUND, SUPPORT)
    np.testing.assert_array_equal(scores, FOUND.confidence)
    np.testing.assert_array_equal(key, FOUND.ranking)


def test_released_scores_weigh_supports_by_the_soft_masks():
    scores, key = scoring.as_released(FOUND, SUPPORT)
    np.testing.assert_allclose(scores, [[1.0, 1.0, 1.0]])
    first = 0.6 * ((0 * 1 + 0.2 * 0.5) / 1.5) * (1 / 1.5)
    second = 0.9 * 0.5 * 0.25
    third = 0.7 * (1.25 / 1.5) * (1.125 / 1.5)
    np.testing.assert_allclose(key, [[2 + first, 2 + second, 2 + third]], rtol=1e-6)


def test_released_scores_put_instances_off_their_class_last():
    elsewhere = FOUND._replace(classes=tf.constant([[1, 1, 1]]))
    scores, key = scoring.as_released(elsewhere, SUPPORT)
    np.testing.assert_allclose(scores, [[0.97, 1.0, 1.0]])
    assert key[0, 0] < 1 < key[0, 1] < key[0, 2]
