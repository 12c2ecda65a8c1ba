"""Where things can stand: boxes that are turned about z, and places that are free.

A box is a row (x, y, angle, half width, half depth, low, high) of metres and radians.
An outline [N, 2] goes counter-clockwise round the floor of a room.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from gspn_tf.synthetic.homes.things import Thing

Rng = np.random.Generator
Where = Literal["wall", "corner", "free"]
TRIES = 24
SLACK = 0.01


def boxes_of(things: Iterable[Thing]) -> np.ndarray:
    """Return the boxes [N, 7] of things."""
    rows = []
    for thing in things:
        (x, y, z), (w, d, h) = thing.at, thing.size
        rows.append((x, y, thing.angle, w / 2, d / 2, z, z + h))
    return np.array(rows, float).reshape(-1, 7)


def _axes(boxes: np.ndarray) -> np.ndarray:
    """Directions [..., 2, 2] of the width and the depth of boxes."""
    cos, sin = np.cos(boxes[..., 2]), np.sin(boxes[..., 2])
    rows = np.stack([cos, sin, -sin, cos], axis=-1)
    return rows.reshape(*boxes.shape[:-1], 2, 2)


def overlapping(a: np.ndarray, b: np.ndarray, slack: float = SLACK) -> np.ndarray:
    """Say which boxes [A, 7] and [B, 7] share more than a depth of `slack`: [A, B]."""
    apart = np.linalg.norm(b[None, :, :2] - a[:, None, :2], axis=2)
    reach = np.hypot(a[:, 3], a[:, 4])[:, None] + np.hypot(b[:, 3], b[:, 4])
    heights = np.minimum(a[:, None, 6], b[:, 6]) - np.maximum(a[:, None, 5], b[:, 5])
    meet = (apart < reach) & (heights > slack)
    rows, columns = np.nonzero(meet)
    meet[rows, columns] = _crossing(a[rows], b[columns], slack)
    return meet


def _crossing(a: np.ndarray, b: np.ndarray, slack: float) -> np.ndarray:
    """Whether pairs of boxes [P, 7] overlap on the plan by more than `slack`: [P]."""
    apart = (b[:, :2] - a[:, :2])[:, :, None]
    axes_a, axes_b = _axes(a), _axes(b)
    turns = np.abs(axes_a @ axes_b.transpose(0, 2, 1))
    half_a, half_b = a[:, 3:5, None], b[:, 3:5, None]
    reach_a = half_a + turns @ half_b
    reach_b = half_b + turns.transpose(0, 2, 1) @ half_a
    good = np.abs(axes_a @ apart) < reach_a - slack
    return (good & (np.abs(axes_b @ apart) < reach_b - slack)).all(axis=(1, 2))


def corners_of(boxes: np.ndarray) -> np.ndarray:
    """Return the corners [..., 4, 2] of boxes [..., 7] on the plan."""
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return boxes[..., None, :2] + (signs * boxes[..., None, 3:5]) @ _axes(boxes)


def in_outline(points: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Say which points [..., 2] lie inside an outline [N, 2]."""
    a, b = outline, np.roll(outline, -1, axis=0)
    x, y = points[..., None, 0], points[..., None, 1]
    rise = b[:, 1] - a[:, 1]
    slope = (b[:, 0] - a[:, 0]) / np.where(rise == 0, 1.0, rise)
    crosses = (a[:, 1] > y) != (b[:, 1] > y)
    return (crosses & (x < a[:, 0] + (y - a[:, 1]) * slope)).sum(-1) % 2 == 1


def within(boxes: np.ndarray, outline: np.ndarray, slack: float = SLACK) -> np.ndarray:
    """Say which boxes [..., 7] lie inside an outline but for `slack` metres."""
    shrunk = boxes.copy()
    shrunk[..., 3:5] = np.maximum(shrunk[..., 3:5] - slack, 1e-4)
    apart = outline - shrunk[..., None, :2]
    local = np.abs(apart @ np.swapaxes(_axes(shrunk), -1, -2))
    pierced = (local < shrunk[..., None, 3:5]).all(-1).any(-1)
    return in_outline(corners_of(shrunk), outline).all(-1) & ~pierced


class Group(NamedTuple):
    """Things that stand together, round their own origin.

    For "wall" and "corner" the wall is the plane y = 0 and the things are at y < 0.
    """

    things: list[Thing]
    where: Where


class Edge(NamedTuple):
    """A wall of a room: from a corner along a direction; `inward` points into it."""

    start: np.ndarray
    along: np.ndarray
    inward: np.ndarray
    length: float

    @property
    def angle(self) -> float:
        """Turn of a thing whose back is at this wall."""
        return float(np.arctan2(-self.along[1], -self.along[0]))


def edges_of(outline: np.ndarray) -> list[Edge]:
    """Return the walls of an outline."""
    edges = []
    for start, end in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        length = float(np.linalg.norm(end - start))
        along = (end - start) / max(length, 1e-9)
        edges.append(Edge(start, along, np.array([-along[1], along[0]]), length))
    return edges


class Ground:
    """The floor and walls of one room while it is furnished.

    things    all that was put so far
    outline   [N, 2] counter-clockwise, inner faces of the walls, metres
    height    of the ceiling, metres
    """

    def __init__(self, kind: str, outline: np.ndarray, height: float):
        self.kind, self.outline, self.height = kind, outline, height
        self.things: list[Thing] = []
        self.edges = edges_of(outline)
        self._boxes = np.zeros((0, 7))

    @property
    def area(self) -> float:
        """Size of the floor, square metres."""
        x, y = self.outline.T
        return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)

    def keep_free(self, boxes: np.ndarray) -> None:
        """Let nothing else stand in boxes [N, 7]."""
        self._boxes = np.concatenate([self._boxes, boxes])

    def add(self, things: Sequence[Thing]) -> None:
        """Put things where they are, free or not."""
        self.things += things
        self.keep_free(boxes_of(things))

    def fits(self, boxes: np.ndarray) -> np.ndarray:
        """Say which boxes [..., 7] are inside and overlap nothing."""
        flat = boxes.reshape(-1, 7)
        good = within(flat, self.outline) & (flat[:, 6] <= self.height + SLACK)
        good &= ~overlapping(flat, self._boxes).any(axis=1)
        return good.reshape(boxes.shape[:-1])

    def put(self, rng: Rng, group: Group, tries: int = TRIES) -> list[Thing]:
        """Put a group at the first free place of some random ones.

        Returns:
            the things as they stand, [] where no place was free.
        """
        if not group.things:
            return []
        boxes = boxes_of(group.things)
        low, high = corners_of(boxes).min((0, 1)), corners_of(boxes).max((0, 1))
        if group.where == "free":
            poses = self._free_poses(rng, low, high, tries)
        else:
            ends = 1.0 if group.where == "corner" else 0.25
            poses = self._wall_poses(rng, low, high, ends, tries)
        good = self.fits(moved_boxes(boxes, poses)).all(axis=1)
        if not good.any():
            return []
        x, y, angle = (float(value) for value in poses[good.argmax()])
        placed = [thing.moved(angle, (x, y, 0.0)) for thing in group.things]
        self.add(placed)
        return placed

    def _wall_poses(
        self, rng: Rng, low: np.ndarray, high: np.ndarray, ends: float, tries: int
    ) -> np.ndarray:
        """Poses [P, 3] of a group at walls; a share `ends` of them in corners."""
        lengths = np.array([edge.length for edge in self.edges])
        lengths[lengths <= high[0] - low[0]] = 0.0
        if not lengths.any():
            return np.zeros((0, 3))
        rows = rng.choice(len(lengths), tries, p=lengths / lengths.sum())
        first = high[0] + rng.uniform(0, 0.03, tries)
        last = np.maximum(lengths[rows] + low[0] - rng.uniform(0, 0.03, tries), first)
        end = np.where(rng.random(tries) < 0.5, first, last)
        at = np.where(rng.random(tries) < ends, end, rng.uniform(first, last))
        tilt = rng.normal(0, 1, tries) * rng.choice(
            [0.005, 0.03], tries, p=[0.75, 0.25]
        )
        gap = rng.uniform(0, 0.04, tries) + np.abs(tilt) * (high[0] - low[0]) / 2
        start, along, inward = (
            np.stack([edge[field] for edge in self.edges])[rows] for field in range(3)
        )
        foot = start + at[:, None] * along + gap[:, None] * inward
        angle = np.arctan2(-along[:, 1], -along[:, 0]) + tilt
        return np.column_stack([foot, angle])

    def _free_poses(
        self, rng: Rng, low: np.ndarray, high: np.ndarray, tries: int
    ) -> np.ndarray:
        """Poses [P, 3] of a group anywhere, often parallel to the walls."""
        edge = self.edges[int(rng.integers(len(self.edges)))]
        spread = 0.05 if rng.random() < 0.7 else 0.5
        turn = rng.integers(0, 4, tries) * np.pi / 2 + rng.normal(0, spread, tries)
        angle = edge.angle + turn
        corner, opposite = self.outline.min(0), self.outline.max(0)
        at = rng.uniform(corner, opposite, (tries, 2))
        cos, sin = np.cos(angle), np.sin(angle)
        x, y = (low + high) / 2
        middle = np.stack([cos * x - sin * y, sin * x + cos * y], axis=1)
        return np.column_stack([at - middle, angle])


def moved_boxes(boxes: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """Return boxes [B, 7] at each pose (x, y, angle) [P, 3]: [P, B, 7]."""
    out = np.repeat(boxes[None], len(poses), axis=0)
    cos, sin = np.cos(poses[:, 2:3]), np.sin(poses[:, 2:3])
    out[..., 0] = cos * boxes[:, 0] - sin * boxes[:, 1] + poses[:, 0:1]
    out[..., 1] = sin * boxes[:, 0] + cos * boxes[:, 1] + poses[:, 1:2]
    out[..., 2] += poses[:, 2:3]
    return out
