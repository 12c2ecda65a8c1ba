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
from gspn_tf.visualize.page import write_page
from gspn_tf.visualize.palette import NOTHING, PALETTE
from gspn_tf.visualize.surface import outward_directions

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
    return rng.uniform(-3, 4, (num_points, 3)), layers


def test_stray_points_leave_the_page_as_it_is(tmp_path):
    points, layers = content()
    points[3] = 4.5e6, 5e5, 0
    write_page(tmp_path / "page.html", points, layers, title="t")
    cloud = scene_of(tmp_path / "page.html")["cloud"]
    assert max(cloud["size"]) < 8
    assert len(decoded(cloud["positions"], "<u2")) == 3 * (len(points) - 1)


def test_page_holds_the_points(tmp_path):
    shown, wanted = content()
    write_page(tmp_path / "page.html", shown, wanted, title="t")
    scene = scene_of(tmp_path / "page.html")
    cloud, layers = scene["cloud"], scene["layers"]
    steps = decoded(cloud["positions"], "<u2").reshape(-1, 3)
    points = np.array(cloud["low"]) + steps * cloud["step"]
    np.testing.assert_allclose(points, shown, atol=cloud["step"] * 0.51)
    np.testing.assert_allclose(cloud["size"], np.ptp(shown, axis=0))
    assert cloud["step"] < 7 / 65000
    ids = ["input", "semantic", "instances-by-me", "proposals"]
    assert [layer["id"] for layer in layers] == ids
    assert layers[2]["label"] == "Instances by me"
    colors = decoded(layers[0]["colors"], "u1").reshape(-1, 3)
    np.testing.assert_array_equal(colors, wanted[0].colors)
    labels = decoded(layers[2]["labels"], "<u2").astype(int)
    np.testing.assert_array_equal(labels - 1, wanted[2].labels)
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
    write_page(tmp_path / "page.html", *content(), title="A & <b>")
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
    shown[0][5] = np.nan
    for name in "ab":
        write_page(tmp_path / name, *shown, title="t")
    scene = scene_of(tmp_path / "a")
    assert "1,000 of 3,000 points shown" in (tmp_path / "a").read_text()
    assert len(decoded(scene["cloud"]["positions"], "<u2")) == 3 * 1000
    assert len(decoded(scene["layers"][2]["labels"], "<u2")) == 1000
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_cloud_without_finite_points_is_written(tmp_path):
    nothing = np.full((2, 3), np.nan)
    write_page(tmp_path / "page.html", nothing, [Layer("input")], title="t")
    assert scene_of(tmp_path / "page.html")["cloud"]["positions"] == ""


def test_points_say_where_their_outer_wall_faces(tmp_path):
    points, _ = open_room(8000)
    write_page(tmp_path / "page.html", points, [Layer("input")], title="t")
    shapes = decoded(scene_of(tmp_path / "page.html")["cloud"]["shapes"], "u1")
    outward = (shapes.reshape(-1, 3)[:, 1:].astype(int) - 128) / 127
    np.testing.assert_allclose(outward, outward_directions(points), atol=0.004)
