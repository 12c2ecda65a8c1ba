"""LAS and LAZ, the formats of surveys, by laspy and lazrs (the extra `las`).

Coordinates are whole multiples of a scale, from an offset on.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from gspn_tf import files
from gspn_tf.files.columns import check_count
from gspn_tf.files.errors import library_of_extra, naming_file
from gspn_tf.files.laz import check_packed_points

_RGB = ("red", "green", "blue")
_STANDARD = (*_RGB, "intensity", "classification")
_COLORED = 7  # the point format of LAS 1.4 with colours of 16 bits
_MOST_CLASS = 255
_DIGITS = 7  # of coordinates, as float32 has them


def import_laspy(path: str | Path) -> Any:
    """Import laspy, for a file; ScanError where it or lazrs is not installed."""
    import_lazrs(path)
    return library_of_extra("laspy", "las", path)


def import_lazrs(path: str | Path) -> Any:
    """Import lazrs, for a file; ScanError where it is not installed."""
    return library_of_extra("lazrs", "las", path)


def read_las(path: str | Path) -> dict[str, np.ndarray]:
    """Reads the points of a LAS or LAZ file, each column [V].

    They are x, y and z, float64, colours, intensity, classification and all extra
    dimensions. Colours that are all black are left out: many programs declare colours
    and have none.

    Raises:
        ScanError: missing, cut or malformed file, or laspy is not installed.
    """
    laspy = import_laspy(path)
    with naming_file(path, "LAS", Exception):
        _check_records(Path(path))
        columns = _read_columns(laspy, Path(path))
    if not any(columns[name].any() for name in _RGB if name in columns):
        columns = {name: each for name, each in columns.items() if name not in _RGB}
    return columns


def _check_records(path: Path) -> None:
    """ValueError where the file has no room for its records; laspy reads on and on."""
    with open(path, "rb") as file:
        head = file.read(375)
    (count,) = struct.unpack_from("<I", head, 100)
    if head[25] >= 4:  # of LAS 1.4
        count += struct.unpack_from("<I", head, 243)[0]
    check_count(count, path.stat().st_size // 54, "records")


def _read_columns(laspy: Any, path: Path) -> dict[str, np.ndarray]:
    with laspy.open(path) as reader:
        header = reader.header
        if header.are_points_compressed:
            check_packed_points(import_lazrs(path), path, header)
        else:
            size = path.stat().st_size - header.offset_to_point_data
            check_count(header.point_count, size // header.point_format.size)
        cloud = reader.read()
        check_count(header.point_count, len(cloud.points))
        there = set(header.point_format.standard_dimension_names)
        names = [*"xyz", *(name for name in _STANDARD if name in there)]
        names += header.point_format.extra_dimension_names
        return {name: np.asarray(cloud[name]) for name in names}


def write_las(
    path: str | Path,
    points: np.ndarray,
    colors: np.ndarray,
    labels: dict[str, np.ndarray],
) -> None:
    """Writes a cloud as LAS 1.4, or as LAZ where the path says so, atomically.

    Points that are not finite stand at the smallest coordinates and are marked as
    withheld.

    Args:
        path: the file; its suffix is .las or .laz.
        points: [V, 3]; kept to seven digits of their extent at least.
        colors: [V, 3] uint8.
        labels: further dimensions by name, each [V]. `semantic` is the classification
            too, where it is within 0..255.
    """
    laspy = import_laspy(path)
    finite = np.isfinite(points).all(axis=1)
    known = points[finite].astype(np.float64)
    header = laspy.LasHeader(version="1.4", point_format=_COLORED)
    header.offsets = np.floor(known.min(axis=0))
    header.scales = np.full(3, _unit(known))
    for name, values in labels.items():
        header.add_extra_dim(laspy.ExtraBytesParams(name, values.dtype))
    cloud = laspy.LasData(header)
    cloud.xyz = np.where(finite[:, None], points, header.offsets)
    for channel, values in zip(_RGB, colors.T, strict=True):
        cloud[channel] = values.astype(np.uint16) * 257
    for name, values in labels.items():
        cloud[name] = values
    classes = labels["semantic"]
    if 0 <= classes.min(initial=0) and classes.max(initial=0) <= _MOST_CLASS:
        cloud.classification = classes
    cloud.withheld = ~finite
    with files.replacing(path) as beside:
        cloud.write(str(beside))


def _unit(points: np.ndarray) -> float:
    """The power of ten to whose multiples coordinates are rounded."""
    extent = max(float(np.ptp(points, axis=0).max()), 1e-6)
    return float(10.0 ** (np.ceil(np.log10(extent)) - _DIGITS))
