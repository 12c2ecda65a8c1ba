"""Which scans a command is given, and the table of what became of them."""

import codecs
import csv
import io
import os

import pytest

from gspn_tf.data.job_share import JobShare
from gspn_tf.inference.collection import (
    Outcome,
    Results,
    ScanFile,
    list_scans,
    locked_share,
)

SETTINGS = {"model": "indoor", "seed": 0}


@pytest.fixture
def house(tmp_path):
    for name in (
        "a/1.ply",
        "a/2.npz",
        "a/deep/3.PLY",
        "b/1.ply",
        "a/._1.ply",
        "a/.Trash/4.ply",
        "a/t.md",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def names(*arguments):
    return [scan.name for scan in list_scans(map(str, arguments))]


def test_folders_stand_for_all_that_is_in_them(house):
    assert names(house / "a") == ["1", "2", "deep/3"]
    assert names(house) == ["a/1", "a/2", "a/deep/3", "b/1"]
    assert names(house / "b", house / "a" / "1.ply") == ["b/1", "a/1"]
    assert names(house / "b" / "1.ply") == ["1"]
    assert names(house / "a", house / "a" / "1.ply") == ["1", "2", "deep/3"]


def test_all_formats_and_no_results(house):
    results = ["settings.json", "results.csv"]
    results += [f"d/instances.{kind}" for kind in ("las", "json")]
    scans = ["a.GLB", "b.xyz.gz", "masks.npz", "out/results.ply"]
    for name in (*scans, *(f"out/{result}" for result in results)):
        (house / "c" / name).parent.mkdir(parents=True, exist_ok=True)
        (house / "c" / name).write_bytes(b"")
    assert names(house / "c") == ["a", "b.xyz", "masks"]
    (house / "c" / "out" / "settings.json").unlink()
    assert names(house / "c")[3:] == ["out/results.csv", "out/results.ply"]


def test_frames_of_a_camera_are_one_scan(house):
    for name in ("room/depth/0.png", "room/pose/0.txt", "a/room/depth/0.png"):
        (house / name).parent.mkdir(parents=True)
        (house / name).write_bytes(b"")
    (house / "a" / "room" / "pose").mkdir()
    assert names(house / "room") == ["room"]
    assert names(house) == ["a/1", "a/2", "a/deep/3", "a/room", "b/1", "room"]
    (house / "list.txt").write_text("room\nb/1.ply\n")
    assert names(house / "list.txt") == ["room", "b/1"]
    (house / "frames.txt").write_text("d/0.png c/0.jpg p/0.txt\n")
    assert names(house / "frames.txt") == ["frames"]
    (house / "a" / "room" / "mesh.ply").write_bytes(b"")  # goes before its frames
    assert names(house / "a" / "room") == ["mesh"]
    assert names(house / "room" / "depth" / "0.png") == ["0"]


def test_scans_of_one_name_keep_their_endings(house):
    (house / "b" / "1.npz").write_bytes(b"")
    assert names(house / "b") == ["1.npz", "1.ply"]


@pytest.mark.parametrize(
    "mark, encoding", [(b"", "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le")]
)
def test_a_list_is_read_from_its_folder_on(house, mark, encoding):
    text = "# of two rooms\na/1.ply\n\nb/1.ply\r\n"
    (house / "list.txt").write_bytes(mark + text.encode(encoding))
    assert names(house / "list.txt") == ["a/1", "b/1"]


def test_names_that_are_in_no_encoding(house):
    name = os.fsdecode(b"caf\xe9")
    (house / "a" / "1.ply").rename(house / "a" / f"{name}.ply")
    (house / "list.txt").write_bytes(b"a/caf\xe9.ply\nb/1.ply\n")
    scans = list_scans([str(house / "list.txt")])
    assert [scan.name for scan in scans] == [f"a/{name}", "b/1"]
    results = Results(house / "out", SETTINGS, JobShare())
    finish(results, scans[0].name)
    finish(results, scans[1].name, f"{name}: cannot be read")
    text = (house / "out" / "results.csv").read_text(encoding="utf-8")
    assert text.splitlines()[1:] == [
        r"a/caf\xe9,3,1.5,",
        r"b/1,3,1.5,caf\xe9: cannot be read",
    ]
    again = Results(house / "out", SETTINGS, JobShare())
    assert again.is_done(scans[0].name) and again.failures(scans) == [scans[1]]


@pytest.mark.parametrize(
    "text, message",
    [
        ("a/1.ply\nc/9.ply\n", "lists .*c/9.ply, which is missing"),
        ("#\n", "lists no scan"),
    ],
)
def test_a_list_of_what_is_not_there(house, text, message):
    (house / "list.txt").write_text(text)
    with pytest.raises(FileNotFoundError, match=message):
        names(house / "list.txt")


def test_nothing_to_segment(house):
    (house / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no scan: none of ply npz "):
        names(house / "empty")
    with pytest.raises(FileNotFoundError, match="no file .*none.ply"):
        names(house / "none.ply")


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_have_each_scan_once(house, count):
    scans = list_scans([str(house)])
    parts = [JobShare.parse(f"{i + 1}/{count}").of(scans) for i in range(count)]
    assert sorted(x for part in parts for x in part) == sorted(scans)
    assert len({JobShare(i + 1, count).suffix for i in range(count)}) == count


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "-1/2", "1/0", ""])
def test_no_shard(text):
    with pytest.raises(ValueError, match="must be a part such as 1/3"):
        JobShare.parse(text)


def test_a_share_and_the_whole_work_are_done_by_one_process_each(tmp_path):
    first, second, whole = JobShare(1, 2), JobShare(2, 2), JobShare()
    with locked_share(tmp_path, first), locked_share(tmp_path, second):
        with (
            pytest.raises(ValueError, match="another process with --shard 1/2 writes"),
            locked_share(tmp_path, first),
        ):
            pass
        with (
            pytest.raises(ValueError, match="another process writes to .* --shard i/n"),
            locked_share(tmp_path, whole),
        ):
            pass
    with locked_share(tmp_path, whole), pytest.raises(ValueError, match="another"):
        with locked_share(tmp_path, second):
            pass
    with locked_share(tmp_path, first):
        pass


def finish(results, name, error=""):
    folder = results.folder / name
    if not error:
        folder.mkdir(parents=True)
        (folder / "instances.json").write_text("{}")
    results.add(Outcome(name, 3, 1.5, error))


def test_what_is_done_stays_done_and_what_failed_is_tried_again(tmp_path):
    results = Results(tmp_path / "out", SETTINGS, JobShare())
    finish(results, "a/1")
    finish(results, "b", 'b.ply: it is cut, "so"\nto say')
    again = Results(tmp_path / "out", SETTINGS, JobShare())
    assert again.is_done("a/1") and not again.is_done("b") and not again.is_done("c")
    a, b = ScanFile(tmp_path, "a/1"), ScanFile(tmp_path, "b")
    assert again.failures([a, b]) == [b] and again.failures([a]) == []
    finish(again, "b")
    table = (tmp_path / "out" / "results.csv").read_text()
    assert list(csv.DictReader(io.StringIO(table))) == [
        {"scan": name, "instances": "3", "seconds": "1.5", "error": ""}
        for name in ("a/1", "b")
    ]
    (tmp_path / "out" / "b" / "instances.json").unlink()
    assert not Results(tmp_path / "out", SETTINGS, JobShare()).is_done("b")


def test_what_a_killed_run_left_is_removed(tmp_path):
    results = Results(tmp_path, SETTINGS, JobShare())
    (tmp_path / "a" / ".writing-x").mkdir(parents=True)
    (tmp_path / "a" / ".writing-x" / "instances.ply").write_bytes(b"half")
    assert list(results.folder_of("a").iterdir()) == []
    assert not results.folder_of("b").exists()


def test_results_of_other_settings_are_not_mixed(tmp_path):
    Results(tmp_path, SETTINGS, JobShare())
    with pytest.raises(
        ValueError, match="results with seed = 0, now it is 1: give ano"
    ):
        Results(tmp_path, SETTINGS | {"seed": 1}, JobShare())


@pytest.mark.parametrize(
    "text", ["scan,instances\n", "scan,instances,seconds,error\na,b"]
)
def test_a_damaged_table_is_named(tmp_path, text):
    (tmp_path / "results.csv").write_text(text)
    with pytest.raises(ValueError, match="results.csv is no table of scan, instances"):
        Results(tmp_path, SETTINGS, JobShare())
