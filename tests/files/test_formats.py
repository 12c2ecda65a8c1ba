"""Every format in which scans come gives the points and colours of the same scan."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from scan_files import WRITERS, e57_columns, needed

from gspn_tf.data import sample_scan
from gspn_tf.files.errors import ScanError
from gspn_tf.files.formats import NAMES, SUFFIXES
from gspn_tf.files.las import write_las
from gspn_tf.files.scans import read_scan

README = (Path(__file__).parents[2] / "README.md").read_text()
TABLE = README[README.index("| format | ") :].partition("\n\n")[0]
LISTED = re.findall(r"`\.(\w+)`", TABLE)
EXACT = ("ply", "npz", "npy", "pcd", "glb", "gltf", "e57")
UTM = np.array([4_512_345.0, 512_345.0, 120.0])


@pytest.fixture(scope="module")
def sample():
    return read_scan(sample_scan())


@pytest.mark.parametrize("name", [*LISTED, "xyz.gz"])
def test_the_sample_scan_is_the_same_in_every_format(name, sample, tmp_path):
    path = tmp_path / f"home.{name}"
    WRITERS[name](path, sample.points, sample.colors)
    scan = read_scan(path)
    points, expected = scan.points, sample.points
    assert scan.up == ("y" if name in ("glb", "gltf") else "z")
    if name == "stl":  # has no colours, and each place once
        assert scan.colors is None
        points, expected = (np.unique(each, axis=0) for each in (points, expected))
    else:
        np.testing.assert_array_equal(scan.colors, sample.colors)
    tolerance = 0 if name in EXACT else 1e-6
    np.testing.assert_allclose(points, expected, rtol=0, atol=tolerance)


def test_readme_lists_every_format():
    assert {*LISTED} == {*NAMES} and {*NAMES} <= {*WRITERS} and ".xyz.gz" in SUFFIXES


@pytest.mark.parametrize("name", ["ply", "npz", "las", "laz", "xyz", "csv", "obj"])
def test_far_coordinates_keep_millimetres(name, tmp_path):
    points = UTM + np.random.default_rng(0).uniform(0, 8, (60, 3))
    colors = np.arange(180, dtype=np.uint8).reshape(60, 3)
    WRITERS[name](tmp_path / f"a.{name}", points, colors)
    scan = read_scan(tmp_path / f"a.{name}")
    assert np.abs(scan.points).max() < 10
    np.testing.assert_allclose(scan.world(), points, atol=1e-5)


@pytest.mark.parametrize("name", [n for n in WRITERS if n not in ("ply", "npz")])
def test_damaged_files_are_named(name, tmp_path):
    path = tmp_path / f"a.{name}"
    points = np.random.default_rng(0).uniform(0, 2, (40, 3)).astype(np.float32)
    WRITERS[name](path, points, np.zeros((40, 3), np.uint8))
    whole = path.read_bytes()
    cuts = [whole[: len(whole) * share // 8] for share in range(1, 8)]
    if name in ("obj", "xyz", "asc", "csv"):
        cuts = []  # such a file may be a whole one of fewer points
    for content in (b"", b"\0" * 99, b"<html>", *cuts):
        path.write_bytes(content)
        with pytest.raises(ScanError) as error:
            read_scan(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name", ["las", "laz", "e57", "glb", "pcd", "npy", "off", "pts"]
)
def test_changed_bytes_are_a_scan_or_one_line(name, tmp_path, caplog):
    caplog.set_level("CRITICAL")
    rng = np.random.default_rng(0)
    path = tmp_path / f"a.{name}"
    points = rng.uniform(0, 0.2, (30, 3)).astype(np.float32)
    WRITERS[name](path, points, np.zeros((30, 3), np.uint8))
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    for end in [120, 400, len(whole)] * 20:
        changed = whole.copy()
        at = rng.integers(0, min(end, len(whole)), 2)
        changed[at] = rng.integers(0, 256, 2)
        path.write_bytes(changed.tobytes())
        try:
            assert len(read_scan(path).points) > 0
        except ScanError as error:
            assert str(path) in str(error) and "\n" not in str(error)


def test_content_goes_before_the_name(tmp_path, sample):
    (tmp_path / "a.obj").write_bytes(sample_scan().read_bytes())
    assert len(read_scan(tmp_path / "a.obj").points) == len(sample.points)
    packed = gzip.compress(sample_scan().read_bytes())
    (tmp_path / "b").write_bytes(packed)
    assert len(read_scan(tmp_path / "b").points) == len(sample.points)
    (tmp_path / "b").write_bytes(packed[:999])
    with pytest.raises(ScanError, match="b is not a readable gzip file: "):
        read_scan(tmp_path / "b")
    (tmp_path / "c.docx").write_bytes(b"word")
    with pytest.raises(ScanError, match="expected one of ply npz .* begins with b'wo"):
        read_scan(tmp_path / "c.docx")


@pytest.mark.parametrize(
    "name, module, extra", [("las", "lazrs", "las"), ("e57", "pye57", "e57")]
)
def test_a_library_that_is_missing_is_named(name, module, extra, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, module, None)
    magic = {"las": b"LASF", "e57": b"ASTM-E57"}[name]
    (tmp_path / f"a.{name}").write_bytes(magic)
    command = rf"needs {module}: pip install 'gspn-tf\[{extra}\]'$"
    with pytest.raises(ScanError, match=command):
        read_scan(tmp_path / f"a.{name}")


def test_axes_in_the_place_of_points(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros([3, 40]))
    with pytest.raises(ScanError, match=r"expected x y z of each point, got \[3, 40\]"):
        read_scan(tmp_path / "a.npy")


def test_records_of_npy(tmp_path):
    rows = np.zeros(5, [("x", "f8"), ("y", "f8"), ("z", "f8"), ("rgb", "u4")])
    rows["y"], rows["rgb"] = np.arange(5), 0x102030
    np.save(tmp_path / "a.npy", rows)
    scan = read_scan(tmp_path / "a.npy")
    assert scan.points[:, 1].tolist() == [0, 1, 2, 3, 4]
    assert scan.colors.tolist() == [[0x10, 0x20, 0x30]] * 5
    np.save(tmp_path / "a.npy", rows[["x", "rgb"]])
    with pytest.raises(ScanError, match=r"a.npy: points need \['y', 'z'\], have"):
        read_scan(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.zeros((2, 2), rows.dtype))
    with pytest.raises(ScanError, match=r"a.npy: records must be \[V\], got \[2, 2\]"):
        read_scan(tmp_path / "a.npy")
    np.save(tmp_path / "a.npy", np.zeros(2, [("x", "f4", 3), ("y", "f4"), ("z", "f4")]))
    with pytest.raises(ScanError, match="a.npy is not .* numbers in 'x', got lists"):
        read_scan(tmp_path / "a.npy")
    for shape in ((3,), (5, 2), (2, 3, 3)):
        np.save(tmp_path / "a.npy", np.zeros(shape))
        with pytest.raises(ScanError, match="a.npy is not .* expected x y z of each"):
            read_scan(tmp_path / "a.npy")


def test_stations_of_e57_stand_by_their_poses(tmp_path):
    pye57 = needed("pye57")
    points = np.random.default_rng(0).uniform(0, 3, (30, 3)).round(3)
    colors = np.arange(90, dtype=np.uint8).reshape(30, 3)
    columns = e57_columns(points, colors)
    invalid = {"cartesianInvalidState": np.arange(30) % 5 // 4 * 2}
    turn = np.sqrt([0.5, 0, 0, 0.5])  # a quarter about z
    with pye57.E57(str(tmp_path / "a.e57"), mode="w") as file:
        file.write_scan_raw(columns)
        file.write_scan_raw(
            columns | invalid, rotation=turn, translation=np.array([UTM[2], 0, 0])
        )
    with pye57.E57(str(tmp_path / "none.e57"), mode="w"):
        pass
    with pytest.raises(ScanError, match="none.e57 .* stations with points, got none"):
        read_scan(tmp_path / "none.e57")
    scan = read_scan(tmp_path / "a.e57")
    turned = points[:, [1, 0, 2]] * [-1, 1, 1] + [UTM[2], 0, 0]
    assert np.flatnonzero(~scan.finite).tolist() == list(range(34, 60, 5))
    expected = np.concatenate([points, turned])[scan.finite]
    np.testing.assert_allclose(scan.points[scan.finite], expected, atol=1e-5)
    np.testing.assert_array_equal(scan.colors, np.tile(colors, (2, 1)))


def test_las_without_its_colors_is_grey_and_keeps_its_labels(tmp_path):
    needed("laspy")
    labels = {"semantic": np.arange(40), "instance": np.arange(40) % 7}
    points = np.random.default_rng(0).uniform(0, 9, (40, 3))
    write_las(tmp_path / "a.las", points, np.zeros((40, 3), np.uint8), labels)
    scan = read_scan(tmp_path / "a.las")
    assert scan.colors is None and "classification" in scan.fields
    for name, values in labels.items():
        np.testing.assert_array_equal(getattr(scan, name), values)
