"""E57, the format of laser scanners, by pye57 (the extra `e57`).

A file holds the clouds of one or more stations, each in a frame of its own with a pose.
"""

from pathlib import Path
from typing import Any

import numpy as np

from gspn_tf.files.columns import check_count
from gspn_tf.files.errors import library_of_extra, naming_file

_CARTESIAN = ("cartesianX", "cartesianY", "cartesianZ")
_SPHERICAL = ("sphericalRange", "sphericalAzimuth", "sphericalElevation")
_INVALID = ("cartesianInvalidState", "sphericalInvalidState")
_COLORS = {"colorRed": "red", "colorGreen": "green", "colorBlue": "blue"}


def read_e57(path: str | Path) -> dict[str, np.ndarray]:
    """Reads the points of all stations in the frame of the file, each column [V].

    Stations follow each other; points that the scanner marks as invalid are NaN.
    There are colours where all stations have them.

    Raises:
        ScanError: missing, cut or malformed file, or pye57 is not installed.
    """
    pye57 = library_of_extra("pye57", "e57", path)
    with naming_file(path, "E57", Exception), pye57.E57(str(path)) as file:
        headers = [file.get_header(index) for index in range(file.scan_count)]
        known = [header for header in headers if header.point_count]
        if not known:
            raise ValueError("expected stations with points, got none")
        stations = [_read_station(pye57, file, header) for header in known]
    names = [name for name in stations[0] if all(name in each for each in stations)]
    return {name: np.concatenate([each[name] for each in stations]) for name in names}


def _read_station(pye57: Any, file: Any, header: Any) -> dict[str, np.ndarray]:
    kinds = dict.fromkeys((*_CARTESIAN, *_SPHERICAL), "f8")
    kinds |= dict.fromkeys((*_INVALID, *_COLORS), "f4")
    data = {
        name: np.empty(header.point_count, kind)
        for name, kind in kinds.items()
        if name in header.point_fields
    }
    buffers = pye57.libe57.VectorSourceDestBuffer()
    for name, values in data.items():
        buffers.append(
            pye57.libe57.SourceDestBuffer(
                file.image_file, name, values, len(values), True, True
            )
        )
    check_count(header.point_count, header.points.reader(buffers).read())
    if all(name in data for name in _CARTESIAN):
        points = np.stack([data[name] for name in _CARTESIAN], axis=1)
    elif all(name in data for name in _SPHERICAL):
        polar = np.stack([data[name] for name in _SPHERICAL], axis=1)
        points = pye57.utils.convert_spherical_to_cartesian(polar)
    else:
        raise ValueError(f"expected coordinates, have {header.point_fields}")
    for name in _INVALID:
        if name in data:
            points[data[name] != 0] = np.nan
    if header.has_pose():
        points = file.to_global(points, header.rotation, header.translation)
    columns = dict(zip("xyz", points.T, strict=True))
    if all(name in data for name in _COLORS):
        colors = _in_range(header, [data[name] for name in _COLORS])
        columns |= dict(zip(_COLORS.values(), colors, strict=True))
    return columns


def _in_range(header: Any, colors: list[np.ndarray]) -> list[np.ndarray]:
    """Colours as uint8 where they are in the range that the header says."""
    if "colorLimits" not in header.scan_fields:
        return colors
    most = header["colorLimits"]["colorRedMaximum"].value()
    if not 0 < most or any(values.max(initial=0) > most for values in colors):
        return colors
    return [np.round(values * (255 / most)).astype(np.uint8) for values in colors]
