"""Still pictures: what hides what, walls, panels, rows, dots."""

import numpy as np
import pytest
from open_rooms import open_room
from PIL import Image

from gspn_tf.visualize import (
    PALETTE,
    Caption,
    Dots,
    Panel,
    Row,
    View,
    instance_colors,
    render_panels,
    render_png,
    render_rows,
)
from gspn_tf.visualize.surface import outward_directions, splat_sizes

SMALL = View(width=120, height=90)


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def share_of(picture, color):
    return (np.abs(picture - color).max(axis=-1) < 40).mean()


def test_walls_that_face_the_camera_are_left_out(tmp_path):
    points, surface = open_room()
    colors = instance_colors(surface)
    view = View(azimuth=0, elevation=30, width=160, height=120)  # looks from +x
    render_png(tmp_path / "open.png", points, colors, view=view)
    render_png(
        tmp_path / "closed.png", points, colors, view=view._replace(open_walls=False)
    )
    opened, closed = pixels(tmp_path / "open.png"), pixels(tmp_path / "closed.png")
    far, near = PALETTE[1].astype(int), PALETTE[2].astype(int)
    assert share_of(closed, near) > 0.15 and share_of(opened, far) > 0.08
    assert share_of(opened, near) < 0.3 * share_of(closed, near)  # a skirting stays


def test_the_nearer_point_wins(tmp_path):
    rng = np.random.default_rng(1)
    sheet = rng.uniform(0, 1, (4000, 3)) * [1, 1, 0]
    points = np.concatenate([sheet, sheet + [0, 0, 0.5]])
    colors = np.repeat(np.array([[200, 0, 0], [0, 0, 200]], np.uint8), 4000, axis=0)
    view = View(elevation=89, width=100, height=100, open_walls=False)
    for name, order in (("a", slice(None)), ("b", slice(None, None, -1))):
        render_png(tmp_path / f"{name}.png", points[order], colors[order], view=view)
        picture = pixels(tmp_path / f"{name}.png")
        assert share_of(picture, [0, 0, 200]) > 0.3
        assert share_of(picture[30:70, 30:70], [200, 0, 0]) < 0.05


def test_panels_stand_side_by_side(tmp_path):
    points, surface = open_room(2000)
    panel = Panel("Input", instance_colors(surface), np.array([[2, 1.5, 1, 1, 1, 1]]))
    path = tmp_path / "sheet.png"
    render_panels(path, points, [panel] * 3, view=SMALL, columns=2)
    height, width, _ = pixels(path).shape
    band = round(0.075 * 90)
    assert (width, height) == (2 * 120 + 12, 2 * (90 + band) + 12)
    first = path.read_bytes()
    render_panels(path, points, [panel] * 3, view=SMALL, columns=2)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["sheet.png"]


def test_rows_stand_over_one_another_and_the_caption_below(tmp_path):
    points, surface = open_room(2000)
    panel = Panel("Input", instance_colors(surface))
    rows = [Row(name, points, [panel] * 3) for name in ("first", "second")]
    path, band = tmp_path / "rows.png", round(0.075 * 90)
    render_rows(path, rows, view=SMALL)
    across, down = band + 3 * 132 - 12, band + 2 * 102 - 12
    assert pixels(path).shape == (down, across, 3)
    legend = [("wall", (200, 0, 0))] * 3
    render_rows(path, rows, view=SMALL, caption=Caption("below", legend))
    below = pixels(path)[down:]
    assert below.shape[0] == 2 * band + 12
    assert share_of(below, [200, 0, 0]) > 0.003
    with pytest.raises(ValueError, match=r"one length, got \[1, 3\]"):
        render_rows(path, [*rows, Row("", points, [panel])], view=SMALL)


def test_dots_lie_over_what_would_hide_them(tmp_path):
    rng = np.random.default_rng(1)
    sheet = rng.uniform(0, 1, (4000, 3)) * [1, 1, 0]
    view = View(elevation=89, width=100, height=100, open_walls=False)
    colors = np.full((4000, 3), 128, np.uint8)
    dots = [Dots(np.array([[0.5, 0.5, -0.3]]), (200, 0, 0), 0.08)]
    for name, panel in (
        ("with", Panel("", colors, dots=dots)),
        ("none", Panel("", colors)),
    ):
        render_panels(tmp_path / f"{name}.png", sheet, [panel], view=view)
    red = share_of(pixels(tmp_path / "with.png")[30:70, 30:70], [200, 0, 0])
    assert 0.08 < red < 0.2  # a disc of radius 8 in 40 x 40 pixels
    assert not share_of(pixels(tmp_path / "none.png"), [200, 0, 0])


def test_a_panel_may_have_points_of_its_own(tmp_path):
    points, surface = open_room(2000)
    own = np.array([[2, 1.5, 1.0], [2.1, 1.5, 1.0]])
    panels = [
        Panel("", instance_colors(surface)),
        Panel("", np.zeros((2, 3), np.uint8), points=own),
    ]
    render_panels(tmp_path / "own.png", points, panels, view=SMALL)
    left, right = (
        pixels(tmp_path / "own.png")[:, cut] for cut in (slice(120), slice(132, None))
    )
    assert share_of(right, [255, 255, 255]) > 0.98 > share_of(left, [255, 255, 255])
    with pytest.raises(ValueError, match=r"colors must be \[2, 3\]"):
        bad = Panel("", instance_colors(surface), points=own)
        render_panels(tmp_path / "own.png", points, [bad], view=SMALL)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_and_broken_points_are_drawn(tmp_path, count):
    points = np.arange(3.0 * count).reshape(count, 3)
    points = np.concatenate([points, [[np.nan, 0, 0], [np.inf, 0, 0]]])
    colors = np.zeros((count + 2, 3), np.uint8)
    render_png(tmp_path / "few.png", points, colors, view=SMALL)
    assert share_of(pixels(tmp_path / "few.png"), [0, 0, 0]) > 0


def test_pictures_reject_what_does_not_fit(tmp_path):
    path = tmp_path / "bad.png"
    with pytest.raises(ValueError, match="colors must be"):
        render_png(path, np.zeros((5, 3)), np.zeros((4, 3), np.uint8))
    with pytest.raises(ValueError, match=r"points must be \[V, 3\]"):
        render_png(path, np.zeros((5, 2)), np.zeros((5, 2), np.uint8))
    with pytest.raises(ValueError, match="at least one finite point"):
        render_png(path, np.full((5, 3), np.nan), np.zeros((5, 3), np.uint8))
    assert not list(tmp_path.iterdir())


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
