"""Scores of instances and their order."""

import numpy as np
import tensorflow as tf

from gspn_tf import config as c
from gspn_tf.models import scoring
from gspn_tf.models.scoring import RefinedBoxes, Support
from gspn_tf.types import Detections, Regions

# Four points; classes are background, one and two.
SUPPORT = Support(
    objectness=tf.constant([[1.0, 0.5, 0.0, 0.2]]),
    semantic=tf.constant([[[0, 1.0, 0], [0.5, 0.25, 0.25], [0, 0, 1.0], [1.0, 0, 0]]]),
)
FOUND = RefinedBoxes(
    boxes=tf.ones([1, 3, 6]),
    classes=tf.constant([[2, 1, 1]]),
    scores=tf.constant([[0.5, 0.4, 0.3]]),
    confidence=tf.constant([[0.6, 0.9, 0.7]]),
    valid=tf.constant([[True, True, True]]),
)
MASKS = tf.constant([[[0, 0, 1.0, 0.5], [0, 1.0, 0, 0], [1.0, 0.5, 0, 0]]])


def test_released_scores_weigh_supports_by_the_soft_masks():
    scores, key = scoring.released_scores(FOUND, MASKS, SUPPORT)
    np.testing.assert_allclose(scores, [[1.0, 1.0, 1.0]])
    first = 0.6 * ((0 * 1 + 0.2 * 0.5) / 1.5) * (1 / 1.5)
    second = 0.9 * 0.5 * 0.25
    third = 0.7 * (1.25 / 1.5) * (1.125 / 1.5)
    np.testing.assert_allclose(key, [[2 + first, 2 + second, 2 + third]], rtol=1e-6)


def test_released_scores_put_instances_off_their_class_last():
    elsewhere = FOUND._replace(classes=tf.constant([[1, 1, 1]]))
    scores, key = scoring.released_scores(elsewhere, MASKS, SUPPORT)
    np.testing.assert_allclose(scores, [[0.97, 1.0, 1.0]])
    assert key[0, 0] < 1 < key[0, 1] < key[0, 2]


def test_best_come_first_and_padding_is_zero():
    valid = tf.constant([[True, False, True]])
    boxes, classes, scores, *_ = FOUND
    found = Detections(boxes, classes, scores, MASKS > 0, valid)
    found, order = scoring.best_first(found, tf.constant([[1.0, 9.0, 2.0]]))
    np.testing.assert_array_equal(order, [[2, 0, 1]])
    np.testing.assert_array_equal(found.valid, [[True, True, False]])
    np.testing.assert_array_equal(found.classes, [[1, 2, 0]])
    np.testing.assert_allclose(found.scores, [[0.3, 0.5, 0.0]])
    np.testing.assert_array_equal(found.boxes[0, :, 0], [1, 1, 0])
    np.testing.assert_array_equal(found.masks[0].numpy().sum(1), [2, 2, 0])


def test_objects_are_scored_and_suppressed_whatever_their_class():
    # Two regions at one place, of two classes, and one that is of no class for sure.
    boxes = tf.constant(
        [[[0.0, 0, 0, 1, 1, 1], [0.0, 0, 0, 1, 1, 1.1], [5, 0, 0, 1, 1, 1]]]
    )
    regions = Regions(boxes, tf.zeros([1, 3, 4], tf.int32), tf.ones([1, 3], tf.bool))
    chances = tf.constant([[[0.1, 0.8, 0.1], [0.2, 0.1, 0.7], [0.4, 0.3, 0.3]]])
    support = Support(tf.ones([1, 9]), tf.ones([1, 9, 3]))
    deltas = tf.zeros([1, 3, 3, 6])
    proposal = c.GSPNConfig(num_classes=3)
    config = c.RPointNetConfig(proposal=proposal, min_score=0.5, max_detections=4)
    found = scoring.refine(regions, tf.math.log(chances), deltas, support, config)
    assert found.classes.numpy().tolist() == [[1, 2, 0, 0]]
    np.testing.assert_allclose(found.scores, [[0.8, 0.7, 0, 0]], rtol=1e-5)
    config.class_agnostic = True
    found = scoring.refine(regions, tf.math.log(chances), deltas, support, config)
    assert found.classes.numpy().tolist() == [[1, 1, 0, 0]]
    np.testing.assert_allclose(found.scores, [[0.9, 0.6, 0, 0]], rtol=1e-5)
    np.testing.assert_allclose(found.boxes[0, 1], boxes[0, 2])


def test_a_region_may_be_of_objects_alone_as_the_points_in_it_say():
    regions = Regions(
        tf.constant([[[0.0, 0, 0, 1, 1, 1], [5.0, 0, 0, 1, 1, 1]]]),
        tf.constant([[[0, 0], [2, 2]]]),  # of points of class one, of class two
        tf.ones([1, 2], tf.bool),
    )
    logits = tf.math.log(tf.constant([[[0.6, 0.3, 0.1], [0.5, 0.3, 0.2]]]))
    config = c.RPointNetConfig(
        proposal=c.GSPNConfig(num_classes=3), min_score=0.1, max_detections=2
    )

    def found():
        return scoring.refine(regions, logits, tf.zeros([1, 2, 3, 6]), SUPPORT, config)

    assert not found().valid.numpy().any()  # both are background most probably
    config.region_classes = "objects"
    assert found().classes.numpy().tolist() == [[1, 1]]
    np.testing.assert_allclose(found().scores, [[0.3, 0.3]], rtol=1e-5)
    config.semantic_power = 1.0
    assert sorted(found().classes[0].numpy()) == [1, 2]
    # All of the 0.4 and 0.5 of both objects, but for the doubt.
    np.testing.assert_allclose(found().scores, [[0.5, 0.4]], rtol=1e-2)
