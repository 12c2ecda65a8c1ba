"""PartNet's `ins_seg_h5` files -> scenes of part instances.

The data set's release has the same shapes in three layouts of HDF5 files of up to 1024
shapes S with N = 10,000 points, `train-00.h5`, `val-00.h5`, ... in one folder for each
category (and level). What a file holds says which layout it is:

    ins_seg_h5/Chair                  pts [S, N, 3], label [S, N] leaf ids, rgb; beside
                                      it train-00.json with the parts of each shape:
                                      "ins_seg": [{"part_name", "leaf_id_list"}, ...]
    ins_seg_h5_for_detection/Chair-3  pts, gt_mask [S, K, N], gt_valid [S, K],
                                      gt_label [S, N] class rows, gt_other_mask [S, N]
    ins_seg_h5_gt/Chair-3             pts (where kept), gt_mask, gt_mask_valid [S, K],
                                      gt_mask_label [S, K] class rows less one,
                                      gt_mask_other

The labels are taken as they are: here the leaves that merging dropped belong to the
part around them. Frame, units and colours are as in `partnet`; where a file has `rgb`,
those are the colours. Test files of `ins_seg_h5_for_detection` have no labels.
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
    scene_of_parts,
)
from gspn_tf.datasets.partnet_trees import Part
from gspn_tf.datasets.reading import SceneSource
from gspn_tf.files.errors import ScanError, check_shape, load_list
from gspn_tf.files.hdf5 import opened
from gspn_tf.files.scans import check_finite
from gspn_tf.files.text import visible_files


class StoredShape(NamedTuple):
    """Where a shape is: the `detail` of its source."""

    path: Path
    row: int
    labelled: bool
    parts: list[tuple[str, list[int]]]  # names and leaf ids, where a JSON lists them


def list_stored_shapes(
    source: str | Path, category: str, level: int
) -> dict[str, list[SceneSource]]:
    """The shapes of each split, in the order of the files; empty where there are none.

    The files are looked for in `source`, in its folder CATEGORY-LEVEL and in CATEGORY.

    Raises:
      ScanError: no HDF5 file, one without labels that is not of split `test`, or a JSON
        file that does not belong to it.
    """
    source = Path(source)
    for folder in (source, source / f"{category}-{level}", source / category):
        found = {split: visible_files(folder, f"{split}-*.h5") for split in SPLITS}
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


def unlabelled(splits: dict[str, list[SceneSource]]) -> tuple[str, ...]:
    """The splits that have a file without labels."""
    return tuple(
        split
        for split, shapes in splits.items()
        if not all(each.detail.labelled for each in shapes)
    )


def read_stored_shape(source: SceneSource, classes: ClassList) -> Scene:
    """Reads one shape.

    Raises:
      ScanError: none of the layouts, or labels that are not of `classes`.
    """
    shape: StoredShape = source.detail
    with opened(shape.path) as file:
        points = _values(file, "pts", shape.row, ("V", 3))
        check_finite(f"{shape.path}, shape {source.name}", points)
        if not shape.labelled:
            return scene_of_parts(source.name, points, np.full(len(points), -1), [])
        if "label" not in file:
            owner, part_rows = _read_masks(file, source, len(points), len(classes))
            return scene_of_parts(source.name, points, owner, part_rows)
        labels = _values(file, "label", shape.row, (len(points),))
        with_rgb = "rgb" in file
        colors = _values(file, "rgb", shape.row, points.shape) if with_rgb else None
    rows = {part: row for row, part in enumerate(classes.names, start=1)}
    kept = [Part(rows[name], leaves) for name, leaves in shape.parts if name in rows]
    return scene_of_leaves(source.name, points, labels, kept, colors)


def _list_file(path: Path) -> list[SceneSource]:
    """The shapes of a file; they are numbered where no JSON file names them."""
    with opened(path) as file:
        if "pts" not in file:
            raise ScanError(f"{path}: expected pts, got {sorted(file)}")
        count, keys = len(file["pts"]), set(file)
    labelled, by_leaves = bool({"label", "gt_mask"} & keys), "label" in keys
    if not labelled and not path.name.startswith("test-"):
        raise ScanError(f"{path}: expected label or gt_mask, got {sorted(keys)}")
    beside = path.with_suffix(".json")
    records = [{"anno_id": f"{path.stem}-{index:04d}"} for index in range(count)]
    if beside.is_file() or by_leaves:
        records = load_list(beside)
    if len(records) != count:
        raise ScanError(f"{beside}: expected {count} shapes, got {len(records)}")
    shapes = []
    for row, record in enumerate(records):
        name = read_number(beside, record)
        parts = _read_parts(beside, record) if by_leaves else []
        detail = StoredShape(path, row, labelled, parts)
        shapes.append(SceneSource(name, detail=detail))
    return shapes


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


def _read_masks(
    file: h5py.File, source: SceneSource, num_points: int, num_classes: int
) -> tuple[np.ndarray, list[int]]:
    """The part of each point [V], -1 = other, and the class row of each part."""
    index = source.detail.row
    masks = _values(file, "gt_mask", index, ("K", num_points)).astype(bool)
    kept = "gt_valid" if "gt_valid" in file else "gt_mask_valid"
    masks[~_values(file, kept, index, (len(masks),)).astype(bool)] = False
    taken = masks.any(axis=0)
    last = len(masks) - 1 - masks[::-1].argmax(axis=0)
    owner = np.where(taken, last, -1)
    if "gt_mask_label" in file:
        rows = _values(file, "gt_mask_label", index, (len(masks),)).astype(np.int64) + 1
    else:
        labels = _values(file, "gt_label", index, (num_points,)).astype(np.int64)
        rows = np.zeros(len(masks), np.int64)
        rows[owner[taken]] = labels[taken]
        if not np.array_equal(np.append(rows, 0)[owner], labels):
            raise ScanError(
                f"{file.filename}: gt_label of {source.name} must be one class for "
                "each instance of gt_mask and 0 elsewhere"
            )
    used = rows[owner[taken]]
    if used.size and not 1 <= used.min() <= used.max() <= num_classes:
        raise ScanError(
            f"{file.filename}: expected parts of {num_classes} classes, got rows "
            f"{used.min()}..{used.max()}: are category and level those of the file?"
        )
    return owner, rows.tolist()


def _values(file: h5py.File, key: str, index: int, shape: tuple) -> np.ndarray:
    """The values of one shape, which must be of `shape`, see `check_shape`."""
    if key not in file:
        raise ScanError(f"{file.filename}: expected {key}, got {sorted(file)}")
    row = file[key][index] if index < len(file[key]) else np.zeros(0)
    check_shape(f"{file.filename}: {key} of each shape", row, shape)
    return row
