"""Reads a cloud that a user brings: PLY (mesh or cloud) or npz, labels optional.

PLY  ASCII or binary, vertices with `x y z`; colours and labels as
     `gspn_tf.files.colors` and `gspn_tf.files.labels` say; any order, any further
     properties; faces and lists are passed over.
npz  `points` [V, 3]; optional `colors` [V, 3], `semantic` [V] and `instance` [V].
"""

import codecs
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gspn_tf.files import npz
from gspn_tf.files.colors import as_bytes, colors_of_columns
from gspn_tf.files.errors import ScanError, check_shape, contents, naming_file
from gspn_tf.files.labels import NAMES, as_labels, label_column
from gspn_tf.files.ply import read_vertices
from gspn_tf.files.stray import stray_points

FAR = 1_000.0
"""Coordinates beyond this many metres are moved to the origin before float32."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A cloud as read, every point of the file in the order of the file.

    points    [V, 3] float32, metres, relative to `offset`; may hold NaN
    offset    [3] float64; zero unless the coordinates are beyond `FAR`
    finite    [V] bool, False where a coordinate is NaN or infinite
    stray     [V] bool, True where a point is finite and far from all others
    colors    [V, 3] uint8, or None
    semantic  [V] int32, raw class ids, -1 = none, or None
    instance  [V] int32, raw: 0 or less = none, or None
    fields    names of the properties or arrays that the file has
    notes     lines about what was guessed, or not understood
    """

    points: np.ndarray
    offset: np.ndarray
    finite: np.ndarray
    stray: np.ndarray
    colors: np.ndarray | None
    semantic: np.ndarray | None
    instance: np.ndarray | None
    fields: tuple[str, ...]
    notes: tuple[str, ...]

    def world(self) -> np.ndarray:
        """Coordinates [V, 3] as in the file: float64 where there is an offset."""
        return self.points + self.offset if self.offset.any() else self.points

    def metres(self, scale: float) -> np.ndarray:
        """Points [V, 3] float32 in metres, `scale` to a unit; stray ones are NaN."""
        metres = self.points * np.float32(scale)
        metres[self.stray] = np.nan
        return metres


def read_scan(path: str | Path, labels: Mapping[str, str | None] | None = None) -> Scan:
    """Reads a PLY or npz file; its content decides which it is, not its name.

    Args:
        path: the file.
        labels: names of the properties or arrays that are "semantic" and "instance",
            where they are others than `gspn_tf.files.labels` knows.

    Raises:
        ScanError: missing, empty, truncated or malformed file, no finite point, or no
            labels of a name that was given.
    """
    path = Path(path)
    with naming_file(path, "scan"), open(path, "rb") as file:
        magic = file.read(6)
    given = {kind: name for kind, name in (labels or {}).items() if name}
    if magic.removeprefix(codecs.BOM_UTF8).startswith(b"ply"):
        columns = read_vertices(path)
        arrays = _arrays_of_columns(columns)
        names = _label_names(path, columns, given)
        arrays |= {kind: columns[name] for kind, name in names.items()}
        fields = tuple(columns)
    elif magic.startswith(b"PK"):
        with npz.open_archive(path) as archive:
            fields = tuple(archive.files)
            names = {n: n for n in ("points", "colors") if n in fields}
            names |= _label_names(path, fields, given)
            arrays = {kind: archive[name] for kind, name in names.items()}
    else:
        found = contents(path) or f"it begins with {magic!r}"
        raise ScanError(f"{path}: expected a PLY or an npz file, but {found}")
    try:
        return _scan(arrays, fields)
    except ValueError as error:
        raise ScanError(f"{path}: {error}") from error


def _arrays_of_columns(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    arrays = {"points": np.stack([columns[name] for name in "xyz"], axis=1)}
    colors = colors_of_columns(columns)
    return arrays if colors is None else arrays | {"colors": colors}


def _label_names(
    path: Path, fields: Collection[str], given: Mapping[str, str]
) -> dict[str, str]:
    """The name of the field of each kind of labels that there is."""
    if absent := [name for name in given.values() if name not in fields]:
        raise ScanError(f"{path}: expected {absent}, have {list(fields)}")
    found = {kind: given.get(kind, label_column(fields, kind)) for kind in NAMES}
    return {kind: name for kind, name in found.items() if name}


def _scan(arrays: dict[str, np.ndarray], fields: tuple[str, ...]) -> Scan:
    if "points" not in arrays:
        raise ValueError(
            f"expected an array 'points' [V, 3], have arrays {list(fields)}"
        )
    for name, values in arrays.items():
        count = "V" if name == "points" else len(arrays["points"])
        shape = (count, 3) if name in ("points", "colors") else (count,)
        check_shape(name, values, shape)
        if values.dtype.kind not in "fiu":
            raise ValueError(f"{name} must be numbers, got {values.dtype}")
    points, offset, stray = _positions(arrays["points"])
    colors = None
    notes = [f"no colours are understood among {', '.join(fields)}: all is grey"]
    if "colors" in arrays:
        colors, told = as_bytes(arrays["colors"])
        notes = [told] if told else []
    if (rows := np.flatnonzero(stray)).size:
        place = " ".join(f"{value:.10g}" for value in arrays["points"][rows[0]])
        notes.append(
            f"stray, far from all others: {len(rows)} of {len(points):,} points, the "
            f"first is point {rows[0]} at {place}"
        )
    kinds = {
        kind: as_labels(arrays[kind], kind) if kind in arrays else None
        for kind in NAMES
    }
    finite = np.isfinite(points).all(axis=1)
    return Scan(
        points,
        offset,
        finite,
        stray,
        colors,
        **kinds,
        fields=fields,
        notes=tuple(notes),
    )


def _positions(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points float32 near the origin, the offset taken off, and which are stray."""
    finite = np.isfinite(points).all(axis=1)
    if not finite.any():
        raise ValueError(f"expected finite points, got none among {len(points)} points")
    stray = stray_points(points)
    others = points[finite & ~stray]
    offset = np.zeros(3)
    if np.abs(others).max() > FAR:
        offset = np.floor(np.median(others.astype(np.float64), axis=0))
        points = points - offset
    with np.errstate(over="ignore", invalid="ignore"):
        points = np.ascontiguousarray(points, np.float32)
    return points, offset, stray & np.isfinite(points).all(axis=1)


def check_finite(where: str | Path, points: np.ndarray) -> None:
    """ScanError that says `where` points [V, 3] are not finite."""
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(bad):
        raise ScanError(
            f"{where}: points must be finite, got {points[bad[0]]} at point {bad[0]}, "
            f"and {len(bad)} such points in all"
        )
