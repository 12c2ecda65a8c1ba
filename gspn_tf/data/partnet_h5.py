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
those are the colours.
"""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from gspn_tf.data.classes import ClassList
from gspn_tf.data.partnet import (
    SPLITS,
    Part,
    make_scene,
    number_parts,
    read_json,
)
from gspn_tf.data.scan_io import ScanError
from gspn_tf.data.scene import Scene


def find_files(source: str | Path, category: str, level: int) -> dict[str, list[Path]]:
    """The files of each split, of `source` or of its folder of the category and level.

    Empty where there are none.
    """
    source = Path(source)
    for folder in (source, source / f"{category}-{level}", source / category):
        found = {split: sorted(folder.glob(f"{split}-*.h5")) for split in SPLITS}
        if any(found.values()):
            return {split: paths for split, paths in found.items() if paths}
    return {}


def count_shapes(path: str | Path) -> int:
    """Number of shapes in a file."""
    with _opened(path) as file:
        return len(_array(file, "pts", 3))


def read_shapes(path: str | Path, classes: ClassList) -> Iterator[Scene]:
    """The shapes of a file, one at a time, in its order.

    Raises:
      ScanError: no HDF5 file, none of the layouts, or labels that are not of `classes`.
    """
    with _opened(path) as file:
        points = _array(file, "pts", 3)
        records = _records(Path(path), len(points))
        for index, record in enumerate(records):
            if "label" in file:
                yield _read_leaves(file, index, record, classes)
            else:
                yield _read_masks(file, index, record["anno_id"], classes)


def _read_leaves(
    file: h5py.File, index: int, record: dict, classes: ClassList
) -> Scene:
    if "ins_seg" not in record:
        raise ScanError(
            f"{file.filename}: the JSON file beside it must list the parts of each "
            f"shape as ins_seg, got {sorted(record)}"
        )
    rows = {part: row for row, part in enumerate(classes.names, start=1)}
    parts = [
        Part(rows[item["part_name"]], item["leaf_id_list"])
        for item in record["ins_seg"]
        if item["part_name"] in rows
    ]
    colors = _array(file, "rgb", 3)[index] if "rgb" in file else None
    points, labels = _array(file, "pts", 3)[index], _array(file, "label", 2)[index]
    return make_scene(record["anno_id"], points, labels, parts, colors)


def _read_masks(file: h5py.File, index: int, name: str, classes: ClassList) -> Scene:
    masks = np.asarray(_array(file, "gt_mask", 3)[index], bool)
    kept = "gt_valid" if "gt_valid" in file else "gt_mask_valid"
    masks[~np.asarray(_array(file, kept, 2)[index], bool)] = False
    taken = masks.any(axis=0)
    last = len(masks) - 1 - masks[::-1].argmax(axis=0)
    owner = np.where(taken, last, -1)
    if "gt_mask_label" in file:
        rows = np.asarray(_array(file, "gt_mask_label", 2)[index], np.int64) + 1
    else:
        labels = np.asarray(_array(file, "gt_label", 2)[index], np.int64)
        rows = np.zeros(len(masks), np.int64)
        rows[owner[taken]] = labels[taken]
        if not np.array_equal(np.append(rows, 0)[owner], labels):
            raise ScanError(
                f"{file.filename}: gt_label of {name} must be one class for each "
                "instance of gt_mask and 0 elsewhere"
            )
    used = rows[owner[taken]]
    if used.size and not 1 <= used.min() <= used.max() <= len(classes):
        raise ScanError(
            f"{file.filename}: expected parts of {len(classes)} classes, got rows "
            f"{used.min()}..{used.max()}: are category and level those of the file?"
        )
    return number_parts(name, _array(file, "pts", 3)[index], owner, rows.tolist())


def _records(path: Path, count: int) -> list[dict]:
    """What the JSON file beside says of the shapes; without one, made-up numbers."""
    beside = path.with_suffix(".json")
    if not beside.is_file():
        return [{"anno_id": f"{path.stem}-{index:04d}"} for index in range(count)]
    records = read_json(beside)
    if len(records) != count:
        raise ScanError(f"{beside}: expected {count} shapes, got {len(records)}")
    return records


def _opened(path: str | Path) -> h5py.File:
    try:
        return h5py.File(path)
    except OSError as error:
        raise ScanError(f"{path} is no readable HDF5 file: {error}") from error


def _array(file: h5py.File, key: str, rank: int) -> h5py.Dataset:
    """An array of a file, still on disk."""
    if key not in file:
        raise ScanError(f"{file.filename}: expected {key}, got {sorted(file)}")
    if file[key].ndim != rank:
        raise ScanError(
            f"{file.filename}: {key} must have {rank} axes, got {list(file[key].shape)}"
        )
    return file[key]
