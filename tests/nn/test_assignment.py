"""Proposals that are positive, those that are sampled, and what they should become."""

import numpy as np
import pytest
import tensorflow as tf

from gspn_tf.config import RPointNetConfig
from gspn_tf.nn import assignment
from gspn_tf.types import Proposals, Regions


def cube(*centers):
    return np.float32([[*center, 1, 1, 1] for center in centers])


def objects(boxes, classes, valid=None):
    """One scene, of whose points the i-th is on object i."""
    rows = np.arange(len(boxes), dtype=np.int32)
    valid = rows >= 0 if valid is None else np.array(valid)
    values = {"boxes": boxes, "classes": classes, "valid": valid, "instance": rows}
    return {name: tf.constant(value)[None] for name, value in values.items()}


def sample(boxes, truth, num_regions=16, fraction=0.25, background=3):
    """The proposals that are sampled, and the classes that they should have."""
    config = RPointNetConfig(
        num_regions=num_regions,
        positive_fraction=fraction,
        background_regions=background,
    )
    real = np.ones([1, len(boxes)], bool)
    proposals = Proposals(boxes[None], boxes[None, :, 0], real)
    priority = tf.random.stateless_uniform(real.shape, [0, 0])
    found = assignment.sample_proposals(proposals, truth, priority, config)
    rows = tf.zeros([1, num_regions, 2], tf.int32)
    regions = Regions(found.boxes, rows, found.valid)
    targets = assignment.region_targets(regions, truth, config)
    return tuple(x[0].numpy() for x in (found.boxes, found.valid, targets.classes))


@pytest.mark.parametrize("num_near", [0, 1, 2, 30])
def test_sampled_regions_keep_the_ratio(num_near):
    near = [(0.01 * i, 0, 0) for i in range(num_near)]
    far = [(10 + 2 * i, 0, 0) for i in range(40)]
    boxes, valid, classes = sample(cube(*near, *far), objects(cube((0, 0, 0)), [7]))
    positive, negative = valid & (classes == 7), valid & (classes == 0)
    assert positive.sum() == min(num_near, 4)
    assert negative.sum() == 3 * max(positive.sum(), 1)
    assert (boxes[positive][:, 0] < 1).all() and (boxes[negative][:, 0] >= 10).all()
    assert not classes[~valid].any()
    nothing = objects(cube((0, 0, 0)), [0], valid=[False])
    _, valid, classes = sample(boxes[:2], nothing)
    assert not classes.any() and valid.sum() == 2


@pytest.mark.parametrize("copies", [0, 1, 3])
def test_added_truth_overlaps_its_object(copies):
    none = Proposals(cube((9, 9, 9))[None], np.float32([[0.0]]), np.array([[True]]))
    truth = objects(cube((0, 0, 0), (5, 0, 0)), [3, 4], valid=[True, False])
    got = assignment.add_truth(none, truth, copies, tf.constant([0, 1]))
    assert got.boxes.shape == (1, 1 + 2 * copies, 6)
    assert got.scores.shape == (1, 1 + 2 * copies)
    real = [True] + copies * [True] + copies * [False]
    np.testing.assert_array_equal(got.valid[0], real)
    iou = assignment.iou_with_truth(got.boxes, truth)
    near = iou.numpy()[0, 1 : 1 + copies, 0]
    assert ((near > 0.25) & (near < 1)).all()
