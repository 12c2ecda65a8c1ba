"""The vertices, triangles and colours of an OFF file.

A small reader of its own: trimesh passes over colours, and takes counts for a vertex
where there is a comment.
"""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gspn_tf.files.columns import check_count, plain_text, read_text_rows

_HEAD = re.compile(rb"\s*(?:ST)?C?(N?)OFF")
_COMMENT = re.compile(rb"#.*")


class OffMesh(NamedTuple):
    """An OffMesh is what an OFF file holds; its polygons are cut into triangles."""

    vertices: np.ndarray  # [V, 3] float64
    triangles: np.ndarray  # [F, 3] rows of vertices
    colors: np.ndarray | None  # [V, 3] float64 0..1, or 0..255


def read_off(path: str | Path) -> OffMesh:
    """Reads a text file whose first word is OFF, COFF, NOFF or CNOFF.

    Raises:
        ValueError: it is none, or has less or other than it announces.
    """
    text = _COMMENT.sub(b"", plain_text(Path(path).read_bytes()))
    head = _HEAD.match(text)
    if head is None:
        raise ValueError("expected a first line OFF")
    lines = [line for line in text[head.end() :].splitlines() if line.strip()]
    if not lines or len(lines[0].split()) < 2:
        raise ValueError("expected the numbers of vertices and of faces after OFF")
    count, num_faces = (int(word) for word in lines[0].split()[:2])
    if min(count, num_faces) < 0:
        raise ValueError(f"numbers must be 0 or more, got {count} and {num_faces}")
    check_count(count + num_faces, len(lines) - 1, "vertices and faces")
    width = len(lines[1].split()) if count else 3
    rows = read_text_rows(lines[1:], count, width)
    if width < 3:
        raise ValueError(f"expected x y z of each vertex, got {width} values")
    triangles = _triangles(lines[1 + count : 1 + count + num_faces])
    if not ((triangles >= 0) & (triangles < count)).all():
        raise ValueError(f"a face has a vertex that is not among the {count}")
    of_colors = rows[:, 6:9] if head[1] else rows[:, 3:6]
    colors = of_colors if of_colors.shape[1] == 3 else None
    return OffMesh(rows[:, :3], triangles, colors)


def _triangles(lines: list[bytes]) -> np.ndarray:
    """The fans [F, 3] of polygons, each a line with its length first."""
    found = []
    for line in lines:
        length, *rest = line.split()
        rows = [int(word) for word in rest[: int(length)]]
        if len(rows) != int(length):
            raise ValueError(f"a face has {len(rows)} of {int(length)} vertices")
        found += [(rows[0], *rows[i : i + 2]) for i in range(1, len(rows) - 1)]
    return np.array(found, np.int64).reshape(-1, 3)
