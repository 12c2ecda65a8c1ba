"""PMRCNN's merging by Python's sets, one pair of instances at a time."""

from itertools import combinations
from typing import NamedTuple

from gspn_tf.image.merging import FrameInstances


class View(NamedTuple):
    """An instance of a frame."""

    frame: int
    mask: frozenset
    visible: frozenset
    label: int
    score: float


def views_of(frames: list[FrameInstances]) -> list[View]:
    return [
        View(number, frozenset(mask.tolist()), frozenset(frame.visible.tolist()), *rest)
        for number, frame in enumerate(frames)
        for mask, *rest in zip(
            frame.masks, frame.classes.tolist(), frame.scores.tolist(), strict=True
        )
    ]


def agreement(one: list[View], other: list[View]) -> float:
    """Intersections over unions of all pairs, on what both frames see."""
    shared = union = 0
    for a in one:
        for b in other:
            shared += len(a.mask & b.mask)
            union += len((a.mask | b.mask) & a.visible & b.visible)
    return shared / union if union else 0.0


def merged(
    frames: list[FrameInstances], min_iou: float, min_vertices: int
) -> list[tuple[int, float, frozenset]]:
    """Class, score and vertices of each instance of the scan, best first."""
    groups = [[view] for view in views_of(frames)]
    while True:
        pairs = [
            (agreement(a, b), -i, -j)
            for (i, a), (j, b) in combinations(enumerate(groups), 2)
            if a[0].label == b[0].label
        ]
        best, i, j = max(pairs, default=(0.0, 0, 0))
        if best <= min_iou:
            break
        groups[-i] = groups[-i] + groups.pop(-j)
    scores = [sum(view.score for view in group) / len(group) for group in groups]
    votes = [vertex_votes(group) for group in groups]
    owned: list[set] = [set() for _ in groups]
    for vertex in set().union(*votes):
        mine = {n: v[vertex] for n, v in enumerate(votes) if vertex in v}
        owned[max(mine, key=lambda n: (mine[n], scores[n]))].add(vertex)
    found = [
        (group[0].label, score, frozenset(mask))
        for group, score, mask in zip(groups, scores, owned, strict=True)
        if len(mask) >= min_vertices
    ]
    return sorted(found, key=lambda each: -each[1])


def vertex_votes(group: list[View]) -> dict[int, float]:
    """The votes for the vertices that have more than half of them."""
    frames = {view.frame: view.visible for view in group}
    weight = {n: max(v.score for v in group if v.frame == n) for n in frames}
    found = {}
    for vertex in set().union(*(view.mask for view in group)):
        of = {view.frame for view in group if vertex in view.mask}
        votes = sum(weight[n] for n in of)
        if 2 * votes > sum(weight[n] for n in frames if vertex in frames[n]):
            found[vertex] = votes
    return found
