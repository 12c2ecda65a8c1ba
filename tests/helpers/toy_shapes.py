"""A small PartNet: stools in the files and folders of the raw shapes."""

import json
from pathlib import Path

import numpy as np

LIST = "2 stool/top leaf\n4 stool/base subcomponents\n5 stool/base/leg leaf\n"
ORIGINAL = [
    {
        "id": 0,
        "name": "seat",
        "children": [
            {"id": 1, "name": "plate", "children": [
                {"id": 10, "name": "wood"}, {"id": 11, "name": "cover"}]},
            {"id": 2, "name": "feet", "children": [
                {"id": 20, "name": "foot"}, {"id": 21, "name": "foot"},
                {"id": 22, "name": "screw"}]},
        ],
    }
]  # fmt: skip
MERGED = [
    {
        "id": 0,
        "ori_id": 0,
        "name": "stool",
        "children": [
            {"id": 1, "ori_id": 1, "name": "top"},
            {"id": 2, "ori_id": 2, "name": "base", "children": [
                {"id": 3, "ori_id": 20, "name": "leg"},
                {"id": 4, "ori_id": 21, "name": "leg"}]},
        ],
    }
]  # fmt: skip
LEAVES = [10, 11, 20, 21, 22, 20]


def write_stool(source: Path) -> None:
    """A shape of six points: a top of two leaves, two legs, and a dropped screw."""
    folder = source / "7"
    (folder / "point_sample").mkdir(parents=True)
    points = np.arange(18).reshape(6, 3) / 10
    np.savetxt(folder / "point_sample" / "pts-10000.txt", points, "%f")
    np.savetxt(folder / "point_sample" / "label-10000.txt", LEAVES, "%d")
    (folder / "result.json").write_text(json.dumps(ORIGINAL))
    (folder / "result_after_merging.json").write_text(json.dumps(MERGED))
    (folder / "meta.json").write_text('{"model_cat": "Stool"}')
    (source / "meta").mkdir(exist_ok=True)
    lines = LIST.splitlines()
    (source / "meta" / "Stool-level-1.txt").write_text("\n".join(lines[:2]))
    (source / "meta" / "Stool-level-3.txt").write_text("\n".join(lines[::2]))
