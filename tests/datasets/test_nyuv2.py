"""NYUv2: the .mat file and folders of PNG frames."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import toy_frames
from PIL import Image
from toy_frames import BED, CHAIR, COUNT, SIZE, WALL

from gspn_tf.commands import main as cli
from gspn_tf.data import read_scenes
from gspn_tf.data.manifest import read_manifest
from gspn_tf.data.scene import check_scene
from gspn_tf.datasets.nyuv2 import find_rgbd_frames
from gspn_tf.datasets.rgbd import NYUV2

DATA = Path(os.environ.get("GSPN_TF_DATA", "../shared/data")) / "nyuv2"
# Pixels of a class in the labelled frames, counted in the images by another program.
COUNTS = {
    "0001": {"chair": 23397, "counter": 3030, "table": 672},
    "0002": {"counter": 17656, "sink": 2955},
    "0009": {"box": 7007, "chair": 1416, "door": 7579, "table": 41215},
}


@pytest.fixture
def mat(tmp_path):
    toy_frames.write_source(tmp_path / "nyu")
    return tmp_path / "nyu" / "labeled.mat"


@pytest.fixture
def images(tmp_path):
    toy_frames.write_images(tmp_path / "frames")
    return tmp_path / "frames"


def gspn(source, *more) -> int:
    output = source.parent / "data"
    words = ["--source", source, "--output", output, "--jobs", 1, *more]
    return cli.main(["prepare", "nyuv2", *map(str, words)])


def read(path, number):
    frames = find_rgbd_frames(path)
    return frames.read(frames.sources[number - 1])


def test_pixels_are_lifted_by_the_published_camera(mat):
    scene = read(mat, 2)
    arrays = {key: value[1] for key, value in toy_frames.frames().items()}
    rows, columns = np.nonzero(arrays["depth"])
    z = arrays["depth"][rows, columns]
    x = (columns - 325.582449) * z / 518.857901
    y = (rows - 253.736166) * z / 519.469611
    expected = np.stack([x, z, -y], axis=1)  # z up, y ahead
    assert len(scene.points) == SIZE[0] * SIZE[1] - 1
    np.testing.assert_allclose(scene.points, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(scene.colors, arrays["color"][rows, columns])


def test_an_object_is_a_label_and_an_instance(mat):
    scene = read(mat, 1)
    chair, bed = (NYUV2.names.index(name) + 1 for name in ("chair", "bed"))
    label = toy_frames.frames()["label"][0].ravel()[1:]
    expected = np.select([label == CHAIR, label == BED], [chair, bed])
    np.testing.assert_array_equal(scene.semantic, expected)
    assert scene.num_instances == 3
    counts = np.bincount(scene.instance + 1).tolist()
    assert sorted(counts) == [47, 48, 48, 48]  # the wall, a bed and two chairs


def test_a_folder_of_images_gives_the_same_scenes(mat, images):
    for number in range(1, COUNT + 1):
        one, other = read(mat, number), read(images, number)
        assert one.name == other.name == f"{number:04d}"
        np.testing.assert_allclose(one.points, other.points, atol=1e-6)
        for field in ("colors", "semantic", "instance"):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field))


def test_maps_of_40_classes_are_understood(images):
    expected = read(images, 1)
    (images / "class40").mkdir()
    for path in (images / "label").glob("*.png"):
        label = np.asarray(Image.open(path))
        small = np.select([label == CHAIR, label == BED, label == WALL], [5, 4, 1])
        Image.fromarray(small.astype(np.uint8)).save(images / "class40" / path.name)
        path.unlink()
    found = read(images, 1)
    np.testing.assert_array_equal(found.semantic, expected.semantic)
    np.testing.assert_array_equal(found.instance, expected.instance)


def test_the_command_follows_the_official_split(mat, capsys):
    assert gspn(mat) == 0
    out = capsys.readouterr().out
    assert out.count("non-commercial research") == 1
    assert "train 2 scenes (6 instances), test 1 scenes (3 instances)" in out
    manifest = read_manifest(mat.parent / "data")
    assert manifest["classes"] == NYUV2.pairs() and len(NYUV2) == 19
    assert set(manifest["options"]) == {"source", "splits"}
    (scene,) = read_scenes(mat.parent / "data", "test")
    assert scene.name == "0003"


def test_frames_without_labels_are_a_split_of_their_own(images, capsys):
    (images / "label" / "0002.png").unlink()
    toy_frames.write_splits(images / "splits.mat", train=(1,), test=(2, 3))
    assert gspn(images) == 0
    assert "unlabelled 1 scenes (unlabelled)" in capsys.readouterr().out
    splits = read_manifest(images.parent / "data")["splits"]
    names = {split: entry["names"] for split, entry in splits.items()}
    assert names == {"train": ["0001"], "test": ["0003"], "unlabelled": ["0002"]}


def test_a_folder_without_a_split_is_divided(images, capsys):
    (images / "instance" / "0001.png").unlink()
    assert gspn(images, "--val_fraction", 0.4) == 0
    out = capsys.readouterr().out
    assert "train 2 scenes (3 instances), val 1 scenes (3" in out
    (warning,) = read_manifest(images.parent / "data")["warnings"]
    assert warning == "0001: no instance/0001.png: no instances"


@pytest.mark.parametrize(
    "kind, image, message",
    [
        ("color", None, "color/0002.png'"),
        (
            "depth",
            np.zeros((4, 4), np.uint16),
            r"as the colours, must be [12, 16], got [4, 4]",
        ),
        ("depth", np.zeros(SIZE, np.uint8), "depth/0002.png must be an image of mode"),
        ("depth", np.zeros(SIZE, np.uint16), "expected a pixel with depth, got none"),
        ("label", b"cut", "label/0002.png is not a readable image file"),
    ],
)
def test_frames_that_do_not_fit_are_named(images, kind, image, message, capsys):
    path = images / kind / "0002.png"
    whole = path.read_bytes()
    path.unlink()
    if isinstance(image, bytes):
        path.write_bytes(whole[:-40])
    elif image is not None:
        Image.fromarray(image).save(path)
    assert gspn(images) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("gspn: scene '0002': ") and message in error
    assert not (images.parent / "data").exists()


@pytest.mark.parametrize(
    "key, value, message",
    [
        ("labels", None, "expected ['labels'], got"),
        (
            "images",
            np.zeros((COUNT, 16, 12), np.uint8),
            "images must be [F, 3, W, H], got",
        ),
        ("depths", np.zeros((COUNT, 16, 11)), "depths must be [3, 16, 12], got"),
        ("labels", np.full((COUNT, 16, 12), 900), "labels must be at most 157"),
        (None, None, "labeled.mat is not a readable HDF5 file"),
    ],
)
def test_a_file_that_does_not_fit_is_named(mat, key, value, message, capsys):
    if key is None:
        mat.write_bytes(mat.read_bytes()[:-300])
    else:
        with h5py.File(mat, "a") as file:
            del file[key]
            if value is not None:
                file[key] = value
    assert gspn(mat) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "splits, message",
    [
        ({"train": (1, 2), "test": (4,)}, "frame '0003' is in 0 of train and test"),
        ({"train": (1,), "val": (2, 3)}, "splits.mat: expected "),
        (None, "splits.mat not found: the file with the official split"),
    ],
)
def test_a_split_that_does_not_fit_is_named(mat, splits, message, capsys):
    (mat.parent / "splits.mat").unlink()
    if splits:
        toy_frames.write_splits(mat.parent / "splits.mat", **splits)
    assert gspn(mat) == 1
    assert message in capsys.readouterr().err


def test_absent_files_are_named(tmp_path, capsys):
    assert gspn(tmp_path / "nowhere") == 1
    assert "no file or folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert gspn(tmp_path / "empty") == 1
    assert "expected color/*.png or *.pcd, got neither" in capsys.readouterr().err


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no frames at {DATA}: set GSPN_TF_DATA")
@pytest.mark.slow
def test_real_frames():
    frames = find_rgbd_frames(DATA)
    assert [source.name for source in frames.sources] == [
        f"{number:04d}" for number in range(1, 11)
    ]
    for source in frames.sources:
        scene = frames.read(source)
        check_scene(scene, len(NYUV2))
        rows, counts = np.unique(scene.semantic[scene.semantic > 0], return_counts=True)
        names = [NYUV2.names[row - 1] for row in rows]
        found = dict(zip(names, counts.tolist(), strict=True))
        print(f"frame {scene.name}: {len(scene.points)} points, {found or 'no labels'}")
        assert len(scene.points) == 480 * 640
        assert found == COUNTS.get(scene.name, {}) and scene.num_instances == 0
        assert 0.7 < scene.points[:, 1].min() and scene.points[:, 1].max() < 10
