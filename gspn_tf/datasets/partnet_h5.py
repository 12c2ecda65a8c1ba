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

from gspn_tf.data.classes import ClassList
from gspn_tf.data.scene import Scene
from gspn_tf.datasets.partnet import (
    SPLITS,
    check_finite,
    make_scene,
    number_parts,
    read_number,
)
from gspn_tf.datasets.partnet_trees import Part, read_list
from gspn_tf.datasets.preparing.reading import Item
from gspn_tf.files.hdf5 import opened
from gspn_tf.files.scans import ScanError


class Place(NamedTuple):
    """Where a shape is: the `detail` of its item."""

    path: Path
    index: int
    labelled: bool
    parts: list[tuple[str, list[int]]]  # names and leaf ids, where a JSON lists them


def list_shapes(source: str | Path, category: str, level: int) -> dict[str, list[Item]]:
    """The shapes of each split, in the order of the files; empty where there are none.

    The files are looked for in `source`, in its folder CATEGORY-LEVEL and in CATEGORY.

    Raises:
      ScanError: no HDF5 file, one without labels that is not of split `test`, or a JSON
        file that does not belong to it.
    """
    source = Path(source)
    for folder in (source, source / f"{category}-{level}", source / category):
        found = {split: sorted(folder.glob(f"{split}-*.h5")) for split in SPLITS}
        if any(found.values()):
            return {
                split: [item for path in paths for item in _items(path)]
                for split, paths in found.items()
                if paths
            }
    return {}


def read_shape(item: Item, classes: ClassList) -> Scene:
    """Reads one shape.

    Raises:
      ScanError: none of the layouts, or labels that are not of `classes`.
    """
    place: Place = item.detail
    with opened(place.path, ScanError) as file:
        points = _row(file, "pts", place.index, (None, 3))
        check_finite(f"{place.path}, shape {item.name}", points)
        if not place.labelled:
            return number_parts(item.name, points, np.full(len(points), -1), [])
        if "label" not in file:
            return _read_masks(file, item, points, classes)
        labels = _row(file, "label", place.index, (len(points),))
        with_rgb = "rgb" in file
        colors = _row(file, "rgb", place.index, points.shape) if with_rgb else None
    rows = {part: row for row, part in enumerate(classes.names, start=1)}
    kept = [Part(rows[name], leaves) for name, leaves in place.parts if name in rows]
    return make_scene(item.name, points, labels, kept, colors)


def _items(path: Path) -> list[Item]:
    """The shapes of a file; they are numbered where no JSON file names them."""
    with opened(path, ScanError) as file:
        if "pts" not in file:
            raise ScanError(f"{path}: expected pts, got {sorted(file)}")
        count, keys = len(file["pts"]), set(file)
    labelled, by_leaves = bool({"label", "gt_mask"} & keys), "label" in keys
    if not labelled and not path.name.startswith("test-"):
        raise ScanError(f"{path}: expected label or gt_mask, got {sorted(keys)}")
    beside = path.with_suffix(".json")
    records = [{"anno_id": f"{path.stem}-{index:04d}"} for index in range(count)]
    if beside.is_file() or by_leaves:
        records = read_list(beside)
    if len(records) != count:
        raise ScanError(f"{beside}: expected {count} shapes, got {len(records)}")
    items = []
    for index, record in enumerate(records):
        name = read_number(beside, record)
        parts = _read_parts(beside, record) if by_leaves else []
        items.append(Item(name, detail=Place(path, index, labelled, parts)))
    return items


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
    file: h5py.File, item: Item, points: np.ndarray, classes: ClassList
) -> Scene:
    index, count = item.detail.index, len(points)
    masks = _row(file, "gt_mask", index, (None, count)).astype(bool)
    kept = "gt_valid" if "gt_valid" in file else "gt_mask_valid"
    masks[~_row(file, kept, index, (len(masks),)).astype(bool)] = False
    taken = masks.any(axis=0)
    last = len(masks) - 1 - masks[::-1].argmax(axis=0)
    owner = np.where(taken, last, -1)
    if "gt_mask_label" in file:
        rows = _row(file, "gt_mask_label", index, (len(masks),)).astype(np.int64) + 1
    else:
        labels = _row(file, "gt_label", index, (count,)).astype(np.int64)
        rows = np.zeros(len(masks), np.int64)
        rows[owner[taken]] = labels[taken]
        if not np.array_equal(np.append(rows, 0)[owner], labels):
            raise ScanError(
                f"{file.filename}: gt_label of {item.name} must be one class for each "
                "instance of gt_mask and 0 elsewhere"
            )
    used = rows[owner[taken]]
    if used.size and not 1 <= used.min() <= used.max() <= len(classes):
        raise ScanError(
            f"{file.filename}: expected parts of {len(classes)} classes, got rows "
            f"{used.min()}..{used.max()}: are category and level those of the file?"
        )
    return number_parts(item.name, points, owner, rows.tolist())


def _row(file: h5py.File, key: str, index: int, shape: tuple) -> np.ndarray:
    """What a file has of one shape, which must be of `shape` (None: any length)."""
    if key not in file:
        raise ScanError(f"{file.filename}: expected {key}, got {sorted(file)}")
    row = file[key][index] if index < len(file[key]) else np.zeros(0)
    fits = row.ndim == len(shape) and all(
        wanted in (None, size) for wanted, size in zip(shape, row.shape, strict=True)
    )
    if not fits:
        raise ScanError(
            f"{file.filename}: {key} of each shape must be {list(shape)}, "
            f"got {list(row.shape)}"
        )
    return row
