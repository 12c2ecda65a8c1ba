"""PartNet's HDF5 files: every layout of the release."""

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

LAYOUTS = ("leaves", "detection", "truth")
CLASSES = ClassList((2, 5), ("stool/top", "stool/leg"))
PARTS = [("stool/top", [1]), ("stool/leg", [2]), ("stool/leg", [3]), ("stool", [4])]
LEAVES = np.array([[1, 2, 3, 4, 2], [3, 3, 1, 1, 4]])


def write_h5(path, layout):
    """Two shapes of five points in a layout of the release; leaf 4 was dropped."""
    masks = LEAVES[:, None] == np.arange(1, 201)[:, None]
    valid = np.tile(np.arange(200) < 3, (2, 1))
    label = np.array([0, 1, 2, 2, 0])[LEAVES]
    arrays = {
        "leaves": {"label": LEAVES},
        "detection": {"gt_mask": masks, "gt_valid": valid, "gt_label": label},
        "truth": {
            "gt_mask": masks,
            "gt_mask_valid": valid,
            "gt_mask_label": np.tile(np.uint8(np.arange(200) > 0), (2, 1)),
        },
    }
    with h5py.File(path, "w") as file:
        file["pts"] = np.arange(30, dtype=np.float32).reshape(2, 5, 3) / 30
        file.update(arrays[layout])
    parts = [{"part_name": name, "leaf_id_list": leaves} for name, leaves in PARTS]
    shapes = [{"anno_id": number, "ins_seg": parts} for number in ("70", "71")]
    path.with_suffix(".json").write_text(json.dumps(shapes))


@pytest.fixture
def release(tmp_path):
    """A function that writes a file of a layout."""

    def make(layout, split="val"):
        path = tmp_path / f"{split}-00.h5"
        write_h5(path, layout)
        return path

    return make


@pytest.mark.parametrize("layout", LAYOUTS)
def test_small_files_of_every_layout(release, layout):
    listed = partnet_h5.list_stored_shapes(release(layout).parent, "Stool", 3)
    first, second = [partnet_h5.read_stored_shape(i, CLASSES) for i in listed["val"]]
    assert first.semantic.tolist() == [1, 2, 2, 0, 2]
    assert first.instance.tolist() == [0, 1, 2, -1, 1]
    assert second.semantic.tolist() == [2, 2, 1, 1, 0]
    assert second.instance.tolist() == [1, 1, 0, 0, -1]


def test_colours_of_a_file_are_kept(release):
    path = release("leaves")
    with h5py.File(path, "a") as file:
        file["rgb"] = np.arange(30, dtype=np.uint8).reshape(2, 5, 3)
    item = partnet_h5.list_stored_shapes(path.parent, "Stool", 3)["val"][1]
    assert partnet_h5.read_stored_shape(item, CLASSES).colors.ravel().tolist() == [
        *range(15, 30)
    ]


def test_files_without_names_number_their_shapes(release):
    path = release("truth")
    path.with_suffix(".json").unlink()
    listed = partnet_h5.list_stored_shapes(path.parent, "Stool", 3)
    assert [item.name for item in listed["val"]] == ["val-00-0000", "val-00-0001"]


@pytest.mark.parametrize(
    ("layout", "key", "value", "message"),
    [
        ("truth", "gt_mask", None, "expected gt_mask, got"),
        ("truth", "gt_mask", np.zeros((2, 200, 4), bool), r"must be \[K, 5\]"),
        ("truth", "gt_mask_label", np.full((2, 200), 7), "got rows 8..8"),
        ("detection", "gt_label", np.ones((2, 5)), "one class for each instance"),
        ("leaves", "label", np.zeros((1, 5)), r"label of each shape must be \[5\]"),
        ("leaves", "pts", np.full((2, 5, 3), np.inf), "val-00.h5, shape 71: points"),
    ],
)  # fmt: skip
def test_malformed_files_are_named(release, layout, key, value, message):
    path = release(layout)
    item = partnet_h5.list_stored_shapes(path.parent, "Stool", 3)["val"][1]
    with h5py.File(path, "a") as file:
        del file[key]
        if value is not None:
            file[key] = value
    with pytest.raises(ScanError, match=message):
        partnet_h5.read_stored_shape(item, CLASSES)


def test_only_test_files_may_have_no_labels(release):
    path = release("detection", "test")
    with h5py.File(path, "a") as file:
        for key in set(file) - {"pts"}:
            del file[key]
    items = partnet_h5.list_stored_shapes(path.parent, "Stool", 3)["test"]
    scene = partnet_h5.read_stored_shape(items[0], CLASSES)
    assert not scene.semantic.any() and (scene.instance == -1).all()
    path.rename(path.with_name("val-00.h5"))
    with pytest.raises(ScanError, match="val-00.h5: expected label or gt_mask, got"):
        partnet_h5.list_stored_shapes(path.parent, "Stool", 3)


def test_the_command_takes_the_splits_of_the_files(release, tmp_path, capsys):
    train, val = release("leaves", "train"), release("truth")
    names = [f'{{"anno_id": "{number}"}}' for number in (80, 81)]
    val.with_suffix(".json").write_text(f"[{', '.join(names)}]")
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
def test_a_list_of_shapes_that_does_not_fit_is_named(release, text, message):
    path = release("leaves")
    path.with_suffix(".json").write_text(text)
    with pytest.raises(ScanError, match=rf"val-00\.json:? {message}"):
        partnet_h5.list_stored_shapes(path.parent, "Stool", 3)
