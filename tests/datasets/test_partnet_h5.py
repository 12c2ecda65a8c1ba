"""PartNet's HDF5 files."""

import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from gspn_tf import files
from gspn_tf.commands import main as cli
from gspn_tf.data.classes import ClassList
from gspn_tf.data.manifest import read_manifest
from gspn_tf.datasets import partnet, partnet_h5
from gspn_tf.files.errors import ScanError

DATA = Path(os.environ.get("GSPN_TF_DATA", "../shared/data")) / "partnet"


def write_h5(path, clouds, leaves, trees):
    """A file of the release, as its scripts make it of final leaves' points."""
    with h5py.File(path, "w") as file:
        file["pts"] = np.asarray(clouds, np.float32)
        file["label"] = np.asarray(leaves, np.int32)
    records = [
        {
            "anno_id": str(70 + i),
            "ins_seg": [
                {"part_name": name, "leaf_id_list": ids} for name, ids in parts_of(tree)
            ],
        }
        for i, tree in enumerate(trees)
    ]
    path.with_suffix(".json").write_text(json.dumps(records))


def parts_of(nodes, above=""):
    """(path, original leaf ids) of every node of a final tree of original leaves."""
    found = []
    for node in nodes:
        path = f"{above}/{node['name']}" if above else node["name"]
        below = parts_of(node.get("children", []), path)
        own = [i for name, ids, leaf in below if leaf for i in ids]
        is_leaf = not node.get("children")
        found += [(path, [node["ori_id"]] if is_leaf else own, is_leaf), *below]
    return found if above else [(name, ids) for name, ids, _ in found]


@pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no PartNet shapes at {DATA}: set GSPN_TF_DATA"
)
@pytest.mark.parametrize("level", [1, 2, 3])
def test_files_of_the_release_give_the_raw_scenes(level, tmp_path):
    classes = partnet.read_part_classes(DATA / "meta", "StorageFurniture", level)
    items = partnet.list_raw_shapes(DATA, "StorageFurniture")
    clouds = [np.loadtxt(item.files[1]) for item in items]
    leaves = [np.loadtxt(item.files[2], dtype=int) for item in items]
    trees = [json.loads(item.files[4].read_text()) for item in items]
    folder = tmp_path / f"StorageFurniture-{level}"
    folder.mkdir()
    write_h5(folder / "train-00.h5", clouds, leaves, trees)
    listed = partnet_h5.list_stored_shapes(tmp_path, "StorageFurniture", level)
    assert [item.name for item in listed["train"]] == ["70", "71", "72"]
    for item, raw in zip(listed["train"], items, strict=True):
        one = partnet_h5.read_stored_shape(item, classes)
        other = partnet.read_raw_shape(raw, classes)
        for field in ("points", "colors", "semantic", "instance"):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field))


CLASSES = ClassList((2, 5), ("stool/top", "stool/leg"))
TREE = [
    {"name": "stool", "children": [
        {"name": "top", "ori_id": 1}, {"name": "leg", "ori_id": 2},
        {"name": "leg", "ori_id": 3}, {"name": "screw", "ori_id": 4}]}
]  # fmt: skip


@pytest.fixture
def release(tmp_path):
    """A function that writes two small shapes."""

    def make(split="val"):
        clouds = np.arange(30).reshape(2, 5, 3) / 30
        leaves = [[1, 2, 3, 4, 2], [3, 3, 1, 1, 4]]
        path = tmp_path / f"{split}-00.h5"
        write_h5(path, clouds, leaves, [TREE, TREE])
        return path

    return make


def test_a_small_file(release):
    listed = partnet_h5.list_stored_shapes(release().parent, "Stool", 3)
    first, second = [partnet_h5.read_stored_shape(i, CLASSES) for i in listed["val"]]
    assert first.semantic.tolist() == [1, 2, 2, 0, 2]
    assert first.instance.tolist() == [0, 1, 2, -1, 1]
    assert second.semantic.tolist() == [2, 2, 1, 1, 0]
    assert second.instance.tolist() == [1, 1, 0, 0, -1]


def test_colours_of_a_file_are_kept(release):
    path = release()
    with h5py.File(path, "a") as file:
        file["rgb"] = np.arange(30, dtype=np.uint8).reshape(2, 5, 3)
    item = partnet_h5.list_stored_shapes(path.parent, "Stool", 3)["val"][1]
    assert partnet_h5.read_stored_shape(item, CLASSES).colors.ravel().tolist() == [
        *range(15, 30)
    ]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("label", np.zeros((1, 5)), r"label of each shape must be \[5\]"),
        ("pts", np.full((2, 5, 3), np.inf), "val-00.h5, shape 71: points"),
    ],
)  # fmt: skip
def test_malformed_files_are_named(release, key, value, message):
    path = release()
    item = partnet_h5.list_stored_shapes(path.parent, "Stool", 3)["val"][1]
    with h5py.File(path, "a") as file:
        del file[key]
        file[key] = value
    with pytest.raises(ScanError, match=message):
        partnet_h5.read_stored_shape(item, CLASSES)


def test_a_file_without_labels_is_named(release):
    path = release()
    with h5py.File(path, "a") as file:
        del file["label"]
    with pytest.raises(ScanError, match="val-00.h5: expected pts and label, got"):
        partnet_h5.list_stored_shapes(path.parent, "Stool", 3)


def test_the_command_takes_the_splits_of_the_files(release, tmp_path, capsys):
    train, val = release("train"), release()
    text = val.with_suffix(".json").read_text()
    val.with_suffix(".json").write_text(text.replace(': "7', ': "8'))
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
        ("[{", "is not a readable JSON file"),
        ('{"0": 1, "1": 2}', "expected a list"),
        ("[1, 2]", "expected anno_id of each shape, got 1"),
        ('[{"anno_id": 1}, {"anno_id": 2}]', "expected the parts of each shape"),
        ('[{"anno_id": 1, "ins_seg": [{}]}, {}]', "expected the parts of each shape"),
    ],
)
def test_a_list_of_shapes_that_does_not_fit_is_named(release, text, message):
    path = release()
    path.with_suffix(".json").write_text(text)
    with pytest.raises(ScanError, match=rf"val-00\.json:? {message}"):
        partnet_h5.list_stored_shapes(path.parent, "Stool", 3)


def test_damaged_files_are_named(release):
    path = release()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ScanError, match=r"val-00\.h5 is not a readable HDF5 file"):
        partnet_h5.list_stored_shapes(path.parent, "Stool", 3)
    path.unlink()
    assert partnet_h5.list_stored_shapes(path.parent, "Stool", 3) == {}
