"""The figures of the paper: components, centres, matched colours, the seed."""

import dataclasses as dc

import numpy as np
import pytest
from toy_scenes import CLASSES, make_scene

from gspn_tf.data import manifest
from gspn_tf.paper.figures.context import center_numbers, principal_components
from gspn_tf.paper.figures.galleries import matched_numbers
from gspn_tf.paper.figures.proposals import inner_view, seed_place, with_a_chair
from gspn_tf.paper.figures.subjects import Subject, read_subjects


@pytest.fixture(scope="module")
def subject():
    """A scene of four objects."""
    scene = make_scene(0, 700, num_instances=4)
    values = (scene.colors, scene.semantic, scene.instance)
    points = scene.points * np.float32(0.3)
    return Subject(scene.name, points, *values, classes=CLASSES.names)


def test_components_are_those_of_a_singular_value_decomposition():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 6)) * [5, 1, 3, 0.1, 0.2, 2] + 7
    found = principal_components(features.astype(np.float32))
    centered = features - features.mean(axis=0)
    _, _, rows = np.linalg.svd(centered, full_matrices=False)
    for column, row in enumerate(rows[:3]):
        row = row if row[np.argmax(np.abs(row))] > 0 else -row
        values = centered @ row
        low, high = np.percentile(values, 2), np.percentile(values, 98)
        expected = np.clip((values - low) / (high - low), 0, 1)
        np.testing.assert_allclose(found[:, column], expected, atol=1e-5)


@pytest.mark.parametrize("off", [0.0, 0.7])
def test_numbers_of_centers_that_are_off_by_a_share_of_the_size(subject, off):
    rows = np.arange(len(subject.points))
    boxes = np.array([subject.box_of(number) for number in range(4)] + [np.zeros(6)])
    sizes = np.linalg.norm(boxes[:, 3:], axis=1)
    centers = boxes[:, :3] + off * sizes[:, None] * [0, 0.6, 0.8]
    found = center_numbers(subject, rows, centers[subject.instance])
    assert found["to_truth"] == pytest.approx(off, abs=1e-6)
    on = subject.instance >= 0
    own = (subject.points - boxes[subject.instance, :3])[on]
    own = np.linalg.norm(own, axis=1) / sizes[subject.instance[on]]
    assert found["of_points"] == pytest.approx(own.mean(), rel=1e-5)
    floor = rows[~on]
    with pytest.raises(ValueError, match="has no object among the points seen"):
        center_numbers(subject, floor, centers[floor * 0])


def test_masks_get_the_numbers_of_the_objects_that_they_are():
    instance = np.repeat([-1, 0, 1, 2], 10)
    masks = [
        np.arange(20, 30),  # all of 1
        np.arange(18, 31),  # 1 again, worse
        np.arange(10, 14),  # a part of 0
        np.arange(0, 10),  # of nothing
        np.arange(37, 40),  # less than a third of 2
    ]
    found = matched_numbers(masks, instance)
    # Two left: 3 IoU 10/13 of object 1, taken; 0.3 of object 2 is enough.
    np.testing.assert_array_equal(found, [1, 3, 0, 4, 2])
    assert len(matched_numbers([], instance)) == 0
    np.testing.assert_array_equal(matched_numbers(masks[:1], instance * 0 - 1), [0])


def chairs():
    """A chair alone, a chair beside a table, and a table: points and their objects."""
    rng = np.random.default_rng(0)
    unit = rng.uniform(-0.5, 0.5, (900, 3)) + [0, 0, 0.5]
    number = np.arange(900) % 3
    points = unit + np.array([[0, 0, 0], [10, 0, 0], [11.05, 0, 0]])[number]
    return Subject(
        name="chairs",
        points=points.astype(np.float32),
        colors=np.zeros((900, 3), np.uint8),
        semantic=np.array([2, 2, 1], np.int32)[number],
        instance=number.astype(np.int32),
        classes=("table", "chair"),
    )


def test_the_seed_is_low_on_the_crowded_chair():
    subject = chairs()
    place = seed_place(subject, None, np.arange(900))
    row = np.flatnonzero((subject.points == place).all(axis=1))[0]
    assert subject.instance[row] == 1
    assert 0.05 < place[2] < 0.45
    assert np.linalg.norm(place[:2] - [10, 0]) > 0.5
    only = np.flatnonzero(subject.instance == 2)
    place = seed_place(subject, None, only)
    assert place[0] > 10.5  # no chair is seen: another object


def test_the_scene_with_a_chair_is_chosen():
    subject = chairs()
    tables = dc.replace(subject, semantic=np.ones(900, np.int32))
    assert with_a_chair([tables, subject]) is subject
    assert with_a_chair([tables]) is tables


def test_the_seed_is_where_it_is_wanted():
    subject, rows = chairs(), np.arange(900)
    np.testing.assert_allclose(
        seed_place(subject, (10, 0.1, 0.5), rows), [10, 0.1, 0.5]
    )
    for wanted in ((50, 0, 0), (np.nan, 0, 0)):
        with pytest.raises(ValueError, match="the nearest point of chairs is"):
            seed_place(subject, wanted, rows)
    floor = dc.replace(subject, instance=subject.instance * 0 - 1)
    with pytest.raises(ValueError, match="lies on an object"):
        seed_place(floor, None, rows)


def test_the_camera_stands_on_the_side_of_the_room():
    view = inner_view(chairs(), np.array([20, 0.0, 0, 1, 1, 1]), 100)
    assert abs(view.azimuth) == pytest.approx(180, abs=1) and not view.open_walls


def test_scenes_without_labels_are_refused(monkeypatch):
    monkeypatch.setattr(manifest, "is_labelled", lambda *_: False)
    with pytest.raises(ValueError, match="split test of data has no labels"):
        read_subjects("data", "test", 1)
