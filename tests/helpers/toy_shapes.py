"""A small PartNet: stools in the files and folders of the raw shapes."""

import json
from pathlib import Path

import numpy as np

LIST = "2 stool/top leaf\n4 stool/base subcomponents\n5 stool/base/leg leaf\n"


def _node(number, name, *children, **more):
    node = {"id": number, "name": name} | more
    return node | {"children": children} if children else node


_LEGS = [_node(3, "leg", ori_id=20), _node(4, "leg", ori_id=21)]
_PLATE = _node(1, "plate", _node(10, "wood"), _node(11, "cover"))
_FEET = [_node(20, "foot"), _node(21, "foot"), _node(22, "screw")]
_PARTS = [_node(1, "top", ori_id=1), _node(2, "base", *_LEGS, ori_id=2)]
ORIGINAL = [_node(0, "seat", _PLATE, _node(2, "feet", *_FEET))]
MERGED = [_node(0, "stool", *_PARTS, ori_id=0)]
LEAVES = [10, 11, 20, 21, 22, 20]


def write_stool(source: Path, name: str = "7") -> None:
    """A shape of six points: a top of two leaves, two legs, and a dropped screw."""
    folder = source / name
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
