"""Free-standing furniture: seats, tables, beds. Each function draws one piece."""

import numpy as np

from gspn_tf.synthetic.furniture.pieces import Piece, darker, pick, sized, standing
from gspn_tf.synthetic.furniture.surfaces import Vector

Rng = np.random.Generator


def chair(rng: Rng) -> Piece:
    """Four legs or a swivel foot, a seat, a tilted back, sometimes armrests."""
    width, depth = rng.uniform(0.42, 0.52), rng.uniform(0.46, 0.54)
    seat, height = rng.uniform(0.42, 0.48), rng.uniform(0.82, 1.02)
    piece = standing("chair", width, depth, height)
    piece.density = 1.5
    color, frame = pick(rng, "fabric", "wood"), pick(rng, "wood", "metal")
    x, tilt, thick = width / 2, rng.uniform(0.04, 0.09), rng.uniform(0.03, 0.07)
    parts = piece.surfaces
    parts.box((-x, tilt, seat - thick), (x, depth, seat), color, hidden="")
    back = rng.choice([seat, seat + 0.12])
    edges = ((width, 0, 0), (0, thick, 0), (0, -tilt, height - back))
    parts.slab((-x, tilt, back), edges, color, hidden="z")
    if back > seat:
        for side in (-x, x - 0.04):
            parts.box((side, tilt, seat), (side + 0.04, tilt + 0.03, back), frame)
    if rng.random() < 0.35:
        _star_foot(piece, seat - thick, frame)
    else:
        _four_legs(piece, tilt, seat - thick, 0.04, frame)
    if rng.random() < 0.3:
        far = depth - 0.08
        for left in (-x, x - 0.05):
            right = left + 0.05
            rest = (left, 0.1, seat + 0.17), (right, far, seat + 0.21)
            parts.box(*rest, frame, hidden="")
            post = (left, depth - 0.13, seat), (right, far, seat + 0.17)
            parts.box(*post, frame, hidden="zZ")
    return piece


def _four_legs(
    piece: Piece, near: float, top: float, size: float, color: Vector
) -> None:
    for x in (piece.low[0], piece.high[0] - size):
        for y in (near, piece.depth - size):
            piece.surfaces.box((x, y, 0), (x + size, y + size, top), color, "zZ")


def _star_foot(piece: Piece, top: float, color: Vector) -> None:
    parts, reach, middle = piece.surfaces, 0.22, piece.depth / 2
    parts.tube((0, middle, 0.08), 0.03, top - 0.08, color)
    for angle in np.arange(5) * 2 * np.pi / 5:
        x, y = reach * np.cos(angle), reach * np.sin(angle)
        edges = ((x, y, 0), (-y / 6, x / 6, 0), (0, 0, 0.05))
        parts.slab((0, middle, 0.05), edges, color, "zxX")


def table(rng: Rng) -> Piece:
    """A rectangular dining table on four legs or two panels."""
    return _panelled(rng, sized(rng, "table", (1.1, 1.9), (0.75, 1.0), (0.71, 0.77)))


def coffee_table(rng: Rng) -> Piece:
    """A low table."""
    return _panelled(rng, sized(rng, "table", (0.7, 1.2), (0.5, 0.7), (0.36, 0.46)))


def _panelled(rng: Rng, piece: Piece) -> Piece:
    color, thick = pick(rng, "wood", "white"), rng.uniform(0.03, 0.05)
    x = piece.width / 2
    under = piece.height - thick
    low = (-x, 0, under)
    piece.surfaces.box(low, piece.high, color, hidden="")
    piece.top(low, piece.high)
    if rng.random() < 0.75:
        _four_legs(piece, 0, under, 0.07, darker(color, 0.85))
    else:
        for side in (-x + 0.1, x - 0.15):
            far = (side + 0.05, piece.depth - 0.1, under)
            piece.surfaces.box((side, 0.1, 0), far, color, "zZ")
    return piece


def round_table(rng: Rng) -> Piece:
    """A round top on one column."""
    radius, height = rng.uniform(0.45, 0.65), rng.uniform(0.71, 0.76)
    piece = standing("table", 2 * radius, 2 * radius, height)
    color, foot = pick(rng, "wood", "white"), pick(rng, "metal", "wood")
    parts, middle = piece.surfaces, (0.0, radius)
    parts.oval((*middle, height), (radius, radius), color)
    parts.oval((*middle, height - 0.04), (radius, radius), darker(color))
    parts.tube((*middle, height - 0.04), radius, 0.04, color)
    parts.tube((*middle, 0.03), 0.05, height - 0.07, foot)
    parts.tube((*middle, 0.0), radius * 0.6, 0.06, foot, taper=0.2)
    reach = radius * 0.65
    piece.top((-reach, radius - reach, height), (reach, radius + reach, height))
    return piece


def desk(rng: Rng) -> Piece:
    """A writing desk: side panels, a modesty panel, a pedestal of drawers."""
    piece = sized(rng, "desk", (1.1, 1.5), (0.6, 0.75), (0.72, 0.77))
    x, depth, height = piece.high
    color = pick(rng, "wood", "white")
    front, parts = pick(rng, "wood", "metal", "white"), piece.surfaces
    under = height - 0.035
    parts.box((-x, 0, under), piece.high, color, hidden="")
    piece.top((-x, 0, height), (x, depth * 0.9, height))
    for side in (-x, x - 0.03):
        parts.box((side, 0, 0), (side + 0.03, depth, under), color, "zZ")
    parts.box((-x, 0.04, 0.25), (x, 0.06, under), color, "xXzZ")
    wide = rng.uniform(0.36, 0.45)
    left = -x + 0.03 if rng.random() < 0.5 else x - 0.03 - wide
    piece.body((left, 0.06, 0.04), (left + wide, depth - 0.05, height - 0.04), front)
    for level in (0.08, 0.3, 0.5):
        near = (left + 0.02, depth - 0.05, level)
        far = (left + wide - 0.02, depth - 0.03, level + 0.17)
        parts.box(near, far, darker(front, 0.9), "y")
    return piece


def sofa(rng: Rng) -> Piece:
    """A back, two arms, and a seat cushion for each place."""
    places = int(rng.integers(1, 4))
    width, depth = 0.4 + 0.55 * places + rng.uniform(-0.05, 0.1), rng.uniform(0.8, 0.95)
    seat, height, arm = rng.uniform(0.4, 0.46), rng.uniform(0.74, 0.9), 0.17
    piece = standing("sofa", width, depth, height)
    color, x = pick(rng, "fabric"), width / 2
    piece.body((-x, 0.02, 0.06), (x, depth - 0.03, 0.3), darker(color, 0.8), "zZ")
    piece.body((-x, 0, 0.3), (x, 0.22, height), color, "z")
    for side in (-x, x - arm):
        piece.body((side, 0.1, 0.06), (side + arm, depth, seat + 0.17), color)
    pitch = (width - 2 * arm) / places
    for i in range(places):
        left = -x + arm + i * pitch
        low, high = (left + 0.01, 0.24, 0.3), (left + pitch - 0.01, depth, seat)
        piece.body(low, high, darker(color, 1.08))
        piece.top((left + 0.1, 0.35, seat), (left + pitch - 0.1, depth - 0.1, seat))
    return piece


def bed(rng: Rng) -> Piece:
    """A frame with a headboard, a mattress, a blanket over its foot end, pillows."""
    wide = rng.random() < 0.4
    width = rng.uniform(1.4, 1.7) if wide else rng.uniform(0.9, 1.1)
    depth, base = rng.uniform(1.95, 2.15), rng.uniform(0.22, 0.32)
    level, height = base + rng.uniform(0.18, 0.24), rng.uniform(0.85, 1.15)
    piece = standing("bed", width, depth, height)
    x, frame = width / 2, pick(rng, "wood", "fabric")
    sheet, blanket = pick(rng, "white"), pick(rng, "fabric", "bright")
    piece.body((-x, 0, 0), (x, 0.06, height), frame, "yz")
    piece.body((-x, 0.06, 0.05), (x, depth, base), frame, "zZy")
    piece.body((-x + 0.02, 0.06, base), (x - 0.02, depth * 0.4, level), sheet, "zyY")
    piece.body((-x, depth * 0.4, base), (x, depth, level + 0.03), blanket, "zy")
    pillows = 2 if wide else 1
    for i in range(pillows):
        middle = (-x + (i + 0.5) * width / pillows, 0.32, level)
        piece.surfaces.dome(middle, (0.3, 0.2, 0.13), darker(sheet, 1.04), lowest=0.0)
    piece.top((-x + 0.1, depth * 0.5, 0), (x - 0.1, depth - 0.1, level + 0.03))
    return piece
