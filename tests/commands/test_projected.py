"""`gspn segment --frames` and `gspn evaluate --frames`: Mask R-CNN on scans."""

import dataclasses
import json
import re
import shutil
from functools import partial

import numpy as np
import posed_boxes
import pytest
import toy_scenes
from command_line import error_of, gspn
from toy_images import NARROW

from gspn_tf import MaskRCNN
from gspn_tf.config import Config
from gspn_tf.data import Scene
from gspn_tf.data.classes import SCANNET
from gspn_tf.evaluation.measures import Split
from gspn_tf.evaluation.projected import projected, projected_truth
from gspn_tf.files.frame_files import FrameOptions
from gspn_tf.files.frames import FrameSequence
from gspn_tf.files.ply import write_ply
from gspn_tf.image.lifting import segment_frame
from gspn_tf.image.pmrcnn import project_frames, segment_frames
from gspn_tf.masks import read_masks
from gspn_tf.metrics import evaluate_scenes
from gspn_tf.models.weights import save_weights
from gspn_tf.training.run_folder import RunFolder

FRAMES = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A scan `room/room.ply` with its frames, its data, and a run of random weights."""
    folder = tmp_path_factory.mktemp("projected")
    posed_boxes.write_frames(folder / "scans" / "room", posed_boxes.walk(FRAMES))
    points, owner = posed_boxes.vertices()
    colors = np.append(posed_boxes.SHADES, [[120, 120, 120]], 0)[owner].astype(np.uint8)
    write_ply(folder / "scans" / "room" / "room.ply", points, colors)
    semantic = np.append(posed_boxes.CLASSES, 0)[owner].astype(np.int32)
    scene = Scene("room", points, colors, semantic, owner.astype(np.int32))
    toy_scenes.write_folder(folder / "data", SCANNET, "homes", val=[scene])
    model = dataclasses.replace(NARROW, num_classes=19, min_score=0.0, shown_score=0.0)
    run = RunFolder(folder / "run")
    run.start(Config(model=model), SCANNET.pairs())
    save_weights(network(model), run.weights("mask_rcnn"))
    return folder


def network(config) -> MaskRCNN:
    model = MaskRCNN(config)
    model.detect({"images": np.zeros((1, 64, 64, 3), np.uint8)})
    return model


def frames_of(folder, every=1) -> FrameSequence:
    return FrameSequence.open(folder / "scans" / "room", FrameOptions(), every)


def loaded(folder) -> MaskRCNN:
    run = RunFolder(folder / "run")
    model = network(run.config().model)
    model.load_weights(run.weights("mask_rcnn"))
    return model


def expected_of(folder, every=1):
    find = partial(segment_frame, loaded(folder))
    points, _ = posed_boxes.vertices()
    return project_frames(points, segment_frames(frames_of(folder, every), find))


def test_a_scan_is_segmented_by_its_frames(folder, tmp_path, capsys):
    scans = folder / "scans"
    arguments = ("--model", folder / "run", "--output", tmp_path, "--every=2")
    assert not gspn(
        "segment", scans / "room" / "room.ply", *arguments, "--frames", scans
    )
    said = capsys.readouterr().out
    assert "room.ply: 39,328 points, 4 frames" in said
    assert "note: 4 frames show " in said and "without a pose" not in said
    expected = expected_of(folder, 2)
    assert len(expected.masks) > 0
    found = json.loads((tmp_path / "instances.json").read_text())
    masks = read_masks(tmp_path / "masks.npz")
    assert len(masks) == len(expected.masks) == len(found["instances"])
    points, _ = posed_boxes.vertices()
    rows = zip(found["instances"], masks, expected.masks, strict=True)
    for (row, mask, rows_of), label in zip(rows, expected.classes, strict=True):
        assert np.array_equal(np.flatnonzero(mask), rows_of)
        assert row["class"] == SCANNET.names[label - 1]
        low, high = points[rows_of].min(0), points[rows_of].max(0)
        np.testing.assert_allclose(row["box"]["center"], (low + high) / 2, atol=1e-3)
        np.testing.assert_allclose(row["box"]["size"], high - low, atol=1e-3)
    assert (tmp_path / "index.html").is_file()


def test_millimetres_give_the_same(folder, tmp_path):
    """Scan, poses and depth are in one unit, which --scale tells."""
    shutil.copytree(folder / "scans" / "room", tmp_path / "room")
    points, _ = posed_boxes.vertices()
    write_ply(tmp_path / "room" / "room.ply", 1000 * points, points.astype(np.uint8))
    for path in (tmp_path / "room" / "pose").iterdir():
        pose = np.loadtxt(path)
        pose[:3, 3] *= 1000
        np.savetxt(path, pose)
    units = ("--scale=0.001", "--depth_scale=1", "--every=4")
    common = ("--model", folder / "run", "--frames", tmp_path / "room", *units)
    scan = tmp_path / "room" / "room.ply"
    assert not gspn("segment", scan, *common, "--output", tmp_path / "out")
    masks = read_masks(tmp_path / "out" / "masks.npz")
    expected = expected_of(folder, 4).masks
    assert [np.flatnonzero(mask).tolist() for mask in masks] == [
        rows.tolist() for rows in expected
    ]


def test_lost_cameras_are_left_out_with_a_note(folder, tmp_path, capsys):
    shutil.copytree(folder / "scans" / "room", tmp_path / "room")
    np.savetxt(tmp_path / "room" / "pose" / "4.txt", np.full((4, 4), -np.inf))
    common = ("--model", folder / "run", "--output", tmp_path / "out")
    frames = ("--frames", tmp_path / "room", "--every=4")
    assert not gspn("segment", tmp_path / "room" / "room.ply", *common, *frames)
    assert "note: 1 frames without a pose are left out" in capsys.readouterr().out
    notes = json.loads((tmp_path / "out" / "instances.json").read_text())["notes"]
    assert notes[-1] == "1 frames without a pose are left out"


def test_evaluate_measures_scans_by_their_frames(folder, tmp_path):
    common = ("evaluate", "--run", folder / "run", "--data", folder / "data")
    json_file = tmp_path / "metrics.json"
    report = ("--report", tmp_path / "report", "--json", json_file)
    assert not gspn(*common, "--frames", folder / "scans", *report)
    metrics = json.loads(json_file.read_text())
    assert metrics["frames"] == str(folder / "scans")
    find = partial(segment_frame, loaded(folder))
    split = Split(folder / "data", "val")
    judged = list(projected(find, split, folder / "scans"))
    expected = evaluate_scenes(judged, SCANNET.names)
    (scene,) = judged
    assert scene.found.scores.tolist() == expected_of(folder).scores.tolist()
    assert metrics["AP25"] == expected.result.ap25


def test_true_masks_bound_it(folder):
    judged = projected_truth(Split(folder / "data", "val"), folder / "scans")
    result = evaluate_scenes(judged, SCANNET.names).result
    assert result.ap25 == 1.0 and result.ap50 > 0.3  # hidden faces are vertices too


def test_what_does_not_fit_is_one_line(folder, work, tmp_path, capsys):
    scan = folder / "scans" / "room" / "room.ply"
    common = ("segment", scan, "--output", tmp_path / "out")
    mask_rcnn, frames = ("--model", folder / "run"), ("--frames", folder / "scans")
    cases = [
        ((*mask_rcnn,), "ply: a Mask R-CNN sees a depth image .PNG. with --color, or"),
        ((*mask_rcnn, "--every=2"), "--every is for --frames, which is not given"),
        (("--model", work / "run", *frames), "needs a Mask R-CNN, .* an RPointNet"),
        ((*mask_rcnn, "--frames", tmp_path / "no"), "--frames: no folder .*no"),
        ((*mask_rcnn, "--frames", work), "expected frames of room.ply, depth/ and"),
    ]
    capsys.readouterr()
    for arguments, message in cases:
        assert gspn(*common, *arguments) == 1
        assert re.search(message, error_of(capsys)), message
    damages = {
        "pose/2.txt -": "pose/2.txt cannot be read: No such file",
        "pose/2.txt 1 2": "expected 4 x 4 numbers, got 2",
        "depth/2.png no": "depth/2.png is not a readable image",
        "intrinsic/intrinsic_depth.txt 9 9 999 9": "centre must lie in the image",
    }
    for damage, message in damages.items():
        room = tmp_path / "room"
        shutil.copytree(folder / "scans" / "room", room)
        name, _, text = damage.partition(" ")
        (room / name).unlink() if text == "-" else (room / name).write_text(text)
        assert gspn(*common, *mask_rcnn, "--frames", room) == 1
        assert message in error_of(capsys)
        shutil.rmtree(room)
    far = tmp_path / "far"
    shutil.copytree(folder / "scans" / "room", far)
    for path in (far / "pose").iterdir():
        np.savetxt(path, np.loadtxt(path) + np.array([[0, 0, 0, 500]] * 3 + [[0] * 4]))
    assert gspn(*common, *mask_rcnn, "--frames", far) == 1
    assert "show no point of room.ply: are poses in another" in error_of(capsys)
    assert not (tmp_path / "out").exists()
    predictions = ("--predictions", tmp_path, "--data", folder / "data")
    assert gspn("evaluate", *predictions, *frames) == 1
    assert "--frames is for --run" in error_of(capsys)
