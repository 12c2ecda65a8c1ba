"""Labelled frames of filmed scans: as data of single views, and as true masks."""

import json

import numpy as np
import posed_boxes
import pytest
from command_line import error_of, gspn
from PIL import Image

from gspn_tf.data import read_scenes
from gspn_tf.data.classes import SCANNET
from gspn_tf.data.shards import read_scenes as read_with
from gspn_tf.datasets.frames import open_scan_frames, read_label_ids, with_true_masks
from gspn_tf.files.depth import lift
from gspn_tf.files.errors import ScanError
from gspn_tf.files.frame_files import FrameOptions

NAMES = [f"room_{number}" for number in range(3)]


@pytest.fixture(scope="module")
def filmed():
    return posed_boxes.walk(12)


@pytest.fixture
def scans(filmed, tmp_path):
    """Three scans of four frames each, in a folder."""
    for number, name in enumerate(NAMES):
        posed_boxes.write_frames(tmp_path / "scans" / name, filmed[number::3])
    return tmp_path / "scans"


def prepare(scans, output, *more) -> int:
    return gspn("prepare", "frames", "--source", scans, "--output", output, *more)


def test_a_frame_is_a_scene_with_its_image(scans, filmed, tmp_path):
    assert not prepare(scans, tmp_path / "data", "--val_fraction=0.34", "--seed=1")
    manifest = json.loads((tmp_path / "data" / "manifest.json").read_text())
    splits = {split: entry["names"] for split, entry in manifest["splits"].items()}
    rooms = {split: {n.rpartition("_")[0] for n in ns} for split, ns in splits.items()}
    assert len(rooms["train"]) == 2 and len(rooms["val"]) == 1  # no scan is in both
    assert rooms["train"] | rooms["val"] == set(NAMES)
    assert [entry[1] for entry in manifest["classes"]] == list(SCANNET.names)
    known = {drawn.frame.name: drawn for drawn in filmed}
    for split in splits:
        for scene in read_with(tmp_path / "data", split, True):
            frame, owner = known[scene.name.rpartition("_")[2]]
            image = scene.image
            assert np.array_equal(image.color, frame.color)
            assert np.abs(image.depth - frame.depth).max() < 1e-3
            assert image.camera == posed_boxes.CAMERA
            semantic = image.painted(scene.semantic, 0)
            assert np.array_equal(semantic, np.append(posed_boxes.CLASSES, 0)[owner])
            instance = image.painted(scene.instance, -1)
            numbers = np.unique(owner, return_inverse=True)[1].reshape(owner.shape)
            assert np.array_equal(instance + 1, numbers)
            level = np.stack([scene.points[:, 0], -scene.points[:, 2]], axis=1)
            at = level / scene.points[:, 1:2] * image.camera.focal + image.camera.center
            assert np.abs(at - image.pixels()[:, ::-1]).max() < 1e-3


def test_every_nth_frame_in_the_order_of_their_numbers(filmed, tmp_path):
    frames = [each._replace(frame=each.frame._replace(name=f"{40 * n}"))
              for n, each in enumerate(filmed[:6])]  # fmt: skip
    posed_boxes.write_frames(tmp_path / "room", frames)
    assert not prepare(
        tmp_path / "room", tmp_path / "data", "--every=2", "--val_fraction=0"
    )
    names = [scene.name for scene in read_scenes(tmp_path / "data", "train")]
    assert names == ["room_0", "room_80", "room_160"]


def test_images_that_are_made_smaller(scans, filmed, tmp_path):
    more = ("--shrink=3", "--every=4", "--val_fraction=0")
    assert not prepare(scans / NAMES[0], tmp_path / "data", *more)
    (scene,) = read_with(tmp_path / "data", "train", True)
    frame, owner = filmed[0]
    image = scene.image
    blocks = frame.color.reshape(24, 3, 32, 3, 3).mean(axis=(1, 3))
    assert np.array_equal(image.color, np.rint(blocks))
    assert np.abs(image.depth - frame.depth[1::3, 1::3]).max() < 1e-3
    expected = np.append(posed_boxes.CLASSES, 0)[owner[1::3, 1::3]]
    assert np.array_equal(image.painted(scene.semantic, 0), expected)
    whole = lift(frame.depth, np.ones(posed_boxes.SIZE, bool), posed_boxes.CAMERA)
    middles = whole.reshape(*posed_boxes.SIZE, 3)[1::3, 1::3].reshape(-1, 3)
    points = scene.points[:, [0, 2, 1]] * [1, -1, 1]
    assert np.abs(points - middles).max() < 3e-3  # depth is in whole millimetres


def test_frames_take_the_splits_of_their_scans(scans, tmp_path, capsys):
    data = tmp_path / "of_scans"
    assert not prepare(scans, data, "--every=4")
    manifest = json.loads((data / "manifest.json").read_text())
    members = {"train": [NAMES[2], "another"], "test": [NAMES[0]]}
    entry = manifest["splits"]["train"]
    manifest["splits"] = {
        split: {**entry, "names": names} for split, names in members.items()
    }
    (data / "manifest.json").write_text(json.dumps(manifest))
    assert not prepare(scans, tmp_path / "data", "--splits", data)
    found = json.loads((tmp_path / "data" / "manifest.json").read_text())["splits"]
    assert {split: len(entry["names"]) for split, entry in found.items()} == {
        "train": 4,
        "test": 4,
    }
    assert all(name.startswith(NAMES[2]) for name in found["train"]["names"])
    manifest["splits"] = {"train": {**entry, "names": ["another"]}}
    (data / "manifest.json").write_text(json.dumps(manifest))
    capsys.readouterr()
    assert prepare(scans, tmp_path / "more", "--splits", data) == 1
    assert "--splits: expected scenes of the names of the 3 scans" in error_of(capsys)


def test_true_masks_of_scans_that_are_aligned(scans, filmed):
    room = scans / NAMES[0]
    turn = "0 -1 0 2  1 0 0 -3  0 0 1 0.5  0 0 0 1"
    (room / f"{NAMES[0]}.txt").write_text(f"axisAlignment = {turn}\n")
    sequence = open_scan_frames(room, FrameOptions(), 2)
    matrix = np.array(turn.split(), float).reshape(4, 4)
    segmented = list(with_true_masks(sequence))
    assert len(segmented) == 2
    for found, (frame, owner) in zip(segmented, filmed[::6], strict=True):
        np.testing.assert_allclose(found.frame.pose, matrix @ frame.pose, atol=1e-9)
        seen = np.unique(owner[owner >= 0])
        assert np.array_equal(found.masks, owner == seen[:, None, None])
        assert found.classes.tolist() == posed_boxes.CLASSES[seen].tolist()


def test_ids_of_the_label_map(scans, tmp_path, capsys):
    """ScanNet's own images have ids of another column than nyu40's."""
    table = tmp_path / "labels.tsv"
    rows = ["id\traw_category\tnyu40id", "1\twall\t1", "2\tchair\t5", "9\tbed\t4"]
    table.write_text("\n".join([*rows, "22\ttable\t7"]))
    assert read_label_ids(table)[[2, 9, 22, 3]].tolist() == [5, 4, 7, 0]
    own = np.zeros(41, np.uint16)
    own[[5, 4, 7]] = 2, 9, 22
    for path in scans.glob("*/label-filt/*.png"):
        ids = np.asarray(Image.open(path))
        Image.fromarray(own[ids]).save(path)
    more = ("--label_map", table, "--val_fraction=0")
    assert not prepare(scans, tmp_path / "data", *more)
    found = {k for s in read_scenes(tmp_path / "data", "train") for k in s.semantic}
    assert found == {0, *posed_boxes.CLASSES}
    table.write_text("\n".join([*rows, "x\ttable\t7"]))
    assert prepare(scans, tmp_path / "more", *more) == 1
    assert "labels.tsv: id must be a number, got 'x'" in error_of(capsys)


def test_labels_have_the_pixels_of_the_colors(scans):
    """Colours twice as large as the depth, and labels with them, as ScanNet's."""
    room = scans / NAMES[1]
    expected = [each.masks for each in with_true_masks(opened(room))]
    for part in ("color", "label-filt", "instance-filt"):
        for path in (room / part).iterdir():
            image = np.asarray(Image.open(path))
            Image.fromarray(image.repeat(2, 0).repeat(2, 1)).save(path)
    found = [each.masks for each in with_true_masks(opened(room))]
    assert all(map(np.array_equal, found, expected))


def opened(room):
    return open_scan_frames(room, FrameOptions(), 1)


def test_frames_that_do_not_fit_are_one_line(scans, tmp_path, capsys):
    room = scans / NAMES[0]
    (room / "label-filt" / "3.png").unlink()
    assert prepare(scans, tmp_path / "data", "--jobs=1") == 1
    assert "label-filt/3.png" in error_of(capsys)
    Image.fromarray(np.zeros((5, 6), np.uint8)).save(room / "label-filt" / "3.png")
    assert prepare(scans, tmp_path / "data", "--jobs=1") == 1
    said = error_of(capsys)
    assert "3.png, as large as the colours, must be [72, 96], got [5, 6]" in said
    with pytest.raises(ScanError, match="must be .72, 96., got .5, 6."):
        list(with_true_masks(opened(room)))
    (room / "color" / "6.png").unlink()
    assert prepare(scans, tmp_path / "data") == 1
    assert error_of(capsys).endswith("room_0/color: no image 6")
    (tmp_path / "none").mkdir()
    assert prepare(tmp_path / "none", tmp_path / "data") == 1
    assert "none: expected scans with depth/, pose/, label-filt/ and" in error_of(
        capsys
    )
    assert not (tmp_path / "data").exists()
