"""The page's data: points, layers, what it escapes and what it rejects."""

import io
import re
from base64 import b64decode

import numpy as np
from open_rooms import open_room
from pages import decoded, scene_of
from PIL import Image

from gspn_tf.visualize import page as page_module
from gspn_tf.visualize.layers import Entry, Layer, class_layer, proposal_layer
from gspn_tf.visualize.page import PageContent, write_page
from gspn_tf.visualize.palette import NOTHING, PALETTE, instance_colors

BLOCK = np.array([0, 0, 0, 1, 2, 3])


def content(num_points=500):
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 2, num_points)
    names = ("chair", "</script><script>alert(1)</script>")
    colors = rng.integers(0, 256, (num_points, 3)).astype(np.uint8)
    entries = [Entry("chair", PALETTE[0], 9, 0.75, BLOCK)] * 2
    layers = [
        Layer("input", colors=colors),
        class_layer("semantic", labels + 1, names),
        Layer("instances by me", entries, labels),
        proposal_layer(np.tile(BLOCK, (1000, 1)), np.linspace(0, 1, 1000)),
    ]
    return PageContent(rng.uniform(-3, 4, (num_points, 3)), layers)


def test_page_holds_the_points(tmp_path):
    shown = content()
    write_page(tmp_path / "page.html", shown, title="t")
    scene = scene_of(tmp_path / "page.html")
    cloud, layers = scene["cloud"], scene["layers"]
    steps = decoded(cloud["positions"], "<u2").reshape(-1, 3)
    points = np.array(cloud["low"]) + steps * cloud["step"]
    np.testing.assert_allclose(points, shown.points, atol=cloud["step"] * 0.51)
    np.testing.assert_allclose(cloud["size"], np.ptp(shown.points, axis=0))
    assert cloud["step"] < 7 / 65000
    ids = ["input", "semantic", "instances-by-me", "proposals"]
    assert [layer["id"] for layer in layers] == ids
    assert layers[2]["label"] == "Instances by me"
    colors = decoded(layers[0]["colors"], "u1").reshape(-1, 3)
    np.testing.assert_array_equal(colors, shown.layers[0].colors)
    labels = decoded(layers[2]["labels"], "<u2").astype(int)
    np.testing.assert_array_equal(labels - 1, shown.layers[2].labels)
    row = {"name": "chair", "color": "#0072b2", "points": 9, "score": 0.75}
    assert layers[2]["rows"][1] == row | {"box": [0, 0, 0, 1, 2, 3]}
    headings = ["", "2 classes", "2 instances", "300 best of 1,000 proposals"]
    assert [layer["heading"] for layer in layers] == headings
    assert layers[3]["rows"][0] == {
        "name": "proposal 1",
        "score": 1.0,
        "box": [0, 0, 0, 1, 2, 3],
    }


def test_page_stands_alone_and_escapes(tmp_path):
    write_page(tmp_path / "page.html", content(), title="A & <b>")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<title>A &amp; &lt;b&gt;</title>" in text
    assert "{{" not in text and "{%" not in text and "alert(1)</script>" not in text
    assert not re.search(r'(src|href)\s*="(?!data:)|https?:|@import|url\(', text)
    assert "default-src 'none'" in text
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    picture = re.search(r'src="data:image/jpeg;base64,([^"]+)"', text).group(1)
    with Image.open(io.BytesIO(b64decode(picture))) as still:
        assert still.size == (page_module.STILL.width, page_module.STILL.height)
        pixels = np.asarray(still).astype(int)
    classes = [*PALETTE[:1].astype(int), NOTHING]  # of the last layer with labels
    for color in classes:
        assert (np.abs(pixels - color).max(axis=-1) < 40).mean() > 0.01


def test_large_scans_are_thinned_the_same_way_each_time(tmp_path, monkeypatch):
    monkeypatch.setattr(page_module, "MAX_POINTS", 1000)
    shown = content(3000)
    shown.points[5] = np.nan
    for name in "ab":
        write_page(tmp_path / name, shown, title="t")
    scene = scene_of(tmp_path / "a")
    assert scene["total"] == 3000
    assert len(decoded(scene["cloud"]["positions"], "<u2")) == 3 * 1000
    assert len(decoded(scene["layers"][2]["labels"], "<u2")) == 1000
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_cloud_without_finite_points_is_written(tmp_path):
    nothing = PageContent(np.full((2, 3), np.nan), [Layer("input")])
    write_page(tmp_path / "page.html", nothing, title="t")
    assert scene_of(tmp_path / "page.html")["cloud"]["positions"] == ""


def test_each_of_several_clouds_has_walls_of_its_own(tmp_path):
    points, _ = open_room(8000)
    both = np.concatenate([points, points + [6, 0, 0]])
    groups = np.repeat([0, 1], len(points))
    shown = PageContent(both, [Layer("input")], groups)
    write_page(tmp_path / "page.html", shown, title="t")
    shapes = decoded(scene_of(tmp_path / "page.html")["cloud"]["shapes"], "u1")
    outward = shapes.reshape(2, -1, 3)[..., 1:].astype(int) - 128
    np.testing.assert_array_equal(*outward)
    inner = np.abs(points[:, 0] - 4) < 0.01  # a wall that looks at the other cloud
    assert (outward[0][inner & (points[:, 2] > 0.5)] != 0).any(axis=1).mean() > 0.9


def test_layers_color_points():
    entries = [Entry("a", PALETTE[3]), Entry("b")]
    colors = Layer("l", entries, np.array([0, -1, 1])).point_colors(3)
    np.testing.assert_array_equal(colors, [PALETTE[3], NOTHING, NOTHING])
    np.testing.assert_array_equal(Layer("l").point_colors(2), [NOTHING, NOTHING])
    own = instance_colors(np.arange(4))
    picked = Layer("l", colors=own).picked(np.array([3, 1]))
    np.testing.assert_array_equal(picked.point_colors(2), own[[3, 1]])
