"""PartNet's `ins_seg_h5` files -> scenes of part instances.

The files hold up to 1024 shapes S with N = 10,000 points each: `train-00.h5`,
`val-00.h5`, ... in a folder for each category. A file has pts [S, N, 3], label [S, N],
the leaf of each point, and perhaps rgb [S, N, 3]; `train-00.json` beside it lists the
parts of each shape, "ins_seg": [{"part_name", "leaf_id_list"}, ...]. The release has
the same shapes in other layouts too, which are made of these files.

The labels are taken as they are: here the leaves that merging dropped belong to the
part around them. Frame and units are as in `partnet`; colours are `rgb`, else grey.
"""

from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from gspn_tf import files
from gspn_tf.data.classes import ClassList
from gspn_tf.data.scene import Scene
from gspn_tf.datasets.partnet import (
    SPLITS,
    read_number,
    scene_of_leaves,
)
from gspn_tf.datasets.partnet_trees import Part, load_list
from gspn_tf.datasets.reading import SceneSource
from gspn_tf.files.errors import ScanError
from gspn_tf.files.hdf5 import opened
from gspn_tf.files.scans import check_finite


class StoredShape(NamedTuple):
    """Where a shape is: the `detail` of its source."""

    path: Path
    row: int
    parts: list[tuple[str, list[int]]]  # names and leaf ids


def list_stored_shapes(
    source: str | Path, category: str, level: int
) -> dict[str, list[SceneSource]]:
    """The shapes of each split, in the order of the files; empty where there are none.

    The files are looked for in `source`, in its folder CATEGORY-LEVEL and in CATEGORY.

    Raises:
      ScanError: no HDF5 file, one without labels, or a JSON file that does not belong
        to it.
    """
    source = Path(source)
    for folder in (source, source / f"{category}-{level}", source / category):
        found = {split: sorted(folder.glob(f"{split}-*.h5")) for split in SPLITS}
        if any(found.values()):
            return {
                split: [shape for path in paths for shape in _list_file(path)]
                for split, paths in found.items()
                if paths
            }
    return {}


def digests(splits: dict[str, list[SceneSource]]) -> dict[str, str]:
    """SHA-256 of each file, of a thousand shapes, by its name."""
    paths = {each.detail.path for shapes in splits.values() for each in shapes}
    return {path.name: files.sha256(path) for path in sorted(paths)}


def read_stored_shape(source: SceneSource, classes: ClassList) -> Scene:
    """Reads one shape.

    Raises:
      ScanError: a damaged file, or arrays that do not fit each other.
    """
    shape: StoredShape = source.detail
    with opened(shape.path) as file:
        points = _values(file, "pts", shape.row, (None, 3))
        check_finite(f"{shape.path}, shape {source.name}", points)
        labels = _values(file, "label", shape.row, (len(points),))
        with_rgb = "rgb" in file
        colors = _values(file, "rgb", shape.row, points.shape) if with_rgb else None
    rows = {part: row for row, part in enumerate(classes.names, start=1)}
    kept = [Part(rows[name], leaves) for name, leaves in shape.parts if name in rows]
    return scene_of_leaves(source.name, points, labels, kept, colors)


def _list_file(path: Path) -> list[SceneSource]:
    """The shapes of a file, as the JSON file beside it names them."""
    with opened(path) as file:
        if not {"pts", "label"} <= set(file):
            raise ScanError(f"{path}: expected pts and label, got {sorted(file)}")
        count = len(file["pts"])
    beside = path.with_suffix(".json")
    records = load_list(beside)
    if len(records) != count:
        raise ScanError(f"{beside}: expected {count} shapes, got {len(records)}")
    return [
        SceneSource(
            read_number(beside, record),
            detail=StoredShape(path, row, _read_parts(beside, record)),
        )
        for row, record in enumerate(records)
    ]


def _read_parts(path: Path, record: dict) -> list[tuple[str, list[int]]]:
    """Names and leaf ids of the parts of a shape, as a JSON file lists them."""
    parts, listed = [], record.get("ins_seg")
    for part in listed if isinstance(listed, list) else [None]:
        match part:
            case {"part_name": str(name), "leaf_id_list": list(leaves)}:
                parts.append((name, leaves))
            case _:
                raise ScanError(
                    f"{path}: expected the parts of each shape as ins_seg, of "
                    f"part_name and leaf_id_list, got {str(record)[:80]}"
                )
    return parts


def _values(file: h5py.File, key: str, index: int, shape: tuple) -> np.ndarray:
    """The values of one shape, which must be of `shape` (None: any length)."""
    row = file[key][index] if index < len(file[key]) else np.zeros(0)
    lengths = zip(shape, row.shape, strict=False)
    if row.ndim != len(shape) or any(a not in (None, b) for a, b in lengths):
        raise ScanError(
            f"{file.filename}: {key} of each shape must be {list(shape)}, "
            f"got {list(row.shape)}"
        )
    return row
