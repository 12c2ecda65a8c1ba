"""Points of meshes: OBJ, glTF and STL, which trimesh reads, and OFF.

The points are the vertices. Where these are too far apart, as on the walls of a drawn
room or of a thinned one with a picture on it, points are drawn from the surface.
Colours are those of vertices or faces, or of pictures and materials.
"""

import io
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gspn_tf.files.columns import PointTable, plain_text
from gspn_tf.files.errors import naming_file
from gspn_tf.files.off import read_off
from gspn_tf.files.stray import stray_points

_PACKED = (b"KHR_draco_mesh_compression", b"EXT_meshopt_compression")
_BLANKS = re.compile(rb"^ +|(?:^| )#.*", re.MULTILINE)
_SHORT = re.compile(rb"^v(?: +\S+){0,2} *\r?$", re.MULTILINE)
_ROW_0 = re.compile(rb"^f[^\n]* 0(?:[/\s]|$)[^\n]*", re.MULTILINE)
SPACING = 0.1
"""A surface whose triangles are wider than this many metres is sampled."""
DENSITY = 2500  # points that are then drawn, on a square metre
FEWEST, MOST = 10_000, 2_000_000  # of them in all
_GREY = (128, 128, 128)


class _Points(NamedTuple):
    positions: np.ndarray  # [V, 3] float64
    colors: np.ndarray  # [V, 3 or 4] 0..255


def read_surface(path: str | Path, kind: str, scale: float = 1.0) -> PointTable:
    """Reads the vertices of a mesh, or draws points from its surface and says so.

    Args:
        path: the file; pictures and other files that it names lie beside it.
        kind: "obj", "glb", "gltf", "off" or "stl".
        scale: metres per unit of the file.

    Raises:
        ScanError: missing or malformed file, or one without points.
    """
    decodes = kind in ("obj", "off")
    with (
        naming_file(path, kind, Exception, decodes=decodes),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("error", "string or file could not be read")
        parts = _load(path, kind)
        if not any(len(part.vertices) for part in parts):
            raise ValueError("expected vertices, got none")
        left_out = sum(map(_cut_stray_faces, filter(_has_faces, parts)))
        meshes = [part for part in parts if _has_faces(part) and part.area > 0]
        clouds = [part for part in parts if not _has_faces(part)]
        spacing = _spacing(meshes) * scale
        if spacing <= SPACING:
            return _table([_vertices(part) for part in parts])
        area = sum(mesh.area for mesh in meshes)
        wanted = np.clip(area * scale**2 * DENSITY, FEWEST, MOST)
        drawn = [
            _drawn(mesh, int(np.ceil(wanted * mesh.area / area)), seed)
            for seed, mesh in enumerate(meshes)
        ]
        table = _table([*drawn, *map(_vertices, clouds)])
        count = sum(len(mesh.vertices) for mesh in meshes)
        told = (
            f"the mesh has {count:,} vertices and triangles {spacing:.2g} m wide: "
            f"{sum(len(each.positions) for each in drawn):,} points are drawn from it"
        )
        if left_out:
            told += f"; {left_out:,} triangles reach far beyond all others: left out"
        return table._replace(notes=(told,))


def _check_obj(content: bytes) -> None:
    """Raise ValueError for lines of which trimesh makes other points."""
    if short := _SHORT.search(content):
        raise ValueError(
            f"expected x y z after v, got {short[0].decode('latin-1')[:80]!r}"
        )
    if face := _ROW_0.search(content):
        got = face[0].decode("latin-1")[:80]
        raise ValueError(f"vertices are counted from 1, got {got!r}")


def _has_faces(part: Any) -> bool:
    return len(getattr(part, "faces", ())) > 0


def _cut_stray_faces(mesh: Any) -> int:
    """Leave out the triangles of a mesh that end at stray vertices, and count them."""
    stray = stray_points(np.asarray(mesh.vertices))[mesh.faces].any(axis=1)
    if stray.any():
        mesh.update_faces(~stray)
    return int(stray.sum())


def _spacing(meshes: Sequence[Any]) -> float:
    """The width of triangles such that half of the surface has wider ones."""
    if not meshes:
        return 0.0
    areas = np.sort(np.concatenate([mesh.area_faces for mesh in meshes]))
    half = np.searchsorted(np.cumsum(areas), areas.sum() / 2)
    return float(np.sqrt(2 * areas[half]))


def _vertices(part: Any) -> _Points:
    uv, count = getattr(part.visual, "uv", None), len(part.vertices)
    return _Points(part.vertices, _colors_at(part.visual, uv, count))


def _drawn(mesh: Any, count: int, seed: int) -> _Points:
    """Points that are drawn evenly from the surface of a mesh."""
    from trimesh.sample import sample_surface

    points, faces, weights = sample_surface(
        mesh, count, return_barycentric=True, seed=seed
    )

    def blended(values: np.ndarray) -> np.ndarray:
        return (values[mesh.faces[faces]] * weights[..., None]).sum(axis=1)

    visual, uv = mesh.visual, getattr(mesh.visual, "uv", None)
    if visual.kind == "face":
        colors = visual.face_colors[faces]
    elif visual.kind == "vertex":
        colors = np.round(blended(visual.vertex_colors))
    else:
        colors = _colors_at(visual, None if uv is None else blended(uv), count)
    return _Points(points, colors)


def _colors_at(visual: Any, uv: np.ndarray | None, count: int) -> np.ndarray:
    """Colours [V, 3 or 4] of points, by their places `uv` on a picture if there is one.

    They are grey where a mesh says nothing of colours.
    """
    colors: Any = None
    if visual.kind == "texture":
        colors = visual.material.to_color(uv) if uv is not None else None
        colors = visual.material.main_color if colors is None else colors
    elif visual.kind is not None:
        colors = visual.vertex_colors
    if np.size(colors) < 3:
        colors = _GREY
    return np.broadcast_to(colors, (count, np.shape(colors)[-1]))


def _table(clouds: Sequence[_Points]) -> PointTable:
    """The columns of clouds one after another; colours unless they are all one grey."""
    points = np.concatenate([np.asarray(cloud.positions) for cloud in clouds])
    colors = np.concatenate([np.asarray(cloud.colors)[:, :3] for cloud in clouds])
    columns = dict(zip("xyz", points.T, strict=True))
    if (colors != colors[0, 0]).any():
        channels = colors.astype(np.uint8).T
        columns |= dict(zip(("red", "green", "blue"), channels, strict=True))
    return PointTable(columns)


def _load(path: str | Path, kind: str) -> list[Any]:
    """Meshes and clouds of trimesh, each where its scene has it."""
    import trimesh

    if kind == "off":
        vertices, faces, colors = read_off(path)
        if colors is not None and colors.max() > 1:
            colors = colors / 255
        return [trimesh.Trimesh(vertices, faces, vertex_colors=colors, process=False)]
    content = Path(path).read_bytes()
    if packed := [name for name in _PACKED if name in content]:
        raise ValueError(f"{packed[0].decode()} is not read: save it without")
    if kind == "obj":  # trimesh knows neither tabs nor comments behind numbers
        content = _BLANKS.sub(b"", plain_text(content).replace(b"\t", b" "))
        _check_obj(content)
    resolver = trimesh.resolvers.FilePathResolver(str(path))
    scene = trimesh.load_scene(
        io.BytesIO(content), file_type=kind, resolver=resolver, process=False
    )
    parts: list[Any] = scene.dump()
    if kind == "stl":  # each of its triangles has vertices of its own
        for part in parts:
            part.merge_vertices()
    return [part for part in parts if part.vertices.shape[1:] == (3,)]
