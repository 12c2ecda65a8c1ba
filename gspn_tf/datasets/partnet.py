"""PartNet's raw shapes -> scenes of part instances at one level of detail.

A shape is a folder named after its annotation (release v0 of the data set):

    meta.json                        "model_cat": the category; PartNet-Mobility has
                                     renamed some, from their "original_model_cat"
    result.json                      the tree of parts as annotated, each node an "id"
    result_after_merging.json        the final tree, whose nodes carry "ori_id": the id
                                     of the node of result.json that they come of
    point_sample/pts-10000.txt       x y z of points on the parts' meshes
    point_sample/label-10000.txt     for each point the id of a leaf of result.json

The parts of a level are the nodes of the final tree whose path, node names joined by
"/", is in the list of that category and level (`Chair-level-3.txt`: one "id path kind"
a line, stats/after_merging_label_ids of the data set's repository). The points of a
part are those of its final leaves, found through `ori_id`. Leaves that merging dropped
are background (the data set's "other"), also where a part of the level surrounds them.

Units: shapes are normalised, about one unit from their middle to their farthest point,
and are kept so. PartNet has y up; scenes have z up: (x, y, z) becomes (x, -z, y).
These points have no colour: all are grey.
"""

import logging
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from gspn_tf.data.classes import ClassList
from gspn_tf.data.scene import GREY, Scene, number_instances
from gspn_tf.datasets.partnet_trees import (
    Part,
    check_same_shape,
    find_parts,
    leaves_below,
)
from gspn_tf.datasets.reading import SceneSource
from gspn_tf.files.errors import (
    ScanError,
    check_shape,
    load_json,
    load_list,
    naming_file,
)
from gspn_tf.files.scans import check_finite
from gspn_tf.files.text import read_text, visible_files

LICENCE = (
    "PartNet is for non-commercial research and education and may not be passed on; "
    "its terms are ShapeNet's."
)
SPLITS = ("train", "val", "test")
FILES = (
    "meta.json",
    "point_sample/pts-10000.txt",
    "point_sample/label-10000.txt",
    "result.json",
    "result_after_merging.json",
)
_log = logging.getLogger(__name__)


def read_part_classes(folder: str | Path, category: str, level: int) -> ClassList:
    """The parts of a category and level; their names are paths in the tree.

    Raises:
      ValueError: no such list (not every category has every level), or a malformed one.
    """
    path = Path(folder) / f"{category}-level-{level}.txt"
    if not path.is_file():
        there = [p.stem for p in visible_files(folder, "*-level-?.txt")]
        raise ValueError(
            f"category and level must have a list of parts in {folder}: expected "
            f"{path.name}, got {', '.join(there) or 'no lists at all'}"
        )
    classes = ClassList.read(path)
    for name in classes.names:
        if len(name.split()) != 2:
            raise ValueError(f'{path}: expected "id path kind" a line, got {name!r}')
    return ClassList(classes.raw_ids, tuple(n.split()[0] for n in classes.names))


def list_raw_shapes(source: str | Path, category: str) -> list[SceneSource]:
    """A category's shapes, in the order of their annotation numbers.

    A shape is of a category by its present name or by its original one. Those whose
    category cannot be read are among them: they may be of it, and are errors when they
    are read.

    Raises:
      ScanError: there is none.
    """
    found: list[Path] = []
    others: set[str] = set()
    renamed: Counter[str] = Counter()
    for folder in visible_files(source):
        if not any((folder / name).exists() for name in FILES):
            continue
        try:
            names = read_categories(folder / FILES[0])
        except (ScanError, OSError):
            names = (category,)
        others.update(names)
        if category in names:
            found.append(folder)
            renamed.update(set(names) - {category})
    if not found:
        got = f"shapes of {', '.join(sorted(others))}" if others else "no shapes at all"
        raise ScanError(f"{source}: expected shapes of category {category}, got {got}")
    for other, count in sorted(renamed.items()):
        _log.warning("shapes of %s that are also called %s: %d", category, other, count)
    found.sort(key=lambda path: (len(path.name), path.name))
    return [SceneSource(f.name, tuple(f / name for name in FILES), f) for f in found]


def read_categories(path: Path) -> tuple[str, ...]:
    """The category that a shape's meta.json says, and the original one if it does."""
    match load_json(path):
        case {"model_cat": str(category), "original_model_cat": str(original)}:
            return category, original
        case {"model_cat": str(category)}:
            return (category,)
    raise ScanError(f"{path}: expected the category as model_cat, a text")


def read_split_lists(folder: str | Path, category: str) -> dict[str, list[str]]:
    """Annotation numbers of the data set's own splits (`Chair.train.json` ...)."""
    splits = {}
    for split in SPLITS:
        path = Path(folder) / f"{category}.{split}.json"
        splits[split] = [read_number(path, record) for record in load_list(path)]
    return splits


def read_number(path: Path, record: Any) -> str:
    """The annotation number of an entry of a JSON file."""
    match record:
        case {"anno_id": int() | str() as number}:
            return str(number)
    raise ScanError(f"{path}: expected anno_id of each shape, got {str(record)[:80]}")


def read_raw_shape(source: SceneSource, classes: ClassList) -> Scene:
    """Reads one shape; parts are numbered in the order of the final tree.

    A part without points is left out.

    Raises:
      ScanError: a file is missing or malformed, or they do not belong together.
    """
    folder = source.detail
    meta_path, points_path, labels_path, original_path, final_path = source.files
    read_categories(meta_path)
    points = _read_table(points_path, np.float32, 3)
    check_finite(points_path, points)
    labels = _read_table(labels_path, np.int64, 1)[:, 0]
    check_shape(f"{labels_path}: labels, one a point,", labels, (len(points),))
    tree, merged = load_json(original_path), load_json(final_path)
    check_same_shape(tree, merged, folder)
    original = leaves_below(tree, folder)
    known = {leaf for leaves in original.values() for leaf in leaves}
    strange = sorted(set(labels.tolist()) - known)
    if strange:
        raise ScanError(
            f"{labels_path} must name leaves of result.json, got {strange[:5]}"
        )
    parts = list(find_parts(merged, original, classes, folder))
    if not parts:
        _log.warning("no part of the tree is in the list of the category and level")
    return scene_of_leaves(source.name, points, labels, parts)


def scene_of_leaves(
    name: str,
    points: np.ndarray,
    labels: np.ndarray,
    parts: list[Part],
    colors: np.ndarray | None = None,
) -> Scene:
    """A scene of points [V, 3] in PartNet's frame whose leaves are `labels` [V].

    Points that several parts claim belong to the last, as in the data set's code.
    """
    owner = np.full(len(labels), -1, np.int64)
    shared = 0
    for number, part in enumerate(parts):
        mine = np.isin(labels, part.leaves)
        shared += int(np.count_nonzero(owner[mine] >= 0))
        owner[mine] = number
    if shared:
        _log.warning("%s: parts share %d points", name, shared)
    return scene_of_parts(name, points, owner, [part.row for part in parts], colors)


def scene_of_parts(
    name: str,
    points: np.ndarray,
    owner: np.ndarray,
    rows: list[int],
    colors: np.ndarray | None = None,
) -> Scene:
    """A scene whose point v belongs to part `owner[v]` (-1 = other) of class `rows`."""
    semantic = np.array([*rows, 0], np.int32)[owner]  # owner -1 reads the last
    x, y, z = np.asarray(points, np.float32).T
    if colors is None:
        colors = np.full(points.shape, GREY, np.uint8)
    return Scene(
        name=name,
        points=np.stack([x, -z, y], axis=1),
        colors=colors,
        semantic=semantic,
        instance=number_instances(owner + 1, semantic),
    )


def _read_table(path: Path, kind: type, columns: int) -> np.ndarray:
    """Numbers [V, columns] of a text file."""
    with naming_file(path, f"{columns}-column text", decodes=True):
        lines = read_text(path).splitlines()
        if not any(lines):
            raise ValueError("expected numbers, got none")
        table: np.ndarray = np.loadtxt(lines, dtype=kind, ndmin=2)
    check_shape(f"{path}: numbers", table, ("V", columns))
    return table
