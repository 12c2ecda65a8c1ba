"""PartNet's raw shapes at every level."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from toy_shapes import write_stool

from gspn_tf.commands import main as cli
from gspn_tf.data.manifest import read_manifest
from gspn_tf.data.scene import GREY, check_scene
from gspn_tf.datasets import partnet
from gspn_tf.files.errors import ScanError

DATA = Path(os.environ.get("GSPN_TF_DATA", "../shared/data")) / "partnet"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no PartNet shapes at {DATA}: set GSPN_TF_DATA"
)
# (parts in the tree, classes present, points of dropped leaves) by shape and level,
# counted in the files by another program.
COUNTS = {
    ("Chair", 1, "179"): (5, 4, 999),
    ("Chair", 3, "179"): (32, 9, 999),
    ("Bottle", 1, "3763"): (2, 2, 495),
    ("StorageFurniture", 2, "45780"): (17, 8, 19),
    ("StorageFurniture", 3, "45940"): (27, 14, 0),
}


@pytest.fixture
def stool(tmp_path):
    write_stool(tmp_path)
    return tmp_path


def read(source, category, level):
    classes = partnet.read_part_classes(source / "meta", category, level)
    (shape,) = partnet.list_raw_shapes(source, category)
    return partnet.read_raw_shape(shape, classes)


def test_a_level_has_the_parts_of_its_list(stool):
    coarse, fine = read(stool, "Stool", 1), read(stool, "Stool", 3)
    assert coarse.name == "7" and (coarse.colors == GREY).all()
    np.testing.assert_allclose(coarse.points[1], [0.3, -0.5, 0.4], atol=1e-6)  # z up
    assert coarse.semantic.tolist() == [1, 1, 2, 2, 0, 2]
    assert coarse.instance.tolist() == [0, 0, 1, 1, -1, 1]
    assert fine.semantic.tolist() == [1, 1, 2, 2, 0, 2]
    assert fine.instance.tolist() == [0, 0, 1, 2, -1, 1]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("point_sample/label-10000.txt", "10\n11\n", "labels, one a point, must be"),
        ("point_sample/label-10000.txt", "10\n99\n" * 3, r"leaves of .*got \[99\]"),
        ("point_sample/pts-10000.txt", "0 nan 0\n" * 6, "pts-10000.txt: points must"),
        ("point_sample/pts-10000.txt", "0 0\n" * 6, "numbers must be"),
        ("point_sample/pts-10000.txt", "0 0 0\n0 0", "readable 3-column text file"),
        ("result.json", "[{", "not a readable JSON file"),
        ("result.json", None, "result.json cannot be read: No such file"),
        ("result.json", "7", "parts must be a list, got 7"),
        ("result.json", "[7]", "an id and a name, got 7"),
        ("meta.json", "[]", "expected the category as model_cat"),
        ("result_after_merging.json", '[{"id": 1}]', "an id and a name"),
        (
            "result_after_merging.json",
            '[{"id": 0, "name": "stool", "children": '
            '[{"id": 1, "name": "top", "ori_id": 77}]}]',
            "ori_id of stool/top .* got 77",
        ),
    ],
)  # fmt: skip
def test_files_that_do_not_belong_together_are_named(stool, file, text, message):
    path = stool / "7" / file
    path.write_text(text) if text else path.unlink()
    with pytest.raises(ScanError, match=message):
        read(stool, "Stool", 3)


def test_a_merged_tree_of_another_shape_is_named(stool):
    """Numbers may fit by chance, the meshes do not."""
    for file, mesh in (("result.json", "a"), ("result_after_merging.json", "b")):
        tree = json.loads((stool / "7" / file).read_text())
        nodes = list(tree)
        for node in nodes:
            nodes += node.get("children", [])
            node["objs"] = [f"{mesh}-{node.get('ori_id', node['id'])}"]
        (stool / "7" / file).write_text(json.dumps(tree))
    with pytest.raises(ScanError, match="7/.* belongs to another shape .* 3 of its 3"):
        read(stool, "Stool", 3)


def test_categories_and_levels_that_are_not_there_are_named(stool):
    with pytest.raises(ScanError, match="category Chair, got shapes of Stool"):
        partnet.list_raw_shapes(stool, "Chair")
    with pytest.raises(ValueError, match="expected Stool-level-2.txt, got Stool-lev"):
        partnet.read_part_classes(stool / "meta", "Stool", 2)
    (stool / "meta" / "Stool-level-2.txt").write_text("1 stool\n")
    with pytest.raises(ValueError, match=r'level-2.txt: expected "id path kind"'):
        partnet.read_part_classes(stool / "meta", "Stool", 2)


def test_the_command_takes_the_splits_it_is_given(stool, tmp_path, capsys):
    for number in ("8", "9"):
        shutil.copytree(stool / "7", stool / number)
    for split, number in (("train", "9"), ("val", "7"), ("test", "6")):
        (stool / f"Stool.{split}.json").write_text(f'[{{"anno_id": "{number}"}}]')
    (stool / "Stool.train.json").write_text('[{"anno_id": "9"}, {"anno_id": "5"}]')
    output = str(tmp_path / "data")
    command = ["prepare", "partnet", f"--source={stool}", f"--output={output}"]
    command += ["--category=Stool", "--level=1", "--jobs=1"]
    assert cli.main([*command, f"--splits={stool}"]) == 1
    assert "2 listed scenes have no folder" in capsys.readouterr().err
    assert cli.main([*command, f"--splits={stool}", "--keep-going"]) == 0
    out = capsys.readouterr().out
    assert "non-commercial" in out
    manifest = read_manifest(output)
    splits = manifest["splits"]
    names = {split: entry["names"] for split, entry in splits.items()}
    assert names == {"train": ["9"], "val": ["7"]}
    assert manifest["absent"] == {"train": ["5"], "test": ["6"]}
    assert manifest["sources"]["files"] == 2 * len(partnet.FILES)
    assert splits["train"]["instances"] == {"stool/top": 1, "stool/base": 1}
    assert manifest["options"] == {"category": "Stool", "level": 1}
    assert cli.main([*command, "--val_fraction=0.3", "--force"]) == 0
    splits = read_manifest(output)["splits"]
    assert sorted(sum((s["names"] for s in splits.values()), [])) == ["7", "8", "9"]


@pytest.mark.parametrize("text", [None, '{"model_cat": 3}'])
def test_a_shape_of_unknown_category_is_a_bad_shape(stool, text, capsys):
    """It is named when it is read, and left out on demand, whatever it is."""
    for number in ("8", "9"):
        shutil.copytree(stool / "7", stool / number)
    (stool / "8" / "meta.json").unlink()
    if text:
        (stool / "8" / "meta.json").write_text(text)
    (stool / "9" / "meta.json").write_text('{"model_cat": "Table"}')
    command = ["prepare", "partnet", f"--source={stool}", "--category=Stool"]
    command += [f"--output={stool}/data", "--jobs=1", "--val_fraction=0"]
    assert cli.main(command) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "scene '8': " in error and f"{stool}/8/meta.json" in error
    assert cli.main([*command, "--keep-going"]) == 0
    train = read_manifest(stool / "data")["splits"]["train"]
    assert (train["names"], list(train["skipped"])) == (["7", "8"], ["8"])


def test_renamed_categories_are_taken_by_both_names(stool, caplog):
    for number, names in {
        "8": {"model_cat": "Bench", "original_model_cat": "Stool"},
        "9": {"model_cat": "Stool", "original_model_cat": "Chair"},
        "10": {"model_cat": "Bench", "original_model_cat": "Table"},
    }.items():
        shutil.copytree(stool / "7", stool / number)
        (stool / number / "meta.json").write_text(json.dumps(names))
    other = (stool / "9" / "result_after_merging.json").read_text()
    other = other.replace('"stool"', '"chair"')
    (stool / "9" / "result_after_merging.json").write_text(other)
    command = ["prepare", "partnet", f"--source={stool}", "--category=Stool"]
    command += [f"--output={stool}/data", "--jobs=1", "--val_fraction=0", "--level=1"]
    assert cli.main(command) == 0
    assert "shapes of Stool that are also called Bench: 1" in caplog.text
    assert "shapes of Stool that are also called Chair: 1" in caplog.text
    assert "9: no part of the tree is in the list" in caplog.text
    names = read_manifest(stool / "data")["splits"]["train"]["names"]
    assert names == ["7", "8", "9"]
    with pytest.raises(ScanError, match="got shapes of Bench, Chair, Stool, Table"):
        partnet.list_raw_shapes(stool, "Lamp")


@needs_data
@pytest.mark.parametrize(("category", "level", "name"), COUNTS, ids=str)
def test_real_shapes(category, level, name):
    classes = partnet.read_part_classes(DATA / "meta", category, level)
    shapes = {shape.name: shape for shape in partnet.list_raw_shapes(DATA, category)}
    scene = partnet.read_raw_shape(shapes[name], classes)
    check_scene(scene, len(classes))
    present = len(set(scene.semantic.tolist()) - {0})
    other = int((scene.instance < 0).sum())
    print(
        f"{category} {name} level {level}: {scene.num_instances} parts of {present} "
        f"classes, {other} of {len(scene.points)} points other"
    )
    assert (scene.num_instances, present, other) == COUNTS[category, level, name]
    assert ((scene.semantic == 0) == (scene.instance < 0)).all()
    assert 0.9 < np.linalg.norm(scene.points, axis=1).max() < 1.1
