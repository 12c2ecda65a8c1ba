"""PCD frames: the format, the labels, and what can be wrong with a file."""

import os
from pathlib import Path

import numpy as np
import pytest
from toy_frames import write_pcd

from gspn_tf.commands import main as cli
from gspn_tf.data.manifest import read_manifest
from gspn_tf.data.scene import check_scene
from gspn_tf.datasets.rgbd import TABLETOP, list_clouds, read_cloud
from gspn_tf.files.errors import ScanError
from gspn_tf.files.pcd import decompress, read_pcd

DATA = Path(os.environ.get("GSPN_TF_DATA", "../shared/data")) / "mosd"
ENCODINGS = ("ascii", "binary", "binary_compressed")
LABELS = [0, 1, 9, 20, 29, 31, 20, 12]
# Points of the table and of each object, counted in the files by another program.
COUNTS = {
    "learn0": (153323, 20792, 8177),
    "learn15": (181126, 7919, 11614, 7717),
    "learn40": (137147, 14953, 3452, 16733),
}


def read_frame(path):
    (source,) = list_clouds(path)
    return read_cloud(source)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_gives_the_same_columns(tmp_path, encoding):
    path = tmp_path / "frame.pcd"
    write_pcd(path, LABELS, encoding)
    columns = read_pcd(path)
    assert list(columns) == ["x", "y", "z", "label", "rgba"]
    assert columns["x"].tolist() == list(range(8))
    assert columns["label"].tolist() == LABELS
    assert columns["label"].dtype == np.uint32 and columns["z"].dtype == np.float32
    assert (columns["rgba"] == 0xFF102030).all()


HEADER = """\
VERSION 0.7
FIELDS x y z normal label
SIZE 4 4 4 4 1
TYPE F F F F U
COUNT 1 1 1 3 1
WIDTH 2
HEIGHT 1
DATA ascii
"""


def test_fields_of_several_numbers_and_labels_beyond_their_type(tmp_path):
    path = tmp_path / "a.pcd"
    path.write_text(HEADER + "1 2 3 0 0 1 7\n4 5 6 0 1 0 300\n")
    columns = read_pcd(path)
    assert columns["z"].tolist() == [3, 6] and columns["normal"].tolist() == [0, 0]
    assert columns["label"].tolist() == [7, 300]  # 44 were another class


@pytest.mark.parametrize("ends", ["\n", "\r"])
def test_lines_that_are_not_announced_are_an_error(tmp_path, ends):
    path = tmp_path / "a.pcd"
    text = HEADER + "1 2 3 0 0 1 7\n" * 3
    path.write_bytes(text.replace("\n", ends).encode())
    message = {"\n": "2 points announced, 3 there", "\r": "carriage returns alone"}
    with pytest.raises(ScanError, match=message[ends]):
        read_pcd(path)


def test_labels_are_a_table_and_objects_of_parts(tmp_path):
    points = np.ones((8, 3), np.float32)
    points[0] = np.nan
    write_pcd(tmp_path / "frame.pcd", LABELS, points=points)
    scene = read_frame(tmp_path)
    assert scene.semantic.tolist() == [1, 1, 2, 2, 2, 2, 0]
    assert scene.instance.tolist() == [0, 0, 1, 1, 2, 1, -1]
    np.testing.assert_array_equal(scene.points[0], [1, 1, -1])
    assert scene.colors[0].tolist() == [0x10, 0x20, 0x30]


def test_runs_of_lzf_repeat_what_they_write():
    # "abcd", then 9 bytes from 4 before the end: abcdabcda.
    stream = bytes([3]) + b"abcd" + bytes([7 << 5, 0, 3])
    assert decompress(stream, 13) == b"abcdabcdabcda"
    assert decompress(bytes([0]) + b"x" + bytes([3 << 5, 0]), 6) == b"xxxxxx"


@pytest.mark.parametrize(
    "stream, size",
    [
        (bytes([3]) + b"abc", 4),  # a run that ends too soon
        (bytes([0]) + b"a", 2),  # one byte less than announced
        (bytes([0]) + b"a" + bytes([1 << 5, 5]), 4),  # repeats what is not there
        (bytes([0]) + b"a" + bytes([7 << 5]), 4),
    ],
)
def test_a_corrupt_stream_is_an_error(stream, size):
    with pytest.raises(ValueError, match="corrupt LZF data"):
        decompress(stream, size)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("share", [0.1, 0.95])
def test_a_file_cut_short_is_named(tmp_path, encoding, share):
    path = tmp_path / "b.pcd"
    write_pcd(path, LABELS * 9, encoding)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ScanError, match=f"{path} is not a readable PCD file: "):
        read_pcd(path)


@pytest.mark.parametrize(
    "old, new, message",
    [
        (b"FIELDS x y z label rgba", b"FIELDS x y z rgba", "as many values"),
        (b"FIELDS x y z label", b"FIELDS x y z z", "'z' occurs more than once"),
        (b"SIZE 4 4 4 4 4", b"SIZE 4 4 3 4 4", "'<f3' not understood"),
        (b"TYPE F F F U U", b"", "expected a line 'TYPE'"),
        (b"WIDTH 8", b"WIDTH eight", "must be whole numbers, got ['eight', '1']"),
        (b"WIDTH 8", b"WIDTH 0", "WIDTH * HEIGHT must be positive, got 0"),
        (b"WIDTH 8", b"WIDTH 7", "20 bytes more are there than announced"),
        (b"COUNT 1 1", b"COUNT 1 0", "COUNT must be of numbers from 1 on, got '0'"),
        (b"COUNT 1 1", b"COUNT 1 -1", "COUNT must be of numbers from 1 on, got '-1'"),
        (b"DATA binary", b"DATA zipped", "DATA must be one of"),
    ],
)
def test_a_header_that_is_not_understood_is_named(tmp_path, old, new, message):
    path = tmp_path / "frame.pcd"
    write_pcd(path, LABELS)
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    with pytest.raises(ScanError) as error:
        read_pcd(path)
    assert message in str(error.value) and str(path) in str(error.value)


@pytest.mark.parametrize(
    "name, change, message",
    [
        (b"z level rgba", {}, "fields x, y, z, label and rgba, got"),
        (b"z label rgba", {"points": np.diag([1, 1, np.nan]).repeat(3, 0)[:8]}, "must"),
    ],
)
def test_a_frame_has_labels_and_its_labelled_points_are_finite(
    tmp_path, name, change, message
):
    path = tmp_path / "frame.pcd"
    write_pcd(path, LABELS, **change)
    path.write_bytes(path.read_bytes().replace(b"z label rgba", name))
    with pytest.raises(ScanError, match=rf"frame\.pcd: .*{message}"):
        read_frame(tmp_path)


def test_the_command_takes_frames_of_no_split(tmp_path):
    for name in ("a", "b", "c"):
        write_pcd(tmp_path / "in" / f"{name}.pcd", LABELS)
    command = ["prepare", "nyuv2", f"--source={tmp_path}/in", "--jobs=1"]
    assert cli.main([*command, f"--output={tmp_path}/data"]) == 0
    manifest = read_manifest(tmp_path / "data")
    assert manifest["data"] == "pcd" and manifest["classes"] == TABLETOP.pairs()
    assert sum(split["scenes"] for split in manifest["splits"].values()) == 3


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no frames at {DATA}: set GSPN_TF_DATA")
@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_real_frames(name):
    scene = read_frame(DATA / f"{name}.pcd")
    check_scene(scene, len(TABLETOP))
    counts = np.bincount(scene.instance)
    print(f"{name}: {len(scene.points)} points, {counts.tolist()} of its instances")
    assert tuple(counts) == COUNTS[name] and sum(counts) == len(scene.points)
    first = [
        int(scene.semantic[scene.instance == row][0]) for row in range(len(counts))
    ]
    assert first == [1] + [2] * (len(counts) - 1)
    assert 0.4 < scene.points[:, 1].min() and scene.points[:, 1].max() < 2
