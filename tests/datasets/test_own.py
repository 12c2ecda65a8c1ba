"""Scans that users label themselves."""

import numpy as np
import pytest

from gspn_tf.data.classes import SCANNET
from gspn_tf.data.scene import GREY
from gspn_tf.datasets import own
from gspn_tf.files.errors import ScanError


def labelled(path, **change):
    arrays = {
        "points": np.arange(36, dtype=np.float32).reshape(12, 3),
        "colors": np.full((12, 3), 9, np.uint8),
        "semantic": np.array([5, 5, 5, 1, 1, 1, 5, 7, 7, 0, 99, 5], np.int32),
        "instance": np.array([8, 8, 8, 2, 2, 2, 2, 30, 30, 0, 30, 0], np.int32),
    }
    np.savez(path, **{k: v for k, v in (arrays | change).items() if v is not None})
    return path


def read_own(path):
    (source,) = own.find_scans(path)
    return own.read_labelled_scan(source, SCANNET)


def test_a_scan_follows_the_class_list(tmp_path):
    scene = read_own(labelled(tmp_path / "flat.npz", colors=None))
    chair, table = SCANNET.names.index("chair") + 1, SCANNET.names.index("table") + 1
    assert scene.name == "flat" and (scene.colors == GREY).all()
    expected = [chair] * 3 + [0] * 3 + [chair, table, table, 0, 0, chair]
    assert scene.semantic.tolist() == expected
    # Object 2 is mostly wall (1, not in the list): dropped. 8 -> 0, 30 -> 1.
    assert scene.instance.tolist() == [0] * 3 + [-1] * 4 + [1, 1, -1, 1, -1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": np.diag([np.nan, 1, np.inf]).repeat(4, 0)}, "and 8 such"),
        ({"instance": None}, "expected 'semantic' and 'instance'"),
    ],
)
def test_a_scan_must_be_labelled_and_finite(tmp_path, change, message):
    with pytest.raises(ScanError, match=rf"a\.npz: .*{message}"):
        read_own(labelled(tmp_path / "a.npz", **change))


def test_scans_of_a_folder_are_found_in_order(tmp_path):
    for name in ("b.PLY", "a.npz", "c.ply", "notes.txt"):
        (tmp_path / name).touch()
    found = [source.files[0].name for source in own.find_scans(tmp_path)]
    assert found == ["a.npz", "b.PLY", "c.ply"]
    assert own.find_scans(tmp_path / "a.npz")[0].files == (tmp_path / "a.npz",)
    with pytest.raises(ScanError, match="got none"):
        own.find_scans(tmp_path / "empty")
