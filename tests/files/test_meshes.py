"""Meshes: where their colours are, and when points are drawn from their surface."""

import numpy as np
import pytest
import trimesh
from PIL import Image

from gspn_tf.files.errors import ScanError
from gspn_tf.files.scans import read_scan

SIDES = (5, 4, 2.5)
RED, BLUE = [255, 0, 0, 255], [0, 0, 255, 255]


def box(sides=SIDES):
    return trimesh.creation.box(sides)


def fine(mesh):
    """A mesh with vertices enough."""
    return mesh.subdivide_to_size(0.1)


def write(mesh, path):
    mesh.export(str(path))
    return read_scan(path)


def is_of_the_box(scan):
    half = np.array(SIDES) / 2
    depth = np.abs(np.abs(scan.points) - half)
    return (depth.min(axis=1) < 1e-5).all() and (
        np.abs(scan.points) < half + 1e-5
    ).all()


@pytest.mark.parametrize("name", ["obj", "glb", "off", "stl"])
def test_few_vertices_are_replaced_by_points_of_the_surface(tmp_path, name):
    scan = write(box(), tmp_path / f"a.{name}")
    assert 212_500 <= len(scan.points) <= 212_512 and is_of_the_box(scan)
    assert (
        f"8 vertices and triangles 3.5 m wide: {len(scan.points):,} points"
        in (scan.notes[0])
    )
    again = read_scan(tmp_path / f"a.{name}")
    np.testing.assert_array_equal(again.points, scan.points)
    in_millimetres = read_scan(tmp_path / f"a.{name}", scale=0.01)
    assert len(in_millimetres.points) in (8, 10_000)
    sides = [
        np.mean(np.abs(np.abs(scan.points[:, i]) - SIDES[i] / 2) < 1e-5)
        for i in range(3)
    ]
    np.testing.assert_allclose(sides, [20 / 85, 25 / 85, 40 / 85], atol=0.01)


@pytest.mark.parametrize("name", ["obj", "off"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_of_other_systems(tmp_path, name, encoding, end):
    words = {"obj": ["# café"], "off": ["OFF", "# café", "3 0 0"]}[name]
    rows = ["0 1 2", "3 -1.#IND 4", "5 1.#INF00 nan(ind)"]
    words += ["v " * (name == "obj") + row for row in rows]
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (tmp_path / f"a.{name}").write_bytes((mark + end.join(words)).encode(encoding))
    scan = read_scan(tmp_path / f"a.{name}")
    assert scan.points[0].tolist() == [0, 1, 2]
    np.testing.assert_array_equal(scan.points[1], [3, np.nan, 4])
    np.testing.assert_array_equal(scan.points[2], [5, np.inf, np.nan])


@pytest.mark.parametrize("name", ["glb", "off", "stl"])
def test_triangles_that_reach_a_stray_vertex_are_left_out(tmp_path, name):
    mesh = box().subdivide()
    vertices = np.concatenate([mesh.vertices, [[4.5e6, 0, 0]]])
    faces = np.concatenate([mesh.faces, [[0, 1, len(mesh.vertices)]]])
    scan = write(
        trimesh.Trimesh(vertices, faces, process=False), tmp_path / f"a.{name}"
    )
    assert 212_500 <= len(scan.points) <= 212_550 and is_of_the_box(scan)
    assert scan.notes[0].endswith("; 1 triangles reach far beyond all others: left out")


@pytest.mark.parametrize("name", ["obj", "glb", "off", "stl"])
def test_vertices_that_are_enough_are_the_points(tmp_path, name):
    mesh = fine(box((1, 0.8, 0.5)))
    scan = write(mesh, tmp_path / f"a.{name}")
    assert len(scan.points) == len(mesh.vertices)
    if name != "stl":
        np.testing.assert_allclose(scan.points, mesh.vertices, atol=1e-6)


@pytest.mark.parametrize("name", ["obj", "glb"])
def test_colors_of_vertices_are_blended(tmp_path, name):
    mesh = box()
    mesh.visual.vertex_colors = np.where(mesh.vertices[:, :1] < 0, RED, BLUE)
    scan = write(mesh, tmp_path / f"a.{name}")
    share = scan.points[:, 0] / 5 + 0.5
    np.testing.assert_allclose(scan.colors[:, 2], 255 * share, atol=1)
    np.testing.assert_allclose(scan.colors[:, 0], 255 * (1 - share), atol=1)


def picture():
    """Left half red, right half blue."""
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, :32, 0] = pixels[:, 32:, 2] = 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize("name", ["obj", "glb"])
@pytest.mark.parametrize("finely", [False, True])
def test_colors_of_a_picture(tmp_path, name, finely):
    mesh = fine(box()) if finely else box()
    uv = np.clip(mesh.vertices[:, :2] / [5, 4] + 0.5, 0.001, 0.999)
    mesh.visual = trimesh.visual.TextureVisuals(uv=uv, image=picture())
    scan = write(mesh, tmp_path / f"a.{name}")
    left, right = scan.points[:, 0] < -0.2, scan.points[:, 0] > 0.2
    assert (scan.colors[left] == RED[:3]).all() and (
        scan.colors[right] == BLUE[:3]
    ).all()
    assert is_of_the_box(scan) and len(scan.notes) == (not finely)


def test_colors_of_materials_and_parts(tmp_path):
    (tmp_path / "a.mtl").write_text("newmtl r\nKd 1 0 0\nnewmtl b\nKd 0 0 1\n")
    (tmp_path / "a.obj").write_text(
        "mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 5\nv 1 0 5\nv 0 1 5\n"
        "usemtl r\nf 1 2 3\nusemtl b\nf 4 5 6\n"
    )
    scan = read_scan(tmp_path / "a.obj")
    low = scan.points[:, 2] < 1
    assert 4_900 < low.sum() < 5_100
    assert (scan.colors[low] == RED[:3]).all() and (scan.colors[~low] == BLUE[:3]).all()
    (tmp_path / "a.mtl").unlink()
    assert read_scan(tmp_path / "a.obj").colors is None


def test_instances_of_a_scene_stand_where_it_has_them(tmp_path):
    scene = trimesh.Scene()
    small = fine(box((0.2, 0.2, 0.2)))
    for x in (0, 3):
        scene.add_geometry(
            small, transform=trimesh.transformations.translation_matrix([x, 0, 0])
        )
    scene.export(str(tmp_path / "a.glb"))
    scan = read_scan(tmp_path / "a.glb")
    assert scan.up == "y" and len(scan.points) == 2 * len(small.vertices)
    assert sorted(set(np.round(scan.points[:, 0]))) == [0, 3]


def test_white_parts_stay_white_beside_others(tmp_path):
    scene = trimesh.Scene()
    for color in ([255, 255, 255, 255], BLUE):
        part = fine(box((0.2, 0.2, 0.2)))
        part.visual.vertex_colors = np.tile(np.uint8(color), (len(part.vertices), 1))
        scene.add_geometry(part)
    scene.export(str(tmp_path / "a.glb"))
    found = {tuple(color) for color in read_scan(tmp_path / "a.glb").colors.tolist()}
    assert found == {(255, 255, 255), (0, 0, 255)}


def test_obj_of_points_alone(tmp_path):
    rows = "v 0 0 0 # one\nv\t1 1e-3 1\n  v  2 2 2\n#v 3 3 3\n"
    (tmp_path / "a.obj").write_text(rows)
    scan = read_scan(tmp_path / "a.obj")
    assert scan.points.tolist() == [[0, 0, 0], [1, np.float32(1e-3), 1], [2, 2, 2]]
    assert scan.colors is None


def test_compressed_gltf_is_named(tmp_path):
    fine(box((0.2, 0.2, 0.2))).export(str(tmp_path / "a.glb"))
    content = (tmp_path / "a.glb").read_bytes() + b'"KHR_draco_mesh_compression"'
    (tmp_path / "a.glb").write_bytes(content)
    with pytest.raises(ScanError, match="a.glb .* KHR_draco_mesh_compression is not"):
        read_scan(tmp_path / "a.glb")


OFF = """COFF # a cube's corner
4 1 0
# points
0 0 0 255 0 0 255
0.02 0 0 0 255 0 255
0.02 0.02 0 0 0 255 255

0 0.02 0 9 9 9 255
4 0 1 2 3
"""


def test_colors_and_comments_of_off(tmp_path):
    (tmp_path / "a.off").write_text(OFF)
    scan = read_scan(tmp_path / "a.off")
    assert scan.colors.tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]]
    assert scan.points[2].tolist() == [np.float32(0.02), np.float32(0.02), 0]
    (tmp_path / "a.off").write_text("OFF4 1 0\n0 0 0\n9 0 0\n9 9 0\n0 9 0\n4 0 1 2 3\n")
    assert len(read_scan(tmp_path / "a.off").points) == 81 * 2500


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("4 1 0", "5 1 0", "malformed|truncated"),
        ("4 1 0", "4", "numbers of vertices and of faces"),
        ("4 0 1 2 3", "4 0 1 2 4", "a vertex that is not among the 4"),
        ("4 1 0", "-4 1 0", "numbers must be 0 or more, got -4 and 1"),
        ("4 1 0", "4 -1 0", "numbers must be 0 or more, got 4 and -1"),
        ("4 0 1 2 3", "4 0 1 2", "a face has 3 of 4 vertices"),
        ("COFF", "WOFF", "expected a first line OFF"),
        ("0.02 0 0", "0.02 0 x", "malformed points"),
    ],
)
def test_malformed_off_is_named(tmp_path, old, new, message):
    (tmp_path / "a.off").write_text(OFF.replace(old, new, 1))
    with pytest.raises(
        ScanError, match=f"a.off is not a readable off file.*({message})"
    ):
        read_scan(tmp_path / "a.off")


@pytest.mark.parametrize(
    "text, message",
    [
        ("v 1 2\n", "expected x y z after v, got 'v 1 2'"),
        ("v 1 2 3\nv\t1\r\n", "expected x y z after v, got 'v 1"),
        ("v 1 2 3\nv a b c\n", ""),
        ("f 1 2 3\n", ""),
        ("v 1 2 3\nv 2 2 3\nf 0 1 2\n", "counted from 1, got 'f 0 1 2'"),
        ("v 1 2 3\nv 2 2 3\nf 2/1 1/1 0/1", "counted from 1, got 'f 2/1 1/1 0/1'"),
        ("hello", ""),
    ],
)
def test_malformed_obj_is_named(tmp_path, text, message):
    (tmp_path / "a.obj").write_text(text)
    with pytest.raises(
        ScanError, match=f"a.obj is not a readable obj file: .*{message}"
    ):
        read_scan(tmp_path / "a.obj")
