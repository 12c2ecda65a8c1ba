"""The files of an evaluation: a JSON and a page, whatever there is to show."""

import json
from typing import NamedTuple

import numpy as np
import pytest

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


def scene(name, found):
    """600 points in three objects of 150; `found` are pairs (object, score)."""
    instance = np.repeat([0, 1, 2, -1], 150)
    masks = [np.flatnonzero(instance == number) for number, _ in found]
    classes = np.array([1 + number for number, _ in found], np.int32)
    scores = np.array([score for _, score in found])
    predictions = InstancePredictions(masks, classes, scores)
    return Judged(name, predictions, instance + 1, instance)


def scenes():
    yield scene("room <all> & more", [(0, 0.9), (1, 0.8), (2, 0.7)])
    yield scene("one", [(0, 0.6)])
    yield scene("none", [])


class Written(NamedTuple):
    evaluation: Evaluation
    values: dict  # of the JSON
    text: str  # of the page


def written(folder, scenes, numbers=None, **more):
    names = ("chair", "table", "bed")
    evaluation = evaluate_scenes(scenes, names, more.get("protocol", "scannet"))
    about = ABOUT | more | (numbers or {})
    evaluation_report.write_evaluation(folder, evaluation, about)
    assert {path.name for path in folder.iterdir()} == set(evaluation_report.NAMES)
    text = (folder / "evaluation.html").read_text(encoding="utf-8")
    values = json.loads((folder / "evaluation.json").read_text())
    return Written(evaluation, values, text)


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    numbers = {"proposal_miou": 0.25, "proposal_chamfer": float("nan"), "seconds": 3.5}
    return written(tmp_path_factory.mktemp("usual"), scenes(), numbers)


def test_both_files_say_the_same(usual):
    result, values = usual.evaluation.result, usual.values
    assert values["AP50"] == result.ap50 and values["proposal_chamfer"] is None
    for number, name in enumerate(result.class_names):
        value = result.by_class["AP50"][number]
        assert values["classes"][number]["AP50"] == value
        assert f'<th scope="row">{name}</th>' in usual.text
    names = [each["scene"] for each in values["per_scene"]]
    assert names == [name for name, _ in usual.evaluation.scenes]
    assert values["per_scene"][0]["AP50"] == 1.0
    assert usual.text.index("room &lt;all&gt; &amp; more") < usual.text.index(">one<")
    assert "<dd>0.250</dd><dt>mIoU of the proposals</dt>" in usual.text


def test_both_files_say_what_was_measured_and_how(usual):
    assert ABOUT.items() <= usual.values.items()
    assert (
        "scannet protocol, ranked scores, preset small, split val, 3 scenes, data "
        f"{ABOUT['data_sha256']}."
    ) in usual.text
    assert "proposal.num_seeds" in usual.text


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


def test_nothing_found_and_nothing_there(tmp_path):
    empty = written(tmp_path / "empty", [scene("empty", [])])
    assert empty.values["AP50"] == 0.0 and empty.text.count("<img") == 1
    none = written(tmp_path / "none", [])
    assert none.values["AP50"] is None and none.values["per_scene"] == []
    assert "<img" not in none.text and "no curve" in none.text


def test_other_protocols_have_their_own_measures(tmp_path):
    other = written(tmp_path, scenes(), protocol="partnet")
    assert "partnet protocol" in other.text and "AP" not in other.values


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    (tmp_path / "evaluation.json").write_text("old")

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("gspn_tf.visualize.report.write_text", full)
    with pytest.raises(OSError, match="no space"):
        written(tmp_path, [scene("other", [])])
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
