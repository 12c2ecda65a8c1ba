"""Boxes and masks that repeat a better one."""

import numpy as np
import tensorflow as tf

from gspn_tf.config import GSPNConfig, RPointNetConfig
from gspn_tf.nn import suppression
from gspn_tf.types import Proposals


def cubes(*places):
    """Boxes [1, S, 6] of one metre, at places along x."""
    return np.float32([[[x, 0, 0, 1, 1, 1] for x in places]])


def test_select_keeps_the_best_of_overlapping_proposals_in_order():
    scores = np.float32([[0.2, 0.9, 0.5, 0.7]])
    valid = np.array([[True, True, True, False]])
    proposals = Proposals(cubes(0, 0.1, 5, 9), scores, valid)
    got = suppression.select_proposals(proposals, 192, 5, 0.5)
    np.testing.assert_array_equal(got.valid, [[True, True, False, False, False]])
    np.testing.assert_allclose(got.boxes[0, :2, 0], [0.1, 5])


def test_suppression_works_class_by_class():
    scores, valid = tf.constant([[0.5, 0.9, 0.7, 0.6]]), tf.fill([1, 4], True)
    candidates = Proposals(tf.constant(cubes(0, 0, 0, 5)), scores, valid)
    classes = tf.constant([[1, 1, 2, 1]])
    config = RPointNetConfig(
        proposal=GSPNConfig(num_classes=3), detection_iou=0.3, max_detections=4
    )
    rows, real = suppression.suppress_by_class(candidates, classes, config)
    np.testing.assert_array_equal(real, [[True, True, True, False]])
    np.testing.assert_array_equal(rows[:, :3], [[1, 2, 3]])


def test_duplicate_masks_repeat_a_better_one_of_their_class():
    a, b, c = [1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 1, 1]
    masks = np.array([[a, b, c, c, b]], bool)
    classes = tf.constant([[1, 1, 1, 2, 2]])
    got = suppression.duplicate_masks(masks, classes, 0.5)  # IoU of a and b: 2/3
    np.testing.assert_array_equal(got, [[False, True, False, False, False]])
    assert not suppression.duplicate_masks(masks, classes, 1.0).numpy().any()
