"""Files that users bring: PLY of every kind, npz, and broken ones."""

import os
from pathlib import Path

import numpy as np
import pytest

from gspn_tf.data.classes import SCANNET
from gspn_tf.datasets import own
from gspn_tf.files.errors import ScanError
from gspn_tf.files.ply import write_ply
from gspn_tf.files.scans import read_scan

XYZ = [("float", axis) for axis in "xyz"]
RGB = [("uchar", channel) for channel in ("red", "green", "blue")]
LABELS = [("int", "semantic"), ("int", "instance")]
FORMATS = ("ascii", "binary_little_endian", "binary_big_endian")
_NUMPY = {"float": "f4", "double": "f8", "uchar": "u1", "ushort": "u2", "int": "i4"}


def ply_bytes(kind, properties, rows, num_faces=0):
    """A PLY file with one row of values a vertex, and triangles after them."""
    lines = ["ply", f"format {kind} 1.0", "comment made for a test"]
    lines += [f"element vertex {len(rows)}"]
    lines += [f"property {scalar} {name}" for scalar, name in properties]
    if num_faces:
        lines += [f"element face {num_faces}"]
        lines += ["property list uchar int vertex_indices"]
    header = "\n".join([*lines, "end_header", ""]).encode()
    if kind == "ascii":
        body = "".join(" ".join(map(str, row)) + "\n" for row in rows)
        return header + (body + "3 0 1 2\n" * num_faces).encode()
    order = "<" if "little" in kind else ">"
    record = [(name, order + _NUMPY[scalar]) for scalar, name in properties]
    faces = np.zeros(num_faces, [("count", "u1"), ("rows", order + "i4", 3)])
    faces["count"] = 3
    return header + np.array([tuple(r) for r in rows], record).tobytes() + bytes(faces)


def vertices(count=40):
    rng = np.random.default_rng(0)
    return rng.normal(0, 2, (count, 3)).astype(np.float32), rng.integers(
        0, 256, (count, 3)
    )


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
        ("float", (0.0, 128.0, 255.0), [0, 128, 255]),
        ("ushort", (0, 32896, 65535), [0, 128, 255]),
        ("int", (0, 128, 255), [0, 128, 255]),
    ],
)
def test_colors_of_other_types(save, scalar, row, expected):
    properties = XYZ + [(scalar, name) for _, name in RGB]
    for kind in FORMATS:
        scan = read_scan(save(ply_bytes(kind, properties, [(0, 0, 0, *row)])))
        if kind == "ascii" and scalar == "ushort":
            continue  # columns of an ASCII file have no type
        assert scan.colors[0].tolist() == expected


def test_absent_or_partial_colors_are_none(save):
    assert read_scan(save(ply_bytes("ascii", XYZ, [(1, 2, 3)]))).colors is None
    partial = ply_bytes("ascii", XYZ + RGB[:2], [(1, 2, 3, 4, 5)])
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


def test_windows_line_ends_and_elements_before_the_vertices(save):
    text = (
        "ply\r\nformat ascii 1.0\r\nelement camera 2\r\nproperty float f\r\n"
        "element vertex 1\r\nproperty float x\r\nproperty float y\r\n"
        "property float z\r\nend_header\r\n5\r\n6\r\n1 2 3\r\n"
    )
    assert read_scan(save(text.encode())).points.tolist() == [[1, 2, 3]]


GOOD = ply_bytes(
    "binary_little_endian", XYZ + RGB, [(i, i, i, 1, 2, 3) for i in range(9)]
)
GOOD_ASCII = ply_bytes("ascii", XYZ, [(i, 1.5, 2) for i in range(9)])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"\x00\x01\x02\x03hello", "expected a PLY or an npz"),
        (b"plywood is not a format\n", "begins with the line 'ply'"),
        (GOOD[:60], "ends inside the header"),
        (GOOD[:-5], "truncated: 9 points announced, 8 there"),
        (GOOD_ASCII[: GOOD_ASCII.index(b"7 1.5")], "9 points announced, 7 there"),
        (GOOD_ASCII[:-3], "malformed"),
        (GOOD_ASCII.replace(b"3 1.5", b"3 abc"), "malformed"),
        (
            GOOD_ASCII.replace(b"property float z\n", b""),
            "a point has 2 values, a line 3",
        ),
        (GOOD.replace(b"property float z\n", b""), "vertices need .'z'., have"),
        (GOOD.replace(b"float y", b"quaternion y"), "'property quaternion y'"),
        (GOOD.replace(b"float y", b"float x"), "declared twice"),
        (GOOD.replace(b"vertex", b"faces"), "element 'vertex'"),
        (GOOD.replace(b"binary_little_endian", b"zipped"), "not understood"),
        (ply_bytes("ascii", XYZ, []), "none among 0 points"),
        (ply_bytes("ascii", XYZ, [("nan", 0, 0)]), "none among 1 points"),
        (b"PK\x03\x04 broken archive", "npz"),
    ],
)
def test_broken_files_give_one_clear_error(save, content, message):
    path = save(content)
    with pytest.raises(ScanError, match=message) as error:
        read_scan(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(ScanError, match="No such file"):
        read_scan(tmp_path / "nothing.ply")
    with pytest.raises(ScanError, match="cannot be read"):
        read_scan(tmp_path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"xyz": np.zeros((4, 3))}, "array 'points'"),
        ({"points": np.zeros((4, 2))}, r"points must be numbers \[V, 3\]"),
        ({"points": np.array([["a"] * 3])}, "points must be numbers"),
        (
            {"points": np.zeros((4, 3)), "colors": np.zeros((3, 3))},
            r"colors .*\[4, 3\]",
        ),
        ({"points": np.zeros((4, 3)), "semantic": np.zeros((4, 1))}, "semantic must"),
        (
            {"points": np.zeros((4, 3)), "instance": np.full(4, 0.5)},
            "integers, got 0.5",
        ),
        ({"points": np.zeros((4, 3)), "instance": np.full(4, 2**40)}, "instance must"),
        ({"points": np.array([[None] * 3])}, "pickle"),
    ],
)
def test_wrong_npz_contents_are_named(tmp_path, arrays, message):
    path = tmp_path / "scan.npz"
    np.savez(path, **arrays)
    with pytest.raises(ScanError, match=message) as error:
        read_scan(path)
    assert str(path) in str(error.value)


def test_truncated_npz(tmp_path):
    path = tmp_path / "scan.npz"
    np.savez(path, points=np.zeros((100, 3)))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ScanError, match=r"scan\.npz"):
        read_scan(path)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_written_ply_reads_back(tmp_path, kind):
    points, colors = vertices()
    extra = {"instance": np.arange(40) - 1, "semantic": np.arange(40)}
    path = tmp_path / "new" / "out.ply"
    write_ply(path, points.astype(kind), colors.astype(np.uint8), extra)
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.points, points)
    np.testing.assert_array_equal(scan.colors, colors)
    np.testing.assert_array_equal(scan.instance, extra["instance"])
    np.testing.assert_array_equal(scan.semantic, extra["semantic"])
    assert os.listdir(path.parent) == ["out.ply"]


def test_write_refuses_other_shapes(tmp_path):
    with pytest.raises(ValueError, match="alike"):
        write_ply(tmp_path / "a.ply", np.zeros((4, 3)), np.zeros((5, 3), np.uint8))
    assert not list(tmp_path.iterdir())


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


def test_own_scan_follows_the_class_list(tmp_path):
    scene = read_own(labelled(tmp_path / "flat.npz"))
    chair, table = SCANNET.names.index("chair") + 1, SCANNET.names.index("table") + 1
    assert scene.name == "flat"
    expected = [chair] * 3 + [0] * 3 + [chair, table, table, 0, 0, chair]
    assert scene.semantic.tolist() == expected
    # Object 2 is mostly wall (1, not in the list): dropped. 8 -> 0, 30 -> 1.
    assert scene.instance.tolist() == [0] * 3 + [-1] * 4 + [1, 1, -1, 1, -1]


def test_own_scan_without_colors_is_grey(tmp_path):
    scene = read_own(labelled(tmp_path / "a.npz", colors=None))
    assert len(scene.points) == 12 and len(np.unique(scene.colors)) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_own_scan_must_be_finite(tmp_path, value):
    points = np.arange(36, dtype=np.float32).reshape(12, 3)
    points[[2, 5], 1] = value
    path = labelled(tmp_path / "a.npz", points=points)
    with pytest.raises(ScanError, match=r"a\.npz: points .* at point 2, and 2 such"):
        read_own(path)


@pytest.mark.parametrize("kind", ["ascii", "binary_little_endian"])
def test_own_scan_must_have_all_its_faces(save, kind):
    properties = [*XYZ, ("int", "semantic"), ("int", "instance")]
    rows = [(i, 0, 0, 5, 1) for i in range(9)]
    content = ply_bytes(kind, properties, rows, 4)
    assert read_own(save(content)).num_instances == 1
    with pytest.raises(ScanError, match="truncated: 4 .*announced"):
        read_own(save(content[:-10]))


def test_own_scan_needs_labels(tmp_path):
    path = labelled(tmp_path / "a.npz", instance=None)
    with pytest.raises(ScanError, match="expected 'semantic' and 'instance'"):
        read_own(path)


def test_scans_of_a_folder_are_found_in_order(tmp_path):
    for name in ("b.PLY", "a.npz", "c.ply", "notes.txt"):
        (tmp_path / name).touch()
    assert [s.files[0].name for s in own.find_scans(tmp_path)] == [
        "a.npz",
        "b.PLY",
        "c.ply",
    ]
    assert own.find_scans(tmp_path / "a.npz")[0].files == (tmp_path / "a.npz",)
    with pytest.raises(ScanError, match="got none"):
        own.find_scans(tmp_path / "empty")


def real_data() -> Path:
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("GSPN_TF_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real scans: {folder} is absent (set GSPN_TF_DATA)")
    return folder


def test_real_scans_read():
    source = own.find_scans(real_data() / "scannet_scans")[0]
    scene = own.read_labelled_scan(source, SCANNET)
    assert len(scene.points) == 50_000 and scene.num_instances == 27
    assert not np.isin(SCANNET.to_raw(scene.semantic), [1, 2]).any()


def test_real_mesh_reads_and_equals_an_independent_decoder():
    data = real_data()
    folder = data / "scannet_raw" / "scans" / "scene0000_00"
    scan = read_scan(folder / "scene0000_00_vh_clean_2.ply")
    assert scan.points.shape == (81_369, 3) and scan.colors.shape == (81_369, 3)
    labels = read_scan(folder / "scene0000_00_vh_clean_2.labels.ply")
    np.testing.assert_array_equal(labels.points, scan.points)
    golden = data / "scannet_golden" / "scene0000_00_sem_label_all.npy"
    np.testing.assert_array_equal(labels.semantic, np.load(golden))
