"""Furnishes a room: which groups stand in it, and where nothing collides."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gspn_tf.synthetic import layouts
from gspn_tf.synthetic.furniture import clutter
from gspn_tf.synthetic.layouts import Box, Placed

Rng = np.random.Generator
Layout = Callable[[Rng], list[Placed]]
MAX_INSTANCES = 30
_MARGIN = 0.1  # metres between groups; inside a group things may touch
_ATTEMPTS = 25

_FIRST = 5  # groups drawn for the kind of room before the common ones join
_MOST = 2  # groups of one layout in a room


@dataclass(slots=True)
class Room:
    """A furnished room in its own frame: x, y from 0 to size.

    size    (x, y) metres     height  of the scanned part of the walls, metres
    placed  labelled pieces    clutter unlabelled ones
    """

    size: tuple[float, float]
    height: float
    placed: list[Placed] = field(default_factory=list)
    clutter: list[Placed] = field(default_factory=list)


def furnish(rng: Rng) -> Room:
    """Draws a room of 3 to 7 metres a side and fills it with furniture and clutter."""
    size = (rng.uniform(3.6, 6.8), rng.uniform(3.2, 5.6))
    room = Room(size, rng.uniform(1.9, 2.4))
    theme = layouts.THEMES[rng.integers(len(layouts.THEMES))]
    wanted = rng.integers(14, MAX_INSTANCES - 1)
    boxes: list[Box] = []
    used: Counter[Layout] = Counter()
    for turn in range(24):
        if len(room.placed) >= wanted:
            break
        chances = theme if turn < _FIRST else theme | layouts.COMMON
        chances = {n: c for n, c in chances.items() if used[n] < _MOST}
        if not chances:
            continue
        weights = np.array(list(chances.values()), float)
        layout = list(chances)[rng.choice(len(weights), p=weights / weights.sum())]
        used[layout] += _add(rng, room, layout, boxes)
    _add_clutter(rng, room, boxes)
    return room


def _add(rng: Rng, room: Room, layout: Layout, boxes: list[Box]) -> bool:
    """Adds a group where it fits; False, and the room unchanged, where it does not."""
    group = layout(rng)
    if len(room.placed) + len(group) > MAX_INSTANCES:
        return False
    free = layout in layouts.FREE
    put = layouts.place_free if free else layouts.place_on_wall
    for _ in range(_ATTEMPTS):
        moved = put(rng, group, room.size)
        new = [_claimed(each) for each in moved]
        if _inside(new, room.size) and not _collide(new, boxes, _MARGIN):
            room.placed += moved
            boxes += new
            return True
    return False


def _claimed(placed: Placed) -> Box:
    """The space of a piece; a door also claims where one walks through it."""
    low, high = placed.piece.low, placed.piece.high
    if placed.piece.label == "door":
        high = (high[0], 0.8, high[2])
    return placed.bounds(low, high)


def _inside(boxes: list[Box], size: tuple[float, float]) -> bool:
    lows, highs = (np.array(ends)[:, :2] for ends in zip(*boxes, strict=True))
    return bool((lows > -1e-6).all() and (highs < np.add(size, 1e-6)).all())


def _collide(new: list[Box], old: list[Box], margin: float) -> bool:
    if not old:
        return False
    lows, highs = np.array([b[0] for b in old]), np.array([b[1] for b in old])
    gap = np.array([margin, margin, 0.0])
    return any(
        ((low - gap < highs) & (high + gap > lows)).all(axis=1).any()
        for low, high in new
    )


def _add_clutter(rng: Rng, room: Room, boxes: list[Box]) -> None:
    """Things on the furniture, and things on the floor that touch it."""
    chance = rng.uniform(0.2, 0.7)
    for placed in room.placed:
        room.clutter += clutter.on_top(rng, placed, chance)
    standing = [p for p in room.placed if p.piece.low[2] == 0.0]
    for _ in range(int(rng.integers(2, 9)) if standing else 0):
        new = clutter.beside(rng, standing[rng.integers(len(standing))])
        box = new.bounds()
        if _inside([box], room.size) and not _collide([box], boxes, -0.005):
            room.clutter.append(new)
            boxes.append(box)
