"""The quality of proposals, of networks that propose what a test says."""

import numpy as np
import tensorflow as tf

from gspn_tf.evaluation.measures import proposal_quality
from gspn_tf.models.generators.decoding import GeneratedShapes
from gspn_tf.models.gspn import GSPNOutputs
from gspn_tf.models.proposers.anchors import AnchorOutputs
from gspn_tf.models.proposers.shapes import ShapeOutputs
from gspn_tf.types import Proposals


def fake_network(change):
    """Proposes at rows 0..5 what `change` makes of the true object of each row."""

    def network(scene, training):
        assert "targets" not in scene and not training
        return FOUND._replace(proposed=change(FOUND.proposed))

    return network


BOXES = tf.constant([[[0, 0, 0, 2, 2, 2], [5, 0, 0, 1, 2, 3.0]]])
SHAPES = tf.random.stateless_normal([1, 2, 9, 3], [1, 1])
INSTANCE = tf.constant([[0, 1, -1, 1, 0, 0, 1]])  # the last point is no seed
OWN = tf.maximum(INSTANCE[:, :6], 0)
FOUND = GSPNOutputs(
    seeds=tf.constant([[0, 1, 2, 3, 4, 5]]),
    proposed=ShapeOutputs(
        proposals=Proposals(
            boxes=tf.gather(BOXES, OWN, batch_dims=1),
            scores=tf.zeros([1, 6]),
            valid=tf.constant([[True, True, True, True, True, False]]),
        ),
        objectness=None,
        generated=GeneratedShapes(tf.gather(SHAPES, OWN, batch_dims=1), None),
    ),
    **dict.fromkeys(set(GSPNOutputs._fields) - {"seeds", "proposed"}),
)
BATCH = {
    "points": tf.zeros([1, 7, 3]),
    "targets": {"instance": INSTANCE, "boxes": BOXES, "shapes": SHAPES},
}


def test_perfect_proposals_are_perfect():
    quality = proposal_quality(fake_network(lambda proposed: proposed), BATCH)
    np.testing.assert_allclose(quality["proposal_miou"], np.ones(4), rtol=1e-6)
    np.testing.assert_array_equal(quality["proposal_chamfer"], np.zeros(4))


def test_worse_proposals_are_measured():
    def shifted(proposed):
        boxes = proposed.proposals.boxes + [1.0, 0, 0, 0, 0, 0]
        far = tf.ones_like(proposed.generated.points) * [0.0, 0, 100]
        return proposed._replace(
            proposals=proposed.proposals._replace(boxes=boxes),
            generated=proposed.generated._replace(points=far),
        )

    quality = proposal_quality(fake_network(shifted), BATCH)
    np.testing.assert_allclose(
        quality["proposal_miou"], [1 / 3, 0, 0, 1 / 3], atol=1e-6
    )
    np.testing.assert_allclose(quality["proposal_miou_true_centers"], 1, rtol=1e-6)
    np.testing.assert_array_equal(
        quality["proposal_miou_true_sizes"], quality["proposal_miou"]
    )
    off = 1 / np.sqrt([12, 14, 14, 12])  # diagonals of 2 x 2 x 2 and 1 x 2 x 3
    np.testing.assert_allclose(quality["proposal_center_error"], off, rtol=1e-6)
    sides = np.array([1 / 2, 1 / 1.0, 1 / 1.0, 1 / 2]) / 2  # x is off, y is right
    np.testing.assert_allclose(quality["proposal_center_error_floor"], sides, rtol=1e-6)
    np.testing.assert_array_equal(quality["proposal_center_error_up"], np.zeros(4))
    np.testing.assert_allclose(quality["proposal_size_ratio_floor"], 1, rtol=1e-6)
    np.testing.assert_array_equal(
        quality["proposal_miou_large"], quality["proposal_miou"]
    )
    assert not len(quality["proposal_miou_small"])
    target = tf.constant([0, 0, 100.0])
    distances = tf.norm(SHAPES[0] - target, axis=-1).numpy()  # [2, 9]
    both_ways = distances.min(1) + distances.mean(1)
    np.testing.assert_allclose(
        quality["proposal_chamfer"], both_ways[[0, 1, 1, 0]], rtol=1e-5
    )


def test_loose_boxes_are_measured_by_axis():
    def taller(proposed):
        boxes = proposed.proposals.boxes * [1.0, 1, 1, 1, 1, 3]
        return proposed._replace(proposals=proposed.proposals._replace(boxes=boxes))

    quality = proposal_quality(fake_network(taller), BATCH)
    np.testing.assert_allclose(quality["proposal_size_ratio_up"], 3, rtol=1e-6)
    np.testing.assert_allclose(quality["proposal_size_ratio_floor"], 1, rtol=1e-6)
    np.testing.assert_allclose(quality["proposal_miou"], 1 / 3, rtol=1e-6)


def test_boxes_without_shapes_have_an_iou_alone():
    def boxes_alone(proposed):
        return AnchorOutputs(proposed.proposals, proposed.proposals, None, None, None)

    quality = proposal_quality(fake_network(boxes_alone), BATCH)
    np.testing.assert_allclose(quality["proposal_miou"], np.ones(4), rtol=1e-6)
    assert "proposal_chamfer" not in quality


def test_no_objects_no_quality():
    targets = BATCH["targets"] | {"instance": -tf.ones_like(INSTANCE)}
    network = fake_network(lambda proposed: proposed)
    quality = proposal_quality(network, BATCH | {"targets": targets})
    assert {value.shape for value in quality.values()} == {(0,)}
