"""PartNet's `ins_seg_h5` files -> scenes of part instances.

The data set's release has HDF5 files of up to 1024 shapes S with N = 10,000 points,
`train-00.h5`, `val-00.h5`, ... in one folder for each category, and the parts of the
shapes, of every level, in a JSON file beside each:

    train-00.h5     pts [S, N, 3], label [S, N] leaf ids, perhaps rgb [S, N, 3]
    train-00.json   [{"anno_id", "ins_seg": [{"part_name", "leaf_id_list"}, ...]}, ...]

The release has the same shapes once more as `ins_seg_h5_for_detection` and as
`ins_seg_h5_gt`; those layouts are not read.

The labels are taken as they are: here the leaves that merging dropped belong to the
part around them. Frame, units and colours are as in `partnet`; where a file has `rgb`,
those are the colours.
"""

from pathlib import Path
from typing import NamedTuple

from gspn_tf import files
from gspn_tf.data.classes import ClassList
from gspn_tf.data.scene import Scene
from gspn_tf.datasets.partnet import SPLITS, read_number, scene_of_leaves
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
    source: str | Path, category: str
) -> dict[str, list[SceneSource]]:
    """The shapes of each split, in the order of the files; empty where there are none.

    The files are looked for in `source` and in its folder CATEGORY.

    Raises:
      ScanError: an HDF5 file of another layout, or a JSON file that does not belong to
        it.
    """
    source = Path(source)
    for folder in (source, source / category):
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
      ScanError: an unreadable file, or points that are not finite.
    """
    shape: StoredShape = source.detail
    with opened(shape.path) as file:
        points, labels = file["pts"][shape.row], file["label"][shape.row]
        colors = file["rgb"][shape.row] if "rgb" in file else None
    check_finite(f"{shape.path}, shape {source.name}", points)
    rows = {part: row for row, part in enumerate(classes.names, start=1)}
    kept = [Part(rows[name], leaves) for name, leaves in shape.parts if name in rows]
    return scene_of_leaves(source.name, points, labels, kept, colors)


def _list_file(path: Path) -> list[SceneSource]:
    """The shapes of a file and of the JSON file beside it."""
    with opened(path) as file:
        shapes = {name: values.shape for name, values in file.items()}
    points = shapes.get("pts", ())
    fits = len(points) == 3 and shapes.get("label") == points[:2] and points[2] == 3
    if not fits or shapes.get("rgb", points) != points:
        raise ScanError(
            f"{path}: expected pts [S, N, 3], label [S, N] and perhaps rgb [S, N, 3] "
            f"as in ins_seg_h5, got {shapes}"
        )
    beside = path.with_suffix(".json")
    records = load_list(beside)
    if len(records) != points[0]:
        raise ScanError(f"{beside}: expected {points[0]} shapes, got {len(records)}")
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
