"""Palettes, still pictures, the page's data and the report."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from gspn_tf.visualize import (
    PALETTE,
    Figure,
    InstanceRow,
    PageContent,
    Panel,
    Report,
    Table,
    View,
    class_colors,
    instance_colors,
    render_panels,
    render_png,
    write_page,
    write_report,
)
from gspn_tf.visualize.surface import outward_directions, splat_sizes

# Machado et al. 2009, severity 1, linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
SMALL = View(width=120, height=90)


def lab(colors, vision):
    """sRGB -> CIELAB as seen with a kind of vision."""
    colors = np.asarray(colors) / 255
    linear = np.where(
        colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4
    )
    seen = np.clip(linear @ np.transpose(vision), 0, 1)
    to_xyz = [
        [0.4124, 0.3576, 0.1805],
        [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.95],
    ]
    xyz = seen @ np.transpose(to_xyz) / [0.9505, 1.0, 1.0884]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


# ---- palettes ---------------------------------------------------------------------


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


# ---- pictures ---------------------------------------------------------------------


def open_room(num_points=20_000):
    """A floor and four walls, 4 x 3 x 2 metres; which surface each point is on."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1, (num_points, 3)) * [4, 3, 2]
    surface = rng.integers(0, 5, num_points)
    for number, (axis, value) in enumerate([(2, 0), (0, 0), (0, 4), (1, 0), (1, 3)]):
        points[surface == number, axis] = value
    return points, surface


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


# ---- the page ---------------------------------------------------------------------


def scene_of(path):
    text = path.read_text(encoding="utf-8")
    match = re.search(
        r'<script type="application/json" id="scene">(.*?)</script>', text
    )
    return json.loads(match.group(1))


def decoded(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


def content(num_points=500, **more):
    rng = np.random.default_rng(0)
    instance = rng.integers(-1, 2, num_points)
    values = {
        "points": rng.uniform(-3, 4, (num_points, 3)),
        "colors": rng.integers(0, 256, (num_points, 3)).astype(np.uint8),
        "class_names": ("chair", "</script><script>alert(1)</script>"),
        "semantic": instance + 1,
        "instance": instance,
        "instances": [InstanceRow("chair", 0.75, 9, [0, 0, 0, 1, 2, 3])] * 2,
    }
    return PageContent(**(values | more))


def test_page_holds_the_points(tmp_path):
    shown = content()
    write_page(tmp_path / "page.html", shown, title="A & <b>")
    scene = scene_of(tmp_path / "page.html")
    cloud = scene["cloud"]
    steps = decoded(cloud["positions"], "<u2").reshape(-1, 3)
    points = np.array(cloud["origin"]) + steps * cloud["step"]
    np.testing.assert_allclose(points, shown.points, atol=cloud["step"] * 0.51)
    assert cloud["step"] < 7 / 65000
    colors = decoded(cloud["colors"], "u1").reshape(-1, 3)
    np.testing.assert_array_equal(colors, shown.colors)
    layers = {layer["id"]: layer for layer in scene["layers"]}
    assert list(layers) == ["input", "semantic", "instances"]
    labels = decoded(layers["instances"]["labels"], "<u2").astype(int)
    np.testing.assert_array_equal(labels - 1, shown.instance)
    assert layers["instances"]["rows"][0]["box"] == [0, 0, 0, 1, 2, 3]


def test_page_stands_alone_and_escapes(tmp_path):
    write_page(tmp_path / "page.html", content(), title="A & <b>")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<title>A &amp; &lt;b&gt;</title>" in text and "{{" not in text
    assert "alert(1)</script>" not in text
    assert not re.search(r"(src|href)\s*=|https?:|@import|url\(", text)
    assert "default-src 'none'" in text
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_large_scans_are_thinned_the_same_way_each_time(tmp_path):
    shown = content(3000)
    shown.points[5] = np.nan
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_page(tmp_path / name, shown, title="t", max_points=1000, seed=seed)
    scene = scene_of(tmp_path / "a")
    assert scene["total"] == 3000
    assert len(decoded(scene["cloud"]["positions"], "<u2")) == 3 * 1000
    read = [(tmp_path / name).read_bytes() for name in "abc"]
    assert read[0] == read[1] != read[2]


def test_best_proposals_are_kept(tmp_path):
    scores = np.linspace(0, 1, 1000)
    shown = content(proposal_boxes=np.ones((1000, 6)), proposal_scores=scores)
    write_page(tmp_path / "page.html", shown, title="t")
    layer = scene_of(tmp_path / "page.html")["layers"][-1]
    assert (layer["id"], layer["of"], len(layer["rows"])) == ("proposals", 1000, 300)
    assert layer["rows"][0]["score"] == 1.0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"points": np.zeros((5, 2))}, r"points must be \[V, 3\]"),
        ({"colors": np.zeros((4, 3))}, r"colors must be \[500, 3\]"),
        ({"semantic": np.full(500, 3)}, r"semantic must lie in 0\.\.2"),
        ({"instance": np.full(500, 2)}, r"instance must lie in -1\.\.1"),
        ({"instance": np.zeros(499, int)}, r"instance must be \[500\]"),
        ({"proposal_boxes": np.ones((2, 6))}, "proposal_scores must come"),
        (
            {"proposal_boxes": np.ones((2, 6)), "proposal_scores": np.ones(3)},
            r"proposal_scores must be \[2\]",
        ),
    ],
)
def test_page_rejects_what_does_not_fit(tmp_path, more, message):
    with pytest.raises(ValueError, match=message):
        write_page(tmp_path / "page.html", content(**more), title="t")
    assert not list(tmp_path.iterdir())


# ---- the report -------------------------------------------------------------------


def png_bytes():
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, format="PNG")
    return buffer.getvalue()


def test_report_stands_alone(tmp_path):
    (tmp_path / "a.png").write_bytes(png_bytes())
    report = Report(
        title="Rooms <1>",
        summary="What & why",
        numbers=[("AP50", 0.51239), ("rooms", 16)],
        figures=[Figure(tmp_path / "a.png", "one"), Figure(png_bytes(), "two <2>")],
        tables=[Table("AP", ("class", "AP"), [("chair", 0.25), ("bed", float("nan"))])],
        links=[("the page", "scan/page.html")],
        commands=["make demo SEED=7"],
        environment=[("TensorFlow", "2.21"), ("seed", 7)],
    )
    write_report(tmp_path / "report.html", report)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for expected in (
        "0.512",
        "0.250",
        "–",
        "Rooms &lt;1&gt;",
        "two &lt;2&gt;",
        "SEED=7",
    ):
        assert expected in text
    assert text.count(base64.b64encode(png_bytes()).decode()) == 2
    assert 'href="scan/page.html"' in text
    assert not re.search(r"https?:|<script|{{", text)


def test_empty_parts_are_left_out(tmp_path):
    write_report(tmp_path / "report.html", Report(title="t"))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Environment" not in text and "<figure>" not in text


def test_report_takes_only_png(tmp_path):
    with pytest.raises(ValueError, match="must be a PNG"):
        write_report(
            tmp_path / "r.html", Report(title="t", figures=[Figure(b"GIF", "x")])
        )
    assert not list(tmp_path.iterdir())
