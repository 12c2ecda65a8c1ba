"""Files that users bring: PLY of every kind, npz, and broken ones."""

import codecs
import os

import numpy as np
import pytest
from toy_ply import ply_bytes

from gspn_tf.files.errors import ScanError
from gspn_tf.files.ply import write_ply
from gspn_tf.files.scans import read_scan

XYZ = [("float", axis) for axis in "xyz"]
RGB = [("uchar", channel) for channel in ("red", "green", "blue")]
POINTS = np.zeros((4, 3))
FORMATS = ("ascii", "binary_little_endian", "binary_big_endian")


def vertices(count=40):
    rng = np.random.default_rng(0)
    points = rng.normal(0, 2, (count, 3)).astype(np.float32)
    return points, rng.integers(0, 256, (count, 3))


@pytest.fixture
def save(tmp_path):
    def write(content, name="scan.ply"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("num_faces", [0, 7])
def test_clouds_and_meshes_in_every_format(save, kind, num_faces):
    points, colors = vertices()
    rows = [(*map(float, p), *map(int, c)) for p, c in zip(points, colors, strict=True)]
    scan = read_scan(save(ply_bytes(kind, XYZ + RGB, rows, num_faces)))
    np.testing.assert_array_equal(scan.points, points)
    np.testing.assert_array_equal(scan.colors, colors)
    assert scan.points.dtype == np.float32 and scan.colors.dtype == np.uint8
    assert scan.finite.all() and not scan.offset.any()
    assert scan.semantic is None and scan.instance is None


@pytest.mark.parametrize("kind", FORMATS)
def test_any_order_and_further_properties(save, kind):
    properties = [
        ("uchar", "blue"), ("double", "z"), ("float", "quality"), ("double", "x"),
        ("int", "instance"), ("double", "y"), ("uchar", "red"), ("uchar", "green"),
        ("int", "semantic"),
    ]  # fmt: skip
    rows = [(3, 0.75, 9, 0.25, 4, 0.5, 1, 2, 39), (6, 1.75, 9, 1.25, 0, 1.5, 4, 5, 0)]
    scan = read_scan(save(ply_bytes(kind, properties, rows)))
    np.testing.assert_array_equal(scan.points, [[0.25, 0.5, 0.75], [1.25, 1.5, 1.75]])
    np.testing.assert_array_equal(scan.colors, [[1, 2, 3], [4, 5, 6]])
    assert scan.semantic.tolist() == [39, 0] and scan.instance.tolist() == [4, 0]


@pytest.mark.parametrize(
    ("scalar", "row", "expected"),
    [
        ("float", (0.0, 0.5, 1.0), [0, 128, 255]),
        ("ushort", (0, 32896, 65535), [0, 128, 255]),
        ("int", (0, 128, 255), [0, 128, 255]),
    ],
)
def test_colors_of_other_types(save, scalar, row, expected):
    properties = XYZ + [(scalar, name) for _, name in RGB]
    for kind in FORMATS:
        scan = read_scan(save(ply_bytes(kind, properties, [(0, 0, 0, *row)])))
        assert scan.colors[0].tolist() == expected
    partial = ply_bytes("ascii", properties[:-1], [(0, 0, 0, *row[:2])])
    assert read_scan(save(partial)).colors is None


def test_points_that_are_not_finite_are_kept_and_marked(save):
    rows = [(0, 0, 0), (float("nan"), 1, 1), (2, float("inf"), 2), (3, 3, 3)]
    for kind in FORMATS:
        scan = read_scan(save(ply_bytes(kind, XYZ, rows)))
        assert scan.finite.tolist() == [True, False, False, True]
        np.testing.assert_array_equal(scan.points[3], [3, 3, 3])
    huge = [("double", axis) for axis in "xyz"]
    scan = read_scan(save(ply_bytes("ascii", huge, [(0, 0, 0)] * 3 + [(1e300, 0, 0)])))
    assert scan.finite.tolist() == [True] * 3 + [False]


def test_far_coordinates_keep_their_millimetres(save):
    base = np.array([4_512_345.0, 512_345.0, 120.0])
    points = base + np.random.default_rng(0).uniform(0, 8, (50, 3))
    properties = [("double", axis) for axis in "xyz"]
    scan = read_scan(save(ply_bytes("binary_little_endian", properties, points)))
    assert np.abs(scan.points).max() < 10 and scan.offset.dtype == np.float64
    np.testing.assert_allclose(scan.world(), points, atol=1e-6)


def room(extent, count=200):
    return np.random.default_rng(0).uniform(0, extent, (count, 3))


@pytest.mark.parametrize(
    "place", [(4.5e6, 5e5, 120), (0, 0, -900), (1e30, 0, 0), (-80, 2, 2)]
)
def test_stray_points_are_named_and_change_nothing(tmp_path, place):
    points = room((5, 4, 2.5))
    points[[7, 31]] = place
    np.savez(tmp_path / "a.npz", points=points, colors=np.zeros((200, 3), np.uint8))
    scan = read_scan(tmp_path / "a.npz")
    assert np.flatnonzero(scan.stray).tolist() == [7, 31] and scan.finite.all()
    (note,) = scan.notes
    assert "2 of 200 points, the first is point 7 at" in note
    assert " ".join(f"{value:.10g}" for value in place) in note
    assert not scan.offset.any()
    rest = np.delete(scan.metres(0.5), [7, 31], axis=0)
    np.testing.assert_allclose(rest, np.delete(points, [7, 31], axis=0) / 2, rtol=1e-6)


def test_the_origin_of_a_far_scan_follows_most_of_it(tmp_path):
    points = room((5, 4, 2.5)) + [4_512_345.0, 512_345.0, 120.0]
    points[:6] = 0
    np.savez(tmp_path / "a.npz", points=points)
    scan = read_scan(tmp_path / "a.npz")
    assert scan.stray.sum() == 6 and np.abs(scan.points[6:]).max() < 10
    np.testing.assert_allclose(scan.world(), points, atol=1)


@pytest.mark.parametrize("extent", [(5, 4, 2.5), (90, 2, 3), (0, 0, 0), (1e-3, 1, 0)])
def test_sparse_and_long_scans_have_no_stray_points(tmp_path, extent):
    points = room(extent)
    points[:4] *= 4  # as what is seen through a window
    np.savez(tmp_path / "a.npz", points=points)
    assert not read_scan(tmp_path / "a.npz").stray.any()
    np.savez(tmp_path / "a.npz", points=[(0, 0, 0)] * 3 + [(9e3, 0, 0)])
    assert not read_scan(tmp_path / "a.npz").stray.any()


def test_windows_line_ends_and_elements_before_the_vertices(save):
    text = (
        "ply\r\nformat ascii 1.0\r\nelement camera 2\r\nproperty float f\r\n"
        "element vertex 1\r\nproperty float x\r\nproperty float y\r\n"
        "property float z\r\nend_header\r\n5\r\n6\r\n1 2 3\r\n"
    )
    for mark in (b"", codecs.BOM_UTF8):
        assert read_scan(save(mark + text.encode())).points.tolist() == [[1, 2, 3]]


GOOD = ply_bytes(
    "binary_little_endian", XYZ + RGB, [(i, i, i, 1, 2, 3) for i in range(9)]
)
GOOD_ASCII = ply_bytes("ascii", XYZ, [(i, 1.5, 2) for i in range(9)])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected ply content, but it is empty"),
        (b"plywood is not a format\n", "begins with the line 'ply'"),
        (GOOD[:60], "ends inside the header"),
        (GOOD[:-5], "truncated: 9 rows of 'vertex' announced, 8 there"),
        (
            GOOD_ASCII[: GOOD_ASCII.index(b"7 1.5")],
            "9 rows of 'vertex' announced, 7 there",
        ),
        (GOOD_ASCII.replace(b"3 1.5", b"3 abc"), "malformed"),
        (
            GOOD_ASCII.replace(b"float z\n", b"float z\nproperty float w\n"),
            "a point has 4 values, a line 3",
        ),
        (GOOD.replace(b"property float z\n", b""), "vertices need .'z'., have"),
        (GOOD.replace(b"float y", b"quaternion y"), "'property quaternion y'"),
        (GOOD.replace(b"float y", b"float x"), "declared twice"),
        (GOOD.replace(b"vertex", b"faces"), "element 'vertex'"),
        (GOOD.replace(b"binary_little_endian", b"zipped"), "not understood"),
        (ply_bytes("ascii", XYZ, []), "none among 0 points"),
        (ply_bytes("ascii", XYZ, [("nan", 0, 0)]), "none among 1 points"),
        (GOOD_ASCII.replace(b"\n", b"\r"), "carriage returns alone; `tr"),
        (
            ply_bytes("ascii", XYZ, [(1e30, 0, 0), (0, 0, -2e15)]),
            r"expected finite points within 1e\+12, got none among 2 points",
        ),
        (b"PK\x03\x04 broken archive", "npz"),
    ],
)
def test_broken_files_give_one_clear_error(save, content, message):
    path = save(content)
    with pytest.raises(ScanError, match=message) as error:
        read_scan(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"xyz": np.zeros((4, 3))}, "array 'points'"),
        ({"points": np.array([["a"] * 3])}, "points must be numbers"),
        ({"points": POINTS, "colors": np.zeros((3, 3))}, r"colors .*\[4, 3\]"),
        ({"points": POINTS, "instance": np.full(4, 0.5)}, "integers, got 0.5"),
        ({"points": POINTS, "semantic": np.full(4, 2**40)}, "semantic must be at most"),
        ({"points": np.array([[None] * 3])}, "pickle"),
    ],
)
def test_wrong_npz_contents_are_named(tmp_path, arrays, message):
    path = tmp_path / "scan.npz"
    np.savez(path, **arrays)
    with pytest.raises(ScanError, match=message) as error:
        read_scan(path)
    assert str(path) in str(error.value)


def test_truncated_and_absent_files_are_named(tmp_path):
    path = tmp_path / "scan.npz"
    np.savez(path, points=np.zeros((100, 3)))
    path.write_bytes(path.read_bytes()[:-200])
    for bad, message in (
        (path, r"scan\.npz is not a readable npz file"),
        (tmp_path / "nothing.ply", "nothing.ply cannot be read: No such file"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(ScanError, match=message):
            read_scan(bad)


def test_written_ply_reads_back(tmp_path):
    points, colors = vertices()
    extra = {"instance": np.arange(40) - 1, "semantic": np.arange(40)}
    path = tmp_path / "new" / "out.ply"
    write_ply(path, points.astype(np.float64), colors.astype(np.uint8), extra)
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.points, points)
    np.testing.assert_array_equal(scan.colors, colors)
    np.testing.assert_array_equal(scan.instance, extra["instance"])
    np.testing.assert_array_equal(scan.semantic, extra["semantic"])
    assert os.listdir(path.parent) == ["out.ply"]
