"""Colours in the layouts and ranges that programs write them in."""

import numpy as np
import pytest
from toy_ply import ply_of_elements

from gspn_tf.files.scans import read_scan

FORMATS = ("ascii", "binary_little_endian", "binary_big_endian")
XYZ = [("float", axis) for axis in "xyz"]
COLORS = np.random.default_rng(0).integers(0, 256, (60, 3))


def read(path, kind, properties, values):
    rows = [(i, i / 2, 0, *row) for i, row in enumerate(values)]
    path.write_bytes(ply_of_elements(kind, [("vertex", XYZ + properties, rows)]))
    return read_scan(path)


def with_outliers(values, *outliers):
    values = values.copy()
    values[: len(outliers), 0] = outliers
    return values


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    ("scalar", "values", "told"),
    [
        ("uchar", COLORS, ""),
        ("ushort", COLORS * 257, ""),
        ("ushort", with_outliers(COLORS * 257, 3, 256), ""),
        ("ushort", COLORS, "uint16 numbers, taken as 0..255"),
        ("int", COLORS, ""),
        ("uint", COLORS * 257, "uint32 numbers, taken as 0..65535"),
        ("float", COLORS / 255, "numbers, taken as 0..1"),
        (
            "double",
            with_outliers(COLORS / 255, 1.0001),
            "larger ones are cut (1, up to 1.0001)",
        ),
        (
            "float",
            with_outliers(COLORS / 255, 255, 7, 1e9),
            "taken as 0..1; larger ones are cut (3",
        ),
        ("float", COLORS * 1.0, "taken as 0..255"),
        (
            "float",
            with_outliers(COLORS * 1.0, 300, 65535),
            "0..255; larger ones are cut (2",
        ),
        ("double", COLORS * 257.0, "taken as 0..65535"),
    ],
)
def test_the_type_tells_the_range_or_it_is_guessed_and_said(
    tmp_path, kind, scalar, values, told
):
    properties = [(scalar, name) for name in ("red", "green", "blue")]
    scan = read(tmp_path / "a.ply", kind, properties, values.tolist())
    np.testing.assert_array_equal(scan.colors[3:], COLORS[3:])
    assert len(scan.notes) == bool(told) and told in "".join(scan.notes)


def test_arrays_have_ranges_like_columns(tmp_path):
    points = np.random.default_rng(1).random((60, 3))
    for colors in (COLORS.astype("u1"), (COLORS * 257).astype(">u2"), COLORS / 255):
        np.savez(tmp_path / "a.npz", points=points, colors=colors)
        np.testing.assert_array_equal(read_scan(tmp_path / "a.npz").colors, COLORS)
    with_nan = np.where(np.arange(180).reshape(60, 3) == 0, np.nan, COLORS / 255)
    np.savez(tmp_path / "a.npz", points=points, colors=with_nan)
    assert read_scan(tmp_path / "a.npz").colors[0].tolist() == [0, *COLORS[0, 1:]]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "names",
    [
        ("Red", "Green", "Blue"),
        ("RED", "GREEN", "BLUE"),
        ("r", "g", "b"),
        ("diffuse_red", "diffuse_green", "diffuse_blue"),
        ("scalar_R", "scalar_G", "scalar_B"),
        ("vertex_Red", "vertex_Green", "vertex_Blue"),
    ],
)
def test_names_of_channels(tmp_path, kind, names):
    properties = [("uchar", name) for name in names]
    scan = read(tmp_path / "a.ply", kind, properties, COLORS.tolist())
    np.testing.assert_array_equal(scan.colors, COLORS)
    assert not scan.notes


def test_channels_go_together_and_the_plain_ones_are_best(tmp_path):
    names = ("ambient_red", "red", "blue", "ambient_green", "ambient_blue", "green")
    rows = [(9, r, b, 9, 9, g) for r, g, b in COLORS.tolist()]
    properties = [("uchar", name) for name in names]
    scan = read(tmp_path / "a.ply", "ascii", properties, rows)
    np.testing.assert_array_equal(scan.colors, COLORS)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("alpha", [0, 255])
@pytest.mark.parametrize("name", ["rgb", "RGBA"])
def test_packed_colors(tmp_path, kind, alpha, name):
    path = tmp_path / "a.ply"
    packed = (COLORS @ [1 << 16, 1 << 8, 1] + (alpha << 24)).astype(np.uint32)
    of_type = {"uint": packed, "int": packed.view(np.int32), "double": packed * 1.0}
    if kind == "ascii" and not alpha:
        of_type["float"] = packed.view(np.float32)
    for scalar, values in of_type.items():
        rows = [(value,) for value in values.tolist()]
        scan = read(path, kind, [(scalar, name)], rows)
        np.testing.assert_array_equal(scan.colors, COLORS)
    if kind != "ascii":  # with alpha these bits are of a NaN
        read(path, kind, [("uint", name)], [(value,) for value in packed.tolist()])
        path.write_bytes(path.read_bytes().replace(b"uint", b"float"))
        np.testing.assert_array_equal(read_scan(path).colors, COLORS)


def test_coefficients_of_splats(tmp_path):
    waves = (COLORS / 255 - 0.5) / 0.28209479177387814
    waves[0] = -9, 9, 0
    properties = [("float", f"f_dc_{i}") for i in range(3)] + [("float", "opacity")]
    rows = [(*wave, 1.0) for wave in waves.tolist()]
    for kind in FORMATS:
        scan = read(tmp_path / "a.ply", kind, properties, rows)
        np.testing.assert_array_equal(scan.colors[1:], COLORS[1:])
        assert scan.colors[0].tolist() == [0, 255, 128]


@pytest.mark.parametrize(
    "properties",
    [[], [("uchar", "red"), ("uchar", "green")], [("float", "f_dc_0")],
     [("uchar", "rgb")], [("float", "Intensity"), ("uchar", "blue")]],
)  # fmt: skip
def test_without_colors_the_scan_says_what_it_has(tmp_path, properties):
    rows = [[1] * len(properties)] * 9
    scan = read(tmp_path / "a.ply", "ascii", properties, rows)
    names = ", ".join(["x", "y", "z", *(name for _, name in properties)])
    assert scan.colors is None
    assert scan.notes == (f"no colours are understood among {names}: all is grey",)
    np.savez(tmp_path / "a.npz", points=np.zeros((9, 3)), rgb=np.zeros((9, 3)))
    (note,) = read_scan(tmp_path / "a.npz").notes
    assert "among points, rgb" in note
