"""What an evaluation leaves: a JSON, a CSV and a page, whatever there is to show."""

import base64
import csv
import io
import json
from html.parser import HTMLParser

import browser
import numpy as np
import pytest
from PIL import Image

from gspn_tf import files
from gspn_tf.evaluation import report as evaluation_report
from gspn_tf.metrics import InstancePredictions, Judged, evaluate_scenes

ABOUT = {
    "protocol": "scannet",
    "scores": "ranked",
    "preset": "small",
    "split": "val",
    "data_sha256": "ab" * 32,
    "preset_changed": ["proposal.num_seeds"],
}
VOID = {"br", "meta", "img", "circle", "path", "polyline", "link", "input"}


class Page(HTMLParser):
    """The elements of a page, each with the elements it is in, and their texts."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(text)
        assert not self.open, f"{self.open} not closed"

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "in": [*self.open], "text": "", **dict(attrs)}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(
            {"tag": tag, "in": [*self.open], "text": "", **dict(attrs)}
        )

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, tag, inside=None):
        return [
            e
            for e in self.elements
            if e["tag"] == tag and (inside is None or any(o is inside for o in e["in"]))
        ]

    def table(self, caption):
        """Rows of cell texts of the table whose caption holds the words."""
        (found,) = (t for t in self.all("table") if caption in t["text"])
        rows = [self.all("th", r) + self.all("td", r) for r in self.all("tr", found)]
        return [[cell["text"] for cell in row] for row in rows]


def scene(name, found, *, num_classes=3, points=True, seed=0):
    """600 points in three objects of 150; `found` are pairs (object, score)."""
    rng = np.random.default_rng(seed)
    instance = np.repeat([0, 1, 2, -1], 150)
    masks = [np.flatnonzero(instance == number) for number, _ in found]
    classes = np.array([1 + number % num_classes for number, _ in found], np.int32)
    semantic = np.where(instance < 0, 0, 1 + instance % num_classes)
    return Judged(
        name,
        InstancePredictions(masks, classes, np.array([score for _, score in found])),
        semantic,
        instance,
        rng.uniform(0, 2, (600, 3)).astype(np.float32) if points else None,
        rng.integers(0, 256, (600, 3)).astype(np.uint8) if points else None,
    )


def scenes():
    yield scene("room <all> & more", [(0, 0.9), (1, 0.8), (2, 0.7)])
    yield scene("one", [(0, 0.6)])
    yield scene("none", [])


def written(folder, scenes, names=("chair", "table", "bed"), figures=None, **more):
    evaluation = evaluate_scenes(scenes, names, more.get("protocol", "scannet"))
    evaluation_report.write(folder, evaluation, ABOUT | more, figures or {})
    assert {path.name for path in folder.iterdir()} == set(evaluation_report.NAMES)
    text = (folder / "evaluation.html").read_text(encoding="utf-8")
    values = json.loads((folder / "evaluation.json").read_text())
    rows = list(csv.DictReader(io.StringIO((folder / "evaluation.csv").read_text())))
    return evaluation, values, rows, Page(text), text


def test_three_files_say_the_same(tmp_path):
    figures = {"proposal_miou": 0.25, "proposal_chamfer": float("nan"), "seconds": 3.5}
    evaluation, values, rows, page, _ = written(tmp_path, scenes(), figures=figures)
    result = evaluation.result
    assert values["AP50"] == result.ap50 and values["proposal_chamfer"] is None
    by_name = {(row["row"], row["name"]): row for row in rows}
    for number, name in enumerate(result.class_names):
        value = result.by_class["AP50"][number]
        assert values["classes"][number]["AP50"] == value
        assert float(by_name["class", name]["AP50"]) == value
    assert float(by_name["mean", "mean"]["AP"]) == result.ap
    assert [row["name"] for row in rows if row["row"] == "scene"] == [
        name for name, _ in evaluation.scenes
    ]
    assert by_name["scene", "one"]["AP50"] == str(values["per_scene"][1]["AP50"])
    table = page.table("Average precision of each class")
    assert table[0] == ["class", "AP", "AP50", "AP25", "objects"]
    expected = [f"{value:.3f}" for value in result.by_class["AP"]]
    assert [row[1] for row in table[1:-1]] == expected
    assert table[-1] == ["mean", *(f"{result.mean(m):.3f}" for m in table[0][1:4]), "9"]


def test_every_file_says_what_was_measured_and_how(tmp_path):
    _, values, rows, page, text = written(tmp_path, scenes())
    for name in evaluation_report.CARRIED:
        assert values[name] == ABOUT[name]
        assert all(row[name] == ABOUT[name] for row in rows)
    (summary,) = (p for p in page.all("p") if p.get("class") == "summary")
    for part in ("scannet protocol", "ranked scores", "preset small", "split val"):
        assert part in summary["text"]
    assert ABOUT["data_sha256"] in summary["text"] and "3 scenes" in summary["text"]
    assert "proposal.num_seeds" in text


def test_the_page_is_one_file_for_everyone(tmp_path):
    *_, page, text = written(tmp_path, scenes())
    assert "{{" not in text and "<script" not in text and "@media print" in text
    for word in ("http://", "https://"):
        assert word not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert all(e.get("src", "data:").startswith("data:") for e in page.elements)
    assert page.all("html")[0]["lang"] == "en" and page.all("title")[0]["text"]
    assert len(page.all("h1")) == 1
    levels = [int(e["tag"][1]) for e in page.elements if e["tag"] in ("h1", "h2", "h3")]
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))
    for table in page.all("table"):
        for row in page.all("tr", table):
            assert row["in"][-1]["tag"] in ("thead", "tbody", "table")
            first = next(e for e in page.elements if e["in"] and e["in"][-1] is row)
            assert first["tag"] == "th" and first["scope"] in ("row", "col")
    for drawing in page.all("svg"):
        assert drawing["role"] == "img"
        assert page.all("title", drawing)[0]["text"]
        assert "recall up to" in page.all("desc", drawing)[0]["text"]
        # Lines differ in more than their colour.
        dashes = {line["stroke-dasharray"] for line in page.all("polyline", drawing)}
        assert len(dashes) == len(page.all("polyline", drawing)) == 2


def test_best_and_worst_scenes_are_shown(tmp_path):
    *_, page, text = written(tmp_path, scenes())
    pictures = page.all("img")
    assert ["room <all> & more" in picture["alt"] for picture in pictures] == [1, 0, 0]
    assert "Scene one " in pictures[1]["alt"] and "Scene none " in pictures[2]["alt"]
    assert "0 instances found, 3 in the truth" in pictures[2]["alt"]
    assert text.index("Best scenes") < text.index("Worst scenes") < text.index(">none<")
    for picture in pictures:
        data = base64.b64decode(picture["src"].partition("base64,")[2])
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        assert pixels.shape[1] > 3 * 400
    # The surest instance has the palette's colours in the picture of the found.
    assert np.abs(pixels.astype(int) - [158, 161, 166]).max(axis=-1).min() < 8


def polylines(page, drawing):
    lines = page.all("polyline", drawing)
    return [
        np.array([p.split(",") for p in line["points"].split()], float)
        for line in lines
    ]


def test_curves_are_those_of_the_evaluation(tmp_path):
    evaluation, *_, page, _ = written(tmp_path, scenes())
    drawing = page.all("svg")[0]
    assert "chair" in page.all("title", drawing)[0]["text"]
    for iou, points in zip((0.5, 0.25), polylines(page, drawing), strict=True):
        curve = evaluation.result.curves[iou][0]
        assert curve.recall.max() == pytest.approx(2 / 3)
        recall = (points[:, 0] - 34) / (240 - 34 - 10)
        precision = (200 - 34 - points[:, 1]) / (200 - 10 - 34)
        assert recall.max() == pytest.approx(curve.recall.max(), abs=0.005)
        for point in zip(recall, precision, strict=True):
            away = np.hypot(curve.recall - point[0], curve.precision - point[1])
            assert away.min() < 0.005


def test_no_prediction_at_all(tmp_path):
    *_, values, rows, page, text = written(tmp_path, [scene("empty", [])])
    assert values["AP50"] == 0.0 and text.count("nothing found") >= 3
    assert not page.all("polyline") and "nan" not in page.all("body")[0]["text"].lower()


def test_no_truth_at_all(tmp_path):
    void = scene("void", [(0, 0.5)])
    void = void._replace(semantic=np.zeros(600, int), instance=np.full(600, -1))
    _, values, rows, page, text = written(tmp_path, [void])
    assert values["AP50"] is None and rows[0]["AP50"] == ""
    assert [row[1] for row in page.table("Average precision of each class")[1:]] == [
        "–"
    ] * 4
    assert not page.all("svg") and not page.all("img")
    assert "no curve" in text and "nan" not in page.all("body")[0]["text"].lower()


def test_no_scene_at_all(tmp_path):
    _, values, rows, page, text = written(tmp_path, [])
    assert values["per_scene"] == [] and "There is no scene" in text
    assert [row["row"] for row in rows] == ["class"] * 3 + ["mean"]


def test_scenes_whose_points_are_unknown_have_no_picture(tmp_path):
    *_, page, text = written(tmp_path, [scene("files", [(0, 0.5)], points=False)])
    assert not page.all("img") and "no scene has known points" in text


@pytest.mark.parametrize("count", [1, 200])
def test_one_class_and_two_hundred(tmp_path, count):
    names = [f"class {i} <&>" for i in range(count)]
    shown = [scene("a", [(0, 0.5)], num_classes=min(3, count))]
    _, values, rows, page, _ = written(tmp_path, shown, names)
    assert len(values["classes"]) == count
    assert len(page.table("Average precision of each class")) == count + 2
    assert len(page.all("svg")) == min(3, count)
    assert [row["name"] for row in rows[:count]] == names


@pytest.mark.parametrize("protocol, ious", [("partnet", 1), ("nyuv2", 1)])
def test_other_protocols_have_their_own_measures(tmp_path, protocol, ious):
    _, values, rows, page, text = written(tmp_path, scenes(), protocol=protocol)
    assert f"{protocol} protocol" in text
    assert "AP" not in rows[0] and "AP" not in values
    assert len(page.all("polyline", page.all("svg")[0])) == ious


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    written(tmp_path, scenes())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(files, "write_text", full)
    monkeypatch.setattr("gspn_tf.visualize.report.write_text", full)
    with pytest.raises(OSError, match="no space"):
        written(tmp_path, [scene("other", [])])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.skipif(browser.find_chromium() is None, reason="no Chromium is installed")
def test_a_browser_shows_it_without_overflow(tmp_path):
    written(tmp_path, scenes(), [f"a class with a long name {i}" for i in range(40)])
    script = """
      const root = document.documentElement;
      document.body.dataset.wide = String(root.scrollWidth - root.clientWidth);
      document.body.dataset.broken = String(
        [...document.images].filter((image) => !image.naturalWidth).length);
      document.body.dataset.requests = String(
        performance.getEntriesByType("resource")
          .filter((entry) => !entry.name.startsWith("data:")).length);
    """
    text = (tmp_path / "evaluation.html").read_text(encoding="utf-8")
    (tmp_path / "open.html").write_text(
        text.replace("style-src", "script-src 'unsafe-inline'; style-src")
    )
    data = browser.open_page(tmp_path / "open.html", script=script)
    assert data == {"wide": "0", "broken": "0", "requests": "0"}
