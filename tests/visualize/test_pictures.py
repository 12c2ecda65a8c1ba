"""Palettes and still pictures: what hides what, walls, panels, sheets, dots."""

import numpy as np
import pytest
from open_rooms import open_room
from PIL import Image
from vision import VISION, lab

from gspn_tf.visualize.palette import PALETTE, class_colors, instance_colors
from gspn_tf.visualize.raster import Viewpoint
from gspn_tf.visualize.render import Dots, Panel, PanelRow, draw_panels
from gspn_tf.visualize.sheet import write_sheet
from gspn_tf.visualize.surface import outward_directions, splat_sizes

SMALL = Viewpoint(width=120, height=90)
ABOVE = Viewpoint(elevation=89, width=100, height=100, open_walls=False)
LINE = 14  # pixels of a line of text beside a small picture


def drawn(points, colors, view=SMALL, **more):
    (picture,) = draw_panels(PanelRow("", points, [Panel("", colors, **more)]), view)
    return np.asarray(picture).astype(int)


def share_of(picture, color):
    return (np.abs(picture - color).max(axis=-1) < 40).mean()


@pytest.mark.parametrize("kind", VISION)
def test_palette_stays_apart_for_the_colour_blind(kind):
    seen = lab(PALETTE, VISION[kind])
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    assert apart[np.triu_indices(len(seen), 1)].min() > 12  # a just visible step is 2.3


def test_colors_are_stable_and_nothing_is_grey():
    alone = instance_colors(np.array([7]))
    np.testing.assert_array_equal(instance_colors(np.arange(50))[7:8], alone)
    assert len(np.unique(instance_colors(np.arange(100)), axis=0)) == 100
    nothing = instance_colors(np.array([-1]))[0].astype(int)
    assert np.ptp(nothing) < 10
    np.testing.assert_array_equal(class_colors(np.array([0, 3]))[0], nothing)
    np.testing.assert_array_equal(class_colors(np.array([0, 3]))[1], PALETTE[2])
    assert instance_colors(np.zeros((2, 3), int)).shape == (2, 3, 3)
    assert instance_colors(np.zeros(0, int)).dtype == np.uint8


def test_walls_that_face_the_camera_are_left_out():
    points, surface = open_room()
    colors = instance_colors(surface)
    view = Viewpoint(azimuth=0, elevation=30, width=160, height=120)  # looks from +x
    opened = drawn(points, colors, view)
    closed = drawn(points, colors, view._replace(open_walls=False))
    far, near = PALETTE[1].astype(int), PALETTE[2].astype(int)
    assert share_of(closed, near) > 0.15 and share_of(opened, far) > 0.08
    assert share_of(opened, near) < 0.3 * share_of(closed, near)  # a skirting stays


def test_the_nearer_point_wins():
    rng = np.random.default_rng(1)
    level = rng.uniform(0, 1, (4000, 3)) * [1, 1, 0]
    points = np.concatenate([level, level + [0, 0, 0.5]])
    colors = np.repeat(np.array([[200, 0, 0], [0, 0, 200]], np.uint8), 4000, axis=0)
    for order in (slice(None), slice(None, None, -1)):
        picture = drawn(points[order], colors[order], ABOVE)
        assert share_of(picture, [0, 0, 200]) > 0.3
        assert share_of(picture[30:70, 30:70], [200, 0, 0]) < 0.05


def test_dots_lie_over_what_would_hide_them():
    rng = np.random.default_rng(1)
    level = rng.uniform(0, 1, (4000, 3)) * [1, 1, 0]
    colors = np.full((4000, 3), 128, np.uint8)
    dots = [Dots(np.array([[0.5, 0.5, -0.3]]), (200, 0, 0), 0.08)]
    red = share_of(drawn(level, colors, ABOVE, dots=dots)[30:70, 30:70], [200, 0, 0])
    assert 0.08 < red < 0.2  # a disc of radius 8 in 40 x 40 pixels
    assert not share_of(drawn(level, colors, ABOVE), [200, 0, 0])


def test_boxes_are_wire_frames():
    points, surface = open_room(2000)
    box = np.array([[2, 1.5, 1, 1, 1, 1]])
    orange = [
        share_of(drawn(points, 0 * instance_colors(surface), boxes=boxes), [213, 94, 0])
        for boxes in (None, box)
    ]
    assert orange[0] == 0 and 0.005 < orange[1] < 0.1


def test_a_panel_may_have_points_of_its_own():
    points, surface = open_room(2000)
    own = np.array([[2, 1.5, 1.0], [2.1, 1.5, 1.0]])
    panels = [
        Panel("", instance_colors(surface)),
        Panel("", np.zeros((2, 3), np.uint8), points=own),
    ]
    left, right = map(np.asarray, draw_panels(PanelRow("", points, panels), SMALL))
    assert share_of(right.astype(int), [255, 255, 255]) > 0.98
    assert share_of(left.astype(int), [255, 255, 255]) < 0.98


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_and_broken_points_are_drawn(count):
    points = np.arange(3.0 * count).reshape(count, 3)
    points = np.concatenate([points, [[np.nan, 0, 0], [np.inf, 0, 0]]])
    assert share_of(drawn(points, np.zeros((count + 2, 3), np.uint8)), [0, 0, 0]) > 0


def test_a_sheet_has_rows_titles_names_and_a_caption(tmp_path):
    points, surface = open_room(2000)
    panel = Panel("Input", instance_colors(surface))
    rows = [PanelRow(name, points, [panel] * 3) for name in ("first", "second")]
    path = tmp_path / "sheet.png"
    write_sheet(path, rows, SMALL)
    with Image.open(path) as picture:
        bare = np.asarray(picture.convert("RGB")).astype(int)
    width, height = LINE + 3 * 132 - 12, LINE + 2 * 102 - 12
    assert bare.shape == (height, width, 3)
    alone = drawn(points, instance_colors(surface))
    for top in (LINE, LINE + 102):
        for left in (LINE, LINE + 132, LINE + 264):
            there = bare[top : top + 90, left : left + 120]
            np.testing.assert_array_equal(there, alone)
    assert (bare[:LINE] < 128).any() and (bare[LINE:, :LINE] < 128).any()
    legend = [("wall", (200, 0, 0))] * 3
    write_sheet(path, rows, SMALL, "below", legend)
    with Image.open(path) as picture:
        below = np.asarray(picture.convert("RGB")).astype(int)[height:]
    assert below.shape[0] == 2 * LINE + 12
    assert share_of(below, [200, 0, 0]) > 0.003
    first = path.read_bytes()
    write_sheet(path, rows, SMALL, "below", legend)
    assert path.read_bytes() == first
    assert [file.name for file in tmp_path.iterdir()] == ["sheet.png"]


def test_outer_walls_face_outwards():
    points, surface = open_room()
    outward = outward_directions(points)
    middle = np.abs(points - [2, 1.5, 1]).max(axis=1) < 1.2
    assert not outward[middle | (surface == 0) & (points[:, 2] < 0.1)].any()
    wall = (surface == 2) & (points[:, 2] > 0.5) & (np.abs(points[:, 1] - 1.5) < 1)
    np.testing.assert_allclose(outward[wall], [[1, 0]] * wall.sum(), atol=1e-6)
    assert not outward_directions(np.zeros((50, 3))).any()
    assert not outward_directions(np.zeros((0, 3))).any()


def test_splats_follow_the_spacing():
    line = np.zeros((200, 3))
    line[:100, 0] = np.arange(100) * 0.01
    line[100:, 0] = 5 + np.arange(100) * 0.03
    sizes = splat_sizes(line)
    assert np.median(sizes[100:]) > 1.5 * np.median(sizes[:100])
    assert (splat_sizes(np.zeros((10, 3))) > 0).all()
    assert len(splat_sizes(np.zeros((0, 3)))) == 0
