"""The formats of scans and results: which one a file has, and its reader.

The first bytes of a file decide where they can tell, else the end of its name.
"""

import codecs
from pathlib import Path

import numpy as np

from gspn_tf.files import npz
from gspn_tf.files.columns import PointTable
from gspn_tf.files.e57 import read_e57
from gspn_tf.files.errors import ScanError, check_shape, contents, naming_file
from gspn_tf.files.frame_files import FrameOptions, holds_frames, lists_frames
from gspn_tf.files.frames import read_frames
from gspn_tf.files.las import read_las
from gspn_tf.files.meshes import read_surface
from gspn_tf.files.pcd import read_pcd
from gspn_tf.files.ply import read_vertices
from gspn_tf.files.point_text import name_columns, read_point_text

MESHES = ("obj", "glb", "gltf", "off", "stl")
TEXT = ("xyz", "pts", "asc", "csv")
FRAMES = ("png", "frames")
"""A depth image; and a folder or a list of several, which has no name of its own."""
Y_UP = ("glb", "gltf")  # by the definition of the format
NAMES = ("ply", "npz", "npy", "pcd", "las", "laz", "e57", *MESHES, *TEXT)
SUFFIXES = tuple(f".{name}{packed}" for name in NAMES for packed in ("", ".gz"))
"""Ends of the names of files that are scans."""
ALWAYS, ON_DEMAND = ("ply", "json"), ("las", "laz")
"""Formats of results: those that are written in any case, and those that may be."""
_BEGINNINGS = {
    b"ply": "ply",
    b"PK": "npz",
    b"\x93NUMPY": "npy",
    b"\x1f\x8b": "gz",
    b"LASF": "las",
    b"ASTM-E57": "e57",
    b"glTF": "glb",
    b"\x89PNG": "png",
    b"# .PCD": "pcd",
    b"OFF": "off",
    b"COFF": "off",
}
_TOLD_BY_CONTENT = ("ply", "npz", "npy", "las", "laz", "e57", "glb")


def format_of(path: Path) -> str:
    """The format of a scan, one of `NAMES`, of `FRAMES`, or "gz".

    Raises:
        ScanError: it cannot be read, or is of no such format.
    """
    if path.is_dir() and holds_frames(path):
        return "frames"
    if path.suffix.lower() == ".txt" and path.is_file() and lists_frames(path):
        return "frames"
    with naming_file(path, "scan"), open(path, "rb") as file:
        beginning = file.read(16).removeprefix(codecs.BOM_UTF8)
    for known, name in _BEGINNINGS.items():
        if beginning.startswith(known):
            return name
    suffix = path.suffix[1:].lower()
    if not beginning or suffix not in NAMES or suffix in _TOLD_BY_CONTENT:
        found = contents(path) or f"it begins with {beginning[:6]!r}"
        wanted = f"{suffix} content" if suffix in NAMES else f"one of {' '.join(NAMES)}"
        raise ScanError(f"{path}: expected {wanted}, but {found}")
    return suffix


def read_table(path: Path, kind: str, scale: float, frames: FrameOptions) -> PointTable:
    """Reads the points of a scan of any format but npz and gz.

    Args:
        path: the file.
        kind: its format.
        scale: metres per unit, by which the surface of a mesh is sampled.
        frames: what depth images do not tell of themselves.

    Raises:
        ScanError: malformed file, or a library is not installed.
    """
    if kind in FRAMES:
        return read_frames(path, frames, scale)
    if kind in MESHES:
        return read_surface(path, kind, scale)
    if kind in TEXT:
        return read_point_text(path)
    readers = {"ply": read_vertices, "pcd": read_pcd, "las": read_las, "e57": read_e57}
    table = _read_npy(path) if kind == "npy" else PointTable(readers[kind](path))
    if missing := [axis for axis in "xyz" if axis not in table.columns]:
        raise ScanError(f"{path}: points need {missing}, have {list(table.columns)}")
    return table


def _read_npy(path: Path) -> PointTable:
    """Reads an array [V, 3 or more], or one of records with fields x, y and z."""
    with naming_file(path, "npy", *npz.DAMAGE):
        array = np.load(path, allow_pickle=False)
        if array.dtype.names:
            check_shape(f"{path}: records", array, ("V",))
            lists = [n for n in array.dtype.names if array.dtype[n].shape]
            if lists:
                raise ValueError(f"expected numbers in {lists[0]!r}, got lists")
            return PointTable({name: array[name] for name in array.dtype.names})
        return name_columns(array)
