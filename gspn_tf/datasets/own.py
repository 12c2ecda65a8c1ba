"""A user's own labelled scans -> scenes.

The data set is a folder of files and a class list.

* A file is one scan, npz or PLY (see `scan_io`): `points` in metres with z up,
  `colors` (grey where there are none), `semantic` = class id of each point,
  `instance` = number of the object of each point, 0 = none.
* The class list is a text file with one "id name" a line, such as "5 chair".

Class ids that are not in the list become background. An object takes the class that
most of its points have; where that is background (a wall, the floor), the object is
dropped.
"""

from pathlib import Path

import numpy as np

from gspn_tf.data.classes import ClassList
from gspn_tf.data.scene import Scene
from gspn_tf.datasets.preparing.reading import Item
from gspn_tf.files import scans as scan_io
from gspn_tf.files.scans import Scan, ScanError

_GREY = 127


def find_scans(folder: str | Path) -> list[Path]:
    """The npz and PLY files of a folder, sorted; a single file counts as a folder.

    Raises:
      ScanError: there is none.
    """
    folder = Path(folder)
    if folder.is_file():
        return [folder]
    suffixes = (".npz", ".ply")
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in suffixes)
    if not paths:
        raise ScanError(f"{folder}: expected .npz or .ply files, got none")
    return paths


def read_scan(path: str | Path, classes: ClassList) -> Scene:
    """Reads one labelled scan.

    Raises:
      ScanError: unreadable or cut short, without labels, or with points that are not
        finite.
    """
    scan = scan_io.read_scan(path, whole=True)
    if scan.semantic is None or scan.instance is None:
        raise ScanError(f"{path}: expected 'semantic' and 'instance', got no such data")
    bad = np.flatnonzero(~scan.finite)
    if len(bad):
        raise ScanError(
            f"{path}: points must be finite, got {scan.points[bad[0]]} at point "
            f"{bad[0]}, and {len(bad)} such points in all"
        )
    semantic = classes.to_rows(scan.semantic)
    return Scene(
        name=Path(path).stem,
        points=scan.points,
        colors=_colors(scan),
        semantic=semantic,
        instance=number_instances(scan.instance, semantic, len(classes)),
    )


def read_item(item: Item, classes: ClassList) -> Scene:
    """Reads the labelled scan that is an item's one source, as `read_scan` does."""
    return read_scan(item.sources[0], classes)


def _colors(scan: Scan) -> np.ndarray:
    if scan.colors is None:
        return np.full(scan.points.shape, _GREY, np.uint8)
    return scan.colors


def number_instances(
    raw: np.ndarray, semantic: np.ndarray, num_classes: int
) -> np.ndarray:
    """Raw object numbers [V] (0 or less = none) -> 0..I-1 int32, -1 = none.

    Objects are numbered in the order of their raw numbers; those of which most
    points are background are dropped.
    """
    numbers, rows = np.unique(raw, return_inverse=True)
    votes = np.zeros((len(numbers), num_classes + 1), np.int64)
    np.add.at(votes, (rows, semantic), 1)
    kept = (numbers > 0) & (votes.argmax(axis=1) > 0)
    dense = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
    return dense[rows]
