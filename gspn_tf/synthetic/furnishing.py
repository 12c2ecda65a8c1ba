"""Furnishes a room: which groups stand in it, and where nothing collides."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from gspn_tf.synthetic import layouts
from gspn_tf.synthetic.furniture import clutter
from gspn_tf.synthetic.layouts import Box, Placed

Rng = np.random.Generator
MAX_INSTANCES = 30
_MARGIN = 0.1  # metres between groups; inside a group things may touch
_ATTEMPTS = 25

# How often a layout is drawn: first what the kind of room is for, then the rest.
_THEMES = (
    {"desks": 4, "bookshelves": 2, "cabinets": 2, "chairs": 1},
    {"sofas": 4, "bookshelves": 1, "round_dining": 2, "cabinets": 1},
    {"beds": 5, "cabinets": 2, "desks": 2, "bookshelves": 1},
    {"kitchen": 6, "dining": 3, "round_dining": 1, "sofas": 1},
    {"bath": 5, "toilets": 4, "cabinets": 2},
    {"kitchen": 4, "bath": 3, "toilets": 2, "beds": 3},
    {"dining": 3, "chairs": 2, "bookshelves": 1, "sofas": 1, "kitchen": 2},
)
_COMMON = {"doors": 3, "windows": 4, "pictures": 2}
_FIRST = 5  # groups drawn for the kind of room before the common ones join
_MOST = 2  # groups of one layout in a room


@dataclass(slots=True)
class Room:
    """A furnished room in its own frame: x, y from 0 to size.

    size    (x, y) metres     height  of the scanned part of the walls, metres
    placed  labelled items    clutter unlabelled ones
    """

    size: tuple[float, float]
    height: float
    placed: list[Placed] = field(default_factory=list)
    clutter: list[Placed] = field(default_factory=list)


def furnish(rng: Rng) -> Room:
    """Draws a room of 3 to 7 metres a side and fills it with furniture and clutter."""
    size = (rng.uniform(3.6, 6.8), rng.uniform(3.2, 5.6))
    room = Room(size, rng.uniform(1.9, 2.4))
    theme = _THEMES[rng.integers(len(_THEMES))]
    wanted = rng.integers(14, MAX_INSTANCES - 1)
    boxes: list[Box] = []
    used: Counter[str] = Counter()
    for turn in range(24):
        if len(room.placed) >= wanted:
            break
        chances = theme if turn < _FIRST else theme | _COMMON
        chances = {n: c for n, c in chances.items() if used[n] < _MOST}
        if not chances:
            continue
        weights = np.array(list(chances.values()), float)
        name = list(chances)[rng.choice(len(weights), p=weights / weights.sum())]
        used[name] += _add(rng, room, name, boxes)
    _add_clutter(rng, room, boxes)
    return room


def _add(rng: Rng, room: Room, name: str, boxes: list[Box]) -> bool:
    """Adds a group where it fits; False, and the room unchanged, where it does not."""
    wall = name in layouts.WALL
    group = (layouts.WALL | layouts.FREE)[name](rng)
    if len(room.placed) + len(group) > MAX_INSTANCES:
        return False
    put: Callable = layouts.place_on_wall if wall else layouts.place_free
    for _ in range(_ATTEMPTS):
        moved = put(rng, group, room.size)
        new = [_claimed(each) for each in moved]
        if _inside(new, room.size) and not _collide(new, boxes, _MARGIN):
            room.placed += moved
            boxes += new
            return True
    return False


def _claimed(placed: Placed) -> Box:
    """The space of an item; a door also claims where one walks through it."""
    low, high = placed.item.low, placed.item.high
    if placed.item.label == "door":
        high = (high[0], 0.8, high[2])
    return placed.bounds(low, high)


def _inside(boxes: list[Box], size: tuple[float, float]) -> bool:
    return all(
        min(low[0], low[1]) > -1e-6 and high[0] < size[0] + 1e-6
        and high[1] < size[1] + 1e-6
        for low, high in boxes
    )  # fmt: skip


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
    standing = [p for p in room.placed if p.item.low[2] == 0.0]
    for _ in range(int(rng.integers(2, 9)) if standing else 0):
        new = clutter.beside(rng, standing[rng.integers(len(standing))])
        box = new.bounds()
        if _inside([box], room.size) and not _collide([box], boxes, -0.005):
            room.clutter.append(new)
            boxes.append(box)
