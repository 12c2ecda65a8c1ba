"""The files of an evaluation: a JSON, a CSV and a page, whatever there is to show."""

import csv
import html
import io
import json
import re
from base64 import b64decode
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from gspn_tf.evaluation import report as evaluation_report
from gspn_tf.metrics import Evaluation, InstancePredictions, Judged, evaluate_scenes

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
    text: str  # of the page


def written(folder, scenes, numbers=None, **more):
    names = ("chair", "table", "bed")
    evaluation = evaluate_scenes(scenes, names, more.get("protocol", "scannet"))
    small = evaluation_report.VIEW._replace(width=120, height=90)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation_report, "VIEW", small)
        about = ABOUT | more | (numbers or {})
        evaluation_report.write_evaluation(folder, evaluation, about)
    assert {path.name for path in folder.iterdir()} == set(evaluation_report.NAMES)
    text = (folder / "evaluation.html").read_text(encoding="utf-8")
    values = json.loads((folder / "evaluation.json").read_text())
    rows = list(csv.DictReader(io.StringIO((folder / "evaluation.csv").read_text())))
    return Written(evaluation, values, rows, text)


def images(page):
    """The pictures of a page, by the beginnings of their captions."""
    found = re.findall(r'src="data:image/[^,]*,([^"]*)"><figcaption>([^<]*)<', page)
    captions = (html.unescape(caption).partition(":")[0] for _, caption in found)
    return dict(zip(captions, (b64decode(data) for data, _ in found), strict=True))


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
        assert f'<th scope="row">{name}</th>' in usual.text
    assert float(by_name["mean", "mean"]["AP"]) == result.ap
    names = [row["name"] for row in usual.rows if row["row"] == "scene"]
    assert names == [name for name, _ in usual.evaluation.scenes]
    assert by_name["scene", "one"]["AP50"] == str(values["per_scene"][1]["AP50"])
    assert "<dd>0.250</dd><dt>mIoU of the proposals</dt>" in usual.text


def test_every_file_says_what_was_measured_and_how(usual):
    for name in evaluation_report.CARRIED:
        assert usual.values[name] == ABOUT[name]
        assert all(row[name] == ABOUT[name] for row in usual.rows)
    assert (
        "scannet protocol, ranked scores, preset small, split val, 3 scenes, data "
        f"{ABOUT['data_sha256']}."
    ) in usual.text
    assert "proposal.num_seeds" in usual.text


def test_best_and_worst_scenes_are_shown(usual):
    found = images(usual.text)
    names = ["room <all> & more", "one", "none"]
    assert list(found)[1:] == names  # after the curves
    assert "0 instances found, 3 in the truth" in usual.text
    for name in names:
        pixels = np.asarray(Image.open(io.BytesIO(found[name])).convert("RGB"))
        assert pixels.shape[1] == 3 * 120 + 2 * 12
        # The grey points are on no object.
        assert np.abs(pixels.astype(int) - [158, 161, 166]).max(axis=-1).min() < 8


def test_curves_are_those_of_the_evaluation(tmp_path, monkeypatch):
    canvases = []
    monkeypatch.setattr(
        evaluation_report, "as_svg", lambda canvas: canvases.append(canvas) or b"<?xml"
    )
    result = written(tmp_path, scenes()).evaluation.result
    (canvas,) = canvases
    assert [axes.get_title() for axes in canvas.axes] == ["chair", "table", "bed"]
    for row, axes in enumerate(canvas.axes):
        for iou, line in zip((0.5, 0.25), axes.lines, strict=True):
            curve = result.curves[iou][row]
            np.testing.assert_array_equal(line.get_xdata(), curve.recall)
            np.testing.assert_array_equal(line.get_ydata(), curve.precision)


def test_nothing_found_nothing_there_and_nothing_known(tmp_path):
    empty = written(tmp_path / "empty", [scene("empty", [], points=False)])
    assert empty.values["AP50"] == 0.0 and "none has known points" in empty.text
    (curves,) = images(empty.text).values()
    assert curves.count(b"nothing found") == 6
    none = written(tmp_path / "none", [])
    assert none.values["AP50"] is None and none.rows[0]["AP50"] == ""
    assert none.values["per_scene"] == [] and "0 scenes." in none.text
    assert [row["row"] for row in none.rows] == ["class"] * 3 + ["mean"]
    assert "<img" not in none.text and "no curve" in none.text


def test_other_protocols_have_their_own_measures(tmp_path):
    other = written(tmp_path, scenes(), protocol="partnet")
    assert "partnet protocol" in other.text
    assert "AP" not in other.rows[0] and "AP" not in other.values
    assert next(iter(images(other.text).values())).count(b"IoU") == 3  # one a class


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    (tmp_path / "evaluation.json").write_text("old")

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("gspn_tf.visualize.report.write_text", full)
    with pytest.raises(OSError, match="no space"):
        written(tmp_path, [scene("other", [])])
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
