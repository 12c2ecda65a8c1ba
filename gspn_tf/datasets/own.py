"""A user's own labelled scans -> scenes.

The data set is a folder of files and a class list.

* A file is one scan, npz or PLY (see `gspn_tf.files.scans`): `points` in metres with z
  up, `colors` (grey where there are none), `semantic` = class id of each point,
  `instance` = number of the object of each point, 0 = none.
* The class list is a text file with one "id name" a line, such as "5 chair".

Class ids that are not in the list become background. An object takes the class that
most of its points have; where that is background (a wall, the floor), the object is
dropped.
"""

from pathlib import Path

import numpy as np

from gspn_tf.data.classes import ClassList
from gspn_tf.data.scene import GREY, Scene, number_instances
from gspn_tf.datasets.reading import SceneSource
from gspn_tf.files.errors import ScanError
from gspn_tf.files.scans import check_finite, read_scan
from gspn_tf.files.text import visible_files


def find_scans(folder: str | Path) -> list[SceneSource]:
    """The npz and PLY files of a folder, sorted; a single file counts as a folder.

    Raises:
      ScanError: there is none.
    """
    folder = Path(folder)
    suffixes = (".npz", ".ply")
    paths = [p for p in visible_files(folder) if p.suffix.lower() in suffixes]
    if folder.is_file():
        paths = [folder]
    if not paths:
        raise ScanError(f"{folder}: expected .npz or .ply files, got none")
    return [SceneSource(path.stem, (path,)) for path in paths]


def read_labelled_scan(source: SceneSource, classes: ClassList) -> Scene:
    """Reads the labelled scan that is a source's one file.

    Raises:
      ScanError: unreadable or cut short, without labels, or with points that are not
        finite.
    """
    (path,) = source.files
    scan = read_scan(path)
    if scan.semantic is None or scan.instance is None:
        raise ScanError(f"{path}: expected 'semantic' and 'instance', got no such data")
    check_finite(path, scan.points)
    semantic = classes.to_rows(scan.semantic)
    colors = scan.colors
    return Scene(
        name=source.name,
        points=scan.points,
        colors=np.full(scan.points.shape, GREY, np.uint8) if colors is None else colors,
        semantic=semantic,
        instance=number_instances(scan.instance, semantic),
    )
