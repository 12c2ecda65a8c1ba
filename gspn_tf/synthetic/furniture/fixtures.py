"""Storage, kitchen and bath, and what hangs on walls. Each function draws one piece."""

import numpy as np

from gspn_tf.synthetic.furniture.pieces import (
    STEEL,
    Piece,
    darker,
    pick,
    sized,
    standing,
)

Rng = np.random.Generator


def cabinet(rng: Rng) -> Piece:
    """A closed body with door leaves, dark seams and handles; low, or a wardrobe."""
    if rng.random() < 0.35:
        piece = sized(rng, "cabinet", (0.75, 1.1), (0.5, 0.6), (1.6, 1.95))
    else:
        piece = sized(rng, "cabinet", (0.6, 0.95), (0.4, 0.55), (0.7, 1.1))
    x, depth, height = piece.high
    color, front = pick(rng, "wood", "white"), depth - 0.03
    piece.body((-x, 0, 0), (x, front, height), darker(color, 0.6), "yzY")
    piece.surfaces.box((-x, 0, height - 0.03), (x, depth - 0.02, height), color, "yz")
    piece.top((-x, 0, height), (x, depth - 0.05, height))
    for side in (0, 1):
        left = -x + 0.015 + side * (x - 0.005)
        right = left + x - 0.025
        leaf = (left, front, 0.06), (right, depth, height - 0.05)
        piece.surfaces.box(*leaf, color, "y")
        grip = right - 0.06 if side == 0 else left + 0.03
        low = (grip, depth, height * 0.55)
        high = (grip + 0.03, depth + 0.03, height * 0.7)
        piece.surfaces.box(low, high, pick(rng, "metal"), "y")
    return piece


def bookshelf(rng: Rng) -> Piece:
    """Open shelves between two sides, with rows of books that belong to it."""
    piece = sized(rng, "bookshelf", (0.7, 1.05), (0.26, 0.36), (1.3, 1.95))
    x, depth, height = piece.high
    color, parts = pick(rng, "wood", "white"), piece.surfaces
    for side in (-x, x - 0.03):
        parts.box((side, 0, 0), (side + 0.03, depth, height), color, "yz")
    parts.quad((-x, 0.01, 0), (piece.width, 0, 0), (0, 0, height), darker(color))
    shelves = int(rng.integers(4, 6))
    pitch = (height - 0.1) / shelves
    for level in 0.06 + pitch * np.arange(shelves + 1):
        parts.box((-x, 0, level), (x, depth, level + 0.025), color, "y")
    for level in 0.085 + pitch * np.arange(shelves):
        _books(rng, piece, level, pitch)
    piece.solids.append(((-x, 0, 0), (x, depth - 0.02, height)))
    piece.top((-x, 0, height), (x, depth, height))
    return piece


def _books(rng: Rng, piece: Piece, level: float, pitch: float) -> None:
    left, limit = piece.low[0] + 0.04, piece.high[0] - 0.04
    limit -= rng.uniform(0, 0.35) * piece.width
    while left < limit - 0.05:
        wide = min(rng.uniform(0.08, 0.22), limit - left)
        high = rng.uniform(0.55, 0.85) * (pitch - 0.03)
        deep = rng.uniform(0.5, 0.9) * piece.depth
        book = (left, 0.02, level), (left + wide, deep, level + high)
        piece.surfaces.box(*book, pick(rng, "bright", "fabric"), "yzxX")
        left += wide


def refrigerator(rng: Rng) -> Piece:
    """A tall plain body with two door leaves above each other and bar handles."""
    piece = sized(rng, "refrigerator", (0.6, 0.78), (0.62, 0.72), (1.55, 1.85))
    x, depth, height = piece.high
    color = pick(rng, "white", "white", "metal")
    split = height * rng.uniform(0.3, 0.65)
    piece.body((-x, 0, 0.02), (x, depth - 0.07, height), darker(color, 0.85), "yzY")
    for low, high in ((0.05, split - 0.015), (split + 0.015, height)):
        piece.body((-x, depth - 0.06, low), (x, depth, high), color, "y")
        bar = (-x + 0.05, depth, low + 0.1)
        piece.surfaces.box(bar, (bar[0] + 0.03, depth + 0.04, high - 0.1), STEEL)
    piece.top((-x, 0, height), (x, depth - 0.1, height))
    return piece


def counter(rng: Rng) -> Piece:
    """A worktop with an overhang and a splashback on a row of narrow doors."""
    width, depth = rng.uniform(1.1, 2.2), rng.uniform(0.58, 0.66)
    height, x = rng.uniform(0.86, 0.94), width / 2
    piece = standing("counter", width, depth, height + 0.12)
    color, slab = pick(rng, "wood", "white"), pick(rng, "metal", "wood", "white")
    below = height - 0.05
    piece.body((-x, 0, 0), (x, depth - 0.08, below), darker(color, 0.8), "yzZY")
    piece.body((-x, 0, below), (x, depth, height), slab, "y")
    piece.surfaces.box((-x, 0, height), (x, 0.03, height + 0.12), slab, "yz")
    doors = max(int(width / 0.5), 2)
    for i in range(doors):
        left = -x + i * width / doors
        near = (left + 0.015, depth - 0.08, 0.1)
        far = (left + width / doors - 0.015, depth - 0.05, height - 0.08)
        piece.surfaces.box(near, far, color, "y")
    piece.top((-x, 0.1, height), (x, depth - 0.05, height))
    return piece


def toilet(rng: Rng) -> Piece:
    """A tank at the wall, a bowl that narrows to the floor, an oval seat."""
    width, depth = rng.uniform(0.38, 0.46), rng.uniform(0.64, 0.74)
    seat, height = rng.uniform(0.38, 0.43), rng.uniform(0.74, 0.86)
    piece = standing("toilet", width, depth, height)
    piece.density = 2.0
    color, x, parts = pick(rng, "white"), width / 2, piece.surfaces
    piece.body((-x, 0, seat - 0.05), (x, 0.2, height - 0.03), color, "yzZ")
    piece.body((-x - 0.01, 0, height - 0.03), (x + 0.01, 0.21, height), color, "y")
    long = (depth - 0.2) / 2
    middle = (0.0, 0.2 + long)
    parts.tube((*middle, 0), x * 0.65, seat, color, taper=1.5)
    parts.oval((*middle, seat), (x, long), color, hole=0.6)
    parts.tube((*middle, seat - 0.15), x * 0.4, 0.15, darker(color, 0.9), taper=1.5)
    parts.oval((*middle, seat - 0.15), (x * 0.4, x * 0.4), darker(color, 0.8))
    parts.box((-0.1, 0.1, 0), (0.1, 0.3, seat - 0.05), color, "yZ")
    if rng.random() < 0.4:
        edges = ((2 * x, 0, 0), (0, 0.03, 0), (0, -0.03, 0.36))
        parts.slab((-x, 0.24, seat), edges, darker(color, 1.03), "z")
    return piece


def bathtub(rng: Rng) -> Piece:
    """A hollow box with a broad rim and sloping inner walls."""
    piece = sized(rng, "bathtub", (1.45, 1.75), (0.68, 0.8), (0.5, 0.6))
    x, depth, height = piece.high
    width, rim, floor, slope = piece.width, 0.07, 0.15, 0.1
    color, parts, inner = pick(rng, "white"), piece.surfaces, x - rim
    parts.box((-x, 0, 0), (x, depth, height), color, "yzZ")
    for y in (0, depth - rim):
        parts.quad((-x, y, height), (width, 0, 0), (0, rim, 0), color)
    for left in (-x, inner):
        parts.quad((left, rim, height), (rim, 0, 0), (0, depth - 2 * rim, 0), color)
    low, shade = (-inner + slope, rim + slope, floor), darker(color, 0.92)
    long, short = 2 * (inner - slope), depth - 2 * (rim + slope)
    parts.quad(low, (long, 0, 0), (0, short, 0), shade)
    for sign, y in ((-1, low[1]), (1, low[1] + short)):
        up = (0, sign * slope, height - floor)
        parts.quad((low[0], y, floor), (long, 0, 0), up, shade)
    for sign, left in ((-1, low[0]), (1, low[0] + long)):
        side = (sign * slope, 0, height - floor)
        parts.quad((left, low[1], floor), (0, short, 0), side, shade)
    piece.solids.append(((-x, 0, 0), (x, depth, floor)))
    return piece


def door(rng: Rng) -> Piece:
    """A leaf between jambs that stand out of the wall, with panels and a handle."""
    width, height = rng.uniform(0.85, 1.0), rng.uniform(1.95, 2.1)
    depth, x, jamb = rng.uniform(0.09, 0.15), width / 2, 0.08
    piece = standing("door", width, depth, height)
    color, frame = pick(rng, "wood"), pick(rng, "wood", "white")
    for side in (-x, x - jamb):
        piece.body((side, 0, 0), (side + jamb, depth, height), frame, "yz")
    piece.body((-x, 0, height - jamb), (x, depth, height), frame, "y")
    leaf = depth * 0.55
    piece.body((-x + jamb, 0, 0.01), (x - jamb, leaf, height - jamb), color, "yz")
    for level in (0.15, 1.05):
        panel = (-x + 0.2, leaf, level), (x - 0.2, leaf + 0.015, level + 0.75)
        piece.surfaces.box(*panel, darker(color, 0.9), "y")
    handle = (x - 0.2, leaf, 0.98), (x - 0.1, leaf + 0.06, 1.03)
    piece.surfaces.box(*handle, STEEL, "y")
    return piece


def window(rng: Rng) -> Piece:
    """A frame with a mullion, a bright pane behind it and a sill before it."""
    width, height = rng.uniform(0.9, 1.4), rng.uniform(1.0, 1.3)
    bottom, depth = rng.uniform(0.8, 0.95), rng.uniform(0.09, 0.13)
    piece = standing("window", width, depth + 0.06, bottom + height)
    piece.low = (-width / 2, 0.0, bottom)
    x, top, bar = width / 2, bottom + height, 0.08
    color, glass = pick(rng, "white", "wood"), pick(rng, "glass")
    for left in (-x, -bar / 2, x - bar):
        piece.surfaces.box((left, 0, bottom), (left + bar, depth, top), color, "y")
    for level in (bottom, top - bar):
        piece.surfaces.box((-x, 0, level), (x, depth, level + bar), color, "y")
    piece.surfaces.quad((-x, 0.03, bottom), (width, 0, 0), (0, 0, height), glass)
    sill = (-x, 0, bottom - 0.03), (x, depth + 0.06, bottom)
    piece.surfaces.box(*sill, color, "y")
    piece.solids.append(((-x, 0, bottom), (x, depth, top)))
    return piece


def picture(rng: Rng) -> Piece:
    """A framed canvas of a few coloured fields, 4 to 8 cm thick."""
    width, height = rng.uniform(0.45, 0.9), rng.uniform(0.45, 0.8)
    bottom, depth = rng.uniform(1.25, 1.4), rng.uniform(0.04, 0.08)
    piece = standing("picture", width, depth, bottom + height)
    piece.low = (-width / 2, 0.0, bottom)
    piece.density = 2.2
    x, top, frame = width / 2, bottom + height, pick(rng, "wood", "metal", "bright")
    piece.body((-x, 0, bottom), (x, depth, top), frame, "yY")
    for low, high in ((bottom, bottom + 0.04), (top - 0.04, top)):
        size = (width, 0, 0), (0, 0, high - low)
        piece.surfaces.quad((-x, depth, low), *size, frame)
    cuts = np.sort(rng.uniform(bottom + 0.1, top - 0.1, 2))
    levels = (bottom + 0.04, *cuts, top - 0.04)
    for low, high in zip(levels[:-1], levels[1:], strict=True):
        size = (width, 0, 0), (0, 0, high - low)
        color = pick(rng, "bright", "fabric")
        piece.surfaces.quad((-x, depth - 0.015, low), *size, color)
    return piece
