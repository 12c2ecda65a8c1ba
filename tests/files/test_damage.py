"""Damaged files of every format: one line names the file and what it should be."""

import numpy as np
import pytest
import scipy.io
import toy_frames
import toy_shapes

from gspn_tf.datasets import nyuv2, partnet
from gspn_tf.files import hdf5, images
from gspn_tf.files.errors import ScanError, load_json
from gspn_tf.files.pcd import read_pcd
from gspn_tf.files.scans import read_scan
from gspn_tf.masks import read_masks, write_masks
from gspn_tf.training.run_folder import RunFolder

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 9\n" % 0
ARRAYS = {"points": np.arange(99.0).reshape(33, 3), "colors": np.eye(33, 3)}


def read_split(path):
    return nyuv2.read_official_split(path, [])


def read_image(path):
    return images.read_image(path, ("RGB",))


def read_shape(path):
    (source,) = partnet.list_raw_shapes(path.parents[2], "Stool")
    classes = partnet.read_part_classes(path.parents[2] / "meta", "Stool", 1)
    return partnet.read_raw_shape(source, classes)


READERS = {
    "a.npz": read_scan, "packed.npz": read_scan, "masks.npz": read_masks,
    "nyu/splits.mat": read_split, "packed.mat": read_split,
    "nyu/labeled.mat": hdf5.check, "a.pcd": read_pcd, "classes.json": load_json,
    "frames/color/0001.png": read_image,
    "shapes/7/point_sample/pts-10000.txt": read_shape,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("damage")
    np.savez(folder / "a.npz", **ARRAYS)
    np.savez_compressed(folder / "packed.npz", **ARRAYS)
    write_masks(folder / "masks.npz", [np.arange(999)], 999)
    toy_frames.write_source(folder / "nyu")
    split = {"trainNdxs": np.arange(9), "testNdxs": np.arange(9)}
    scipy.io.savemat(folder / "packed.mat", split, do_compression=True)
    toy_frames.write_pcd(folder / "a.pcd", list(range(40)), "binary_compressed")
    toy_frames.write_images(folder / "frames")
    toy_shapes.write_stool(folder / "shapes", "7")
    (folder / "classes.json").write_text('[[5, "chair"]]')
    return folder


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_named(folder, name):
    path = folder / name
    whole = path.read_bytes()
    cuts = {whole[: len(whole) * share // 16] for share in range(1, 16)}
    meanings = {
        b"": "it is empty",
        POINTER: "git-lfs",
        b"<!DOCTYPE html>": "a web page",
    }
    for content in (*meanings, b"\0" * len(whole), *sorted(cuts)):
        if name.endswith(".txt") and content in cuts:
            continue  # such lists of points are whole ones
        path.write_bytes(content)
        with pytest.raises(ScanError) as error:
            READERS[name](path)
        said = str(error.value)
        assert str(path) in said and "\n" not in said
        assert meanings.get(content, "") in said
    path.write_bytes(whole)
    READERS[name](path)


@pytest.mark.parametrize(
    "text",
    ["null", "5", "{}", "[1]", "[[1]]", '[["a", 1]]', "[[NaN, 1]]", '[[1, "a"], [2]]'],
)
def test_class_lists_of_runs_hold_pairs(tmp_path, text):
    (tmp_path / "classes.json").write_text(text)
    with pytest.raises(ScanError, match=r"classes\.json .*expected pairs such as"):
        RunFolder(tmp_path).classes()
