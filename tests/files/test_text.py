"""Text of other systems, and files of folders that macOS has written to."""

import codecs
import shutil

import numpy as np
import pytest
import toy_frames
import toy_scannet
import toy_shapes

from gspn_tf.data.classes import SCANNET, ClassList
from gspn_tf.datasets import own, partnet, rgbd, scannet
from gspn_tf.evaluation import submission
from gspn_tf.files.errors import ScanError, load_json
from gspn_tf.files.text import read_text

# Encodings that Windows' editors write, with what they put before the text.
MARKED = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


def recode(path, encoding):
    text = path.read_bytes().decode().replace("\n", "\r\n")
    path.write_bytes(MARKED[encoding] + text.encode(encoding))


@pytest.mark.parametrize("encoding", MARKED)
def test_every_text_file_is_decoded_by_its_mark(tmp_path, encoding):
    toy_scannet.write_source(tmp_path)
    label_map = scannet.data_set(tmp_path)
    expected = [scannet_scenes(tmp_path), label_map.splits]
    classes = tmp_path / "classes.txt"
    classes.write_text("5 chaise à bras\n7 table\n", encoding="utf-8")
    for suffix in ("txt", "tsv", "json"):
        for path in tmp_path.rglob(f"*.{suffix}"):
            recode(path, encoding)
    assert ClassList.read(classes).names == ("chaise à bras", "table")
    found = [scannet_scenes(tmp_path), scannet.data_set(tmp_path).splits]
    for one, other in zip(found[0], expected[0], strict=True):
        np.testing.assert_array_equal(one.points, other.points)
        np.testing.assert_array_equal(one.instance, other.instance)
    assert found[1] == expected[1]


def scannet_scenes(folder):
    data = scannet.data_set(folder)
    return [data.read(source) for split in data.splits.values() for source in split]


@pytest.mark.parametrize("encoding", MARKED)
def test_predictions_are_decoded_by_their_mark(tmp_path, encoding):
    (tmp_path / "m").mkdir()
    (tmp_path / "a.txt").write_text("m/0.txt 5 0.5\n")
    (tmp_path / "m" / "0.txt").write_text("0\n1\n1\n")
    for path in tmp_path.rglob("*.txt"):
        recode(path, encoding)
    found = submission.read_predictions(tmp_path / "a.txt", SCANNET, 3)
    assert found.masks[0].tolist() == [False, True, True]
    truth = tmp_path / "truth.txt"
    truth.write_text("0\n5001\n5001\n")
    recode(truth, encoding)
    assert submission.read_truth(truth, SCANNET)[1].tolist() == [0, 5001, 5001]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("5 chair\n".encode("utf-16-le"), "it is text in UTF-16LE; save it"),
        ("5 Stühle\n".encode("latin-1"), "'utf-8' codec can't decode byte 0xfc"),
        (codecs.BOM_UTF16_LE + b"5 c", "'utf-16-le' codec can't decode"),
        (b"version https://git-lfs.github.com/spec/v1\noid 0\xff", "git-lfs"),
    ],
)
def test_other_text_is_an_error_that_names_the_file(tmp_path, data, message):
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    for read in (read_text, ClassList.read):
        with pytest.raises(ScanError, match=rf"a\.txt is not a readable .*{message}"):
            read(path)
    with pytest.raises(ScanError, match=r"a\.txt is not a readable JSON file"):
        load_json(path)


def test_hidden_files_are_left_out(tmp_path):
    def hide_beside_each(folder):
        for path in list(folder.rglob("*.*")):
            path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7")

    scans, frames, clouds, shapes, found = (tmp_path / n for n in "sfcpr")
    for folder in (scans, found, clouds):
        folder.mkdir()
    np.savez(scans / "a.npz", points=np.eye(3))
    toy_frames.write_source(frames)
    toy_frames.write_pcd(clouds / "a.pcd", [0, 1, 20])
    toy_shapes.write_stool(shapes, "7")
    (found / "scene.txt").write_text("")
    (found / "scene.txt.gz").write_text("")
    lists = (
        lambda: own.find_scans(scans),
        lambda: rgbd.list_images(frames),
        lambda: rgbd.list_clouds(clouds),
        lambda: partnet.list_raw_shapes(shapes, "Stool"),
        lambda: submission.list_predictions(found),
        lambda: submission.list_truth(found),
    )
    expected = [listed() for listed in lists]
    hide_beside_each(tmp_path)
    assert [listed() for listed in lists] == expected
    shutil.rmtree(scans)
    scans.mkdir()
    (scans / "._a.npz").touch()
    with pytest.raises(ScanError, match=r"expected files of \.npz, \.ply, .* got none"):
        own.find_scans(scans)
