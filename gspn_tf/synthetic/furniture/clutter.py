"""Unlabelled things that stand on furniture and lie about: background of a scene."""

import numpy as np

from gspn_tf.synthetic.furniture.pieces import Piece, darker, pick, standing
from gspn_tf.synthetic.layouts import Placed

Rng = np.random.Generator


def carton(rng: Rng) -> Piece:
    """A box, or a small pile of books."""
    width, depth, height = rng.uniform((0.12, 0.1, 0.05), (0.4, 0.3, 0.3))
    piece = standing("", width, depth, height)
    piece.body(piece.low, piece.high, pick(rng, "wood", "bright", "white"))
    return piece


def table_lamp(rng: Rng) -> Piece:
    """A table lamp: foot, stem, conical shade."""
    piece, height = standing("", 0.3, 0.3, 0.5), rng.uniform(0.35, 0.5)
    parts, color = piece.surfaces, pick(rng, "metal", "wood")
    parts.cylinder((0, 0.15, 0), 0.08, 0.03, color)
    parts.tube((0, 0.15, 0.03), 0.015, height - 0.2, color)
    parts.tube((0, 0.15, height - 0.17), 0.15, 0.17, pick(rng, "white", "fabric"), 0.6)
    return piece


def monitor(rng: Rng) -> Piece:
    """A screen on a foot, its face towards +y."""
    width, height = rng.uniform(0.45, 0.6), rng.uniform(0.28, 0.36)
    piece, dark = standing("", width, 0.2, height + 0.12), pick(rng, "dark")
    piece.surfaces.box((-0.12, 0.02, 0), (0.12, 0.2, 0.02), dark)
    piece.surfaces.box((-0.03, 0.06, 0.02), (0.03, 0.09, 0.15), dark)
    piece.surfaces.box(
        (-width / 2, 0.09, 0.12), (width / 2, 0.13, height + 0.12), dark, hidden=""
    )
    return piece


def cushion(rng: Rng) -> Piece:
    """A soft flat ellipsoid, or a bag."""
    size, height = rng.uniform(0.15, 0.24), rng.uniform(0.08, 0.2)
    piece = standing("", 2 * size, 2 * size, height)
    color = pick(rng, "fabric", "bright")
    piece.surfaces.dome((0, size, 0), (size, size * 0.8, height), color, lowest=0.0)
    return piece


def vase(rng: Rng) -> Piece:
    """A vase or a pot with a round plant."""
    piece, color = standing("", 0.2, 0.2, 0.45), pick(rng, "bright", "white")
    piece.surfaces.tube((0, 0.1, 0), 0.06, 0.15, color, taper=1.3)
    if rng.random() < 0.6:
        green = darker((70, 120, 60), rng.uniform(0.7, 1.3))
        piece.surfaces.dome((0, 0.1, 0.24), (0.1, 0.1, 0.14), green)
    return piece


def waste_bin(rng: Rng) -> Piece:
    """A waste bin on the floor."""
    radius, height = rng.uniform(0.12, 0.17), rng.uniform(0.28, 0.4)
    piece = standing("", 2 * radius, 2 * radius, height)
    base, color = (0, radius, 0), pick(rng, "metal")
    piece.surfaces.tube(base, radius * 0.8, height, color, taper=1.25)
    return piece


_ON = {
    "desk": (monitor, monitor, carton, table_lamp, vase),
    "sofa": (cushion, cushion, carton),
    "bed": (cushion, carton),
}
_ANY = (carton, carton, table_lamp, vase)
_FLOOR = (carton, carton, cushion, waste_bin, vase)


def on_top(rng: Rng, placed: Placed, chance: float) -> list[Placed]:
    """Things that stand on a piece, each on one of its level places."""
    found: list[Placed] = []
    for low, high in placed.piece.tops:
        if rng.random() > chance:
            continue
        choices = _ON.get(placed.piece.label, _ANY)
        piece = choices[rng.integers(len(choices))](rng)
        room = (high[0] - low[0] - piece.width, high[1] - low[1] - piece.depth)
        if min(room) < 0:
            continue
        x = low[0] + piece.width / 2 + rng.uniform(0, room[0])
        y = low[1] + rng.uniform(0, room[1])
        local = Placed(piece, (x, y, high[2]))
        found.append(local.moved(placed.offset, placed.angle))
    return found


def beside(rng: Rng, placed: Placed) -> Placed:
    """A thing on the floor that touches a piece at its front or at a side."""
    piece = _FLOOR[rng.integers(len(_FLOOR))](rng)
    gap, owner = rng.uniform(0.0, 0.04), placed.piece
    if rng.random() < 0.5:
        x = rng.uniform(owner.low[0], owner.high[0])
        local = Placed(piece, (x, owner.high[1] + gap, 0.0))
    else:
        x = owner.high[0] + piece.width / 2 + gap
        local = Placed(piece, (x, rng.uniform(0, owner.depth * 0.6), 0.0))
    return local.moved(placed.offset, placed.angle)
