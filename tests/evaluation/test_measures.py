"""The quality of proposals, of networks that propose what a test says."""

import numpy as np
import tensorflow as tf

from gspn_tf.evaluation.measures import proposal_quality
from gspn_tf.types import Proposals

BOXES = tf.constant([[[0, 0, 0, 2, 2, 2], [5, 0, 0, 1, 2, 3.0]]])
SHAPES = tf.random.stateless_normal([1, 2, 9, 3], [1, 1])
INSTANCE = tf.constant([[0, 1, -1, 1, 0, 0, 1]])  # the last point is no seed
FOUND = {
    "seeds": tf.constant([[0, 1, 2, 3, 4, 5]]),
    "shapes": tf.gather(SHAPES, tf.maximum(INSTANCE[:, :6], 0), batch_dims=1),
    "proposals": Proposals(
        boxes=tf.gather(BOXES, tf.maximum(INSTANCE[:, :6], 0), batch_dims=1),
        scores=tf.zeros([1, 6]),
        valid=tf.constant([[True, True, True, True, True, False]]),
    ),
}
BATCH = {
    "points": tf.zeros([1, 7, 3]),
    "targets": {"instance": INSTANCE, "boxes": BOXES, "shapes": SHAPES},
}


def network_of(found):
    """A network that proposes at the rows 0..5."""

    def network(scene, training):
        assert "targets" not in scene and not training
        return found

    return network


def test_perfect_proposals_are_perfect():
    quality = proposal_quality(network_of(FOUND), BATCH)
    np.testing.assert_allclose(quality.iou, np.ones(4), rtol=1e-6)
    np.testing.assert_array_equal(quality.chamfer, np.zeros(4))


def test_worse_proposals_are_measured():
    boxes = FOUND["proposals"].boxes + [1.0, 0, 0, 0, 0, 0]
    far = tf.ones_like(FOUND["shapes"]) * [0.0, 0, 100]
    moved = {"proposals": FOUND["proposals"]._replace(boxes=boxes), "shapes": far}
    quality = proposal_quality(network_of(FOUND | moved), BATCH)
    np.testing.assert_allclose(quality.iou, [1 / 3, 0, 0, 1 / 3], atol=1e-6)
    target = tf.constant([0, 0, 100.0])
    distances = tf.norm(SHAPES[0] - target, axis=-1).numpy()  # [2, 9]
    both_ways = distances.min(1) + distances.mean(1)
    np.testing.assert_allclose(quality.chamfer, both_ways[[0, 1, 1, 0]], rtol=1e-5)


def test_boxes_without_shapes_have_an_iou_alone():
    found = {key: value for key, value in FOUND.items() if key != "shapes"}
    quality = proposal_quality(network_of(found), BATCH)
    np.testing.assert_allclose(quality.iou, np.ones(4), rtol=1e-6)
    assert quality.chamfer is None


def test_no_objects_no_quality():
    targets = BATCH["targets"] | {"instance": -tf.ones_like(INSTANCE)}
    quality = proposal_quality(network_of(FOUND), BATCH | {"targets": targets})
    assert quality.iou.shape == quality.chamfer.shape == (0,)
