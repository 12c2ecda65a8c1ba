"""`gspn figure`: what is drawn and kept, and what is said of bad input."""

import dataclasses as dc
import json

import pytest
import toy_images
import toy_views
from PIL import Image
from toy_scenes import CLASSES, make_scene, write_folder

from gspn_tf import config as c
from gspn_tf import models
from gspn_tf.commands import main as cli
from gspn_tf.paper.figures.networks import proposing
from gspn_tf.training.run_folder import RunFolder

WIDTH, LINE = 100, 14  # pixels


@pytest.fixture(scope="module")
def work(tmp_path_factory, sure_network):
    """Labelled scenes, and runs of two, one and no stages."""
    folder = tmp_path_factory.mktemp("figures")
    scenes = [make_scene(seed, 700, num_instances=4) for seed in range(3)]
    scenes = [dc.replace(scene, points=scene.points * 0.3) for scene in scenes]
    write_folder(folder / "data", val=scenes)
    config = c.Config(
        model=sure_network.config,
        data=c.DataConfig(num_points=256, num_points_inference=256),
    )
    for name, stage in (("run", "rpointnet"), ("half", "gspn"), ("none", None)):
        run = RunFolder(folder / name)
        run.start(config, CLASSES.pairs(), {})
        if stage == "rpointnet":
            sure_network.save_weights(run.weights(stage))
        if stage == "gspn":
            sure_network.proposal_network.save_weights(run.weights(stage))
    return folder


def draw(work, number, output, *more, given="data", model="run") -> int:
    arguments = ["figure", number, "--model", work / model, "--input", work / given]
    arguments += ["--output", output, "--width", WIDTH, *more]
    return cli.main([str(argument) for argument in arguments])


def error_of(capsys) -> str:
    text = capsys.readouterr().err.strip()
    assert text.startswith("gspn: ") and "\n" not in text, text
    return text


def size_of(path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


# ---- what is drawn ----------------------------------------------------------------


def sheet_size(columns, rows, lines, ratio=0.75, names=True) -> tuple[int, int]:
    """Pixels of a picture of so many panels, with lines of text below."""
    across = LINE * names + columns * (WIDTH + 12) - 12
    below = lines * LINE + 12 * bool(lines)
    return across, LINE + rows * (round(ratio * WIDTH) + 12) - 12 + below


@pytest.fixture(scope="module")
def drawn(work, tmp_path_factory):
    """Figures 3, 5 and 7, once for all tests; 5 and 7 with a second run."""
    folder = tmp_path_factory.mktemp("drawn")
    assert draw(work, "3", folder / "3", "--scenes=2") == 0
    assert draw(work, "5", folder / "5", "--scenes=2", f"--other={work / 'run'}") == 0
    assert draw(work, "7", folder / "7", f"--others={work / 'half'}") == 0
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "size"),
    [
        ("3", sheet_size(4, 2, 1)),
        ("5", sheet_size(7, 2, 2)),
        ("7", sheet_size(3, 1, 1, 0.8, False)),
    ],
)
def test_pictures_have_a_panel_for_everything(drawn, number, size):
    assert size_of(drawn / f"{number}.png") == size
    assert len(list(drawn.iterdir())) == 6


@pytest.mark.slow
def test_numbers_hold_every_scene_and_network(drawn):
    three, five, seven = (json.loads((drawn / f"{n}.json").read_text()) for n in "357")
    assert len(three["scenes"]) == len(five["scenes"]) == 2
    assert 0 < three["scenes"][0]["to_truth"] and 0 < three["scenes"][1]["of_points"]
    counts = five["scenes"][0]
    assert counts["true instances"] == 4 and counts["instances by run"] > 0
    first, second = seven["proposals"]
    assert (first["network"], second["network"]) == ("half", "run")
    assert first["box"] == second["box"] and min(first["box"][3:]) > 0
    assert 0 <= first["iou"] <= 1


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    """Frames with and without image features, and untrained runs of every kind."""
    folder = tmp_path_factory.mktemp("views")
    frames = [toy_views.frame(seed) for seed in range(2)]
    toy_views.write_folder(folder / "data", val=frames)
    plain = [dc.replace(each.image, features=None) for each in frames]
    plain = [dc.replace(x, image=y) for x, y in zip(frames, plain, strict=True)]
    toy_views.write_folder(folder / "plain", features=False, val=plain)
    narrow = dc.replace(toy_images.NARROW, num_classes=3)
    hha = dc.replace(narrow, mean=(120.0,) * 6, deviation=(60.0,) * 6)
    networks = {"ours": toy_views.rpointnet(0), "ours_cnn": toy_views.rpointnet()}
    networks |= {"sgpn": toy_views.config(0), "sgpn_cnn": toy_views.config()}
    networks |= {"mask_rcnn": narrow, "mask_rcnn_hha": hha}
    for name, network in networks.items():
        config = c.Config(model=network, data=toy_views.DATA)
        run = RunFolder(folder / name)
        run.start(config, toy_views.CLASSES.pairs(), {})
        *_, stage = network.stages()
        models.build(network).save_weights(run.weights(stage))
    return folder


@pytest.mark.slow
def test_views_are_segmented_by_every_kind_of_network(views, tmp_path, capsys):
    others = ["mask_rcnn", "mask_rcnn_hha", "sgpn_cnn", "ours", "sgpn"]
    more = ["--others", *(views / name for name in others), "--scenes=2"]
    assert draw(views, "10", tmp_path / "10", *more, model="ours_cnn") == 0
    assert size_of(tmp_path / "10.png") == sheet_size(8, 2, 1)
    first, second = json.loads((tmp_path / "10.json").read_text())["scenes"]
    kinds = ["R-PointNet, image features", "Mask R-CNN", "Mask R-CNN, RGB + HHA"]
    kinds += ["SGPN, image features", "R-PointNet", "SGPN"]
    assert list(first)[2:] == [f"instances by {kind}" for kind in kinds]
    assert first["true instances"] == 2 and first["scene"] != second["scene"]
    with_features = draw(views, "3", tmp_path / "3", model="ours_cnn")
    assert with_features == 0 and (tmp_path / "3.png").exists()
    capsys.readouterr()
    assert draw(views, "10", tmp_path / "x", given="plain", model="sgpn_cnn") == 1
    assert "sees image features of 6 channels" in error_of(capsys)
    assert not list(tmp_path.glob("x*"))


# ---- bad input --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "more", "message"),
    [
        ("4", (), "argument number: invalid choice: '4' (choose from "),
        ("3", ("--model={work}/none",), "none has no stage one: no gspn.weights.h5"),
        ("5", ("--model={work}/half",), "half has no trained model"),
        ("3", ("--other={work}/run",), "--other: figure 3 shows one run"),
        ("5", ("--other={work}/nowhere",), "--other: no folder"),
        ("5", ("--seed_point", "3", "1", "2"), "--seed_point is of figure 7"),
        ("7", ("--seed_point", "3"), "--seed_point: expected 3 arguments"),
        ("7", ("--seed_point", "9", "9", "9"), "the nearest point of scene_0 is"),
        ("8", ("--scenes=scene_0,nobody",), "val of {work}/data has no scene 'nobody'"),
        ("8", ("--scenes=0",), "--scenes must be a number from 1 or names, got '0'"),
        ("8", ("--input={work}/nothing",), "nothing/manifest.json not found"),
        ("8", ("--split=test",), "split must be one of ['val'], got 'test'"),
        ("8", ("--output={out}",), "--output must name a file"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    work, tmp_path, capsys, number, more, message
):
    more = [each.format(work=work, out=tmp_path) for each in more]
    assert draw(work, number, tmp_path / "out", *more) in (1, 2)
    assert message.format(work=work) in error_of(capsys)
    assert not list(tmp_path.iterdir())


def test_a_model_without_proposals_is_named(work, monkeypatch):
    config = dc.replace(RunFolder(work / "run").config(), model=c.SGPNConfig())
    monkeypatch.setattr(RunFolder, "config", lambda self: config)
    with pytest.raises(ValueError, match="is a run of an SGPN, which has no proposal"):
        proposing(work / "run")
