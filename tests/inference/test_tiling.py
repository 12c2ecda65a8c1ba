"""Tiles of large scans, with a finder that knows the objects in place of a network."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gspn_tf.inference import tiling
from gspn_tf.inference.segmenter import Segmentation

SIDE, OVERLAP = 10.0, 2.5


class Finder:
    """Finds what it sees of each object; its class is its number, its score too."""

    def __init__(self, points, instance, class_of=lambda number, tile: number % 18 + 1):
        self.known = {tuple(p): i for p, i in zip(points, instance, strict=True)}
        self.class_of, self.sizes = class_of, []

    def segment_checked(self, points, colors, seed=0):
        assert len(colors) == len(points)
        found = np.array([self.known.get(tuple(point), -1) for point in points])
        numbers = np.unique(found[found >= 0])
        masks = [np.flatnonzero(found == n).astype(np.int32) for n in numbers]
        boxes = [bounds(points[mask]) for mask in masks]
        tile = len(self.sizes)
        self.sizes.append(len(points))
        return Segmentation(
            boxes=np.float32(boxes).reshape(-1, 6),
            classes=np.int32([self.class_of(n, tile) for n in numbers]),
            scores=np.float32([1 / (2 + n) for n in numbers]),
            masks=masks,
            semantic=np.where(found < 0, 0, found % 18 + 1).astype(np.int32),
            proposals=np.float32(boxes).reshape(-1, 6),
            proposal_scores=np.float32([0.5] * len(numbers)),
        )


def bounds(points):
    low, high = points.min(0), points.max(0)
    return np.concatenate([(low + high) / 2, high - low])


def building(rng, width, count, size=1.0):
    """A floor of some width and objects on it, at random; rows in random order."""
    floor = rng.uniform([0, 0, 0], [width, width, 0], (int(width * width * 4), 3))
    middles = rng.uniform(size, width - size, (count, 2))
    parts, labels = [floor], [np.full(len(floor), -1)]
    for number, middle in enumerate(middles):
        unit = rng.uniform(-0.5, 0.5, (80, 3)) * size + [0, 0, 1]
        parts.append(unit + [*middle, 0])
        labels.append(np.full(80, number))
    points, instance = np.concatenate(parts), np.concatenate(labels)
    order = rng.permutation(len(points))
    return np.float32(points[order]) + [500, -90, 3], instance[order]


def truth(points, instance):
    return [np.flatnonzero(instance == n) for n in np.unique(instance[instance >= 0])]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(3, 40), st.integers(0, 25))
def test_objects_come_back_whole_and_once(seed, width, count):
    points, instance = building(np.random.default_rng(seed), width, count)
    finder = Finder(points, instance)
    found = tiling.segment_tiles(finder, points, side=SIDE, overlap=OVERLAP)
    expected = truth(points, instance)
    assert len(found.masks) == len(expected)
    assert (np.diff(found.scores) <= 0).all()
    for box, label, score, mask in zip(*found[:4], strict=True):
        number = instance[mask[0]]
        np.testing.assert_array_equal(mask, expected[number])
        assert (label, score) == (number % 18 + 1, np.float32(1 / (2 + number)))
        np.testing.assert_allclose(box, bounds(points[mask]), atol=1e-3)
    wanted = np.where(instance < 0, 0, instance % 18 + 1)
    np.testing.assert_array_equal(found.semantic, wanted)
    assert max(finder.sizes) <= len(points)


def test_an_object_longer_than_tiles_is_one():
    rng = np.random.default_rng(0)
    points = np.float64(rng.uniform([0, 0, 0], [35, 2, 1], (4000, 3)))
    instance = np.where(np.abs(points[:, 1] - 1) < 0.5, 0, -1)
    found = tiling.segment_tiles(Finder(points, instance), points)
    (mask,) = found.masks
    np.testing.assert_array_equal(mask, np.flatnonzero(instance == 0))
    np.testing.assert_allclose(found.boxes[0], bounds(points[mask]), atol=1e-3)


def test_neighbours_of_one_class_stay_apart():
    points, instance = building(np.random.default_rng(3), 30, 40)
    found = tiling.segment_tiles(Finder(points, instance, lambda *_: 5), points)
    assert len(found.masks) == 40


def test_a_scrap_of_what_another_tile_sees_whole_is_left_out():
    rng = np.random.default_rng(1)
    floor = rng.uniform([0, 0, 0], [17.5, 4, 0], (2000, 3))
    sofa = rng.uniform([8, 1, 0], [11, 2, 1], (300, 3))  # the border is at 10 m
    points = np.concatenate([floor, sofa])
    instance = np.repeat([-1, 0], [2000, 300])
    finder = Finder(points, instance, lambda number, tile: (3, 6)[tile])
    found = tiling.segment_tiles(finder, points, side=SIDE, overlap=OVERLAP)
    assert list(found.classes) == [6]  # of the second tile, that holds all of it
    assert len(found.masks[0]) == 300


@pytest.mark.parametrize("width", [2.0, 7.99])
def test_one_tile_is_the_scan_itself(width):
    points, instance = building(np.random.default_rng(2), width, 3, size=0.5)
    points[7] = np.nan
    finder = Finder(np.nan_to_num(points), instance)
    finder.segment_checked = lambda points, colors, seed: (points, seed)
    seen, seed = tiling.segment_tiles(finder, points, seed=4)
    np.testing.assert_array_equal(seen, points)
    assert seed == 4


@pytest.mark.parametrize("width", [8.0, 20.0])
def test_a_point_far_away_changes_no_tile(width):
    points, instance = building(np.random.default_rng(2), width, 3)
    alone = Finder(points, instance)
    expected = tiling.segment_tiles(alone, points)
    points = np.concatenate([points, [[4.5e6, 0, 0]]]).astype(np.float32)
    finder, told = Finder(points, instance.tolist() + [-1]), []
    found = tiling.segment_tiles(
        finder, points, progress=lambda done, total: told.append((done, total))
    )
    count = len(finder.sizes)
    assert count == len(alone.sizes) and told == [
        (done, count) for done in range(1, count + 1) if count > 1
    ]
    assert len(found.masks) == 3 and len(found.semantic) == len(points)
    for mask, other in zip(found.masks, expected.masks, strict=True):
        np.testing.assert_array_equal(mask, other)
    assert tiling.needs_tiles(points) == (width > 12)


def test_nothing_is_found():
    points = np.random.default_rng(0).uniform(0, 30, (500, 3))
    found = tiling.segment_tiles(Finder(points, np.full(500, -1)), points)
    assert len(found.masks) == 0 and found.boxes.shape == (0, 6)
    assert found.proposals.shape == (0, 6)


@pytest.mark.parametrize("overlap", [-1.0, 5.0, np.nan])
def test_tiles_that_cannot_be(overlap):
    with pytest.raises(ValueError, match="overlap must be from 0 to less than half"):
        tiling.segment_tiles(None, np.zeros([3, 3]), side=10.0, overlap=overlap)
