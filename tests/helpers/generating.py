"""A check that all commands share which generate scenes."""

from gspn_tf.commands import main as cli
from gspn_tf.data import read_scenes
from gspn_tf.data.manifest import read_manifest


def assert_prepared(name, classes, folder, capsys) -> None:
    """Its command writes the scenes that it lists, others in every split."""
    command = ["prepare", name, f"--output={folder}/data", "--jobs=1"]
    assert cli.main([*command, "--train=2", "--val=1", "--test=0"]) == 0
    assert "train 2 scenes (" in capsys.readouterr().out
    manifest = read_manifest(folder / "data")
    assert manifest["classes"] == classes.pairs()
    found = [s.name for k in ("train", "val") for s in read_scenes(folder / "data", k)]
    assert len(set(found)) == 3
    assert found == [n for s in manifest["splits"].values() for n in s["names"]]
    assert cli.main([*command, "--train=0", "--val=0", "--test=0"]) == 1
    assert "nothing to make" in capsys.readouterr().err
