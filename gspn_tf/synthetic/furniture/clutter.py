"""Unlabelled things that stand on furniture and lie about: background of a scene."""

import numpy as np

from gspn_tf.synthetic.furniture.item import (
    BRIGHT,
    FABRIC,
    METAL,
    WHITE,
    WOOD,
    Item,
    darker,
    pick,
)
from gspn_tf.synthetic.layouts import Placed

Rng = np.random.Generator


def _blank(width: float, depth: float, height: float) -> Item:
    return Item("", (-width / 2, 0.0, 0.0), (width / 2, depth, height))


def carton(rng: Rng) -> Item:
    """A box, or a small pile of books."""
    width, depth, height = rng.uniform((0.12, 0.1, 0.05), (0.4, 0.3, 0.3))
    item = _blank(width, depth, height)
    item.body(item.low, item.high, pick(rng, WOOD, BRIGHT, WHITE))
    return item


def lamp(rng: Rng) -> Item:
    """A table lamp: foot, stem, conical shade."""
    item, height = _blank(0.3, 0.3, 0.5), rng.uniform(0.35, 0.5)
    parts, color = item.surfaces, pick(rng, METAL, WOOD)
    parts.cylinder((0, 0.15, 0), 0.08, 0.03, color)
    parts.tube((0, 0.15, 0.03), 0.015, height - 0.2, color)
    parts.tube((0, 0.15, height - 0.17), 0.15, 0.17, pick(rng, WHITE, FABRIC), 0.6)
    return item


def monitor(rng: Rng) -> Item:
    """A screen on a foot, its face towards +y."""
    width, height = rng.uniform(0.45, 0.6), rng.uniform(0.28, 0.36)
    item, dark = _blank(width, 0.2, height + 0.12), pick(rng, METAL[3:])
    item.surfaces.box((-0.12, 0.02, 0), (0.12, 0.2, 0.02), dark)
    item.surfaces.box((-0.03, 0.06, 0.02), (0.03, 0.09, 0.15), dark)
    item.surfaces.box(
        (-width / 2, 0.09, 0.12), (width / 2, 0.13, height + 0.12), dark, hidden=""
    )
    return item


def cushion(rng: Rng) -> Item:
    """A soft flat ellipsoid, or a bag."""
    size, height = rng.uniform(0.15, 0.24), rng.uniform(0.08, 0.2)
    item = _blank(2 * size, 2 * size, height)
    color = pick(rng, FABRIC, BRIGHT)
    item.surfaces.dome((0, size, 0), (size, size * 0.8, height), color, lowest=0.0)
    return item


def vase(rng: Rng) -> Item:
    """A vase or a pot with a round plant."""
    item, color = _blank(0.2, 0.2, 0.45), pick(rng, BRIGHT, WHITE)
    item.surfaces.tube((0, 0.1, 0), 0.06, 0.15, color, taper=1.3)
    if rng.random() < 0.6:
        green = darker((70, 120, 60), rng.uniform(0.7, 1.3))
        item.surfaces.dome((0, 0.1, 0.24), (0.1, 0.1, 0.14), green)
    return item


def bin_(rng: Rng) -> Item:
    """A waste bin on the floor."""
    radius, height = rng.uniform(0.12, 0.17), rng.uniform(0.28, 0.4)
    item = _blank(2 * radius, 2 * radius, height)
    item.surfaces.tube(
        (0, radius, 0), radius * 0.8, height, pick(rng, METAL), taper=1.25
    )
    return item


_ON = {
    "desk": (monitor, monitor, carton, lamp, vase),
    "sofa": (cushion, cushion, carton),
    "bed": (cushion, carton),
}
_ANY = (carton, carton, lamp, vase)
_FLOOR = (carton, carton, cushion, bin_, vase)


def on_top(rng: Rng, placed: Placed, chance: float) -> list[Placed]:
    """Things that stand on an item, each on one of its level places."""
    found: list[Placed] = []
    for low, high in placed.item.tops:
        if rng.random() > chance:
            continue
        choices = _ON.get(placed.item.label, _ANY)
        item = choices[rng.integers(len(choices))](rng)
        room = (high[0] - low[0] - item.width, high[1] - low[1] - item.depth)
        if min(room) < 0:
            continue
        x = low[0] + item.width / 2 + rng.uniform(0, room[0])
        y = low[1] + rng.uniform(0, room[1])
        local = Placed(item, (x, y, high[2]))
        found.append(local.moved(placed.offset, placed.angle))
    return found


def beside(rng: Rng, placed: Placed) -> Placed:
    """A thing on the floor that touches an item at its front or at a side."""
    item = _FLOOR[rng.integers(len(_FLOOR))](rng)
    gap, owner = rng.uniform(0.0, 0.04), placed.item
    if rng.random() < 0.5:
        x = rng.uniform(owner.low[0], owner.high[0])
        local = Placed(item, (x, owner.high[1] + gap, 0.0))
    else:
        x = owner.high[0] + item.width / 2 + gap
        local = Placed(item, (x, rng.uniform(0, owner.depth * 0.6), 0.0))
    return local.moved(placed.offset, placed.angle)
