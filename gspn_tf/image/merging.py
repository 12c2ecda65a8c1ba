"""Instances of single frames -> instances of the scan.

The paper's Table 1 compares with "projected Mask R-CNN", of which it says that it
projects instances in images to the points of the scan, "followed by an aggregation
step". That step is published nowhere; this is ours:

* Of the scan, a frame's instance is a set of vertices: those in its mask that the
  frame sees.
* Two instances of one class agree by the IoU of their sets on co-visible vertices,
  which both frames see. Two groups agree by the sum of all intersections over the sum
  of all unions of an instance of one and an instance of the other; so a frame that took
  two chairs for one is outvoted by those that saw two.
* The two groups that agree most become one, as long as that is more than `MIN_IOU`.
* The frames of a group vote, each with the score of its instance: a vertex is the
  group's where more than half of the votes of the frames that see it are for it. Of
  several groups the one with most votes has it.
* The score of a group is the mean of its instances'. Groups of fewer than
  `MIN_VERTICES` vertices are dropped.

None of this asks for the order of the frames, unless two pairs agree equally.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from gspn_tf.metrics import InstancePredictions

MIN_IOU = 0.25
MIN_VERTICES = 100
"""As in ScanNet's evaluation, which does not count smaller instances."""


class FrameInstances(NamedTuple):
    """Instances that one frame shows, as vertices of the scan."""

    visible: np.ndarray  # [N] rows of the vertices that it sees, ascending
    masks: Sequence[np.ndarray]  # D arrays of rows, each a part of `visible`
    classes: np.ndarray  # [D] int32, 1..C
    scores: np.ndarray  # [D] 0..1


class _Instances(NamedTuple):
    """Instances of all frames."""

    masks: sparse.csr_array  # [N, V] int32, 1 where a vertex is in an instance's mask
    seen: sparse.csr_array  # [F, V] int32, 1 where a frame sees a vertex
    frame: np.ndarray  # [N] of each instance
    classes: np.ndarray  # [N]
    scores: np.ndarray  # [N]


def merge_frames(
    frames: Sequence[FrameInstances],
    num_vertices: int,
    min_iou: float = MIN_IOU,
    min_vertices: int = MIN_VERTICES,
) -> InstancePredictions:
    """Merge the instances of frames; the module says how.

    Args:
        frames: of one scan.
        num_vertices: V, of the scan.
        min_iou: that groups must agree by more than to be merged.
        min_vertices: of an instance.

    Returns:
        Instances of the scan, best first; no two share a vertex.
    """
    instances = _stacked(frames, num_vertices)
    groups = [
        group
        for rows in _sharing(instances)
        for group in agglomerate(*_overlaps(instances, rows), rows, min_iou)
    ]
    return _voted(instances, groups, min_vertices)


def _stacked(frames: Sequence[FrameInstances], num_vertices: int) -> _Instances:
    masks = [mask for frame in frames for mask in frame.masks]
    counts = [len(frame.masks) for frame in frames]
    return _Instances(
        masks=_rows_as_matrix(masks, num_vertices),
        seen=_rows_as_matrix([frame.visible for frame in frames], num_vertices),
        frame=np.repeat(np.arange(len(frames)), counts),
        classes=np.concatenate([np.zeros(0, np.int32), *(f.classes for f in frames)]),
        scores=np.concatenate([np.zeros(0), *(f.scores for f in frames)]),
    )


def _rows_as_matrix(sets: Sequence[np.ndarray], length: int) -> sparse.csr_array:
    """Sets of numbers below `length` as rows of zeros and ones [n, length]."""
    starts = np.cumsum([0, *map(len, sets)])
    columns = np.concatenate([np.zeros(0, np.int32), *sets])
    ones = np.ones(len(columns), np.int32)
    return sparse.csr_array((ones, columns, starts), shape=(len(sets), length))


def _sharing(instances: _Instances) -> Iterator[np.ndarray]:
    """Rows of instances of one class that vertices join, directly or by others.

    Only such can agree, and there are few of them: an object's.
    """
    for label in np.unique(instances.classes):
        rows = np.flatnonzero(instances.classes == label)
        masks = instances.masks[rows]
        count, part = csgraph.connected_components(masks @ masks.T, False)
        yield from (rows[part == number] for number in range(count))


def _overlaps(instances: _Instances, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intersections and unions [n, n] of instances on what both frames see."""
    masks, seen = instances.masks[rows], instances.seen[instances.frame[rows]]
    shared = (masks @ masks.T).toarray()
    of_both = (masks @ seen.T).toarray()  # vertices of one that the other's frame sees
    return shared.astype(np.int64), (of_both + of_both.T - shared).astype(np.int64)


def agglomerate(
    shared: np.ndarray, union: np.ndarray, rows: np.ndarray, min_iou: float
) -> list[np.ndarray]:
    """Merge the two groups that agree most, until none agree by more than `min_iou`.

    Groups agree by the sum of intersections over the sum of unions of the pairs of
    their members. Of equal pairs the first one is merged.

    Args:
        shared: [n, n] intersections.
        union: [n, n] unions.
        rows: [n] that become the groups' members.
        min_iou: see above.
    """
    shared, union = shared.astype(np.float64), union.astype(np.float64)
    np.fill_diagonal(shared, 0)
    groups = {number: [row] for number, row in enumerate(rows.tolist())}
    agreement = shared / np.maximum(union, 1)
    while True:
        one, other = sorted(divmod(int(agreement.argmax()), len(rows)))
        if not agreement[one, other] > min_iou:
            return [np.array(group) for group in groups.values()]
        groups[one] += groups.pop(other)
        for sums in (shared, union):
            sums[one] += sums[other]
            sums[:, one] += sums[:, other]
        shared[other] = shared[:, other] = shared[one, one] = 0
        for number in (one, other):
            shares = shared[number] / np.maximum(union[number], 1)
            agreement[number] = agreement[:, number] = shares


def _voted(
    instances: _Instances, groups: Sequence[np.ndarray], min_vertices: int
) -> InstancePredictions:
    """Give each vertex to the group that most frames are for, and drop small groups."""
    num_vertices = instances.masks.shape[1]
    scores = np.array([instances.scores[group].mean() for group in groups])
    owner = np.full(num_vertices, -1, np.int32)
    most = np.zeros(num_vertices)
    order = _best_first(instances, groups, scores)
    for number in order.tolist():  # of equal votes the better group's count
        votes, seen = _votes(instances, groups[number])
        mine = (2 * votes > seen) & (votes > most)
        owner[mine], most[mine] = number, votes[mine]
    masks = [np.flatnonzero(owner == number).astype(np.int32) for number in order]
    kept = [row for row, mask in enumerate(masks) if len(mask) >= min_vertices]
    first = np.array([groups[number][0] for number in order[kept]], np.int64)
    return InstancePredictions(
        [masks[row] for row in kept],
        instances.classes[first].astype(np.int32),
        scores[order[kept]],
    )


def _best_first(
    instances: _Instances, groups: Sequence[np.ndarray], scores: np.ndarray
) -> np.ndarray:
    """Order [G] of groups by score, then the larger ones, then by their vertices."""
    masks = [instances.masks[group] for group in groups]
    sizes = [mask.nnz for mask in masks]
    lowest = [mask.indices.min(initial=mask.shape[1]) for mask in masks]
    return np.lexsort((lowest, np.negative(sizes), -scores)).astype(np.int64)


def _votes(instances: _Instances, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Votes [V] of a group's frames for each vertex, and of those that see it."""
    frames, row = np.unique(instances.frame[group], return_inverse=True)
    votes = np.zeros(len(frames))
    np.maximum.at(votes, row, instances.scores[group])
    ones = np.ones(len(group), np.int32)
    which = sparse.csr_array((ones, (row, np.arange(len(group)))))
    masked = (which @ instances.masks[group]) > 0  # a frame may have two masks
    return votes @ masked, votes @ instances.seen[frames]
