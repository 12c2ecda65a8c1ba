"""`gspn evaluate`: a run, its files, and what the metrics carry."""

import dataclasses as dc
import json

import numpy as np
import pytest
from toy_scenes import CLASSES, make_scene, write_folder

from gspn_tf import config as c
from gspn_tf.commands import main as cli
from gspn_tf.config import presets
from gspn_tf.data import manifest, read_scenes
from gspn_tf.evaluation import submission
from gspn_tf.metrics import InstancePredictions, Judged
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
    run.start(c.Config(model=sure_network.config, data=data), CLASSES.pairs(), {})
    sure_network.save_weights(run.weights("rpointnet"))
    lines = (f"{number} {name}\n" for number, name in CLASSES.pairs())
    (folder / "classes.txt").write_text("".join(lines))
    return folder


@pytest.fixture
def files(work, tmp_path):
    """Files of the scenes, and of predictions that are the objects themselves."""
    (tmp_path / "there").mkdir()
    for scene in read_scenes(work / "data", "val"):
        masks = scene.instance == np.arange(scene.num_instances)[:, None]
        scores = np.linspace(0.9, 0.3, len(masks))
        found = InstancePredictions(masks, scene.instance_classes(), scores)
        judged = Judged(scene.name, found, scene.semantic, scene.instance)
        submission.write_predictions(tmp_path / "found", judged, CLASSES)
        ids = 1000 * CLASSES.to_raw(scene.semantic) + scene.instance + 1
        np.savetxt(tmp_path / "there" / f"{scene.name}.txt", ids, "%d")
    return ("--predictions", tmp_path / "found", "--truth", tmp_path / "there")


def test_files_are_measured_with_a_truth_or_a_data_folder(
    work, files, tmp_path, capsys
):
    data = (*files[:2], "--data", work / "data")
    of_files = metrics_of(tmp_path, *files, "--classes", work / "classes.txt")
    assert "scannet protocol, ranked scores" in capsys.readouterr().out
    of_data = metrics_of(tmp_path, *data)
    assert measures(of_files) == measures(of_data) and of_files["AP"] == 1.0
    assert of_data["data_sha256"] == manifest.checksum(work / "data", "val")
    (tmp_path / "found" / "scene_1.txt").unlink()
    assert metrics_of(tmp_path, *data)["scenes_left_out"] == 1
    capsys.readouterr()
    assert metrics_of(tmp_path, *files)["scenes_left_out"] == 1
    assert "1 of 2 scenes have no predictions: left out" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_and_its_files_have_the_same_metrics(work, tmp_path, capsys):
    run = ("--run", work / "run", "--data", work / "data")
    found = ("--predictions", tmp_path / "found")
    of_run = metrics_of(tmp_path, *run, *found)
    of_files = metrics_of(tmp_path, *found, *run[2:])
    assert measures(of_run) == measures(of_files)
    assert CARRIED <= set(of_run) and CARRIED <= set(of_files)
    assert of_run["AP25"] > 0 and 0 <= of_run["proposal_miou"] <= 1
    assert of_run["preset"] in presets.PRESETS and of_run["split"] == "val"
    error = error_of(capsys, *run, *found)
    assert "is not empty: runs' predictions are never mixed" in error


@pytest.mark.slow
def test_constant_scores_are_those_of_the_release(work, tmp_path, capsys):
    run = ("--run", work / "run", "--data", work / "data")
    found = ("--scores=constant", "--predictions", tmp_path / "found")
    assert metrics_of(tmp_path, *run, *found)["scores"] == "constant"
    assert "proposal_miou" in capsys.readouterr().out
    lines = (tmp_path / "found" / "scene_0.txt").read_text().splitlines()
    assert lines and {line.split()[2] for line in lines} <= {"1.0", "0.97"}


def test_protocols_have_their_own_measures(files, tmp_path):
    parts = metrics_of(tmp_path, *files, "--protocol=partnet")
    assert {"AP50", "AP50_by_scene"} <= set(parts) and "AP25" not in parts
    frames = metrics_of(tmp_path, *files, "--protocol=nyuv2")
    assert frames["protocol"] == "nyuv2" and "AP50" not in frames
    assert metrics_of(tmp_path, *files, "--scores=constant")["scores"] == "constant"


def test_objects_of_sparse_scans_count_by_the_option(work, tmp_path, capsys):
    semantic = np.repeat([1, 2, 0], [150, 40, 10])
    masks = [semantic == 1, semantic == 2]
    found = InstancePredictions(masks, np.array([1, 2]), np.array([0.9, 0.8]))
    judged = Judged("sparse", found, semantic, semantic - 1)
    submission.write_predictions(tmp_path / "found", judged, CLASSES)
    (tmp_path / "there").mkdir()
    ids = 1000 * CLASSES.to_raw(semantic) + semantic
    np.savetxt(tmp_path / "there" / "sparse.txt", ids, "%d")
    files = ("--predictions", tmp_path / "found", "--truth", tmp_path / "there")
    files = (*files, "--classes", work / "classes.txt")
    usual = metrics_of(tmp_path, *files)
    said = capsys.readouterr().out
    assert "1 of 2 objects have fewer than 100 points and do not count" in said
    assert "--min_region 1 counts them" in said
    assert (usual["num_instances"], usual["min_region"]) == (1, 100)
    for size, count in ((40, 2), (41, 1)):
        option = ("--min-region", size)
        assert metrics_of(tmp_path, *files, *option)["num_instances"] == count
        assert ("do not count" in capsys.readouterr().out) == (count == 1)
    error = error_of(capsys, *files, "--protocol=partnet", "--min_region=5")
    assert "--min_region: by PartNet's protocol objects of all sizes" in error


def test_what_cannot_be_evaluated_is_said(work, tmp_path, capsys):
    folder = tmp_path / "found"
    assert "give --run and --data, or" in error_of(capsys, "--run", work / "run")
    assert "got --truth" in error_of(capsys, "--truth", tmp_path)
    files = ("--predictions", folder, "--data", work / "data")
    assert f"--predictions: no folder {folder}" in error_of(capsys, *files)
    folder.mkdir()
    assert "expected a file SCENE.txt a scene" in error_of(capsys, *files)
    (folder / "scene_7.txt").touch()
    assert "scene_7.txt: no such scene in the truth" in error_of(capsys, *files)


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


def test_objects_are_judged_whatever_their_class(files, tmp_path, capsys):
    for path in (tmp_path / "found").glob("*.txt"):  # all classes are wrong
        lines = [line.split() for line in path.read_text().splitlines()]
        numbers = [str(raw_id) for raw_id, _ in CLASSES.pairs()]
        for line in lines:
            line[1] = numbers[numbers.index(line[1]) - 1]
        path.write_text("".join(" ".join(line) + "\n" for line in lines))
    classes = ("--classes", tmp_path / "classes.txt")
    named = (f"{number} {name}\n" for number, name in CLASSES.pairs())
    classes[1].write_text("".join(named))
    assert metrics_of(tmp_path, *files, *classes)["AP25"] == 0
    capsys.readouterr()
    whole = metrics_of(tmp_path, *files, *classes, "--class-agnostic")
    assert whole["AP25"] == pytest.approx(1)
    assert [x["class"] for x in whole["classes"]] == ["object"]
    assert whole["F1_25"] == 1
    assert "0 wrong, 0 missed, F1 1.000" in capsys.readouterr().out
