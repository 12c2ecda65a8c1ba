"""Palettes, the page's data and the report."""

import base64
import io
import re

import numpy as np
import pytest
from open_rooms import open_room
from pages import decoded, scene_of
from PIL import Image
from vision import VISION, lab

from gspn_tf.visualize import (
    PALETTE,
    ColorLayer,
    Entry,
    Figure,
    InstanceRow,
    LabelLayer,
    PageContent,
    Report,
    Table,
    class_colors,
    instance_colors,
    write_page,
    write_report,
)

# Machado et al. 2009, severity 1, linear RGB.


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


# ---- the page ---------------------------------------------------------------------


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


def test_each_of_several_clouds_has_walls_of_its_own(tmp_path):
    points, _ = open_room(8000)
    both = np.concatenate([points, points + [6, 0, 0]])
    groups = np.repeat([0, 1], len(points))
    labels = LabelLayer("Clouds", groups, [Entry("a"), Entry("b")], "clouds")
    shown = PageContent(points=both, groups=groups, layers=[labels])
    write_page(tmp_path / "page.html", shown, title="t")
    scene = scene_of(tmp_path / "page.html")
    outward = decoded(scene["cloud"]["outward"], "i1").reshape(2, -1, 2)
    np.testing.assert_array_equal(*outward)
    inner = np.abs(points[:, 0] - 4) < 0.01  # a wall that looks at the other cloud
    assert (outward[0][inner & (points[:, 2] > 0.5)] != 0).any(axis=1).mean() > 0.9
    assert scene["layers"][1]["noun"] == "clouds"


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
        ({"groups": np.zeros(499)}, r"groups must be \[500\]"),
        (
            {"layers": [ColorLayer("A", np.zeros((4, 3), np.uint8))]},
            r"colors of layer 'A' must be \[500, 3\]",
        ),
        (
            {"layers": [LabelLayer("B", np.zeros(500, int), [])]},
            r"labels of layer 'B' must lie in -1\.\.-1, got 0\.\.0",
        ),
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
