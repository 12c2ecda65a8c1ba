"""Data folders that hold out each room once."""

import dataclasses as dc
from pathlib import Path

import pytest
import toy_models
import toy_scenes

from gspn_tf.data import manifest, read_scenes
from gspn_tf.paper.experiments import folds


def write_scans(path: Path, **splits: tuple[str, ...]) -> None:
    """The first toy scene under other names."""
    toy_models.write_data(path / "one", train=1, val=0)
    (scene,) = read_scenes(path / "one", "train")
    scenes = {
        s: [dc.replace(scene, name=n) for n in names] for s, names in splits.items()
    }
    toy_scenes.write_folder(path / "scans", toy_models.CLASSES, **scenes)


def test_every_room_is_held_out_once(tmp_path):
    write_scans(tmp_path, train=("a_00", "b_00", "a_01"), val=("c_00",))
    folds.write_folds(tmp_path / "scans", tmp_path / "folds")
    found = folds.list_folds(tmp_path / "folds")
    assert [path.name for path in found] == ["without-a", "without-b", "without-c"]
    held = {p.name: [s.name for s in read_scenes(p, "test")] for p in found}
    assert held["without-a"] == ["a_00", "a_01"] and held["without-b"] == ["b_00"]
    for path in found:
        both = [s.name for split in ("train", "test") for s in read_scenes(path, split)]
        assert sorted(both) == ["a_00", "a_01", "b_00", "c_00"]
        assert not manifest.damaged_shards(path)
        assert not manifest.has_scenes(path, "val")


def test_scans_of_one_room_cannot_be_held_out(tmp_path):
    write_scans(tmp_path, train=("a_00", "a_01"))
    with pytest.raises(ValueError, match="two rooms at least"):
        folds.write_folds(tmp_path / "scans", tmp_path / "folds")
    assert not (tmp_path / "folds").exists()
