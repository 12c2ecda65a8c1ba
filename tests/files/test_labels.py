"""Labels under the names and in the numbers of several programs."""

import numpy as np
import pytest
from toy_ply import ply_of_elements

from gspn_tf.files.errors import ScanError
from gspn_tf.files.scans import read_scan

FORMATS = ("ascii", "binary_little_endian", "binary_big_endian")
XYZ = [("float", axis) for axis in "xyz"]


def read(path, kind, properties, rows, labels=None):
    rows = [(i, 0, 0, *row) for i, row in enumerate(rows)]
    path.write_bytes(ply_of_elements(kind, [("vertex", XYZ + properties, rows)]))
    return read_scan(path, labels)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("scalar", ["float", "double", "int", "ushort"])
@pytest.mark.parametrize(
    "names",
    [
        ("semantic", "instance"),
        ("label", "instance"),
        ("scalar_semantic", "scalar_instance"),
        ("scalar_Label", "scalar_Instance"),
        ("Semantic", "INSTANCE"),
    ],
)
def test_names_of_labels(tmp_path, kind, scalar, names):
    properties = [(scalar, name) for name in names]
    scan = read(tmp_path / "a.ply", kind, properties, [(5, 1), (0, 0), (7, 300)])
    assert scan.semantic.tolist() == [5, 0, 7]
    assert scan.instance.tolist() == [1, 0, 300]


@pytest.mark.parametrize(
    ("kind", "none"),
    [
        ("f4", np.nan), ("f8", np.inf), ("f4", 2**32 - 1), ("f8", 2**32 - 1),
        ("u4", 2**32 - 1), ("i8", 2**32 - 1), ("u8", 2**64 - 1), ("u2", 2**16 - 1),
        (">u2", 2**16 - 1), ("i4", -1), ("f4", -1),
    ],
)  # fmt: skip
def test_numbers_that_say_none(tmp_path, kind, none):
    values = np.array([3, none, 7], kind)
    arrays = {"semantic": values, "instance": values}
    np.savez(tmp_path / "a.npz", points=np.eye(3), **arrays)
    scan = read_scan(tmp_path / "a.npz")
    assert scan.semantic.tolist() == scan.instance.tolist() == [3, -1, 7]
    assert scan.semantic.dtype == np.int32


@pytest.mark.parametrize("kind", ["u4", "i8", "u8", "f8"])
def test_huge_numbers_of_objects_are_counted_anew(tmp_path, kind):
    top = {"u4": 2**32 - 2, "i8": 2**63 - 1, "u8": 2**63 + 9, "f8": 2**53 - 1}[kind]
    values = np.array([top, 0, top - 1, top, 7, np.iinfo("u4").max], kind)
    np.savez(tmp_path / "a.npz", points=np.ones([6, 3]), instance=values)
    found = read_scan(tmp_path / "a.npz").instance
    assert found[1] == 0 and found[5] == -1 and found.dtype == np.int32
    assert found[0] == found[3] != found[2] and (found[[0, 2, 4]] > 0).all()
    assert len(set(found.tolist())) == 5


def test_the_least_integers_are_none(tmp_path):
    """As a NaN that became an integer."""
    values = np.array([5, np.iinfo(np.int64).min])
    np.savez(tmp_path / "a.npz", points=np.eye(3)[:2], semantic=values, instance=values)
    scan = read_scan(tmp_path / "a.npz")
    assert scan.semantic.tolist() == scan.instance.tolist() == [5, -1]


def test_fields_of_other_names_are_given_or_listed(tmp_path):
    properties = [("float", "scalar_Klasse"), ("float", "Objekt")]
    labels = {"semantic": "scalar_Klasse", "instance": "Objekt"}
    path, rows = tmp_path / "a.ply", [(5, 1), (7, 2)]
    scan = read(path, "ascii", properties, rows, labels)
    assert scan.semantic.tolist() == [5, 7] and scan.instance.tolist() == [1, 2]
    scan = read_scan(path, {"semantic": None})
    assert scan.semantic is None
    assert scan.fields == ("x", "y", "z", "scalar_Klasse", "Objekt")
    with pytest.raises(
        ScanError, match=r"a\.ply: expected \['klasse'\], have .*Klasse"
    ):
        read_scan(path, {"semantic": "klasse"})
    np.savez(tmp_path / "a.npz", points=np.eye(3), sem=[1, 2, 3])
    assert read_scan(tmp_path / "a.npz", {"semantic": "sem"}).semantic.tolist() == [
        1, 2, 3,
    ]  # fmt: skip
