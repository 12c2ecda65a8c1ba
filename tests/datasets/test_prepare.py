"""Preparing a data set: what is written, and what interrupts it."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from toy_scenes import CLASSES, make_scene, read_file, toy_data, write_own_scans

from gspn_tf import files
from gspn_tf.config import DataConfig
from gspn_tf.data import load, read_scenes
from gspn_tf.data.manifest import checksum, has_scenes, read_manifest
from gspn_tf.datasets import preparing, writing
from gspn_tf.datasets.preparing import prepare_scenes
from gspn_tf.datasets.reading import DataSet, SceneSource
from gspn_tf.datasets.writing import SceneError

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("GSPN_KILLS", "2"))


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_manifest_says_what_is_there(tmp_path):
    data = toy_data(
        tmp_path / "raw",
        {"train": 20, "test": 2},
        options={"level": 3},
        unlabelled=("test",),
        absent={"test": ["test_99"]},
    )
    (tmp_path / "raw" / "train_03.toy").write_text("3 is odd")
    manifest = prepare_scenes(tmp_path / "data", data, jobs=1)
    assert manifest == read_manifest(tmp_path / "data")
    assert manifest["options"] == {"level": 3}
    assert manifest["absent"] == {"test": ["test_99"]}
    assert manifest["warnings"] == ["train_03: is odd"]
    assert set(manifest["versions"]) == {"gspn_tf", "python", "numpy", "tensorflow"}
    train, test = manifest["splits"]["train"], manifest["splits"]["test"]
    assert (train["scenes"], train["points"], train["labelled"]) == (20, 2400, True)
    assert train["instances"] == {"cabinet": 20, "chair": 20, "window": 20}
    assert len(train["shards"]) == 2 and not test["labelled"]
    for name, digest in (train["shards"] | test["shards"]).items():
        assert files.sha256(tmp_path / "data" / name) == digest
    found = [scene.points for scene in read_scenes(tmp_path / "data", "train")]
    for i, points in enumerate(found):
        np.testing.assert_array_equal(points, make_scene(i).points)
    command = ["sha256sum", "--check", "--quiet", tmp_path / "data" / "sources.sha256"]
    assert manifest["sources"]["files"] == 22
    subprocess.run(command, cwd=tmp_path / "raw", check=True)


def test_processes_and_jobs_do_not_change_a_byte(tmp_path):
    data = toy_data(tmp_path / "raw", {"train": 20, "val": 3})
    for jobs in (1, 2):
        prepare_scenes(tmp_path / str(jobs), data, jobs=jobs)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_a_mount_point_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "is_mount", lambda path: path.name == "disk")
    with pytest.raises(ValueError, match="disk is a mount point.*give a folder in it"):
        prepare_scenes(tmp_path / "disk", toy_data(tmp_path / "raw", {"train": 1}))
    assert not (tmp_path / ".disk.unfinished").exists()
    prepare_scenes(tmp_path / "disk" / "a", toy_data(tmp_path / "raw", {"train": 1}))


PROGRAM = """
from pathlib import Path
from toy_scenes import toy_data
from gspn_tf.datasets.reading import read_sources
data = toy_data(Path(__file__).parent, {"train": 4})
list(read_sources(data.splits["train"], data, jobs=2))
"""


def test_a_program_without_a_main_guard_is_told_so(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests", ROOT / "tests/helpers")))
    ended = subprocess.run(
        [sys.executable, program],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert "RuntimeError: no process could start to read scenes" in ended.stderr


def test_reading_needs_no_tensorflow():
    """No reader imports it, whatever the data set."""
    modules = ("scannet", "own", "partnet", "partnet_h5", "nyuv2")
    names = [f"gspn_tf.datasets.{name}" for name in (*modules, "reading")]
    names += [f"gspn_tf.synthetic.{name}" for name in ("rooms", "views", "parts")]
    program = f"import sys, {', '.join(names)}; sys.exit('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert done.returncode == 0, done.stderr


def test_a_bad_scene_is_named_and_finished_shards_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "SCENES_PER_SHARD", 2)
    data = toy_data(tmp_path / "raw", {"train": 6})
    (tmp_path / "raw" / "train_05.toy").write_text("broken")
    with pytest.raises(SceneError, match="scene 'train_05': invalid literal"):
        prepare_scenes(tmp_path / "data", data, jobs=1)
    assert not (tmp_path / "data").exists()
    read = []

    def watched(item):
        read.append(item.name)
        return read_file(item)

    (tmp_path / "raw" / "train_05.toy").write_text("5")
    data = toy_data(tmp_path / "raw", {"train": 6}, watched)
    prepare_scenes(tmp_path / "data", data, jobs=1)
    assert read == ["train_02", "train_05"]  # of three shards the last
    prepare_scenes(tmp_path / "data", data, jobs=1)
    assert len(read) == 2
    prepare_scenes(tmp_path / "afresh", data, jobs=1)
    assert contents(tmp_path / "afresh") == contents(tmp_path / "data")


def test_keep_going_lists_what_it_leaves_out(tmp_path):
    data = toy_data(tmp_path / "raw", {"train": 3})
    (tmp_path / "raw" / "train_01.toy").unlink()
    with pytest.raises(SceneError, match=r"No such file .*train_01\.toy"):
        prepare_scenes(tmp_path / "data", data, jobs=1)
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]
    manifest = prepare_scenes(tmp_path / "data", data, jobs=1, keep_going=True)
    (name, reason) = next(iter(manifest["splits"]["train"]["skipped"].items()))
    assert name == "train_01" and "No such file" in reason
    assert manifest["splits"]["train"]["scenes"] == 2
    assert len(list(read_scenes(tmp_path / "data", "train"))) == 2


def test_a_split_of_bad_scenes_is_empty_on_demand(tmp_path):
    data = toy_data(tmp_path / "raw", {"train": 2, "val": 1})
    (tmp_path / "raw" / "val_00.toy").write_text("broken")
    manifest = prepare_scenes(tmp_path / "data", data, jobs=1, keep_going=True)
    assert manifest["splits"]["val"]["scenes"] == 0
    assert has_scenes(tmp_path / "data", "train")
    assert not has_scenes(tmp_path / "data", "val")
    assert prepare_scenes(tmp_path / "data", data, keep_going=True) == manifest
    with pytest.raises(ValueError, match="none of the scenes of split 'val' could be"):
        next(read_scenes(tmp_path / "data", "val"))
    for name in ("train_00", "train_01"):
        (tmp_path / "raw" / f"{name}.toy").unlink()
    with pytest.raises(ValueError, match="none of the scenes can be read"):
        prepare_scenes(tmp_path / "none", data, jobs=1, keep_going=True)


def test_other_data_in_the_folder_is_refused(tmp_path):
    output = tmp_path / "data"
    prepare_scenes(output, toy_data(tmp_path / "raw", {"train": 2}), jobs=1)
    before = contents(output)
    other = toy_data(tmp_path / "raw", {"train": 2}, options={"level": 1})
    with pytest.raises(ValueError, match=r"options.level \(None there, 1 here\)"):
        prepare_scenes(output, other, jobs=1)
    assert contents(output) == before
    prepare_scenes(output, other, jobs=1, force=True)
    assert read_manifest(output)["options"] == {"level": 1}
    assert {path.name for path in tmp_path.iterdir()} == {"raw", "data"}


def interrupted(tmp_path, monkeypatch, **options):
    """A run of two shards that ended after the first."""
    monkeypatch.setattr(writing, "SCENES_PER_SHARD", 1)

    def stop(item):
        if item.name.endswith("1"):
            raise KeyboardInterrupt
        return read_file(item)

    with pytest.raises(KeyboardInterrupt):
        data = toy_data(tmp_path / "raw", {"train": 2}, stop, **options)
        prepare_scenes(tmp_path / "data", data, jobs=1)
    return toy_data(tmp_path / "raw", {"train": 2}, **options)


def test_an_unfinished_run_of_other_options_is_refused(tmp_path, monkeypatch):
    interrupted(tmp_path, monkeypatch)
    other = toy_data(tmp_path / "raw", {"train": 2}, options={"level": 1})
    with pytest.raises(ValueError, match="unfinished run with other data or options"):
        prepare_scenes(tmp_path / "data", other, jobs=1)
    prepare_scenes(tmp_path / "data", other, jobs=1, force=True)
    assert read_manifest(tmp_path / "data")["options"] == {"level": 1}


def test_a_source_that_changed_meanwhile_is_noticed(tmp_path, monkeypatch):
    data = interrupted(tmp_path, monkeypatch)
    os.utime(tmp_path / "raw" / "train_00.toy")  # touched, but the same
    (tmp_path / "raw" / "train_00.toy").write_text("7")
    os.utime(tmp_path / "raw" / "train_00.toy", (1, 1))  # older than the shard
    with pytest.raises(ValueError, match=r"train_00\.toy has changed"):
        prepare_scenes(tmp_path / "data", data, jobs=1)
    (tmp_path / "raw" / "train_00.toy").write_text("0")
    prepare_scenes(tmp_path / "data", data, jobs=1)


def test_two_runs_of_one_folder_do_not_mix(tmp_path):
    data = toy_data(tmp_path / "raw", {"train": 1})

    def meanwhile(item):
        with pytest.raises(ValueError, match="another run is writing"):
            prepare_scenes(tmp_path / "data", data, jobs=1)
        return read_file(item)

    first = toy_data(tmp_path / "raw", {"train": 1}, meanwhile)
    assert prepare_scenes(tmp_path / "data", first, jobs=1)["splits"]["train"]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("moment", ["rename", "rmtree"])
def test_a_kill_while_the_folder_is_renamed(tmp_path, monkeypatch, moment, force):
    """At `rename` the old folder is away; at `rmtree` the new one is in place."""
    old = toy_data(tmp_path / "raw", {"train": 1})
    new = toy_data(tmp_path / "raw", {"train": 1}, options={"level": 1})
    prepare_scenes(tmp_path / "data", old, jobs=1)
    module = os if moment == "rename" else preparing.shutil
    real, unfinished = getattr(module, moment), tmp_path / ".data.unfinished"

    def once(path, *arguments, **options):
        if path in (unfinished, unfinished / "data"):
            raise KeyboardInterrupt
        return real(path, *arguments, **options)

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(module, moment, once)
        prepare_scenes(tmp_path / "data", new, jobs=1, force=True)
    prepare_scenes(tmp_path / "data", new, jobs=1, force=force)
    assert read_manifest(tmp_path / "data")["options"] == {"level": 1}
    assert {path.name for path in tmp_path.iterdir()} == {"raw", "data"}


def test_a_shard_that_is_half_written_is_written_anew(tmp_path, monkeypatch):
    data = interrupted(tmp_path, monkeypatch)
    half = tmp_path / ".data.unfinished" / "data" / "train-00001-of-00002.tfrecord"
    half.write_bytes(b"half a record")
    prepare_scenes(tmp_path / "data", data, jobs=1)
    prepare_scenes(tmp_path / "afresh", data, jobs=1)
    assert contents(tmp_path / "data") == contents(tmp_path / "afresh")


def test_a_scene_twice_and_no_scene_at_all_are_refused(tmp_path):
    item = SceneSource("a")
    with pytest.raises(ValueError, match="in one split, once; .*: a"):
        DataSet("toy", CLASSES, {"train": [item], "val": [item]}, read_file)
    with pytest.raises(ValueError, match="there are no scenes"):
        DataSet("toy", CLASSES, {}, read_file)
    with pytest.raises(ValueError, match="split 'val' has no scenes"):
        DataSet("toy", CLASSES, {"train": [item], "val": []}, read_file)


def test_splits_without_labels_are_not_trained_on(tmp_path):
    data = toy_data(tmp_path / "raw", {"test": 1}, unlabelled=("test",))
    prepare_scenes(tmp_path / "data", data, jobs=1)
    arguments = {"batch_size": 1, "seed": 0}
    with pytest.raises(ValueError, match="has no labels to train on"):
        load(tmp_path / "data", "test", DataConfig(), training=True, **arguments)


def test_checksum_depends_on_the_split_alone(tmp_path):
    data = toy_data(tmp_path / "raw", {"train": 2})
    more = toy_data(tmp_path / "raw", {"train": 2, "val": 1})
    prepare_scenes(tmp_path / "a", data, jobs=1)
    prepare_scenes(tmp_path / "b", more, jobs=1)
    assert checksum(tmp_path / "a", "train") == checksum(tmp_path / "b", "train")
    assert checksum(tmp_path / "b", "val") != checksum(tmp_path / "b", "train")


@pytest.mark.parametrize(
    "change, message",
    [
        ({"format": 9}, "format 9, this version reads up to 2"),
        ({"splits": {"train": {}}}, "is no manifest of `gspn prepare`: 'scenes'"),
        ({"classes": None}, "is no manifest"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_named(tmp_path, change, message):
    prepare_scenes(tmp_path / "d", toy_data(tmp_path / "raw", {"train": 1}), jobs=1)
    path = tmp_path / "d" / "manifest.json"
    path.write_text(json.dumps(read_manifest(tmp_path / "d") | change))
    with pytest.raises(ValueError, match=message):
        read_manifest(tmp_path / "d")


def test_a_manifest_of_the_first_form_is_still_read(tmp_path):
    data = toy_data(tmp_path / "raw", {"train": 2})
    manifest = prepare_scenes(tmp_path / "d", data, jobs=1)
    train = {"scenes": 2, "shards": list(manifest["splits"]["train"]["shards"])}
    first = {"classes": manifest["classes"], "splits": {"train": train}}
    digest = checksum(tmp_path / "d", "train")
    (tmp_path / "d" / "manifest.json").write_text(json.dumps(first))
    assert len(list(read_scenes(tmp_path / "d", "train"))) == 2
    assert checksum(tmp_path / "d", "train") == digest


@pytest.mark.long
def test_killed_at_random_moments_it_ends_with_the_same_bytes(tmp_path):
    """SIGKILL, GSPN_KILLS times (2 by default); no finished shard is touched again."""
    scans, output = tmp_path / "scans", tmp_path / "data"
    write_own_scans(scans, 90, num_points=10_000)  # a kill meets every stage
    unfinished, whole = tmp_path / ".data.unfinished", tmp_path / "whole"
    assert prepare_own(scans, output).wait() == 0
    os.rename(output, whole)
    rng = random.Random(0)
    finished: dict[str, tuple[int, int]] = {}
    for _ in range(KILLS):
        process = prepare_own(scans, output)
        while process.poll() is None and not unfinished.exists():
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, 2.0))
        process.kill()
        process.wait()
        folder = unfinished / "data" if (unfinished / "data").exists() else output
        for facts in unfinished.glob("finished/*.json"):
            status = (folder / facts.stem).stat()
            state = (status.st_ino, status.st_mtime_ns)
            assert finished.setdefault(facts.stem, state) == state
    assert prepare_own(scans, output).wait() == 0
    for name, state in finished.items():
        status = (output / name).stat()
        assert (status.st_ino, status.st_mtime_ns) == state
    assert contents(output) == contents(whole)
    assert {path.name for path in tmp_path.iterdir()} == {"scans", "data", "whole"}


def prepare_own(scans, output) -> subprocess.Popen:
    words = f"prepare own --source {scans} --classes {scans}/classes.txt --jobs 2"
    command = [sys.executable, "-m", "gspn_tf.commands.main", *words.split()]
    return subprocess.Popen(
        [*command, "--output", output], cwd=ROOT, stdout=subprocess.DEVNULL
    )
