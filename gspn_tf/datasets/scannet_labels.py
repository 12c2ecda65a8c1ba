"""Labels of a ScanNet mesh: segments of vertices, and groups of segments.

A few segments of groups may be none of the mesh, as in some scans; where most are not,
the files belong to another mesh.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from gspn_tf.files.errors import ScanError, check_shape, load_list

_MAX_OBJECTS = 1 << 20
_log = logging.getLogger(__name__)


class _Group(NamedTuple):
    number: int  # objectId + 1
    label: str
    segments: np.ndarray  # distinct ids


def read_labels(
    paths: Mapping[str, Path],
    num_vertices: int,
    label_ids: Mapping[str, int],
    unknown: Literal["error", "background"] = "error",
) -> tuple[np.ndarray, np.ndarray]:
    """nyu40 id and object of each vertex, [V] int32 each; 0 = none.

    An object's number is its objectId + 1. Of groups that share a segment the later
    has it, and for the nyu40 id the one whose label appears later in the file, as in
    ScanNet's `export_train_mesh_for_evaluation.py`.

    Args:
        paths: files of "segments" and "groups".
        num_vertices: V, of the mesh.
        label_ids: nyu40 id of each label.
        unknown: what other labels are.

    Raises:
        ScanError: a file that is malformed or belongs to another mesh, or, unless it is
            background, a label that `label_ids` does not know.
    """
    path, key = paths["segments"], "segIndices"
    segments = _integer_array(path, key, load_list(path, key))
    check_shape(f"{path}: {key}, one a vertex of the mesh,", segments, (num_vertices,))
    groups = _read_groups(paths["groups"])
    if others := sorted({group.label for group in groups} - set(label_ids)):
        told = f"{paths['groups']}: labels {others} are not in the label map"
        if unknown == "error":
            raise ScanError(f"{told} (--unknown_labels background takes them for that)")
        _log.warning("%s; taken for background", told)
    ids, rows = np.unique(segments, return_inverse=True)
    _check_segments(paths["groups"], groups, ids)
    semantic, objects = np.zeros((2, len(ids)), np.int32)
    labels = list(dict.fromkeys(group.label for group in groups))
    for group in sorted(groups, key=lambda group: labels.index(group.label)):
        semantic[np.isin(ids, group.segments)] = label_ids.get(group.label, 0)
    for group in {group.number: group for group in groups}.values():
        objects[np.isin(ids, group.segments)] = group.number
    return semantic[rows], objects[rows]


def _integer_array(path: Path, name: str, values: Any) -> np.ndarray:
    try:
        array = np.array(values, None if values else np.int64)
    except (ValueError, OverflowError):  # ragged
        array = np.empty(0, object)
    if not isinstance(values, list) or array.ndim != 1 or array.dtype.kind != "i":
        raise ScanError(f"{path}: {name} must be a list of integers")
    return array


def _read_groups(path: Path) -> list[_Group]:
    groups = []
    for entry in load_list(path, "segGroups"):
        match entry:
            case {
                "objectId": int(number),
                "label": str(label),
                "segments": segments,
            } if 0 <= number < _MAX_OBJECTS:
                ids = np.unique(_integer_array(path, "segments", segments))
                groups.append(_Group(number + 1, label.strip(), ids))
            case _:
                raise ScanError(
                    f"{path}: a group needs an objectId below {_MAX_OBJECTS}, a label "
                    f"and segments, got {str(entry)[:80]}"
                )
    return groups


def _check_segments(path: Path, groups: list[_Group], ids: np.ndarray) -> None:
    """Raise ScanError where most segments of the groups are not among `ids`."""
    named = {segment for group in groups for segment in group.segments}
    unknown = named - set(ids)
    if 2 * len(unknown) > len(named):
        raise ScanError(
            f"{path} belongs to another mesh: {len(unknown)} of the {len(named)} "
            f"segments of its groups are not in the mesh, such as {min(unknown)}"
        )
