"""`gspn evaluate`: a run, its files, and what the metrics carry."""

import dataclasses as dc
import json
import shutil

import pytest
from toy_scenes import CLASSES, make_scene, write_folder

from gspn_tf import config as c
from gspn_tf.commands import main as cli
from gspn_tf.config import presets
from gspn_tf.data import manifest
from gspn_tf.training.run_folder import RunFolder

CARRIED = {"protocol", "scores", "preset", "split", "data_sha256", "scenes"}


def metrics_of(folder, *arguments) -> dict:
    path = folder / "metrics.json"
    assert cli.main(["evaluate", *map(str, arguments), "--json", str(path)]) == 0
    return json.loads(path.read_text())


def measures(metrics: dict) -> tuple:
    keys = ("AP", "AP50", "AP25", "num_instances", "classes")
    return tuple(metrics[key] for key in keys)


def error_of(capsys, *arguments) -> str:
    assert cli.main(["evaluate", *map(str, arguments)]) == 1
    return capsys.readouterr().err.strip()


@pytest.fixture(scope="module")
def work(tmp_path_factory, sure_network):
    """A data folder of two labelled scenes, and a run."""
    folder = tmp_path_factory.mktemp("evaluate")
    scenes = [make_scene(seed, num_points=900) for seed in range(2)]
    scenes = [dc.replace(scene, points=scene.points * 0.3) for scene in scenes]
    write_folder(folder / "data", val=scenes)
    run = RunFolder(folder / "run")
    data = c.DataConfig(num_points=256, num_points_inference=256)
    run.start(c.Config(model=sure_network.config, data=data), CLASSES.pairs())
    sure_network.save_weights(run.weights("rpointnet"))
    lines = (f"{number} {name}\n" for number, name in CLASSES.pairs())
    (folder / "classes.txt").write_text("".join(lines))
    return folder


@pytest.fixture(scope="module")
def of_run(work):
    """The metrics of a run, which leaves its files in `found` and `there`."""
    data = ("--data", work / "data")
    files = ("--predictions", work / "found", "--truth", work / "there")
    return metrics_of(work, "--run", work / "run", *data, *files)


@pytest.fixture
def files(work, of_run, tmp_path):
    """Copies of the files of the run."""
    for name in ("found", "there"):
        shutil.copytree(work / name, tmp_path / name)
    return ("--predictions", tmp_path / "found", "--truth", tmp_path / "there")


def test_a_run_and_its_files_have_the_same_metrics(
    work, of_run, files, tmp_path, capsys
):
    data = ("--data", work / "data")
    assert of_run["AP25"] > 0 and 0 <= of_run["proposal_miou"] <= 1
    of_files = metrics_of(tmp_path, *files, "--classes", work / "classes.txt")
    assert "scannet protocol, ranked scores" in capsys.readouterr().out
    of_both = metrics_of(tmp_path, *files[:2], *data)
    assert measures(of_run) == measures(of_files) == measures(of_both)
    assert all(CARRIED <= set(each) for each in (of_run, of_files, of_both))
    checksum = manifest.checksum(work / "data", "val")
    assert of_run["data_sha256"] == of_both["data_sha256"] == checksum
    (tmp_path / "found" / "scene_1.txt").unlink()
    assert metrics_of(tmp_path, *files[:2], *data)["scenes_left_out"] == 1
    capsys.readouterr()
    assert metrics_of(tmp_path, *files)["scenes_left_out"] == 1
    assert "1 of 2 scenes have no predictions: left out" in capsys.readouterr().out
    assert of_run["preset"] in presets.PRESETS and of_run["split"] == "val"
    again = ("--run", work / "run", *data, *files[:2])
    assert "is not empty: runs' predictions are never mixed" in error_of(capsys, *again)


def test_a_changed_truth_has_another_checksum(files, tmp_path):
    before = metrics_of(tmp_path, *files)
    path = tmp_path / "there" / "scene_0.txt"
    path.write_text(path.read_text().replace("3001", "5001", 1))
    assert metrics_of(tmp_path, *files)["data_sha256"] != before["data_sha256"]


def test_constant_scores_of_files(work, files, tmp_path):
    lines = (tmp_path / "found" / "scene_0.txt").read_text().splitlines()
    assert len({line.split()[2] for line in lines}) > 2
    of_files = ("--data", work / "data", *files[:2])
    assert metrics_of(tmp_path, *of_files)["scores"] == "ranked"
    constant = metrics_of(tmp_path, *of_files, "--scores=constant")
    assert constant["scores"] == "constant"


@pytest.mark.slow
def test_constant_scores_are_those_of_the_release(work, tmp_path, capsys):
    run = ("--run", work / "run", "--data", work / "data")
    found = ("--scores=constant", "--predictions", tmp_path / "found")
    assert metrics_of(tmp_path, *run, *found)["scores"] == "constant"
    assert "proposals: mIoU" in capsys.readouterr().out
    lines = (tmp_path / "found" / "scene_0.txt").read_text().splitlines()
    assert lines and {line.split()[2] for line in lines} <= {"1.0", "0.97"}


def test_protocols_have_their_own_measures(files, tmp_path):
    parts = metrics_of(tmp_path, *files, "--protocol=partnet")
    assert {"AP50", "AP50_by_scene"} <= set(parts) and "AP25" not in parts
    frames = metrics_of(tmp_path, *files, "--protocol=nyuv2")
    assert frames["protocol"] == "nyuv2" and "AP50" not in frames


def test_what_cannot_be_evaluated_is_said(work, tmp_path, capsys):
    folder = tmp_path / "found"
    assert "give --run and --data, or" in error_of(capsys, "--run", work / "run")
    assert "got --truth" in error_of(capsys, "--truth", tmp_path)
    files = ("--predictions", folder, "--data", work / "data")
    assert f"--predictions: no folder {folder}" in error_of(capsys, *files)
    folder.mkdir()
    assert "expected a file SCENE.txt a scene" in error_of(capsys, *files)
    (folder / "scene_0.txt").write_text("mask.txt 3 nan\n")
    assert "scene_0.txt:1: confidence must be finite" in error_of(capsys, *files)
    (folder / "scene_0.txt").rename(folder / "scene_7.txt")
    assert "scene_7.txt: no scene of split val" in error_of(capsys, *files)


def test_a_split_without_labels_has_no_metrics(work, capsys):
    path = work / "data" / manifest.NAME
    text = path.read_text()
    content = json.loads(text)
    content["splits"]["val"]["labelled"] = False
    path.write_text(json.dumps(content))
    try:
        arguments = ("--run", work / "run", "--data", work / "data")
        assert "split val of" in error_of(capsys, *arguments)
    finally:
        path.write_text(text)


def test_the_nearest_preset_is_named():
    for name, make in presets.PRESETS.items():
        assert presets.nearest_preset(make()) == (name, [])
    model = presets.released()
    model.proposal.num_classes, model.min_score = 5, 0.1
    changed = ["proposal.num_classes", "min_score"]
    assert presets.nearest_preset(model) == ("released", changed)
