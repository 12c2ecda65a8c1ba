"""What is said of a scan in which little is found."""

import dataclasses as dc

import numpy as np
import pytest

from gspn_tf.config import RPointNetConfig
from gspn_tf.data.classes import ClassList
from gspn_tf.inference import seen
from gspn_tf.inference.segmenter import Segmentation

CLASSES = ClassList((4, 5), ("bed", "chair"))
SHOWN = RPointNetConfig(shown_score=0.5, min_score=0.2)


def box(x: float) -> list[float]:
    return [x, 0, 0, 1, 1, 1]


@pytest.fixture
def points() -> np.ndarray:
    """100 points, of which the last 80 are on a line through all boxes."""
    line = np.linspace(-0.5, 9.5, 80)
    return np.float32([[50, 0, 0]] * 20 + [[x, 0, 0] for x in line])


@pytest.fixture
def found() -> Segmentation:
    """A bed that is shown, a chair that is not, and proposals at four places."""
    return Segmentation(
        boxes=np.float32([box(0), box(3)]),
        classes=np.int32([1, 2]),
        scores=np.float32([0.9, 0.3]),
        masks=[np.arange(10, dtype=np.int32), np.arange(10, 16, dtype=np.int32)],
        semantic=np.int32([0] * 70 + [2] * 20 + [1] * 10),
        proposals=np.float32([box(0.1), box(3.1), box(6), box(6.2), box(9)]),
        proposal_scores=np.float32([0.95, 0.8, 0.7, 0.6, 0.5]),
    )


def test_each_place_is_told_once_with_its_reason(found, points):
    left_out = seen.rejected(found, SHOWN, CLASSES, points)
    assert [(float(box[0]), reason) for box, reason in left_out] == [
        (3.0, "chair, scored 0.30, shown from 0.50"),
        (6.0, "proposed with 0.70, taken for background, or for a class below 0.20"),
        (9.0, "proposed with 0.50, taken for background, or for a class below 0.20"),
    ]
    assert len(seen.rejected(found, SHOWN, CLASSES, points, most=1)) == 1
    none = np.zeros((0, 6), np.float32)
    nothing = found.scored(2)._replace(proposals=none, proposal_scores=none[:, 0])
    assert seen.rejected(nothing, SHOWN, CLASSES, points) == []


def reason_of_the_first_proposal(found, points, **changes) -> str:
    config = dc.replace(SHOWN, **changes)
    (_, reason), *_ = seen.rejected(found.scored(0.5), config, CLASSES, points)
    return reason


def test_a_proposal_is_left_out_for_the_reason_that_holds(found, points):
    told = reason_of_the_first_proposal
    alone = found._replace(
        proposals=np.float32([box(6)]), proposal_scores=np.float32([0.7])
    )
    unsure = "proposed with 0.70, but no class of an object reached 0.20"
    assert told(alone, points, region_classes="objects") == unsure
    assert told(alone, points, class_agnostic=True) == unsure
    assert told(alone, points, max_detections=1).endswith("after the 1 best instances")
    nowhere = points + np.float32([0, 50, 0])
    assert told(alone, nowhere).endswith("but no point is in it")
    held = points.copy()
    held[:6] = [6, 0, 0]  # of the bed; four other points are in the box
    held[20:] = [50, 0, 0]
    held[50:54] = [6, 0, 0]
    assert told(alone, held).endswith(
        "but 60% of its points are in masks, most of the bed, scored 0.90"
    )
    beside = alone._replace(boxes=alone.boxes + np.float32([5.3, 0, 0, 0, 0, 0]))
    assert told(beside, points, region_classes="objects") == (
        f"{unsure}; or suppressed by the bed, scored 0.90 beside it"
    )


def test_classes_of_points_are_shares(found):
    shares = seen.class_shares(found, CLASSES)
    assert list(shares.items()) == [("background", 0.7), ("chair", 0.2), ("bed", 0.1)]


def test_little_is_few_instances_or_few_points(found):
    assert seen.is_little(found)
    three = found._replace(
        classes=np.int32([1, 1, 2]), masks=[np.int32([row]) for row in range(3)]
    )
    assert seen.is_little(three)
    assert not seen.is_little(three._replace(masks=[*found.masks, np.int32([20])]))


def test_a_report_has_a_line_a_place(found):
    room = np.float32([[0, 0, 0]] * 99 + [[4, 5, 2.5]])
    assert seen.report(found, SHOWN, CLASSES, room)[:2] == [
        "little was found; points by class: background 70%, chair 20%, bed 10%",
        "left out at 3.00 0.00 0.00, 1.00 x 1.00 x 1.00 m: "
        "chair, scored 0.30, shown from 0.50",
    ]
    lying = room[:, [0, 2, 1]]
    assert "perhaps y is up" in seen.report(found, SHOWN, CLASSES, lying)[-1]


@pytest.mark.parametrize(
    "extents, axis",
    [((5, 4, 2.5), ""), ((2.5, 4, 5), "x"), ((4, 2.4, 6), "y"), ((2, 2, 2.5), "")],
)
def test_another_axis_up_is_noticed(extents, axis):
    said = seen.up_doubt(np.float32([[0, 0, 0], extents]))
    assert bool(said) == bool(axis) and f"perhaps {axis}" in said + "perhaps "
    assert seen.up_doubt(np.zeros((1, 3), np.float32)) == ""


@pytest.mark.parametrize(
    "size, expected",
    [(5.0, ""), (5000.0, "millimetres: --scale 0.001"), (0.005, "another unit")],
)
def test_scan_in_other_units_is_noticed(size, expected):
    hint = seen.unit_doubt(np.float32([[0, 0, 0], [size, size / 2, 0]]))
    assert expected in hint and bool(hint) == bool(expected)


def test_a_point_far_away_and_points_that_are_none_raise_no_doubt():
    room = np.random.default_rng(0).uniform(0, [5, 4, 2.5], (200, 3))
    room[7], room[8] = [0, 4.5e6, 4.5e6], np.nan
    assert seen.unit_doubt(room) == seen.up_doubt(room) == ""
