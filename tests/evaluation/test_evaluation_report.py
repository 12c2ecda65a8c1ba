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

from gspn_tf.evaluation import report as evaluation_report
from gspn_tf.metrics import InstancePredictions, Judged, evaluate
from gspn_tf.visualize import charts

ABOUT = {
    "protocol": "scannet",
    "scores": "ranked",
    "preset": "small",
    "split": "val",
    "data_sha256": "ab" * 32,
    "preset_changed": ["proposal.num_seeds"],
}
VOID = {"meta", "img"}


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


def written(folder, scenes, names=("chair", "table", "bed"), numbers=None, **more):
    evaluation = evaluate(scenes, names, more.get("protocol", "scannet"))
    evaluation_report.write_evaluation(folder, evaluation, ABOUT | more, numbers or {})
    assert {path.name for path in folder.iterdir()} == set(evaluation_report.NAMES)
    text = (folder / "evaluation.html").read_text(encoding="utf-8")
    values = json.loads((folder / "evaluation.json").read_text())
    rows = list(csv.DictReader(io.StringIO((folder / "evaluation.csv").read_text())))
    return evaluation, values, rows, Page(text), text


def test_three_files_say_the_same(tmp_path):
    numbers = {"proposal_miou": 0.25, "proposal_chamfer": float("nan"), "seconds": 3.5}
    evaluation, values, rows, page, _ = written(tmp_path, scenes(), numbers=numbers)
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


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return written(tmp_path_factory.mktemp("usual"), scenes())


def test_every_file_says_what_was_measured_and_how(usual):
    _, values, rows, page, text = usual
    for name in evaluation_report.CARRIED:
        assert values[name] == ABOUT[name]
        assert all(row[name] == ABOUT[name] for row in rows)
    (summary,) = (p for p in page.all("p") if p.get("class") == "summary")
    for part in ("scannet protocol", "ranked scores", "preset small", "split val"):
        assert part in summary["text"]
    assert ABOUT["data_sha256"] in summary["text"] and "3 scenes" in summary["text"]
    assert "proposal.num_seeds" in text


def test_the_page_is_one_file_for_everyone(usual):
    *_, page, text = usual
    assert "{{" not in text and "<script" not in text and "@media print" in text
    assert "http://" not in text and "https://" not in text
    assert all(e.get("src", "data:").startswith("data:") for e in page.elements)
    assert page.all("html")[0]["lang"] == "en" and page.all("title")[0]["text"]
    assert len(page.all("h1")) == 1
    for table in page.all("table"):
        for row in page.all("tr", table):
            assert row["in"][-1]["tag"] in ("thead", "tbody", "table")
            first = next(e for e in page.elements if e["in"] and e["in"][-1] is row)
            assert first["tag"] == "th" and first["scope"] in ("row", "col")


def image_of(picture):
    return base64.b64decode(picture["src"].partition("base64,")[2])


def test_best_and_worst_scenes_are_shown(usual):
    *_, page, text = usual
    chart, *pictures = page.all("img")
    assert [alt["alt"].split(":")[0] for alt in pictures] == [
        "room <all> & more",
        "one",
        "none",
    ]
    assert "0 instances found, 3 in the truth" in pictures[2]["alt"]
    assert text.index("Best scenes") < text.index("Worst scenes") < text.index(">none<")
    for picture in pictures:
        pixels = np.asarray(Image.open(io.BytesIO(image_of(picture))).convert("RGB"))
        assert pixels.shape[1] > 3 * 400
        # Nothing is found in some, so the picture in the middle has grey points.
        assert np.abs(pixels.astype(int) - [158, 161, 166]).max(axis=-1).min() < 8


def test_curves_are_those_of_the_evaluation(tmp_path, monkeypatch):
    drawn = []

    def keep(canvas):
        drawn.append(canvas)
        return charts.as_svg(canvas)

    monkeypatch.setattr(evaluation_report, "as_svg", keep)
    evaluation, *_, page, _ = written(tmp_path, scenes())
    (canvas,) = drawn
    assert [axes.get_title() for axes in canvas.axes] == ["chair", "table", "bed"]
    for row, axes in enumerate(canvas.axes):
        for iou, line in zip((0.5, 0.25), axes.lines, strict=True):
            curve = evaluation.result.curves[iou][row]
            np.testing.assert_array_equal(line.get_xdata(), curve.recall)
            np.testing.assert_array_equal(line.get_ydata(), curve.precision)
        assert axes.lines[0].get_linestyle() != axes.lines[1].get_linestyle()
    assert b"IoU 0.25" in image_of(page.all("img")[0])


def test_no_prediction_at_all(tmp_path):
    *_, values, rows, page, text = written(tmp_path, [scene("empty", [])])
    svg = image_of(page.all("img")[0]).decode()
    assert values["AP50"] == 0.0 and svg.count("nothing found") == 6
    assert "nan" not in page.all("body")[0]["text"].lower()


def test_no_truth_at_all(tmp_path):
    void = scene("void", [(0, 0.5)])
    void = void._replace(semantic=np.zeros(600, int), instance=np.full(600, -1))
    _, values, rows, page, text = written(tmp_path, [void])
    assert values["AP50"] is None and rows[0]["AP50"] == ""
    assert [row[1] for row in page.table("Average precision of each class")[1:]] == [
        "–"
    ] * 4
    assert not page.all("img")
    assert "no curve" in text and "nan" not in page.all("body")[0]["text"].lower()


def test_no_scene_and_unknown_points(tmp_path):
    _, values, rows, page, text = written(tmp_path / "none", [])
    assert values["per_scene"] == [] and "0 scenes." in text
    assert [row["row"] for row in rows] == ["class"] * 3 + ["mean"]
    files = [scene("files", [(0, 0.5)], points=False)]
    *_, page, text = written(tmp_path / "files", files)
    assert len(page.all("img")) == 1 and "none has known points" in text


def test_many_classes(tmp_path):
    names = [f"class {i} <&>" for i in range(200)]
    _, values, rows, page, _ = written(tmp_path, [scene("a", [(0, 0.5)])], names)
    assert len(values["classes"]) == 200
    assert len(page.table("Average precision of each class")) == 202
    captions = [caption["text"] for caption in page.all("figcaption")]
    assert captions[0] == "3 classes; 197 without an object in the truth"
    assert [row["name"] for row in rows[:200]] == names


@pytest.mark.parametrize("protocol", ["partnet", "nyuv2"])
def test_other_protocols_have_their_own_measures(tmp_path, protocol):
    _, values, rows, page, text = written(tmp_path, scenes(), protocol=protocol)
    assert f"{protocol} protocol" in text
    assert "AP" not in rows[0] and "AP" not in values
    assert image_of(page.all("img")[0]).count(b"IoU") == 3  # one a class


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    written(tmp_path, scenes())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("gspn_tf.visualize.report.write_text", full)
    with pytest.raises(OSError, match="no space"):
        written(tmp_path, [scene("other", [])])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.browser
@pytest.mark.skipif(browser.find_chromium() is None, reason="no Chromium is installed")
def test_a_browser_shows_it_without_overflow(tmp_path):
    written(tmp_path, scenes(), [f"a class with a long name {i}" for i in range(40)])
    script = """
      const look = () => { const root = document.documentElement; return {
        errors, wide: root.scrollWidth - root.clientWidth,
        broken: [...document.images].filter((image) => !image.naturalWidth).length }; };
      const steps = { seen: () => {} };
    """
    text = (tmp_path / "evaluation.html").read_text(encoding="utf-8")
    (tmp_path / "open.html").write_text(
        text.replace("style-src", "script-src 'unsafe-inline'; style-src")
    )
    seen = browser.walk(tmp_path / "open.html", script, look="")["seen"]
    assert seen == {"errors": 0, "wide": 0, "broken": 0}
