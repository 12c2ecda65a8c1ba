"""Storage, kitchen and bath, and what hangs on walls. Each function draws one item."""

import numpy as np

from gspn_tf.synthetic.furniture.item import (
    BRIGHT,
    FABRIC,
    METAL,
    WHITE,
    WOOD,
    Item,
    blank,
    darker,
    pick,
)

Rng = np.random.Generator


def cabinet(rng: Rng) -> Item:
    """A closed body with door leaves, dark seams and handles; low, or a wardrobe."""
    tall = rng.random() < 0.35
    width = rng.uniform(0.75, 1.1) if tall else rng.uniform(0.6, 0.95)
    depth = rng.uniform(0.5, 0.6) if tall else rng.uniform(0.4, 0.55)
    height = rng.uniform(1.6, 1.95) if tall else rng.uniform(0.7, 1.1)
    item = blank("cabinet", width, depth, height)
    color, x = pick(rng, WOOD, WHITE), width / 2
    item.body((-x, 0, 0), (x, depth - 0.03, height), darker(color, 0.6), "yzY")
    item.surfaces.box((-x, 0, height - 0.03), (x, depth - 0.02, height), color, "yz")
    item.top((-x, 0, height), (x, depth - 0.05, height))
    for side in (0, 1):
        left = -x + 0.015 + side * (x - 0.005)
        right = left + x - 0.025
        front = ((left, depth - 0.03, 0.06), (right, depth, height - 0.05))
        item.surfaces.box(*front, color, "y")
        handle = right - 0.06 if side == 0 else left + 0.03
        item.surfaces.box(
            (handle, depth, height * 0.55), (handle + 0.03, depth + 0.03, height * 0.7),
            pick(rng, METAL), "y",
        )  # fmt: skip
    return item


def bookshelf(rng: Rng) -> Item:
    """Open shelves between two sides, with rows of books that belong to it."""
    width, depth = rng.uniform(0.7, 1.05), rng.uniform(0.26, 0.36)
    height, x = rng.uniform(1.3, 1.95), width / 2
    item = blank("bookshelf", width, depth, height)
    color, parts = pick(rng, WOOD, WHITE), item.surfaces
    for side in (-x, x - 0.03):
        parts.box((side, 0, 0), (side + 0.03, depth, height), color, "yz")
    parts.quad((-x, 0.01, 0), (width, 0, 0), (0, 0, height), darker(color))
    shelves = int(rng.integers(4, 6))
    pitch = (height - 0.1) / shelves
    for level in 0.06 + pitch * np.arange(shelves + 1):
        parts.box((-x, 0, level), (x, depth, level + 0.025), color, "y")
    for level in 0.085 + pitch * np.arange(shelves):
        _books(rng, item, level, pitch)
    item.solids.append(((-x, 0, 0), (x, depth - 0.02, height)))
    item.top((-x, 0, height), (x, depth, height))
    return item


def _books(rng: Rng, item: Item, level: float, pitch: float) -> None:
    left, limit = item.low[0] + 0.04, item.high[0] - 0.04
    limit -= rng.uniform(0, 0.35) * item.width
    while left < limit - 0.05:
        wide = min(rng.uniform(0.08, 0.22), limit - left)
        high = rng.uniform(0.55, 0.85) * (pitch - 0.03)
        deep = rng.uniform(0.5, 0.9) * item.depth
        item.surfaces.box(
            (left, 0.02, level), (left + wide, deep, level + high),
            pick(rng, BRIGHT, FABRIC), "yzxX",
        )  # fmt: skip
        left += wide


def refrigerator(rng: Rng) -> Item:
    """A tall plain body with two door leaves above each other and bar handles."""
    width, depth = rng.uniform(0.6, 0.78), rng.uniform(0.62, 0.72)
    height, x = rng.uniform(1.55, 1.85), width / 2
    item = blank("refrigerator", width, depth, height)
    color = pick(rng, WHITE, WHITE, METAL)
    split = height * rng.uniform(0.3, 0.65)
    item.body((-x, 0, 0.02), (x, depth - 0.07, height), darker(color, 0.85), "yzY")
    for low, high in ((0.05, split - 0.015), (split + 0.015, height)):
        item.body((-x, depth - 0.06, low), (x, depth, high), color, "y")
        bar = (-x + 0.05, depth, low + 0.1)
        item.surfaces.box(bar, (bar[0] + 0.03, depth + 0.04, high - 0.1), METAL[0])
    item.top((-x, 0, height), (x, depth - 0.1, height))
    return item


def counter(rng: Rng) -> Item:
    """A worktop with an overhang and a splashback on a row of narrow doors."""
    width, depth = rng.uniform(1.1, 2.2), rng.uniform(0.58, 0.66)
    height, x = rng.uniform(0.86, 0.94), width / 2
    item = blank("counter", width, depth, height + 0.12)
    color, slab = pick(rng, WOOD, WHITE), pick(rng, METAL, WOOD, WHITE)
    low, high = (-x, 0, height - 0.05), (x, depth, height)
    item.body((-x, 0, 0), (x, depth - 0.08, height - 0.05), darker(color, 0.8), "yzZY")
    item.body(low, high, slab, "y")
    item.surfaces.box((-x, 0, height), (x, 0.03, height + 0.12), slab, "yz")
    doors = max(int(width / 0.5), 2)
    for i in range(doors):
        left = -x + i * width / doors
        item.surfaces.box(
            (left + 0.015, depth - 0.08, 0.1),
            (left + width / doors - 0.015, depth - 0.05, height - 0.08),
            color,
            "y",
        )
    item.top((-x, 0.1, height), (x, depth - 0.05, height))
    return item


def toilet(rng: Rng) -> Item:
    """A tank at the wall, a bowl that narrows to the floor, an oval seat."""
    width, depth = rng.uniform(0.38, 0.46), rng.uniform(0.64, 0.74)
    seat, height = rng.uniform(0.38, 0.43), rng.uniform(0.74, 0.86)
    item = blank("toilet", width, depth, height)
    item.density = 2.0
    color, x, parts = pick(rng, WHITE), width / 2, item.surfaces
    item.body((-x, 0, seat - 0.05), (x, 0.2, height - 0.03), color, "yzZ")
    item.body((-x - 0.01, 0, height - 0.03), (x + 0.01, 0.21, height), color, "y")
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
    return item


def bathtub(rng: Rng) -> Item:
    """A hollow box with a broad rim and sloping inner walls."""
    width, depth = rng.uniform(1.45, 1.75), rng.uniform(0.68, 0.8)
    height, rim, floor = rng.uniform(0.5, 0.6), 0.07, 0.15
    item = blank("bathtub", width, depth, height)
    color, x, parts = pick(rng, WHITE), width / 2, item.surfaces
    parts.box((-x, 0, 0), (x, depth, height), color, "yzZ")
    inner, slope = x - rim, 0.1
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
        up = (sign * slope, 0, height - floor)
        parts.quad((left, low[1], floor), (0, short, 0), up, shade)
    item.solids.append(((-x, 0, 0), (x, depth, floor)))
    return item


def door(rng: Rng) -> Item:
    """A leaf between jambs that stand out of the wall, with panels and a handle."""
    width, height = rng.uniform(0.85, 1.0), rng.uniform(1.95, 2.1)
    depth, x, jamb = rng.uniform(0.09, 0.15), width / 2, 0.08
    item = blank("door", width, depth, height)
    color, frame = pick(rng, WOOD), pick(rng, WOOD, WHITE)
    for side in (-x, x - jamb):
        item.body((side, 0, 0), (side + jamb, depth, height), frame, "yz")
    item.body((-x, 0, height - jamb), (x, depth, height), frame, "y")
    leaf = depth * 0.55
    item.body((-x + jamb, 0, 0.01), (x - jamb, leaf, height - jamb), color, "yz")
    for level in (0.15, 1.05):
        item.surfaces.box(
            (-x + 0.2, leaf, level), (x - 0.2, leaf + 0.015, level + 0.75),
            darker(color, 0.9), "y",
        )  # fmt: skip
    item.surfaces.box(
        (x - 0.2, leaf, 0.98), (x - 0.1, leaf + 0.06, 1.03), METAL[0], hidden="y"
    )
    return item


def window(rng: Rng) -> Item:
    """A frame with a mullion, a bright pane behind it and a sill before it."""
    width, height = rng.uniform(0.9, 1.4), rng.uniform(1.0, 1.3)
    bottom, depth = rng.uniform(0.8, 0.95), rng.uniform(0.09, 0.13)
    item = blank("window", width, depth + 0.06, bottom + height)
    item.low = (-width / 2, 0.0, bottom)
    x, top, bar = width / 2, bottom + height, 0.08
    color, glass = pick(rng, WHITE, WOOD), pick(rng, ((176, 204, 226), (214, 226, 236)))
    for left in (-x, -bar / 2, x - bar):
        item.surfaces.box((left, 0, bottom), (left + bar, depth, top), color, "y")
    for level in (bottom, top - bar):
        item.surfaces.box((-x, 0, level), (x, depth, level + bar), color, "y")
    item.surfaces.quad((-x, 0.03, bottom), (width, 0, 0), (0, 0, height), glass)
    item.surfaces.box(
        (-x, 0, bottom - 0.03), (x, depth + 0.06, bottom), color, hidden="y"
    )
    item.solids.append(((-x, 0, bottom), (x, depth, top)))
    return item


def picture(rng: Rng) -> Item:
    """A framed canvas of a few coloured fields, 4 to 8 cm thick."""
    width, height = rng.uniform(0.45, 0.9), rng.uniform(0.45, 0.8)
    bottom, depth = rng.uniform(1.25, 1.4), rng.uniform(0.04, 0.08)
    item = blank("picture", width, depth, bottom + height)
    item.low = (-width / 2, 0.0, bottom)
    item.density = 2.2
    x, top, frame = width / 2, bottom + height, pick(rng, WOOD, METAL, BRIGHT)
    item.body((-x, 0, bottom), (x, depth, top), frame, "yY")
    for low, high in (((-x, bottom), (x, bottom + 0.04)), ((-x, top - 0.04), (x, top))):
        size = (high[0] - low[0], 0, 0), (0, 0, high[1] - low[1])
        item.surfaces.quad((low[0], depth, low[1]), *size, frame)
    cuts = np.sort(rng.uniform(bottom + 0.1, top - 0.1, 2))
    levels = (bottom + 0.04, *cuts, top - 0.04)
    for low, high in zip(levels[:-1], levels[1:], strict=True):
        size = (width, 0, 0), (0, 0, high - low)
        item.surfaces.quad((-x, depth - 0.015, low), *size, pick(rng, BRIGHT, FABRIC))
    return item
