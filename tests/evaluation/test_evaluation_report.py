"""The files of an evaluation: a JSON, a CSV and a page, whatever there is to show."""

import csv
import io
import json
from typing import NamedTuple

import browser
import numpy as np
import pytest
from PIL import Image

from gspn_tf.evaluation import report as evaluation_report
from gspn_tf.metrics import Evaluation, InstancePredictions, Judged, evaluate_scenes
from gspn_tf.visualize import charts, report

ABOUT = {
    "protocol": "scannet",
    "scores": "ranked",
    "preset": "small",
    "split": "val",
    "data_sha256": "ab" * 32,
    "preset_changed": ["proposal.num_seeds"],
}


def scene(name, found, *, points=True, seed=0):
    """600 points in three objects of 150; `found` are pairs (object, score)."""
    rng = np.random.default_rng(seed)
    instance = np.repeat([0, 1, 2, -1], 150)
    masks = [np.flatnonzero(instance == number) for number, _ in found]
    classes = np.array([1 + number for number, _ in found], np.int32)
    return Judged(
        name,
        InstancePredictions(masks, classes, np.array([score for _, score in found])),
        instance + 1,
        instance,
        rng.uniform(0, 2, (600, 3)).astype(np.float32) if points else None,
        rng.integers(0, 256, (600, 3)).astype(np.uint8) if points else None,
    )


def scenes():
    yield scene("room <all> & more", [(0, 0.9), (1, 0.8), (2, 0.7)])
    yield scene("one", [(0, 0.6)])
    yield scene("none", [])


class Written(NamedTuple):
    evaluation: Evaluation
    values: dict  # of the JSON
    rows: list  # of the CSV
    page: report.Report
    text: str  # of the page
    canvases: list  # that were drawn

    def part(self, title):
        """The part of a section."""
        (section,) = (s for s in self.page.sections if s.title == title)
        return section.parts[0]


def written(folder, scenes, numbers=None, names=("chair", "table", "bed"), **more):
    evaluation = evaluate_scenes(scenes, names, more.get("protocol", "scannet"))
    pages, canvases = [], []
    small = evaluation_report.VIEW._replace(width=120, height=90)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation_report, "VIEW", small)

        def write(path, page):
            pages.append(page)
            report.write_report(path, page)

        def draw(canvas):
            canvases.append(canvas)
            return charts.as_svg(canvas)

        patch.setattr(evaluation_report, "write_report", write)
        patch.setattr(evaluation_report, "as_svg", draw)
        about = ABOUT | more | (numbers or {})
        evaluation_report.write_evaluation(folder, evaluation, about)
    assert {path.name for path in folder.iterdir()} == set(evaluation_report.NAMES)
    text = (folder / "evaluation.html").read_text(encoding="utf-8")
    values = json.loads((folder / "evaluation.json").read_text())
    rows = list(csv.DictReader(io.StringIO((folder / "evaluation.csv").read_text())))
    assert "nan" not in text.partition("<body>")[2].split("data:")[0].lower()
    return Written(evaluation, values, rows, pages[0], text, canvases)


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    numbers = {"proposal_miou": 0.25, "proposal_chamfer": float("nan"), "seconds": 3.5}
    return written(tmp_path_factory.mktemp("usual"), scenes(), numbers)


def test_three_files_say_the_same(usual):
    result, values = usual.evaluation.result, usual.values
    assert values["AP50"] == result.ap50 and values["proposal_chamfer"] is None
    by_name = {(row["row"], row["name"]): row for row in usual.rows}
    for number, name in enumerate(result.class_names):
        value = result.by_class["AP50"][number]
        assert values["classes"][number]["AP50"] == value
        assert float(by_name["class", name]["AP50"]) == value
    assert float(by_name["mean", "mean"]["AP"]) == result.ap
    names = [row["name"] for row in usual.rows if row["row"] == "scene"]
    assert names == [name for name, _ in usual.evaluation.scenes]
    assert by_name["scene", "one"]["AP50"] == str(values["per_scene"][1]["AP50"])
    table = usual.part("")
    assert table.header == ("class", "AP", "AP50", "AP25", "objects")
    assert table.rows == list(result.rows()) and table.total
    assert [row[0] for row in usual.part("Scenes").rows] == names
    assert dict(usual.page.numbers)["mIoU of the proposals"] == 0.25
    assert "<dd>0.250</dd><dt>mIoU of the proposals</dt>" in usual.text


def test_every_file_says_what_was_measured_and_how(usual):
    for name in evaluation_report.CARRIED:
        assert usual.values[name] == ABOUT[name]
        assert all(row[name] == ABOUT[name] for row in usual.rows)
    summary = usual.page.summary
    for part in ("scannet protocol", "ranked scores", "preset small", "split val"):
        assert part in summary
    assert ABOUT["data_sha256"] in summary and "3 scenes" in summary
    assert "proposal.num_seeds" in usual.text


def test_best_and_worst_scenes_are_shown(usual):
    sections = {section.title: section.parts for section in usual.page.sections}
    titles = ["", "Precision and recall", "Best scenes", "Worst scenes", "Scenes"]
    assert list(sections) == titles
    figures = [*sections["Best scenes"], *sections["Worst scenes"]]
    names = [figure.caption.split(":")[0] for figure in figures]
    assert names == ["room <all> & more", "one", "none"]
    assert "0 instances found, 3 in the truth" in figures[2].caption
    for figure in figures:
        pixels = np.asarray(Image.open(io.BytesIO(figure.image)).convert("RGB"))
        assert pixels.shape[1] == 3 * 120 + 2 * 12
        # The grey points are on no object.
        assert np.abs(pixels.astype(int) - [158, 161, 166]).max(axis=-1).min() < 8


def test_curves_are_those_of_the_evaluation(usual):
    (canvas,) = usual.canvases
    assert [axes.get_title() for axes in canvas.axes] == ["chair", "table", "bed"]
    for row, axes in enumerate(canvas.axes):
        for iou, line in zip((0.5, 0.25), axes.lines, strict=True):
            curve = usual.evaluation.result.curves[iou][row]
            np.testing.assert_array_equal(line.get_xdata(), curve.recall)
            np.testing.assert_array_equal(line.get_ydata(), curve.precision)
    caption = usual.part("Precision and recall").caption
    assert caption == "3 classes; 0 without an object in the truth"


def test_no_prediction_at_all(tmp_path):
    empty = written(tmp_path, [scene("empty", [])])
    assert empty.values["AP50"] == 0.0
    chart = empty.part("Precision and recall").image
    assert chart.count(b"nothing found") == 6


def test_no_truth_at_all(tmp_path):
    void = scene("void", [(0, 0.5)])
    void = void._replace(semantic=np.zeros(600, int), instance=np.full(600, -1))
    void = written(tmp_path, [void])
    assert void.values["AP50"] is None and void.rows[0]["AP50"] == ""
    assert void.text.count("–") >= 12 and "<img" not in void.text
    assert "no curve" in void.text


def test_no_scene_and_unknown_points(tmp_path):
    none = written(tmp_path / "none", [])
    assert none.values["per_scene"] == [] and "0 scenes." in none.text
    assert [row["row"] for row in none.rows] == ["class"] * 3 + ["mean"]
    unknown = written(tmp_path / "files", [scene("files", [(0, 0.5)], points=False)])
    assert "none has known points" in unknown.text


@pytest.mark.parametrize("protocol", ["partnet", "nyuv2"])
def test_other_protocols_have_their_own_measures(tmp_path, protocol):
    other = written(tmp_path, scenes(), protocol=protocol)
    assert f"{protocol} protocol" in other.page.summary
    assert "AP" not in other.rows[0] and "AP" not in other.values
    assert other.part("Precision and recall").image.count(b"IoU") == 3  # one a class


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    (tmp_path / "evaluation.json").write_text("old")

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("gspn_tf.visualize.report.write_text", full)
    with pytest.raises(OSError, match="no space"):
        written(tmp_path, [scene("other", [])])
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.browser
@pytest.mark.skipif(browser.find_chromium() is None, reason="no Chromium is installed")
def test_a_browser_shows_it_without_overflow(tmp_path):
    names = [f"a class with a long name {number}" for number in range(40)]
    text = written(tmp_path, scenes(), names=names).text
    look = """
      const look = () => { const root = document.documentElement; return {
        errors, wide: root.scrollWidth - root.clientWidth,
        broken: [...document.images].filter((image) => !image.naturalWidth).length }; };
    """
    scripts = text.replace("style-src", "script-src 'unsafe-inline'; style-src")
    (tmp_path / "open.html").write_text(scripts)
    seen = browser.walk(tmp_path / "open.html", browser.ONCE, look=look)["seen"]
    assert seen == {"errors": 0, "wide": 0, "broken": 0}
