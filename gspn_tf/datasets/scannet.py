"""ScanNet v2 (Dai et al., CVPR 2017): raw scans -> scenes of the benchmark's classes.

    SOURCE/scans/scene0000_00/            or SOURCE/scans_test/..., SOURCE/scene0000_00/
        NAME_vh_clean_2.ply               the mesh; its vertices are the points
        NAME_vh_clean_2.0.010000.segs.json    segment of each vertex
        NAME.aggregation.json             objects: groups of segments with a label
        NAME.txt                          axisAlignment, where there is one: applied
    scannetv2-labels.combined.tsv         label -> nyu40 id
    scannetv2_train.txt, _val.txt, _test.txt  the official splits

The last two are looked for in SOURCE, its sub-folders and SOURCE/Tasks/Benchmark.
Scenes of the split `test` have no labels. Groups are painted as ScanNet's own tools do:
of two groups with a common segment the later one has it, and segments that the mesh
does not have are passed over.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from gspn_tf import files
from gspn_tf.data.classes import SCANNET
from gspn_tf.data.scene import Scene, number_instances
from gspn_tf.datasets.reading import DataSet, SceneSource, choose_listed
from gspn_tf.datasets.scannet_labels import read_labels
from gspn_tf.files.ply import read_vertices
from gspn_tf.files.scans import check_finite
from gspn_tf.files.text import read_text, visible_files

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
    unknown_labels: Literal["error", "background"] = "error",
) -> DataSet:
    """The scans of a folder.

    splits      of `SPLITS`; those that have a list by default
    lists       folder of the split lists        label_map  the tsv file
    keep_going  scans that are listed and have no folder are left out
    unknown_labels  what labels are that the label map does not have

    Raises:
      FileNotFoundError: no lists, no label map, or a scan that is not there.
      ValueError: a malformed label map.
    """
    source = Path(source)
    listed = read_lists(source, splits, lists)
    found = (
        _scan_source(source, name, split not in _UNLABELLED)
        for split, names in listed.items()
        for name in names
    )
    there = {scan.name: scan for scan in found if scan}
    chosen, absent = choose_listed(listed, there, source, keep_going)
    options, label_ids = {}, {}
    if any(split not in _UNLABELLED for split in listed):
        path = label_map or _find_file(source, _LABEL_MAP) or source / _LABEL_MAP
        label_ids = read_label_map(path)
        options["label_map_sha256"] = files.sha256(path)
        options["unknown_labels"] = unknown_labels
    return DataSet(
        name="scannet",
        classes=SCANNET,
        splits=chosen,
        read=partial(read_scannet_scan, label_ids=label_ids, unknown=unknown_labels),
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
    folder = Path(lists or source)
    files_of = {s: _find_file(folder, f"scannetv2_{s}.txt") for s in splits or SPLITS}
    found = {split: path for split, path in files_of.items() if path}
    absent = [split for split in files_of if split not in found]
    if not found or (splits and absent):
        raise FileNotFoundError(
            f"no scannetv2_{absent[0]}.txt in {folder} or its sub-folders: --lists "
            "names the folder of the official split lists"
        )
    return {s: read_text(path).split() for s, path in found.items()}


def _find_file(folder: Path, name: str) -> Path | None:
    """A file in a folder, one of its sub-folders, or where ScanNet's code has it."""
    for pattern in (name, f"*/{name}", f"Tasks/Benchmark/{name}"):
        for path in visible_files(folder, pattern):
            return path
    return None


def _scan_source(root: Path, name: str, labelled: bool) -> SceneSource | None:
    """A scan with its files by kind in `detail`; None where it has no folder."""
    places = (root / "scans" / name, root / "scans_test" / name, root / name)
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        return None
    paths = {"mesh": folder / f"{name}_vh_clean_2.ply"}
    if (frame := folder / f"{name}.txt").exists():
        paths["frame"] = frame
    if labelled:
        paths["segments"] = folder / f"{name}_vh_clean_2.0.010000.segs.json"
        paths["groups"] = folder / f"{name}.aggregation.json"
    return SceneSource(name, tuple(paths.values()), paths)


def read_label_map(path: str | Path, key: str = "raw_category") -> dict[str, int]:
    """nyu40 id of each value of a column; ValueError names the file and the line."""
    lines = io.StringIO(read_text(path), newline="")
    rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    columns = {key, "nyu40id"}
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
        ids[(row[key] or "").strip()] = int(value)
    return ids


def read_scannet_scan(
    source: SceneSource,
    label_ids: Mapping[str, int],
    unknown: Literal["error", "background"] = "error",
) -> Scene:
    """Reads one scan; its objects of the 18 classes, in the order of their ids.

    Raises:
      ValueError, OSError: files that are absent, damaged or do not fit each other.
    """
    paths: dict[str, Path] = source.detail
    points, colors = read_mesh(paths["mesh"])
    if "frame" in paths:
        points = align(points, paths["frame"])
    semantic = np.zeros(len(points), np.int32)
    objects = np.zeros(len(points), np.int32)
    if "segments" in paths:
        raw, objects = read_labels(paths, len(points), label_ids, unknown)
        semantic = SCANNET.to_rows(raw)
    instance = number_instances(objects, semantic)
    return Scene(source.name, points.astype(np.float32), colors, semantic, instance)


def read_mesh(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Points [V, 3] float64 and colours [V, 3] uint8 of a mesh."""
    channels = ("red", "green", "blue")
    columns = read_vertices(path, ("x", "y", "z", *channels))
    points = np.stack([columns[name] for name in "xyz"], axis=1).astype(np.float64)
    check_finite(path, points)
    colors = np.stack([columns[name] for name in channels], axis=1)
    return points, colors.astype(np.uint8)


def align(points: np.ndarray, path: Path) -> np.ndarray:
    """Points [V, 3] moved by the `axisAlignment` of a file, if it has one."""
    matrix = read_alignment(path)
    # Not a matrix product: its last bits depend on the number of threads.
    x, y, z = (points[:, i, None] * matrix[:3, i] for i in range(3))
    return x + y + z + matrix[:3, 3]


def read_alignment(path: Path) -> np.ndarray:
    """The matrix [4, 4] that a file has as `axisAlignment`; it has none: the identity.

    Raises:
        ValueError: 16 finite numbers are expected, and others come.
    """
    line = re.search(r"^\s*axisAlignment\s*=(.*)$", read_text(path), re.M)
    if not line:
        return np.eye(4)
    try:
        matrix = np.array([float(word) for word in line[1].split()]).reshape(4, 4)
    except ValueError:
        matrix = np.full((4, 4), np.nan)
    if not np.isfinite(matrix).all():
        raise ValueError(
            f"{path}: axisAlignment must be 16 finite numbers, got {line[1].strip()!r}"
        )
    return matrix
