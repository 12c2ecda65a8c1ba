"""Several processes prepare one data folder, each a part of it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from command_line import error_of, gspn
from toy_scenes import read_file, toy_data, write_own_scans

from gspn_tf.data import read_scenes
from gspn_tf.data.job_share import JobShare
from gspn_tf.datasets import writing
from gspn_tf.datasets.preparing import prepare_scenes
from gspn_tf.datasets.sharing import prepare_part
from gspn_tf.datasets.writing import SceneError


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(writing, "SCENES_PER_SHARD", 2)


@pytest.mark.parametrize("order", [[2, 1], [1, 3, 2], [*range(1, 10)]], ids=len)
def test_parts_together_are_one_run(tmp_path, order):
    data = toy_data(tmp_path / "raw", {"train": 7, "val": 3})
    whole = prepare_scenes(tmp_path / "whole", data, jobs=1)
    *first, last = (JobShare(number, len(order)) for number in order)
    for share in first:
        found = prepare_part(tmp_path / "data", data, share, jobs=1)
        assert (found is None) == (not (tmp_path / "data").exists())
    assert prepare_part(tmp_path / "data", data, last, jobs=1) == whole
    assert contents(tmp_path / "data") == contents(tmp_path / "whole")
    assert {p.name for p in tmp_path.iterdir()} == {"raw", "whole", "data"}
    for share in (*first, last):  # again: all is there
        assert prepare_part(tmp_path / "data", data, share) == whole


def test_a_part_that_fails_is_done_again_alone(tmp_path):
    read = []

    def watched(item):
        read.append(item.name)
        return read_file(item)

    data = toy_data(tmp_path / "raw", {"train": 8}, watched)
    (tmp_path / "raw" / "train_03.toy").write_text("broken")
    assert prepare_part(tmp_path / "data", data, JobShare(1, 2), jobs=1) is None
    with pytest.raises(SceneError, match="scene 'train_03'"):
        prepare_part(tmp_path / "data", data, JobShare(2, 2), jobs=1)
    assert not (tmp_path / "data").exists()
    (tmp_path / "raw" / "train_03.toy").write_text("3")
    read.clear()
    assert prepare_part(tmp_path / "data", data, JobShare(2, 2), jobs=1)
    assert read == ["train_03", "train_07"]  # a shard that was finished stays


def test_what_parts_refuse(tmp_path):
    data = toy_data(tmp_path / "raw", {"train": 8})
    other = toy_data(tmp_path / "raw", {"train": 8}, options={"level": 1})
    assert prepare_part(tmp_path / "data", data, JobShare(1, 3), jobs=1) is None
    with pytest.raises(ValueError, match=r"options.level \(None there, 1 here\)"):
        prepare_part(tmp_path / "data", other, JobShare(2, 3), jobs=1)
    with pytest.raises(ValueError, match="in other parts .part.1-of-3.lock., not in 2"):
        prepare_part(tmp_path / "data", data, JobShare(2, 2), jobs=1)
    prepare_scenes(tmp_path / "data", data, jobs=1)  # goes on alone
    with pytest.raises(ValueError, match=r"options.level \(None there, 1 here\)"):
        prepare_part(tmp_path / "data", other, JobShare(2, 3), jobs=1)


def test_runs_at_the_same_time_do_not_mix(tmp_path):
    refused = []

    def meanwhile(item):
        calls = {
            "another run is writing /": lambda: prepare_scenes(output, data, jobs=1),
            "another run is writing this part": lambda: prepare_part(
                output, data, JobShare(1, 2), jobs=1
            ),
        }
        for message, call in calls.items():
            with pytest.raises(ValueError, match=message):
                call()
            refused.append(item.name)
        return read_file(item)

    output, data = tmp_path / "data", toy_data(tmp_path / "raw", {"train": 4})
    watched = toy_data(tmp_path / "raw", {"train": 4}, meanwhile)
    assert prepare_part(output, watched, JobShare(1, 2), jobs=1) is None
    assert len(refused) == 4 and not output.exists()


def test_the_last_to_end_completes_the_folder(tmp_path):
    output, data = tmp_path / "data", toy_data(tmp_path / "raw", {"train": 4})

    def read(item):  # in its midst the second of two parts is done
        assert prepare_part(output, data, JobShare(2, 2), jobs=1) is None
        return read_file(item)

    watched = toy_data(tmp_path / "raw", {"train": 4}, read)
    assert prepare_part(output, watched, JobShare(1, 2), jobs=1)
    assert len(list(read_scenes(output, "train"))) == 4


def test_parts_at_the_same_time(tmp_path):
    data = toy_data(tmp_path / "raw", {"train": 30})
    whole = prepare_scenes(tmp_path / "whole", data, jobs=1)

    def prepare(output, number):
        return prepare_part(output, data, JobShare(number, 3), jobs=1)

    for attempt in range(5):
        output = tmp_path / str(attempt)
        with ThreadPoolExecutor(3) as pool:
            assert whole in list(pool.map(prepare, [output] * 3, (1, 2, 3)))
        assert contents(output) == contents(tmp_path / "whole")


def test_the_command_takes_parts(tmp_path, capsys):
    write_own_scans(tmp_path / "scans", 5)
    base = ("prepare", "own", "--source", tmp_path / "scans", "--jobs=1")
    base = (*base, "--classes", tmp_path / "scans" / "classes.txt")
    assert gspn(*base, "--output", tmp_path / "whole") == 0
    parts = (*base, "--output", tmp_path / "data")
    for part in ("3/3", "1/3"):
        assert gspn(*parts, f"--shard={part}") == 0
        said = capsys.readouterr().out
        assert f"part {part} is done, other parts are missing" in said
    assert gspn(*parts, "--shard=2/3") == 0
    assert "train 4 scenes (" in capsys.readouterr().out
    assert contents(tmp_path / "data") == contents(tmp_path / "whole")
    assert gspn(*parts, "--shard=4/3") == 1
    assert "--shard must be a part such as 1/3" in error_of(capsys)
    assert gspn(*parts, "--shard=1/3", "--force") == 1
    assert "--force would undo what other parts have done" in error_of(capsys)
