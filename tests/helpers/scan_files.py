"""One cloud as a file of each format that scans come in."""

import gzip

import numpy as np
import pytest

from gspn_tf.files.las import write_las
from gspn_tf.files.ply import write_ply

RGB = ("red", "green", "blue")


def needed(library):
    """The library of an extra, or a test that is skipped."""
    return pytest.importorskip(library, reason=f"{library} of an extra is not there")


def write_pcd(path, points, colors):
    """PCD as the Point Cloud Library writes it: colours packed in a float."""
    rows = np.zeros(len(points), [("xyz", "<f4", 3), ("rgb", "<u4")])
    rows["xyz"] = points
    rows["rgb"] = colors.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    header = (
        "# .PCD v0.7 - Point Cloud Data file format\nVERSION 0.7\nFIELDS x y z rgb\n"
        "SIZE 4 4 4 4\nTYPE F F F F\nCOUNT 1 1 1 1\n"
        f"WIDTH {len(points)}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\n"
        f"POINTS {len(points)}\nDATA binary\n"
    )
    path.write_bytes(header.encode() + rows.tobytes())


def write_text(path, points, colors):
    """Rows of x y z, an intensity in .pts, and red green blue."""
    separator = "," if ".csv" in path.name else " "
    columns = [points, colors]
    head = ""
    if ".pts" in path.name:
        columns.insert(1, np.full((len(points), 1), -700))
        head = str(len(points))
    if ".csv" in path.name:
        head = "X,Y,Z,R,G,B"
    table = np.concatenate(columns, axis=1)
    kinds = ["%.6f"] * 3 + ["%d"] * (table.shape[1] - 3)
    options = {"delimiter": separator, "header": head, "comments": ""}
    with gzip.open(path, "wb") if path.suffix == ".gz" else open(path, "wb") as file:
        np.savetxt(file, table, kinds, **options)


def e57_columns(points, colors):
    """The points of a station as pye57 takes them."""
    names = ("cartesianX", "cartesianY", "cartesianZ", "colorRed", "colorGreen")
    columns = [*points.T.astype(np.float64), *colors.T]
    return dict(zip((*names, "colorBlue"), columns, strict=True))


def write_e57(path, points, colors):
    with needed("pye57").E57(str(path), mode="w") as file:
        file.write_scan_raw(e57_columns(points, colors))


def write_mesh(path, points, colors):
    """Points without faces, by trimesh."""
    import trimesh

    opaque = np.full((len(points), 1), 255, np.uint8)
    cloud = trimesh.PointCloud(points, np.concatenate([colors, opaque], axis=1))
    if path.suffix != ".gltf":
        cloud.export(str(path))
        return
    for name, content in trimesh.Scene(cloud).export(file_type="gltf").items():
        (path if name == "model.gltf" else path.with_name(name)).write_bytes(content)


def write_off(path, points, colors):
    lines = [f"COFF\n# a comment\n{len(points)} 0 0"]
    rows = zip(points.tolist(), colors.tolist(), strict=True)
    lines += [" ".join(map(repr, [*xyz, *rgb])) + " 255" for xyz, rgb in rows]
    path.write_text("\n".join(lines))


def write_surface(path, points, colors):
    """A vanishing triangle at each point, which STL needs: it has no points."""
    import trimesh

    corners = np.repeat(points, 3, axis=0)
    faces = np.arange(len(corners)).reshape(-1, 3)
    trimesh.Trimesh(corners, faces, process=False).export(str(path))


def write_arrays(path, points, colors):
    if path.suffix == ".npz":
        np.savez(path, points=points, colors=colors)
    else:
        np.save(path, np.concatenate([points, colors], axis=1))


def write_las_scan(path, points, colors):
    needed("laspy")
    write_las(path, points, colors, {"semantic": np.zeros(len(points), np.int32)})


WRITERS = {
    "ply": write_ply,
    "npz": write_arrays,
    "npy": write_arrays,
    "pcd": write_pcd,
    "las": write_las_scan,
    "laz": write_las_scan,
    "e57": write_e57,
    "obj": write_mesh,
    "glb": write_mesh,
    "gltf": write_mesh,
    "off": write_off,
    "stl": write_surface,
    "xyz": write_text,
    "pts": write_text,
    "asc": write_text,
    "csv": write_text,
    "xyz.gz": write_text,
}
