"""PartNet's HDF5 files: shapes by the thousand."""

import json

import h5py
import numpy as np
import pytest

from gspn_tf import files
from gspn_tf.commands import main as cli
from gspn_tf.data.classes import ClassList
from gspn_tf.data.manifest import read_manifest
from gspn_tf.datasets import partnet_h5
from gspn_tf.files.errors import ScanError

CLASSES = ClassList((2, 5), ("stool/top", "stool/leg"))
PARTS = [("stool/top", [1]), ("stool/leg", [2]), ("stool/leg", [3]), ("stool", [4])]
LEAVES = np.array([[1, 2, 3, 4, 2], [3, 3, 1, 1, 4]])


def write_h5(path, numbers=("70", "71"), **change):
    """Two shapes of five points; leaf 4 is of no class."""
    points = np.arange(30, dtype=np.float32).reshape(2, 5, 3) / 30
    arrays = {"pts": points, "label": LEAVES} | change
    with h5py.File(path, "w") as file:
        file.update({k: values for k, values in arrays.items() if values is not None})
    parts = [{"part_name": name, "leaf_id_list": leaves} for name, leaves in PARTS]
    shapes = [{"anno_id": number, "ins_seg": parts} for number in numbers]
    path.with_suffix(".json").write_text(json.dumps(shapes))
    return path


def read(path):
    listed = partnet_h5.list_stored_shapes(path.parent, "Stool")
    return [partnet_h5.read_stored_shape(item, CLASSES) for item in listed["val"]]


def test_shapes_have_the_parts_of_the_class_list(tmp_path):
    rgb = np.arange(30, dtype=np.uint8).reshape(2, 5, 3)
    first, second = read(write_h5(tmp_path / "val-00.h5", rgb=rgb))
    assert (first.name, second.name) == ("70", "71")
    assert first.semantic.tolist() == [1, 2, 2, 0, 2]
    assert first.instance.tolist() == [0, 1, 2, -1, 1]
    assert second.semantic.tolist() == [2, 2, 1, 1, 0]
    assert second.instance.tolist() == [1, 1, 0, 0, -1]
    np.testing.assert_array_equal(second.colors, rgb[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": None}, r"val-00.h5: expected pts \[S, N, 3\], label"),
        ({"label": np.zeros((1, 5))}, r"val-00.h5: expected pts \[S, N, 3\], label"),
        ({"pts": np.full((2, 5, 3), np.inf)}, "val-00.h5, shape 70: points"),
    ],
)
def test_malformed_files_are_named(tmp_path, change, message):
    with pytest.raises(ScanError, match=message):
        read(write_h5(tmp_path / "val-00.h5", **change))


def test_the_command_takes_the_splits_of_the_files(tmp_path, capsys):
    train = write_h5(tmp_path / "train-00.h5")
    val = write_h5(tmp_path / "val-00.h5", ("80", "81"))
    lists = "2 stool/top leaf\n5 stool/leg leaf\n"
    (tmp_path / "Stool-level-3.txt").write_text(lists)
    command = ["prepare", "partnet", f"--source={tmp_path}", f"--labels={tmp_path}"]
    command += [f"--output={tmp_path}/data", "--category=Stool", "--jobs=1"]
    assert cli.main(command) == 0
    assert "train 2 scenes (5 instances), val 2 scenes" in capsys.readouterr().out
    manifest = read_manifest(tmp_path / "data")
    digests = {path.name: files.sha256(path) for path in (train, val)}
    assert manifest["options"]["files"] == digests
    assert manifest["splits"]["val"]["instances"] == {"stool/top": 2, "stool/leg": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "expected 2 shapes, got 0"),
        ('{"0": 1, "1": 2}', "expected a list"),
        ("[1, 2]", "expected anno_id of each shape, got 1"),
        ('[{"anno_id": 1}, {"anno_id": 2}]', "expected the parts of each shape"),
    ],
)
def test_a_list_of_shapes_that_does_not_fit_is_named(tmp_path, text, message):
    path = write_h5(tmp_path / "val-00.h5")
    path.with_suffix(".json").write_text(text)
    with pytest.raises(ScanError, match=rf"val-00\.json:? {message}"):
        partnet_h5.list_stored_shapes(path.parent, "Stool")
