"""Which axis is up: by the floor, else by the format."""

import numpy as np
import pytest

from gspn_tf.data import sample_scan
from gspn_tf.files.scans import not_upright, read_scan, upright
from gspn_tf.inference.floor import find_up


@pytest.fixture(scope="module")
def room():
    return read_scan(sample_scan()).points


def turned_about_z(points, degrees):
    angle = np.radians(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return points @ np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])


def test_vectors_turn_back():
    vectors = np.arange(6.0).reshape(2, 3)
    assert upright(vectors, "y").tolist() == [[0, -2, 1], [3, -5, 4]]
    for up in "yz":
        np.testing.assert_array_equal(not_upright(upright(vectors, up), up), vectors)


@pytest.mark.parametrize("expected", ["y", "z"])
@pytest.mark.parametrize("degrees", [0, 30, 90, 180, 270])
def test_the_floor_goes_before_the_format(room, expected, degrees):
    points = turned_about_z(room, degrees)
    for up in "yz":
        axis, reason = find_up(not_upright(points, up), expected)
        assert axis == up and reason.startswith("the floor lies at its low end")
        assert (f"else --up {expected}" in reason) == (up != expected)


@pytest.mark.parametrize("expected", ["y", "z"])
@pytest.mark.parametrize("kind", ["ball", "point", "corner", "far"])
def test_without_a_clear_floor_the_format_decides(expected, kind):
    points = np.random.default_rng(0).normal(0, 1, (3000, 3))
    if kind == "point":
        points = points[:1]
    elif kind == "corner":  # a floor, and a wall on one side
        points = np.abs(points)
        points[:1000, 1] = points[1000:2000, 2] = 0
    elif kind == "far":
        points *= 1e7
    axis, _ = find_up(points, expected)
    assert axis == expected
