"""Furnished rooms: reproducible, possible and varied."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from box_furniture import box_models

from gspn_tf.data.classes import SCANNET
from gspn_tf.synthetic.homes.layout.arranging import SEATS, may_overlap
from gspn_tf.synthetic.homes.layout.furnished import FEWEST, MOST, furnish_home
from gspn_tf.synthetic.homes.layout.outlines import FloorPlan, Opening, Space, Wall
from gspn_tf.synthetic.homes.layout.placing import boxes_of, corners_of, overlapping
from gspn_tf.synthetic.homes.layout.shells import build_shell

OPENINGS = ("door", "window")


@pytest.fixture(scope="module")
def models():
    return box_models()


@pytest.fixture(scope="module")
def rooms(models):
    return [furnish_home(np.random.default_rng(seed), models) for seed in range(48)]


def furniture(room):
    return [thing for thing in room.things if thing.model.role != "clutter"]


def test_a_seed_gives_one_room(models, rooms):
    for seed in (3, 4):
        again = furnish_home(np.random.default_rng(seed), box_models())
        placed = [(t.model.name, t.at, t.angle, t.size, t.tint) for t in again.things]
        assert placed == [
            (t.model.name, t.at, t.angle, t.size, t.tint) for t in rooms[seed].things
        ]
        np.testing.assert_array_equal(again.shell.points, rooms[seed].shell.points)
        np.testing.assert_array_equal(again.floor, rooms[seed].floor)
    assert len(rooms[3].things) != len(rooms[4].things)


def test_boxes_overlap_where_samples_of_them_do():
    rng = np.random.default_rng(0)
    boxes = np.column_stack(
        [
            rng.uniform(-1, 1, (40, 2)),
            rng.uniform(0, 7, 40),
            rng.uniform(0.1, 0.7, (40, 2)),
            rng.uniform(0, 0.5, 40),
            rng.uniform(0.6, 1.0, 40),
        ]
    )
    points = rng.uniform(-2, 2, (20000, 2))
    cos, sin = np.cos(boxes[:, 2]), np.sin(boxes[:, 2])
    x, y = (points[:, None, axis] - boxes[:, axis] for axis in (0, 1))
    inside = np.abs(cos * x + sin * y) < boxes[:, 3]
    inside &= np.abs(cos * y - sin * x) < boxes[:, 4]
    shared = inside.T.astype(int) @ inside
    found = overlapping(boxes, boxes, slack=0.0)
    assert found[shared > 0].all()
    assert not overlapping(boxes, boxes, slack=0.1)[shared == 0].any()
    assert 0.1 < found.mean() < 0.9
    above = boxes + np.array([0, 0, 0, 0, 0, 2, 2])
    assert not overlapping(boxes, above).any()


def test_furniture_does_not_overlap(rooms):
    tucked = 0
    for room in rooms:
        things = furniture(room)
        meet = overlapping(boxes_of(things), boxes_of(things), 0.03)
        for a, b in combinations(range(len(things)), 2):
            if meet[a, b]:
                pair = (things[a], things[b])
                assert may_overlap(*pair), [(t.model.kind, t.at) for t in pair]
                tucked += any(t.model.kind in SEATS for t in pair)
    assert tucked > 20, "chairs are pushed under tables"


def test_everything_is_inside_the_walls(rooms):
    for room in rooms:
        things = [t for t in room.things if t.model.kind not in OPENINGS]
        points = corners_of(boxes_of(things)).reshape(-1, 1, 2)
        low, high = room.floor[:, :2] - 0.03, room.floor[:, 2:] + 0.03
        inside = ((points > low) & (points < high)).all(axis=2).any(axis=1)
        outside = np.flatnonzero(~inside.reshape(-1, 4).all(axis=1))
        assert not len(outside), [(things[i].model.name, things[i].at) for i in outside]
        for thing in room.things:
            assert thing.at[2] >= 0
            assert thing.at[2] + thing.size[2] <= room.height + 0.02


def test_rooms_hold_enough_but_not_too_much(rooms):
    counts = [len(furniture(room)) for room in rooms]
    assert max(counts) <= MOST
    assert min(counts) >= 8
    assert np.mean(np.array(counts) >= FEWEST) > 0.85
    strewn = [
        len(room.things) - count for room, count in zip(rooms, counts, strict=True)
    ]
    assert np.median(strewn) > 30


def test_all_classes_come_and_the_rare_ones_often(rooms):
    labels = Counter(t.label for room in rooms for t in room.things if t.label)
    assert set(labels) == set(SCANNET.names)
    assert min(labels.values()) > 8, labels


def test_things_meet_that_seldom_do(rooms):
    def together(*kinds):
        return sum(
            set(kinds) <= {t.model.kind for t in room.things}
            for room in rooms
            if " and " not in room.kind
        )

    assert together("toilet", "desk") > 1
    assert together("bed", "counter") > 1
    assert any(len(room.kind.split(" and ")) > 1 for room in rooms)


def test_clutter_lies_on_something(rooms):
    for room in rooms:
        boxes = boxes_of(room.things)
        for thing in room.things:
            x, y, z = thing.at
            if thing.model.role != "clutter" or thing.model.elevation or z < 0.01:
                continue
            cos, sin = np.cos(boxes[:, 2]), np.sin(boxes[:, 2])
            dx, dy = x - boxes[:, 0], y - boxes[:, 1]
            below = np.abs(cos * dx + sin * dy) < boxes[:, 3]
            below &= np.abs(cos * dy - sin * dx) < boxes[:, 4]
            assert (below & (np.abs(boxes[:, 6] - z) < 0.02)).any(), (thing, room.kind)


def test_walls_have_holes_where_openings_are():
    corners = np.array([(0, 0), (4, 0), (4, 3), (0, 3)], float)
    walls = [
        Wall(a, b, 0.2, 2.5)
        for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)
    ]
    outline = np.array([(0.1, 0.1), (3.9, 0.1), (3.9, 2.9), (0.1, 2.9)])
    door = Opening((1.5, 0.0), np.pi, 0.9, 0.0, 2.1)
    window = Opening((4.0, 1.5), np.pi / 2, 1.2, 0.9, 2.0)
    plan = FloorPlan([Space("bedroom", outline)], walls, 2.5, [door, window])
    shell = build_shell(np.random.default_rng(0), plan, ceiling=True)
    assert shell.points[:, 2].max() == pytest.approx(2.5)

    def hit(start, direction):
        """Moeller and Trumbore: whether a way of 0.4 m meets a triangle."""
        a, b, c = (shell.points[shell.faces[:, i]].astype(float) for i in range(3))
        normal = np.cross(b - a, c - a)
        slope = normal @ direction
        with np.errstate(divide="ignore", invalid="ignore"):
            far = ((a - start) * normal).sum(axis=1) / slope
        on = (np.abs(slope) > 1e-12) & (far > 0) & (far < 0.4)
        point = start + far[on, None] * direction
        a, b, c, normal = a[on], b[on], c[on], normal[on]
        edges = [(a, b), (b, c), (c, a)]
        sides = [(np.cross(q - p, point - p) * normal).sum(axis=1) for p, q in edges]
        return bool((np.stack(sides) >= -1e-12).all(axis=0).any())

    out, right = np.array([0.0, -1.0, 0.0]), np.array([1.0, 0.0, 0.0])
    for x in (1.1, 1.5, 1.9):
        for z in (0.15, 1.0, 2.05):
            assert not hit(np.array([x, 0.25, z]), out)
    for x, z in ((0.9, 1.0), (2.1, 1.0), (1.5, 2.3)):
        assert hit(np.array([x, 0.25, z]), out)
    assert not hit(np.array([3.75, 1.5, 1.5]), right)
    assert hit(np.array([3.75, 1.5, 0.5]), right)
    assert hit(np.array([3.75, 1.5, 2.3]), right)
