"""Reads a cloud that a user brings: PLY (mesh or cloud) or npz, labels optional.

PLY  ASCII or binary, vertices with `x y z`; colours `red green blue` as integers or
     as floats of 0..1 or 0..255; labels `semantic` (or ScanNet's `label`) and
     `instance`; any order, any further properties; faces are ignored.
npz  `points` [V, 3]; optional `colors` [V, 3] uint8 or float, `semantic` [V] and
     `instance` [V] integers.
"""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gspn_tf.files.errors import ScanError, check_shape, naming_file
from gspn_tf.files.ply import read_vertices

FAR = 1_000.0
"""Coordinates beyond this many metres are moved to the origin before float32."""
_CHANNELS = ("red", "green", "blue")


@dataclass(frozen=True, slots=True)
class Scan:
    """A cloud as read, every point of the file in the order of the file.

    points    [V, 3] float32, metres, relative to `offset`; may hold NaN
    offset    [3] float64; zero unless the coordinates are beyond `FAR`
    finite    [V] bool, False where a coordinate is NaN or infinite
    colors    [V, 3] uint8, or None
    semantic  [V] int32, raw class ids, or None
    instance  [V] int32, raw: 0 or less = none, or None
    """

    points: np.ndarray
    offset: np.ndarray
    finite: np.ndarray
    colors: np.ndarray | None = None
    semantic: np.ndarray | None = None
    instance: np.ndarray | None = None

    def world(self) -> np.ndarray:
        """Coordinates [V, 3] as in the file: float64 where there is an offset."""
        return self.points + self.offset if self.offset.any() else self.points


def read_scan(path: str | Path) -> Scan:
    """Reads a PLY or npz file; its content decides which it is, not its name.

    Raises:
      ScanError: missing, empty, truncated or malformed file, or no finite point.
    """
    path = Path(path)
    damage = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError)
    with naming_file(path, "npz", *damage):
        columns = _read_arrays(path)
    try:
        return _scan(columns)
    except ValueError as error:
        raise ScanError(f"{path}: {error}") from error


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an npz file, or a PLY file's columns gathered alike."""
    with open(path, "rb") as file:
        magic = file.read(4)
    if magic[:3] == b"ply":
        return _gather(read_vertices(path))
    if magic[:2] == b"PK":
        # NumPy leaves a file of its own open where it is damaged.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            names = ("points", "colors", "semantic", "instance")
            return {name: archive[name] for name in names if name in archive.files}
    found = f"a file that begins with {magic!r}" if magic else "an empty file"
    raise ScanError(f"{path}: expected a PLY or an npz file, got {found}")


def _gather(vertices: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    columns = {"points": np.stack([vertices[name] for name in "xyz"], axis=1)}
    if all(channel in vertices for channel in _CHANNELS):
        columns["colors"] = np.stack([vertices[c] for c in _CHANNELS], axis=1)
    semantic = "semantic" if "semantic" in vertices else "label"
    for name, source in (("semantic", semantic), ("instance", "instance")):
        if source in vertices:
            columns[name] = vertices[source]
    return columns


def _scan(columns: dict[str, np.ndarray]) -> Scan:
    if "points" not in columns:
        raise ValueError("expected an array 'points' [V, 3], got none")
    for name, values in columns.items():
        count = "V" if name == "points" else len(columns["points"])
        shape = (count, 3) if name in ("points", "colors") else (count,)
        check_shape(name, values, shape)
        if values.dtype.kind not in "fiu":
            raise ValueError(f"{name} must be numbers, got {values.dtype}")
    points, offset, finite = _positions(columns["points"])
    labels = {name: _labels(columns, name) for name in ("semantic", "instance")}
    return Scan(points, offset, finite, colors=_colors(columns), **labels)


def _positions(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points float32 near the origin, the offset taken off, and which are finite."""
    finite = np.isfinite(points).all(axis=1)
    if not finite.any():
        raise ValueError(f"expected finite points, got none among {len(points)} points")
    offset = np.zeros(3)
    if np.abs(points[finite]).max() > FAR:
        offset = np.floor(np.median(points[finite].astype(np.float64), axis=0))
        points = points - offset
    with np.errstate(over="ignore", invalid="ignore"):
        points = np.ascontiguousarray(points, np.float32)
    return points, offset, np.isfinite(points).all(axis=1)


def _colors(columns: dict[str, np.ndarray]) -> np.ndarray | None:
    """Colours as uint8; floats up to 1 are shares, 16-bit integers lose their low."""
    colors = columns.get("colors")
    if colors is None or colors.dtype == np.uint8:
        return colors if colors is None else np.ascontiguousarray(colors)
    if colors.dtype == np.uint16 and colors.max(initial=0) > 255:
        return (colors >> 8).astype(np.uint8)
    values = np.nan_to_num(colors.astype(np.float64), posinf=0.0, neginf=0.0)
    if colors.dtype.kind == "f" and values.max(initial=0.0) <= 1.0:
        values = values * 255.0
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def _labels(columns: dict[str, np.ndarray], name: str) -> np.ndarray | None:
    labels = columns.get(name)
    if labels is None:
        return None
    limit = np.iinfo(np.int32)
    with np.errstate(invalid="ignore"):
        good = (labels >= limit.min) & (labels <= limit.max)
        good &= labels == np.floor(labels)
    if not good.all():
        raise ValueError(f"{name} must be integers, got {labels[~good][0]}")
    return labels.astype(np.int32)


def check_finite(where: str | Path, points: np.ndarray) -> None:
    """ScanError that says `where` points [V, 3] are not finite."""
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(bad):
        raise ScanError(
            f"{where}: points must be finite, got {points[bad[0]]} at point {bad[0]}, "
            f"and {len(bad)} such points in all"
        )
