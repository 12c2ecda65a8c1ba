"""A user's own labelled scans -> scenes.

The data set is a folder of files and a class list.

* A file is one scan in a format that holds labels (see `gspn_tf.files.scans`): points
  in metres with z up, colours (grey where there are none), `semantic` = class id of
  each point, `instance` = number of the object of each point, 0 = none.
  Points far from all others are named and left out.
* The class list is a text file with one "id name" a line, such as "5 chair".

Class ids that are not in the list become background. An object takes the class that
most of its points have; where that is background (a wall, the floor), the object is
dropped. Where negative numbers say that a point is of no object, and all points of
number 0 are of a class, 0 is an object too.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from gspn_tf.data.classes import ClassList, read_pairs
from gspn_tf.data.scene import (
    GREY,
    Scene,
    begin_anew,
    number_instances,
    numbers_per_class,
)
from gspn_tf.datasets.reading import SceneSource
from gspn_tf.files.errors import ScanError
from gspn_tf.files.labels import NAMES
from gspn_tf.files.scans import check_finite, read_scan
from gspn_tf.files.text import printable, visible_files

LABELLED = (".npz", ".ply", ".pcd", ".las", ".laz")
"""Ends of the names of the scans of a folder."""
_log = logging.getLogger(__name__)


def read_class_list(path: str | Path) -> tuple[ClassList, int]:
    """The class list of a file, and what was added to its ids.

    That is 1 where one of them is 0, which is no class here, and 0 elsewhere.

    Raises:
        ValueError: a malformed list.
    """
    added = int(any(raw_id == 0 for raw_id, _ in read_pairs(path)))
    return ClassList.read(path, added), added


def find_scans(folder: str | Path) -> list[SceneSource]:
    """The scans of a folder, sorted; a single file, of any name, counts as a folder.

    Raises:
      ScanError: there is none.
    """
    folder = Path(folder)
    named = [p for p in visible_files(folder) if p.suffix.lower() in LABELLED]
    paths = [p for p in named if p.is_file() or not p.exists()]  # links may be broken
    if folder.is_file():
        paths = [folder]
    if not paths:
        raise ScanError(f"{folder}: expected files of {', '.join(LABELLED)}, got none")
    return [SceneSource(printable(path.stem), (path,)) for path in paths]


def read_labelled_scan(
    source: SceneSource,
    classes: ClassList,
    *,
    added: int = 0,
    instances: Literal["auto", "scene", "class"] = "auto",
    fields: Mapping[str, str | None] | None = None,
) -> Scene:
    """Reads the labelled scan that is a source's one file, without stray points.

    Args:
        source: the scan.
        classes: those of the rows 1..C.
        added: to the class ids of the file, to have those of `classes`.
        instances: whether an object's number is its own in the "scene", or in its
            "class" alone; "auto": see `begin_anew`.
        fields: names of "semantic" and "instance" in the file, where they are others.

    Raises:
        ScanError: unreadable or cut short, without labels, or with points that are not
            finite.
    """
    (path,) = source.files
    scan = read_scan(path, fields)
    if scan.semantic is None or scan.instance is None:
        missing = [kind for kind in NAMES if getattr(scan, kind) is None]
        options = " and ".join(f"--{kind}_field" for kind in missing)
        raise ScanError(
            f"{path}: expected {' and '.join(missing)} of each point, have "
            f"{', '.join(scan.fields)}; {options} may name one of these"
        )
    check_finite(path, scan.points)
    for note in scan.notes:
        _log.warning("%s", note)
    raw = scan.semantic.astype(np.int64) + added
    semantic = classes.to_rows(raw)
    if not semantic.any():
        ids = np.unique(scan.semantic)
        _log.warning(
            "no point is of a class of the list; ids are %s", ids[:20].tolist()
        )
    numbers = scan.instance
    of_zero = semantic[numbers == 0]
    if (numbers < 0).any() and of_zero.size and (of_zero > 0).all():
        numbers = numbers + 1
        _log.warning("0 is the number of an object, as negative ones say none")
    anew = instances == "class"
    if instances == "auto" and begin_anew(numbers, raw):
        anew = True
        _log.warning(
            "object numbers begin anew in each class; --instances scene takes points "
            "of one number for one object, whatever their classes"
        )
    if anew:
        numbers = numbers_per_class(numbers, semantic)
    colors = scan.colors
    if colors is None:
        colors = np.full(scan.points.shape, GREY, np.uint8)
    near = ~scan.stray  # a room would reach as far as they do
    return Scene(
        name=source.name,
        points=scan.points[near],
        colors=colors[near],
        semantic=semantic[near],
        instance=number_instances(numbers[near], semantic[near]),
    )
