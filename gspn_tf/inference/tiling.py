"""Scans larger than a room: overlapping tiles, each as one scan, and their union.

The plan is laid out in squares that overlap by more than an object, as a rule. Every
tile goes through the same network at the same density, so that memory is bounded by the
tile. An object in an overlap is found twice, and one on a border in parts:

1. Two instances of two tiles are one object if they have the same class and their
   masks an IoU of at least SHARED on the points that both tiles hold. The masks are
   united, the boxes enclosed, and the best score is theirs.
2. What a tile's border cuts, and no instance of its class continues, is left out where
   at least SHARED of it lies in instances that another tile saw whole.
3. A point's class is that of the tile in which it lies deepest.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np

from gspn_tf.files.stray import without_stray
from gspn_tf.inference.segmenter import Segmentation, checked_scan

SIDE = 8.0  # metres of a tile
OVERLAP = 2.5  # metres by which tiles overlap: more than a bed is long
LARGEST = 12.0  # metres of a scan that is no reason for tiles
BORDER = 0.1  # metres to a tile's border within which an instance is cut by it
SHARED = 0.5


class FindsInstances(Protocol):
    """A `Segmenter`, or an export by requests: see `serving.client`."""

    def segment_checked(
        self, points: np.ndarray, colors: np.ndarray, seed: int = 0
    ) -> Segmentation:
        """Find the instances of what `checked_scan` returned, or of rows of that."""


class Tile(NamedTuple):
    """A square of the plan and the points above it."""

    low: np.ndarray  # [2] float64 metres
    rows: np.ndarray  # [n] rows of the scan's points, ascending
    depth: np.ndarray  # [n] metres of each point to the nearest border of the tile


class Fragment(NamedTuple):
    """An instance of one tile."""

    tile: int
    label: int
    score: float
    box: np.ndarray  # [6]
    rows: np.ndarray  # rows of the scan's points, ascending
    cut: bool  # by a border of its tile


def needs_tiles(points: np.ndarray) -> bool:
    """Whether points [V, 3] metres are wider than LARGEST in plan, but for strays."""
    points = without_stray(points)
    plan = points[np.isfinite(points).all(1), :2]
    if not len(plan):
        return False
    low = np.quantile(plan, 0.001, axis=0, method="higher")
    high = np.quantile(plan, 0.999, axis=0, method="lower")
    return bool((high - low).max() > LARGEST)


def segment_tiles(
    segmenter: FindsInstances,
    points: np.ndarray,
    colors: np.ndarray | None = None,
    *,
    side: float = SIDE,
    overlap: float | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Segmentation:
    """Find the instances of a large scan, tile by tile.

    Where one tile holds all points this is what the segmenter finds in them.

    Args:
        segmenter: What finds the instances of each tile.
        points: [V, 3] numbers, metres, z up.
        colors: [V, 3] uint8; a scan without colours is seen in grey.
        side: Metres of a tile.
        overlap: Metres by which neighbours overlap, less than half a side; None:
            OVERLAP, or a quarter of the side where that is less.
        seed: Seed of the draws of the points that the network sees.
        progress: Called with the number of tiles that are done, and of all.

    Raises:
        ValueError: wrong shapes, no finite point, or a side or overlap out of range.
    """
    if overlap is None:
        overlap = min(OVERLAP, side / 4)
    if not 0 <= 2 * overlap < side:
        raise ValueError(
            f"overlap must be from 0 to less than half of side = {side}, got {overlap}"
        )
    points, colors = checked_scan(points, colors)
    tiles = list(tiles_of(points, side, overlap))
    if len(tiles) == 1 and len(tiles[0].rows) == np.isfinite(points).all(1).sum():
        return segmenter.segment_checked(points, colors, seed)
    semantic = np.zeros(len(points), np.int32)
    deepest = np.full(len(points), -np.inf)
    fragments: list[Fragment] = []
    proposals: list[tuple[np.ndarray, np.ndarray]] = []
    for number, tile in enumerate(tiles):
        rows = tile.rows
        found = segmenter.segment_checked(points[rows], colors[rows], seed)
        fragments += fragments_of(number, tile, found)
        inner = tile.depth > deepest[rows]
        semantic[rows[inner]] = found.semantic[inner]
        deepest[rows[inner]] = tile.depth[inner]
        proposals.append((found.proposals, found.proposal_scores))
        progress(number + 1, len(tiles))
    boxes, scores = map(np.concatenate, zip(*proposals, strict=True))
    order = np.argsort(-scores, kind="stable")
    return united(fragments, tiles, semantic)._replace(
        proposals=boxes[order], proposal_scores=scores[order]
    )


def tiles_of(points: np.ndarray, side: float, overlap: float) -> Iterator[Tile]:
    """Lay points [V, 3] metres out in tiles that hold some; finite points alone."""
    finite = np.flatnonzero(np.isfinite(points).all(1))
    plan = np.asarray(points[finite, :2], np.float64)
    start, stride = plan.min(0), side - overlap
    # A point lies in the tile of its cell, and in the one before where they overlap.
    last = np.maximum(np.ceil((plan.max(0) - start - overlap) / stride) - 1, 0)
    cells = np.minimum(np.floor((plan - start) / stride), last).astype(np.int64)
    first = np.where(plan - start < cells * stride + overlap, cells - 1, cells)
    first = np.maximum(first, 0)
    keys, members = [], []
    for x in (first[:, 0], cells[:, 0]):
        for y in (first[:, 1], cells[:, 1]):
            keys.append(np.stack([x, y], 1))
            members.append(np.arange(len(plan)))
    pairs = np.concatenate([np.concatenate(keys), np.concatenate(members)[:, None]], 1)
    pairs = np.unique(pairs, axis=0)  # by tile, then by row
    _, starts = np.unique(pairs[:, :2], axis=0, return_index=True)
    for part in np.split(pairs, starts[1:]):
        if not (first[part[:, 2]] == part[:, :2]).all(1).any():
            continue  # the tiles before hold all of it
        low = start + part[0, :2] * stride
        inside = plan[part[:, 2]]
        below = np.where(part[0, :2] > 0, inside - low, np.inf)
        above = np.where(part[0, :2] < last, low + side - inside, np.inf)
        depth = np.minimum(below, above).min(1)
        yield Tile(low, finite[part[:, 2]], depth)


def fragments_of(number: int, tile: Tile, found: Segmentation) -> Iterator[Fragment]:
    """Go through the instances of a tile, in rows of the whole scan."""
    parts = zip(found.classes, found.scores, found.boxes, found.masks, strict=True)
    for label, score, box, mask in parts:
        cut = bool(tile.depth[mask].min() < BORDER)
        yield Fragment(number, int(label), float(score), box, tile.rows[mask], cut)


def united(
    fragments: list[Fragment], tiles: list[Tile], semantic: np.ndarray
) -> Segmentation:
    """Unite the fragments of objects, see rules 1 and 2; without proposals."""
    groups = list(range(len(fragments)))

    def group_of(index: int) -> int:
        while groups[index] != index:
            index = groups[index]
        return index

    covered: dict[int, np.ndarray] = {}
    for one, other in touching_fragments(fragments, tiles):
        left, right = fragments[one], fragments[other]
        both = np.intersect1d(left.rows, right.rows, assume_unique=True)
        if not len(both):
            continue
        union = -len(both) + sum(
            np.isin(fragment.rows, tiles[rival.tile].rows, assume_unique=True).sum()
            for fragment, rival in ((left, right), (right, left))
        )
        if left.label == right.label and len(both) >= SHARED * union:
            groups[group_of(one)] = group_of(other)
        for index, rival in ((one, right), (other, left)):
            if fragments[index].cut and not rival.cut:
                covered[index] = np.union1d(covered.get(index, both), both)
    members: dict[int, list[int]] = {}
    for index in range(len(fragments)):
        members.setdefault(group_of(index), []).append(index)
    objects = [
        together([fragments[index] for index in group])
        for group in members.values()
        if len(group) > 1 or not _is_scrap(fragments[group[0]], covered.get(group[0]))
    ]
    objects.sort(key=lambda fragment: -fragment.score)
    none = np.zeros([0, 6], np.float32)
    return Segmentation(
        boxes=np.stack([each.box for each in objects]) if objects else none,
        classes=np.array([each.label for each in objects], np.int32),
        scores=np.array([each.score for each in objects], np.float32),
        masks=[each.rows.astype(np.int32) for each in objects],
        semantic=semantic,
        proposals=none,
        proposal_scores=np.zeros(0, np.float32),
    )


def touching_fragments(
    fragments: list[Fragment], tiles: list[Tile]
) -> Iterator[tuple[int, int]]:
    """Go through pairs of fragments of two tiles whose boxes, or tiles, may touch."""
    lows = np.array([tiles[fragment.tile].low for fragment in fragments]).reshape(-1, 2)
    plans = [_plan_bounds(fragment.box) for fragment in fragments]
    bounds = np.array(plans, np.float64).reshape(-1, 4)
    for one in range(len(fragments)):
        rest = slice(one + 1, len(fragments))
        apart = (bounds[rest, :2] > bounds[one, 2:]) | (
            bounds[rest, 2:] < bounds[one, :2]
        )
        same = (lows[rest] == lows[one]).all(1)
        for other in np.flatnonzero(~apart.any(1) & ~same):
            yield one, one + 1 + int(other)


def together(parts: list[Fragment]) -> Fragment:
    """One instance of its fragments."""
    best = max(parts, key=lambda fragment: fragment.score)
    if len(parts) == 1:
        return best
    low = np.min([part.box[:3] - part.box[3:] / 2 for part in parts], axis=0)
    high = np.max([part.box[:3] + part.box[3:] / 2 for part in parts], axis=0)
    box = np.concatenate([(low + high) / 2, high - low]).astype(np.float32)
    rows = np.unique(np.concatenate([fragment.rows for fragment in parts]))
    return best._replace(
        box=box, rows=rows, cut=all(fragment.cut for fragment in parts)
    )


def _is_scrap(fragment: Fragment, covered: np.ndarray | None) -> bool:
    return covered is not None and len(covered) >= SHARED * len(fragment.rows)


def _plan_bounds(box: np.ndarray) -> np.ndarray:
    half = box[3:5] / 2
    return np.concatenate([box[:2] - half, box[:2] + half])
