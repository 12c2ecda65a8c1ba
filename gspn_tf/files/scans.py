"""Reads a scan that a user brings, in any of the formats of `gspn_tf.files.formats`.

Columns of points are x, y and z, and colours and labels as `gspn_tf.files.colors` and
`gspn_tf.files.labels` say. An npz file has arrays `points` [V, 3] and, if any, `colors`
[V, 3], `semantic` [V] and `instance` [V].
"""

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gspn_tf.files import formats, npz
from gspn_tf.files.colors import as_bytes, colors_of_columns
from gspn_tf.files.errors import ScanError, check_shape, naming_file
from gspn_tf.files.frame_files import FrameOptions
from gspn_tf.files.labels import NAMES, as_labels, label_column
from gspn_tf.files.stray import stray_points

FAR = 1_000.0
"""Coordinates beyond this many metres are moved to the origin before float32."""

DAMAGED = 1e12
"""Coordinates beyond this, in any unit, are of no place on earth, and not finite."""

TURN = np.array([1, -1, 1], np.float32)
"""Signs of x, z, y of a frame with y up, as x, y, z of one with z up."""


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
    up        the axis that points up, "y" or "z"
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
    up: str = "z"

    def world(self) -> np.ndarray:
        """Coordinates [V, 3] as in the file: float64 where there is an offset."""
        return self.points + self.offset if self.offset.any() else self.points

    def metres(self, scale: float) -> np.ndarray:
        """Points [V, 3] float32 in metres with z up, `scale` to a unit."""
        return upright(self.points, self.up) * np.float32(scale)


def upright(vectors: np.ndarray, up: str) -> np.ndarray:
    """Turn vectors [..., 3] of a frame in which `up` points up, so that z does."""
    return vectors if up == "z" else vectors[..., [0, 2, 1]] * TURN


def not_upright(vectors: np.ndarray, up: str) -> np.ndarray:
    """Turn vectors [..., 3] back: the inverse of `upright`."""
    return vectors if up == "z" else (vectors * TURN)[..., [0, 2, 1]]


def read_scan(
    path: str | Path,
    labels: Mapping[str, str | None] | None = None,
    scale: float = 1.0,
    frames: FrameOptions = FrameOptions(),  # noqa: B008 - immutable
) -> Scan:
    """Reads a scan; its content decides its format, or its name where that cannot.

    Args:
        path: the file, which may be compressed by gzip; or a folder of frames.
        labels: names of the properties or arrays that are "semantic" and "instance",
            where they are others than `gspn_tf.files.labels` knows.
        scale: metres per unit, by which the surface of a mesh is sampled.
        frames: what depth images do not tell of themselves.

    Raises:
        ScanError: missing, empty, truncated or malformed file, no finite point, no
            labels of a name that was given, or a library that is not installed.
    """
    path = Path(path)
    kind = formats.format_of(path)
    if kind == "gz":
        return _read_compressed(path, labels, scale)
    given = {kind: name for kind, name in (labels or {}).items() if name}
    notes: tuple[str, ...] = ()
    if kind == "npz":
        arrays, fields = _arrays_of_npz(path, given)
    else:
        columns, notes = formats.read_table(path, kind, scale, frames)
        arrays, fields = _arrays_of_columns(path, columns, given), tuple(columns)
    try:
        scan = _scan(arrays, fields)
    except ValueError as error:
        raise ScanError(f"{path}: {error}") from error
    up = "y" if kind in formats.Y_UP else "z"
    return replace(scan, notes=(*notes, *scan.notes), up=up)


def _read_compressed(
    path: Path, labels: Mapping[str, str | None] | None, scale: float
) -> Scan:
    """Reads a file that gzip compressed; its name without .gz may say its format."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, path.stem)
        damage = (EOFError, zlib.error)
        with (
            naming_file(path, "gzip", *damage),
            gzip.open(path) as source,
            open(plain, "wb") as target,
        ):
            shutil.copyfileobj(source, target)
        try:
            return read_scan(plain, labels, scale)
        except ScanError as error:
            told = str(error).replace(str(plain), str(path))
            raise ScanError(told) from error


def _arrays_of_npz(
    path: Path, given: Mapping[str, str]
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """The arrays of a scan, and the names of all that there are."""
    with npz.open_archive(path) as archive:
        fields = tuple(archive.files)
        names = {name: name for name in fields if name in ("points", "colors")}
        names |= _label_names(path, fields, given)
        return {kind: archive[name] for kind, name in names.items()}, fields


def _arrays_of_columns(
    path: Path, columns: Mapping[str, np.ndarray], given: Mapping[str, str]
) -> dict[str, np.ndarray]:
    arrays = {"points": np.stack([columns[name] for name in "xyz"], axis=1)}
    if (colors := colors_of_columns(columns)) is not None:
        arrays["colors"] = colors
    names = _label_names(path, columns, given)
    return arrays | {kind: columns[name] for kind, name in names.items()}


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
        place = _place(arrays["points"][rows[0]])
        notes.append(
            f"stray, far from all others: {len(rows)} of {len(points):,} points, the "
            f"first is point {rows[0]} at {place}"
        )
    finite = np.isfinite(points).all(axis=1)
    if (rows := np.flatnonzero(~finite)).size:
        notes.append(
            f"not finite, and left out: {len(rows):,} of {len(points):,} points, the "
            f"first is point {rows[0]} at {_place(arrays['points'][rows[0]])}"
        )
    kinds = {
        kind: as_labels(arrays[kind], kind) if kind in arrays else None
        for kind in NAMES
    }
    return Scan(
        points,
        offset,
        finite,
        stray,
        colors,
        kinds["semantic"],
        kinds["instance"],
        fields=fields,
        notes=tuple(notes),
    )


def _place(point: np.ndarray) -> str:
    return " ".join(f"{value:.10g}" for value in point)


def _positions(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points float32 near the origin, the offset taken off, and which are stray."""
    stray = stray_points(points)
    beyond = (np.abs(points) > DAMAGED) & ~stray[:, None]
    if beyond.any():
        points = np.where(beyond, np.inf, points)
    finite = np.isfinite(points).all(axis=1)
    if not finite.any():
        kind = f"finite points within {DAMAGED:g}" if beyond.any() else "finite points"
        raise ValueError(f"expected {kind}, got none among {len(points)} points")
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
