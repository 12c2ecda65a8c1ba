"""A small ScanNet: tiny scans in the files and folders of the real one."""

import csv
import json
from pathlib import Path

import numpy as np
from toy_ply import ply_bytes

LABELS = {"office chair": 5, "desk": 14, "wall": 1, "floor": 2, "monitor": 40}
# Vertices 0..4 are of segment 7, 5..9 of 3, and so on.
SEGMENTS = np.repeat([7, 3, 20, 11, 9, 30], 5)
GROUPS = [
    {"objectId": 0, "segments": [7], "label": "wall"},
    {"objectId": 1, "segments": [3, 11], "label": "office chair"},
    {"objectId": 2, "segments": [20], "label": "desk"},
    {"objectId": 3, "segments": [9], "label": "office chair"},
]
ALIGNMENT = "axisAlignment = 0 1 0 1 -1 0 0 2 0 0 1 -0.5 0 0 0 1"


def mesh_bytes(points) -> bytes:
    """A PLY file as ScanNet's: with alpha and faces."""
    kinds = [("float", name) for name in "xyz"]
    kinds += [("uchar", name) for name in ("red", "green", "blue", "alpha")]
    rows = [(*point, row, 0, 0, 0) for row, point in enumerate(points)]
    return ply_bytes("binary_little_endian", kinds, rows, 20)


def points_of(name: str) -> np.ndarray:
    rng = np.random.default_rng(sum(name.encode()))
    return rng.uniform(0, 4, (len(SEGMENTS), 3)).astype(np.float32)


def write_scan(folder: Path, name: str, labelled: bool = True) -> Path:
    folder = folder / name
    folder.mkdir(parents=True)
    mesh = mesh_bytes(points_of(name))
    (folder / f"{name}_vh_clean_2.ply").write_bytes(mesh)
    if labelled:
        segments = {"sceneId": name, "segIndices": SEGMENTS.tolist()}
        path = folder / f"{name}_vh_clean_2.0.010000.segs.json"
        path.write_text(json.dumps(segments))
        groups = {"sceneId": f"scannet.{name}", "segGroups": GROUPS}
        (folder / f"{name}.aggregation.json").write_text(json.dumps(groups))
        (folder / f"{name}.txt").write_text(f"{ALIGNMENT}\ncolorHeight = 968\n")
    return folder


def write_source(folder: Path) -> None:
    """Two scans to train on, one to validate, one without labels."""
    lists = {"train": ["scene0000_00", "scene0000_01"], "val": ["scene0001_00"]}
    lists["test"] = ["scene0707_00"]
    (folder / "meta").mkdir(parents=True)
    for split, names in lists.items():
        text = "".join(f"{name}\n" for name in names)
        (folder / "meta" / f"scannetv2_{split}.txt").write_text(text)
        for name in names:
            place = folder / ("scans_test" if split == "test" else "scans")
            write_scan(place, name, labelled=split != "test")
    with open(folder / "meta" / "scannetv2-labels.combined.tsv", "w") as file:
        rows = csv.writer(file, delimiter="\t")
        rows.writerow(["id", "raw_category", "category", "nyu40id"])
        rows.writerows([i, name, name, n] for i, (name, n) in enumerate(LABELS.items()))
