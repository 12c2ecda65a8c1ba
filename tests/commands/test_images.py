"""Runs of Mask R-CNN in the commands: frames of a data folder, and one depth image."""

import dataclasses as dc
import json

import keras
import numpy as np
import pytest
import toy_models
import toy_rgbd
from command_line import error_of, gspn
from PIL import Image
from toy_images import NARROW

from gspn_tf import config as c
from gspn_tf import models
from gspn_tf.image.lifting import segment_points
from gspn_tf.masks import read_masks
from gspn_tf.metrics import average_precision
from gspn_tf.models.weights import save_weights
from gspn_tf.training.run_folder import RunFolder

(FX, FY), (CX, CY) = toy_rgbd.CAMERA
CAMERA = f"--intrinsics={FX},{FY},{CX},{CY}"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Data of two frames, and a run of random weights that finds instances in them."""
    folder = tmp_path_factory.mktemp("images")
    toy_rgbd.write_data(folder / "data", test=2)
    network = dc.replace(NARROW, num_classes=3, min_score=0.0, shown_score=0.0)
    run = RunFolder(folder / "run")
    run.start(c.Config(model=network), toy_rgbd.CLASSES.pairs())
    keras.utils.set_random_seed(0)
    save_weights(models.build(network), run.weights("mask_rcnn"))
    return folder


def network_of(place):
    network = models.build(RunFolder(place / "run").config().model)
    network.load_weights(place / "run" / "mask_rcnn.weights.h5")
    return network


def test_frames_are_evaluated_on_their_points(place, capsys):
    metrics = place / "metrics.json"
    arguments = ("--run", place / "run", "--data", place / "data", "--split", "test")
    assert gspn("evaluate", *arguments, "--min_region=1", "--json", metrics) == 0
    said = capsys.readouterr().out
    assert "preset mask_rcnn, split test, 2 scenes" in said and "AP25" in said
    model, scenes = network_of(place), [toy_rgbd.frame(seed) for seed in range(2)]
    found = [segment_points(model, scene.image) for scene in scenes]
    assert all(len(each.masks) for each in found)
    judged = [
        (each, scene.semantic, scene.instance)
        for each, scene in zip(found, scenes, strict=True)
    ]
    names = toy_rgbd.CLASSES.names
    expected = average_precision(judged, names, min_region_size=1)
    measured = json.loads(metrics.read_text())
    assert measured["AP25"] == pytest.approx(expected.mean("AP25"), abs=1e-6)


def test_scenes_without_images_are_one_line(place, tmp_path, capsys):
    toy_models.write_data(tmp_path / "rooms", train=1, val=1)
    arguments = ("--run", place / "run", "--data", tmp_path / "rooms")
    assert gspn("evaluate", *arguments) == 1
    assert "must hold frames with their images, as gspn prep" in error_of(capsys)


def test_a_depth_image_is_segmented(place, tmp_path, capsys):
    scene = toy_rgbd.frame(0)
    steps = np.round(scene.image.depth * 1000).astype(np.uint16)
    depth, color = tmp_path / "depth.png", tmp_path / "color.png"
    Image.fromarray(steps).save(depth)
    Image.fromarray(scene.image.color).save(color)
    model, output = ("--model", place / "run"), ("--output", tmp_path / "out")
    assert gspn("segment", depth, CAMERA, "--color", color, *model, *output) == 0
    assert "the network sees the colours" in capsys.readouterr().out
    listed = json.loads((tmp_path / "out" / "instances.json").read_text())
    masks = read_masks(tmp_path / "out" / "masks.npz")
    expected = segment_points(network_of(place), scene.image)
    assert masks.shape[1] == len(scene.points) and len(expected.masks) > 0
    assert [np.flatnonzero(x).tolist() for x in masks] == [
        x.tolist() for x in expected.masks
    ]
    for row, mask in zip(listed["instances"], expected.masks, strict=True):
        points = scene.points[mask]
        middle = (points.min(0) + points.max(0)) / 2
        np.testing.assert_allclose(row["box"]["center"], middle, atol=2e-3)
    assert gspn("segment", depth, CAMERA, *model, *output) == 1
    assert "a Mask R-CNN needs its colours: --color FILE" in error_of(capsys)
    np.savez(tmp_path / "scan.npz", points=scene.points)
    assert gspn("segment", tmp_path / "scan.npz", *model, *output) == 1
    assert "a Mask R-CNN sees a depth image (PNG) with --color" in error_of(capsys)
