"""Floor plans: rooms and the walls between them, drawn at random."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gspn_tf.synthetic.homes.layout.placing import Rng, in_outline

Rect = tuple[float, float, float, float]

EXTENTS = {
    "bedroom": (3.0, 5.5),
    "living room": (3.5, 7.0),
    "office": (3.2, 9.0),
    "kitchen": (2.8, 5.0),
    "bathroom": (2.2, 3.8),
    "hall": (2.6, 6.0),
    "meeting room": (4.0, 9.0),
    "storage": (2.6, 6.0),
    "classroom": (6.0, 10.0),
    "lounge": (4.5, 10.0),
    "mixed": (3.0, 10.0),
}
"""Shortest and longest wall of a room of each kind, metres."""

_SHARES = (4, 4, 4, 3, 3, 1, 2, 2, 1, 1, 0)
_HALL = 1.2


class Space(NamedTuple):
    """One room of a plan; `outline` [N, 2] goes counter-clockwise round its floor."""

    kind: str
    outline: np.ndarray


class Wall(NamedTuple):
    """A wall along its middle line from `start` to `end` [2], metres."""

    start: np.ndarray
    end: np.ndarray
    thickness: float
    height: float


class Opening(NamedTuple):
    """A hole in a wall.

    at     (x, y) of its middle, on the middle line of the wall
    angle  radians of the wall's direction there
    low    metres above the floor where it begins    high  where it ends
    """

    at: tuple[float, float]
    angle: float
    width: float
    low: float
    high: float

    def box(self, depth: float) -> tuple[float, ...]:
        """Return a box (see `placing`) of the opening that is `depth` metres deep."""
        return (*self.at, self.angle, self.width / 2, depth / 2, self.low, self.high)


@dataclass
class FloorPlan:
    """Rooms, walls and what is cut out of them.

    height  of the ceiling, metres
    """

    spaces: list[Space]
    walls: list[Wall]
    height: float
    openings: list[Opening] = field(default_factory=list)

    def space_at(self, points: np.ndarray) -> np.ndarray:
        """Return the row [N] of the room that holds each point [N, 2]; -1 for none."""
        rows = np.full(len(points), -1)
        for row, space in enumerate(self.spaces):
            rows[in_outline(points, space.outline)] = row
        return rows


def random_plan(rng: Rng, broken: bool) -> FloorPlan:
    """Draw a plan: a room, sometimes of the shape of an L or with a hall, or several.

    Args:
        rng: all randomness.
        broken: rooms are of the kind "mixed", which furnishes with everything.
    """
    thickness = float(rng.uniform(0.08, 0.28))
    height = float(rng.uniform(2.35, 3.1))
    rooms = int(rng.choice(4, p=[0.62, 0.16, 0.14, 0.08])) + 1
    kinds = [_kind(rng, broken) for _ in range(rooms)]
    if rooms > 1:
        cells = _cut(rng, _extent(rng, 4.0, 12.0), rooms)
        return _plan(_suited(rng, cells, kinds), thickness, height)
    size = _extent(rng, *EXTENTS[kinds[0]]) + thickness
    if rng.random() < 0.25 and min(size) > 3.4:
        return _bent(rng, kinds[0], size, thickness, height)
    spaces = [(kinds[0], (0.0, 0.0, float(size[0]), float(size[1])))]
    if rng.random() < 0.3:
        spaces.append(("hall", _beside(rng, size)))
    return _plan(spaces, thickness, height)


def _kind(rng: Rng, broken: bool) -> str:
    shares = np.array(_SHARES) / sum(_SHARES)
    kind = list(EXTENTS)[int(rng.choice(len(shares), p=shares))]
    return "mixed" if broken and rng.random() < 0.8 else kind


def _extent(rng: Rng, low: float, high: float) -> np.ndarray:
    """Draw sides [2] of which none is more than twice the other."""
    first = rng.uniform(low, high)
    second = rng.uniform(max(low, first / 2), min(high, first * 2))
    return np.array([first, second])


def _beside(rng: Rng, size: np.ndarray) -> Rect:
    """Return a piece of a hall along a wall of a room of a size."""
    w, d = (float(x) for x in size)
    deep = _HALL + float(rng.uniform(0, 0.6))
    return (0.0, d, w, d + deep) if rng.random() < 0.5 else (w, 0.0, w + deep, d)


def _cut(rng: Rng, size: np.ndarray, rooms: int) -> list[Rect]:
    """Cut a rectangle into smaller ones, the largest first."""
    cells: list[Rect] = [(0.0, 0.0, float(size[0]), float(size[1]))]
    while len(cells) < rooms:
        cells.sort(key=_area)
        x0, y0, x1, y1 = cells.pop()
        share = float(rng.uniform(0.35, 0.65))
        if x1 - x0 > y1 - y0:
            x = x0 + share * (x1 - x0)
            cells += [(x0, y0, x, y1), (x, y0, x1, y1)]
        else:
            y = y0 + share * (y1 - y0)
            cells += [(x0, y0, x1, y), (x0, y, x1, y1)]
    return cells


def _area(cell: Rect) -> float:
    return (cell[2] - cell[0]) * (cell[3] - cell[1])


def _suited(rng: Rng, cells: list[Rect], kinds: list[str]) -> list[tuple[str, Rect]]:
    """Give small cells the kinds of small rooms."""
    out = []
    for cell, kind in zip(cells, kinds, strict=True):
        if _area(cell) < 7.5:
            kind = str(rng.choice(["bathroom", "bathroom", "hall", "storage"]))
        elif kind == "bathroom" and _area(cell) > 14:
            kind = str(rng.choice(["bedroom", "living room", "office"]))
        elif kind != "mixed" and min(cell[2] - cell[0], cell[3] - cell[1]) < 2.8:
            kind = str(rng.choice(["hall", "kitchen", "storage", "bathroom"]))
        out.append((kind, cell))
    return out


def _plan(cells: list[tuple[str, Rect]], thickness: float, height: float) -> FloorPlan:
    """Build walls round cells; neighbours share a wall."""
    half = thickness / 2
    spaces, walls = [], []
    lines: list[tuple[float, ...]] = []
    for kind, (x0, y0, x1, y1) in cells:
        inner = (x0 + half, y0 + half, x1 - half, y1 - half)
        spaces.append(Space(kind, _corners(inner)))
        lines += [(x0, y0, x1, y0), (x1, y0, x1, y1)]
        lines += [(x0, y1, x1, y1), (x0, y0, x0, y1)]
    lines = _united(lines)
    for line in lines:
        walls.append(Wall(np.array(line[:2]), np.array(line[2:]), thickness, height))
    return FloorPlan(spaces, walls, height)


def _united(lines: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Join lines (low x, low y, high x, high y) that touch on one straight line."""
    out: list[tuple[float, ...]] = []
    for axis in (0, 1):
        across = 1 - axis
        own = [line for line in lines if line[across] == line[across + 2]]
        for line in sorted(own, key=lambda line: (line[across], line[axis])):
            last = out[-1] if out else None
            level = last and last[across] == last[across + 2] == line[across]
            if last and level and line[axis] <= last[axis + 2]:
                joined = list(last)
                joined[axis + 2] = max(last[axis + 2], line[axis + 2])
                out[-1] = tuple(joined)
            else:
                out.append(line)
    return out


def _corners(rect: Rect) -> np.ndarray:
    x0, y0, x1, y1 = rect
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _bent(
    rng: Rng, kind: str, size: np.ndarray, thickness: float, height: float
) -> FloorPlan:
    """Draw a room of the shape of an L: a rectangle that lacks a corner."""
    w, d = size
    x, y = size * rng.uniform(0.35, 0.65, 2)
    middle = np.array([(0, 0), (w, 0), (w, y), (x, y), (x, d), (0, d)])
    half = thickness / 2
    inward = np.array([(1, 1), (-1, 1), (-1, -1), (-1, -1), (-1, -1), (1, -1)])
    inner = middle + half * inward
    ends = np.roll(middle, -1, axis=0)
    along = np.sign(ends - middle) * half
    walls = [
        Wall(start, end, thickness, height)
        for start, end in zip(middle - along, ends + along, strict=True)
    ]
    flip = rng.random() < 0.5
    plan = FloorPlan([Space(kind, inner)], walls, height)
    return mirrored_plan(plan) if flip else plan


def mirrored_plan(plan: FloorPlan) -> FloorPlan:
    """Return the plan as seen in a mirror: x becomes -x."""
    flip = np.array([-1.0, 1.0])
    return FloorPlan(
        [Space(kind, (outline * flip)[::-1]) for kind, outline in plan.spaces],
        [
            wall._replace(start=wall.start * flip, end=wall.end * flip)
            for wall in plan.walls
        ],
        plan.height,
        [o._replace(at=(-o.at[0], o.at[1]), angle=-o.angle) for o in plan.openings],
    )
