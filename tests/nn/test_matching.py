"""Who is positive, who is suppressed, who is sampled."""

import numpy as np
import pytest
import tensorflow as tf

from gspn_tf.nn import matching
from gspn_tf.types import Proposals


def cube(*centers, size=1.0):
    return np.float32([[*center, size, size, size] for center in centers])


def targets(boxes, classes, valid=None):
    valid = np.ones(len(boxes), bool) if valid is None else np.array(valid)
    return {
        "boxes": tf.constant(boxes)[None],
        "classes": tf.constant(classes, tf.int32)[None],
        "valid": tf.constant(valid)[None],
    }


def test_labels_follow_section_3_1():
    iou = tf.constant([[[0.6], [0.4], [0.6], [0.4]]])
    foreground = tf.constant([[True, True, False, False]])
    best = tf.constant([[False] * 4])
    got = matching.objectness_labels(iou, foreground, 0.5, best)
    np.testing.assert_array_equal(got, [[1, 0, -1, 0]])
    best = tf.constant([[False, True, False, False]])
    got = matching.objectness_labels(iou, foreground, 0.5, best)
    np.testing.assert_array_equal(got, [[1, 1, -1, 0]])


@pytest.mark.parametrize(
    "rule, want",
    [
        ("none", [0, 0, 0, 0, 0]),
        ("first", [0, 0, 1, 0, 0]),
        ("all", [0, 1, 1, 0, 0]),
    ],
)
def test_best_seeds_of_objects(rule, want):
    # Objects: one that no seed on an object overlaps, two others, one of padding.
    iou = [
        [0.0, 0.2, 0.1, -1],
        [0.0, 0.1, 0.3, -1],  # the best of the third
        [0.0, 0.4, 0.3, -1],  # of the second; a tie in the third goes to the lower row
        [0.9, 0.9, 0.9, -1],  # background
        [0.0, 0.4, 0.0, -1],
    ]
    foreground = tf.constant([[True, True, True, False, True]])
    got = matching.BEST_SEEDS[rule](tf.constant([iou]), foreground)
    np.testing.assert_array_equal(got, np.array([want], bool))


def test_padded_objects_match_nothing():
    boxes = cube((0, 0, 0))
    iou = matching.iou_with_truth(boxes[None], boxes[None], valid=np.array([[False]]))
    assert iou.numpy().max() == -1


def test_select_keeps_the_best_of_overlapping_proposals_in_order():
    boxes = cube((0, 0, 0), (0.1, 0, 0), (5, 0, 0), (9, 0, 0))[None]
    scores = np.float32([[0.2, 0.9, 0.5, 0.7]])
    valid = np.array([[True, True, True, False]])
    got = matching.select_proposals(Proposals(boxes, scores, valid), 4, 3, 0.5)
    np.testing.assert_array_equal(got.valid, [[True, True, False]])
    np.testing.assert_allclose(got.boxes[0, :2, 0], [0.1, 5])


def test_select_with_fewer_proposals_than_asked_for():
    boxes = cube((0, 0, 0))[None]
    proposals = Proposals(boxes, np.float32([[0.0]]), np.array([[True]]))
    got = matching.select_proposals(proposals, 192, 128, 0.5)
    assert got.boxes.shape == (1, 128, 6) and got.valid.numpy().sum() == 1


def sample(boxes, truth, seed=0, num_regions=16, fraction=0.25, background=3):
    boxes = boxes[None]
    proposals = Proposals(boxes, boxes[..., 0], np.ones(boxes.shape[:2], bool))
    return matching.sample_regions(
        proposals,
        truth,
        num_regions=num_regions,
        positive_fraction=fraction,
        positive_iou=0.5,
        background_regions=background,
        deviation=(0.1, 0.2),
        fill=matching.FILLERS["proposals"],
        priority=tf.random.stateless_uniform(boxes.shape[:2], [0, seed]),
    )


@pytest.mark.parametrize("num_near", [0, 1, 2, 30])
def test_sampled_regions_keep_the_ratio(num_near):
    near = [(0.01 * i, 0, 0) for i in range(num_near)]
    far = [(10 + 2 * i, 0, 0) for i in range(40)]
    got = sample(cube(*near, *far), targets(cube((0, 0, 0)), [7]))
    positive = got.valid.numpy() & (got.classes.numpy() > 0)
    negative = got.valid.numpy() & (got.classes.numpy() == 0)
    assert positive.sum() == min(num_near, 4)
    assert negative.sum() == 3 * max(positive.sum(), 1)
    assert (got.boxes.numpy()[positive][:, 0] < 1).all()
    assert (got.boxes.numpy()[negative][:, 0] >= 10).all()
    assert (got.classes.numpy()[positive] == 7).all()
    assert (got.instances.numpy()[negative] == -1).all()


@pytest.mark.parametrize("near, negatives", [(1, 2), (3, 6), (21, 42)])
def test_a_third_is_released_as_a_truncated_ratio(near, negatives):
    boxes = cube(*[(0, 0, 0)] * near, *[(10 + 2 * i, 0, 0) for i in range(60)])
    truth = targets(cube((0, 0, 0)), [7])
    got = sample(boxes, truth, num_regions=64, fraction=0.33, background=0)
    classes = got.classes.numpy()[got.valid.numpy()]
    assert (classes > 0).sum() == near and (classes == 0).sum() == negatives
    far = sample(boxes[near:], truth, fraction=0.33, background=0)
    assert not far.valid.numpy().any()


def test_the_highest_priority_is_taken():
    boxes = cube(*[(0, 0, 0)] * 5, *[(9, i, 0) for i in range(8)])
    priority = np.float32([[0.1, 0.9, 0.2, 0.8, 0.3, 0, 0.1, 0.7, 0.2, 0.6, 0, 0, 0.5]])
    proposals = Proposals(boxes[None], priority, np.ones((1, 13), bool))
    got = matching.sample_regions(
        proposals,
        targets(cube((0, 0, 0)), [7]),
        priority=tf.constant(priority),
        num_regions=4,
        positive_fraction=0.5,
        positive_iou=0.5,
        background_regions=0,
        deviation=(0.1, 0.2),
        fill=matching.FILLERS["proposals"],
    )
    np.testing.assert_array_equal(got.boxes[0], boxes[[1, 3, 7, 9]])


def test_positive_regions_know_their_own_object():
    truth = targets(cube((0, 0, 0), (5, 0, 0)), [3, 4])
    got = sample(cube((0.1, 0, 0), (5.2, 0, 0)), truth)
    rows = np.flatnonzero(got.classes.numpy()[0] > 0)
    for row in rows:
        near_second = got.boxes.numpy()[0, row, 0] > 2
        assert got.instances.numpy()[0, row] == int(near_second)
        assert got.classes.numpy()[0, row] == (4 if near_second else 3)
        shift = -0.2 if near_second else -0.1
        np.testing.assert_allclose(
            got.deltas.numpy()[0, row], [shift / 0.1, 0, 0, 0, 0, 0], atol=1e-4
        )
    assert len(rows) == 2


def test_sampling_depends_on_the_seed_alone():
    boxes = cube(*[(0.01 * i, 0, 0) for i in range(30)])
    truth = targets(cube((0, 0, 0)), [7])
    first, again, other = (sample(boxes, truth, seed).boxes for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_scene_without_objects_gives_negatives_only():
    truth = targets(cube((0, 0, 0)), [0], valid=[False])
    got = sample(cube((0, 0, 0), (5, 0, 0)), truth)
    assert got.classes.numpy().max() == 0
    assert got.valid.numpy().sum() == 2


@pytest.mark.parametrize("copies", [0, 1, 3])
def test_added_truth_overlaps_its_object(copies):
    boxes = cube((0, 0, 0), (5, 0, 0))
    proposals = Proposals(
        cube((9, 9, 9))[None], np.float32([[0.0]]), np.array([[True]])
    )
    truth = targets(boxes, [3, 4], valid=[True, False])
    got = matching.add_truth(proposals, truth, copies, tf.constant([0, 1]))
    assert got.boxes.shape == (1, 1 + 2 * copies, 6)
    assert got.scores.shape == got.valid.shape == (1, 1 + 2 * copies)
    np.testing.assert_array_equal(
        got.valid[0], [True] + copies * [True] + copies * [False]
    )
    iou = matching.iou_with_truth(got.boxes, truth["boxes"], truth["valid"])
    assert (iou.numpy()[0, 1 : 1 + copies, 0] > 0.25).all()
    assert (iou.numpy()[0, 1 : 1 + copies, 0] < 1).all()


def test_duplicate_masks_repeat_a_better_one_of_their_class():
    a, b, c = [1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 1, 1]
    masks = np.array([[a, b, c, c, b]], bool)
    classes = tf.constant([[1, 1, 1, 2, 2]])
    got = matching.duplicate_masks(masks, classes, 0.5)  # IoU of a and b: 2/3
    np.testing.assert_array_equal(got, [[False, True, False, False, False]])
    assert not matching.duplicate_masks(masks, classes, 1.0).numpy().any()


def test_fillers_of_missing_regions():
    boxes, valid = cube((1, 1, 1), (2, 2, 2))[None], np.array([[True, False]])
    kept = matching.FILLERS["proposals"](boxes, valid)
    np.testing.assert_array_equal(kept, boxes)
    emptied = matching.FILLERS["empty"](boxes, valid)
    np.testing.assert_array_equal(emptied, [[boxes[0, 0], np.zeros(6)]])
