"""ScanNet v2 (Dai et al., CVPR 2017): raw scans -> scenes of the benchmark's classes.

    SOURCE/scans/scene0000_00/            or SOURCE/scans_test/..., SOURCE/scene0000_00/
        NAME_vh_clean_2.ply               the mesh; its vertices are the points
        NAME_vh_clean_2.0.010000.segs.json    segment of each vertex
        NAME.aggregation.json             objects: groups of segments with a label
        NAME_vh_clean_2.labels.ply        nyu40 id of each vertex; only compared
        NAME.txt                          axisAlignment, where there is one: applied
    scannetv2-labels.combined.tsv         label -> nyu40 id
    scannetv2_train.txt, _val.txt, _test.txt  the official splits

The last two are looked for in SOURCE, its sub-folders and SOURCE/Tasks/Benchmark.
Scenes of the split `test` have no labels. Groups are painted as ScanNet's own tools do:
of two groups with a common segment the later one has it; that, and segments that the
mesh does not have, are logged as warnings.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from gspn_tf import files
from gspn_tf.data.classes import SCANNET
from gspn_tf.data.scene import Scene
from gspn_tf.datasets.own import number_instances
from gspn_tf.datasets.preparing.reading import DataSet, Item, check_absent
from gspn_tf.datasets.scannet_labels import ScanFiles, read_columns, read_labels

LICENCE = (
    "ScanNet is for non-commercial research under its terms of use "
    "(http://www.scan-net.org); what is made of its scans may not be redistributed."
)
SPLITS = ("train", "val", "test")
_UNLABELLED = ("test",)
_LABEL_MAP = "scannetv2-labels.combined.tsv"


def data_set(
    source: str | Path,
    *,
    splits: Sequence[str] = (),
    lists: str | Path | None = None,
    label_map: str | Path | None = None,
    keep_going: bool = False,
) -> DataSet:
    """The scans of a folder.

    splits      of `SPLITS`; those that have a list by default
    lists       folder of the split lists        label_map  the tsv file
    keep_going  scans that are listed and have no folder are left out

    Raises:
      FileNotFoundError: no lists, no label map, or a scan that is not there.
      ValueError: unknown split, or a malformed label map.
    """
    source = Path(source)
    names = read_lists(source, splits, lists)
    items: dict[str, list[Item]] = {}
    absent: dict[str, list[str]] = {}
    for split, members in names.items():
        folders = {name: _folder(source, name) for name in members}
        absent[split] = [name for name, folder in folders.items() if not folder]
        items[split] = [
            _item(name, folder, split not in _UNLABELLED)
            for name, folder in folders.items()
            if folder
        ]
    check_absent(source, absent, keep_going)
    options, label_ids = {}, {}
    if any(split not in _UNLABELLED for split in items):
        path = Path(label_map) if label_map else _find(source, _LABEL_MAP)
        label_ids = read_label_map(path)
        options["label_map_sha256"] = files.sha256(path)
    return DataSet(
        name="scannet",
        classes=SCANNET,
        splits={split: members for split, members in items.items() if members},
        read=partial(read_scan, label_ids=label_ids),
        options=options,
        root=source,
        unlabelled=_UNLABELLED,
        absent=absent,
        licence=LICENCE,
    )


def read_lists(
    source: Path, splits: Sequence[str], lists: str | Path | None
) -> dict[str, list[str]]:
    """Names of the scans of each split."""
    unknown = set(splits) - set(SPLITS)
    if unknown:
        raise ValueError(f"split must be of {list(SPLITS)}, got {sorted(unknown)}")
    found = {}
    for split in splits or SPLITS:
        try:
            path = _find(Path(lists or source), f"scannetv2_{split}.txt")
        except FileNotFoundError:
            if splits:
                raise
            continue
        found[split] = path.read_text(encoding="utf-8").split()
    if not found:
        raise FileNotFoundError(
            f"no scannetv2_train.txt, _val.txt or _test.txt in {lists or source}: "
            "--lists names the folder of the official split lists"
        )
    return found


def _find(folder: Path, name: str) -> Path:
    """A file in a folder, one of its sub-folders, or where ScanNet's code has it."""
    for pattern in (name, f"*/{name}", f"Tasks/Benchmark/{name}"):
        for path in sorted(folder.glob(pattern)):
            return path
    raise FileNotFoundError(f"no {name} in {folder} or its sub-folders")


def _folder(source: Path, name: str) -> Path | None:
    places = (source / "scans" / name, source / "scans_test" / name, source / name)
    return next((place for place in places if place.is_dir()), None)


def _item(name: str, folder: Path, labelled: bool) -> Item:
    mesh = folder / f"{name}_vh_clean_2.ply"
    alignment: Path | None = folder / f"{name}.txt"
    labels: Path | None = folder / f"{name}_vh_clean_2.labels.ply"
    alignment = alignment if alignment.exists() else None
    found = ScanFiles(mesh, alignment)
    if labelled:
        found = found._replace(
            segments=folder / f"{name}_vh_clean_2.0.010000.segs.json",
            groups=folder / f"{name}.aggregation.json",
            labels=labels if labels.exists() else None,
        )
    return Item(name, tuple(path for path in found if path), found)


def read_label_map(path: str | Path) -> dict[str, int]:
    """nyu40 id of each `raw_category`; ValueError names the file and the line."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        columns = {"raw_category", "nyu40id"}
        if not columns <= set(rows.fieldnames or ()):
            raise ValueError(
                f"{path}: expected columns {sorted(columns)}, got {rows.fieldnames}"
            )
        ids = {}
        for row in rows:
            value = row["nyu40id"] or ""
            if not (value.isascii() and value.isdigit()):
                raise ValueError(
                    f"{path}:{rows.line_num}: nyu40id must be a number, got {value!r}"
                )
            ids[row["raw_category"].strip()] = int(value)
    return ids


def read_scan(item: Item, label_ids: Mapping[str, int]) -> Scene:
    """Reads one scan; its objects of the 18 classes, in the order of their ids.

    Raises:
      ValueError, OSError: files that are absent, damaged or do not fit each other.
    """
    found: ScanFiles = item.detail
    points, colors = read_mesh(found.mesh)
    if found.alignment:
        points = align(points, found.alignment)
    semantic = np.zeros(len(points), np.int32)
    instance = np.full(len(points), -1, np.int32)
    if found.segments:
        raw, objects = read_labels(found, len(points), label_ids)
        semantic = SCANNET.to_rows(raw)
        instance = number_instances(objects, semantic, len(SCANNET))
    return Scene(item.name, points.astype(np.float32), colors, semantic, instance)


def read_mesh(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Points [V, 3] float64 and colours [V, 3] uint8 of a mesh, all of it there."""
    columns = read_columns(path, ("x", "y", "z", "red", "green", "blue"))
    points = np.stack([columns[name] for name in "xyz"], axis=1).astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(bad):
        raise ValueError(
            f"{path}: coordinates must be finite, got {points[bad[0]]} at vertex "
            f"{bad[0]}, and {len(bad)} such vertices in all"
        )
    channels = [columns[name] for name in ("red", "green", "blue")]
    return points, np.stack(channels, axis=1).astype(np.uint8)


def align(points: np.ndarray, path: Path) -> np.ndarray:
    """Points [V, 3] moved by the `axisAlignment` of a file, if it has one."""
    text = path.read_text(encoding="utf-8", errors="replace")
    line = re.search(r"^\s*axisAlignment\s*=(.*)$", text, re.M)
    if not line:
        return points
    try:
        matrix = np.array([float(word) for word in line[1].split()]).reshape(4, 4)
    except ValueError:
        matrix = np.full((4, 4), np.nan)
    if not np.isfinite(matrix).all():
        raise ValueError(
            f"{path}: axisAlignment must be 16 finite numbers, got {line[1].strip()!r}"
        )
    # Not a matrix product: its last bits depend on the number of threads.
    columns = (points[:, i, None] * matrix[:3, i] for i in range(3))
    return sum(columns) + matrix[:3, 3]
