"""Checks that all generators of scenes share."""

import numpy as np
import pytest

from gspn_tf.commands import main as cli
from gspn_tf.data import read_scenes
from gspn_tf.data.manifest import read_manifest
from gspn_tf.data.scene import check_scene
from gspn_tf.data.shards import serialize


def assert_generated(generate, seeds, scenes, classes, smallest) -> None:
    """A seed gives a whole scene, again the same bytes, and another seed others."""
    written = [serialize(scene) for scene in scenes]
    assert serialize(generate(seeds[0])) == written[0]
    assert len(set(written)) == len(written)
    with pytest.raises(ValueError, match="seed must not be negative"):
        generate(-1)
    for scene in scenes:
        check_scene(scene, len(classes))
        mine = scene.instance >= 0
        assert np.bincount(scene.instance[mine]).min() >= smallest
        pairs = np.stack([scene.instance, scene.semantic])[:, mine]
        assert np.unique(pairs, axis=1).shape[1] == scene.num_instances  # one class


def assert_prepared(name, classes, folder, capsys) -> None:
    """The command of a generator writes the scenes it lists, others in every split."""
    command = ["prepare", name, f"--output={folder}/data", "--jobs=1"]
    assert cli.main([*command, "--train=2", "--val=1", "--test=0"]) == 0
    assert "train 2 scenes (" in capsys.readouterr().out
    manifest = read_manifest(folder / "data")
    assert manifest["classes"] == classes.pairs()
    found = [s.name for k in ("train", "val") for s in read_scenes(folder / "data", k)]
    assert len(set(found)) == 3
    assert found == [n for s in manifest["splits"].values() for n in s["names"]]
