"""Free-standing furniture: seats, tables, beds. Each function draws one item."""

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
from gspn_tf.synthetic.furniture.surfaces import Vector

Rng = np.random.Generator


def chair(rng: Rng) -> Item:
    """Four legs or a swivel foot, a seat, a tilted back, sometimes armrests."""
    width, depth = rng.uniform(0.42, 0.52), rng.uniform(0.46, 0.54)
    seat, height = rng.uniform(0.42, 0.48), rng.uniform(0.82, 1.02)
    item = blank("chair", width, depth, height)
    item.density = 1.5
    color, frame = pick(rng, FABRIC, WOOD), pick(rng, WOOD, METAL)
    x, tilt, thick = width / 2, rng.uniform(0.04, 0.09), rng.uniform(0.03, 0.07)
    parts = item.surfaces
    parts.box((-x, tilt, seat - thick), (x, depth, seat), color, hidden="")
    back = rng.choice([seat, seat + 0.12])
    edges = ((width, 0, 0), (0, thick, 0), (0, -tilt, height - back))
    parts.slab((-x, tilt, back), edges, color, hidden="z")
    if back > seat:
        for side in (-x, x - 0.04):
            parts.box((side, tilt, seat), (side + 0.04, tilt + 0.03, back), frame)
    if rng.random() < 0.35:
        _swivel(item, depth, seat - thick, frame)
    else:
        _legs(item, (tilt, depth), seat - thick, 0.04, frame)
    if rng.random() < 0.3:
        for side in (-x, x - 0.05):
            parts.box(
                (side, 0.1, seat + 0.17), (side + 0.05, depth - 0.08, seat + 0.21),
                frame, hidden="",
            )  # fmt: skip
            parts.box(
                (side, depth - 0.13, seat), (side + 0.05, depth - 0.08, seat + 0.17),
                frame, hidden="zZ",
            )  # fmt: skip
    return item


def _legs(
    item: Item, span: tuple[float, float], top: float, size: float, color: Vector
) -> None:
    for x in (item.low[0], item.high[0] - size):
        for y in (span[0], span[1] - size):
            item.surfaces.box((x, y, 0), (x + size, y + size, top), color, "zZ")


def _swivel(item: Item, depth: float, top: float, color: Vector) -> None:
    parts, reach = item.surfaces, 0.22
    parts.tube((0, depth / 2, 0.08), 0.03, top - 0.08, color)
    for angle in np.arange(5) * 2 * np.pi / 5:
        x, y = reach * np.cos(angle), reach * np.sin(angle)
        parts.slab(
            (0, depth / 2, 0.05),
            ((x, y, 0), (-y / 6, x / 6, 0), (0, 0, 0.05)),
            color,
            "zxX",
        )


def table(rng: Rng) -> Item:
    """A rectangular dining table on four legs or two panels."""
    width, depth = rng.uniform(1.1, 1.9), rng.uniform(0.75, 1.0)
    return _plain_table(rng, width, depth, rng.uniform(0.71, 0.77))


def coffee_table(rng: Rng) -> Item:
    """A low table."""
    width, depth = rng.uniform(0.7, 1.2), rng.uniform(0.5, 0.7)
    return _plain_table(rng, width, depth, rng.uniform(0.36, 0.46))


def _plain_table(rng: Rng, width: float, depth: float, height: float) -> Item:
    item = blank("table", width, depth, height)
    color, x, thick = pick(rng, WOOD, WHITE), width / 2, rng.uniform(0.03, 0.05)
    low, high = (-x, 0, height - thick), (x, depth, height)
    item.surfaces.box(low, high, color, hidden="")
    item.top(low, high)
    if rng.random() < 0.75:
        _legs(item, (0, depth), height - thick, 0.07, darker(color, 0.85))
    else:
        for side in (-x + 0.1, x - 0.15):
            item.surfaces.box(
                (side, 0.1, 0), (side + 0.05, depth - 0.1, height - thick), color, "zZ"
            )
    return item


def round_table(rng: Rng) -> Item:
    """A round top on one column."""
    radius, height = rng.uniform(0.45, 0.65), rng.uniform(0.71, 0.76)
    item = blank("table", 2 * radius, 2 * radius, height)
    color, foot = pick(rng, WOOD, WHITE), pick(rng, METAL, WOOD)
    parts, middle = item.surfaces, (0.0, radius)
    parts.oval((*middle, height), (radius, radius), color)
    parts.oval((*middle, height - 0.04), (radius, radius), darker(color))
    parts.tube((*middle, height - 0.04), radius, 0.04, color)
    parts.tube((*middle, 0.03), 0.05, height - 0.07, foot)
    parts.tube((*middle, 0.0), radius * 0.6, 0.06, foot, taper=0.2)
    reach = radius * 0.65
    item.top((-reach, radius - reach, height), (reach, radius + reach, height))
    return item


def desk(rng: Rng) -> Item:
    """A writing desk: side panels, a modesty panel, a pedestal of drawers."""
    width, depth = rng.uniform(1.1, 1.5), rng.uniform(0.6, 0.75)
    height, x = rng.uniform(0.72, 0.77), width / 2
    item = blank("desk", width, depth, height)
    color = pick(rng, WOOD, WHITE)
    front, parts = pick(rng, WOOD, METAL, WHITE), item.surfaces
    low, high = (-x, 0, height - 0.035), (x, depth, height)
    parts.box(low, high, color, hidden="")
    item.top((-x, 0, height), (x, depth * 0.9, height))
    for side in (-x, x - 0.03):
        parts.box((side, 0, 0), (side + 0.03, depth, height - 0.035), color, "zZ")
    parts.box((-x, 0.04, 0.25), (x, 0.06, height - 0.035), color, "xXzZ")
    wide = rng.uniform(0.36, 0.45)
    left = -x + 0.03 if rng.random() < 0.5 else x - 0.03 - wide
    item.body((left, 0.06, 0.04), (left + wide, depth - 0.05, height - 0.04), front)
    for level in (0.08, 0.3, 0.5):
        parts.box(
            (left + 0.02, depth - 0.05, level),
            (left + wide - 0.02, depth - 0.03, level + 0.17),
            darker(front, 0.9),
            "y",
        )
    return item


def sofa(rng: Rng) -> Item:
    """A back, two arms, and a seat cushion for each place."""
    places = int(rng.integers(1, 4))
    width, depth = 0.4 + 0.55 * places + rng.uniform(-0.05, 0.1), rng.uniform(0.8, 0.95)
    seat, height, arm = rng.uniform(0.4, 0.46), rng.uniform(0.74, 0.9), 0.17
    item = blank("sofa", width, depth, height)
    color, x = pick(rng, FABRIC), width / 2
    item.body((-x, 0.02, 0.06), (x, depth - 0.03, 0.3), darker(color, 0.8), "zZ")
    item.body((-x, 0, 0.3), (x, 0.22, height), color, "z")
    for side in (-x, x - arm):
        item.body((side, 0.1, 0.06), (side + arm, depth, seat + 0.17), color)
    pitch = (width - 2 * arm) / places
    for i in range(places):
        left = -x + arm + i * pitch
        low, high = (left + 0.01, 0.24, 0.3), (left + pitch - 0.01, depth, seat)
        item.body(low, high, darker(color, 1.08))
        item.top((left + 0.1, 0.35, seat), (left + pitch - 0.1, depth - 0.1, seat))
    return item


def bed(rng: Rng) -> Item:
    """A frame with a headboard, a mattress, a blanket over its foot end, pillows."""
    wide = rng.random() < 0.4
    width = rng.uniform(1.4, 1.7) if wide else rng.uniform(0.9, 1.1)
    depth, base = rng.uniform(1.95, 2.15), rng.uniform(0.22, 0.32)
    level, height = base + rng.uniform(0.18, 0.24), rng.uniform(0.85, 1.15)
    item = blank("bed", width, depth, height)
    x, frame = width / 2, pick(rng, WOOD, FABRIC)
    sheet, blanket = pick(rng, WHITE), pick(rng, FABRIC, BRIGHT)
    item.body((-x, 0, 0), (x, 0.06, height), frame, "yz")
    item.body((-x, 0.06, 0.05), (x, depth, base), frame, "zZy")
    item.body((-x + 0.02, 0.06, base), (x - 0.02, depth * 0.4, level), sheet, "zyY")
    item.body((-x, depth * 0.4, base), (x, depth, level + 0.03), blanket, "zy")
    for i in range(2 if wide else 1):
        middle = -x + (i + 0.5) * width / (2 if wide else 1)
        item.surfaces.dome(
            (middle, 0.32, level), (0.3, 0.2, 0.13), darker(sheet, 1.04), lowest=0.0
        )
    item.top((-x + 0.1, depth * 0.5, 0), (x - 0.1, depth - 0.1, level + 0.03))
    return item
