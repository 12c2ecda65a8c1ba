"""Groups of furniture: a bed with night stands, a table with chairs, a kitchen's row.

Each function draws a group (see `placing.Group`) from a stock; without models for it
the group is empty.
"""

from collections.abc import Callable, Sequence

import numpy as np

from gspn_tf.synthetic.homes.layout.placing import (
    Group,
    Rng,
    Where,
    boxes_of,
    overlapping,
)
from gspn_tf.synthetic.homes.layout.stock import Stock, resized, stand
from gspn_tf.synthetic.homes.things import Model, Size, Thing

SEATS = ("chair", "stool")
TABLES = ("table", "desk", "counter", "otherstructure")
_LET_IN = (("sink", ("cabinet", "counter")), ("counter", ("cabinet",)))

Arrange = Callable[[Rng, Stock], Group]


def may_overlap(a: Thing, b: Thing) -> bool:
    """Whether the boxes of two things may: a chair and its table, a sink let in."""
    for first, second in ((a.model, b.model), (b.model, a.model)):
        if first.kind in SEATS and second.kind in TABLES:
            return True
        if any(first.kind == kind and second.kind in of for kind, of in _LET_IN):
            return True
    return False


def _join(things: list[Thing], more: Sequence[Thing]) -> None:
    """Add those things that overlap nothing that they may not."""
    for thing in more:
        clash = overlapping(boxes_of([thing]), boxes_of(things))[0] if things else []
        if all(may_overlap(thing, things[row]) for row in np.flatnonzero(clash)):
            things.append(thing)


def _backed(
    rng: Rng, model: Model, x: float = 0.0, z: float = 0.0, size: Size | None = None
) -> Thing:
    """Make a thing whose back is at the wall y = 0."""
    size = size or resized(rng, model.size)
    return stand(rng, model, (x, -size[1] / 2, z), 0.0, size)


def alone(*kinds: str, where: Where = "wall") -> Arrange:
    """Return a way to arrange one piece of some kinds, at its usual height."""

    def arrange(rng: Rng, stock: Stock) -> Group:
        model = stock.pick(rng, kinds)
        if model is None:
            return Group([], where)
        return Group([_backed(rng, model, z=model.elevation)], where)

    return arrange


def bed_group(rng: Rng, stock: Stock) -> Group:
    """Draw a bed, its head to the wall, and up to two night stands."""
    model = stock.pick(rng, "bed")
    if model is None:
        return Group([], "wall")
    things = [_backed(rng, model)]
    low, high = (0.25, 0.2, 0.3), (0.7, 0.6, 0.8)
    beside = stock.pick(rng, ("night stand", "cabinet", "table"), low, high)
    for side in (-1, 1):
        if beside and rng.random() < 0.65:
            gap = (things[0].size[0] + beside.size[0]) / 2 + rng.uniform(0.05, 0.15)
            _join(things, [_backed(rng, beside, side * gap)])
    return Group(things, "corner" if rng.random() < 0.3 else "wall")


def sofa_group(rng: Rng, stock: Stock) -> Group:
    """Draw a sofa, mostly with a low table before it and armchairs at its sides."""
    model = stock.pick(rng, "sofa")
    if model is None:
        return Group([], "wall")
    things = [_backed(rng, model)]
    wide, deep, _ = things[0].size
    table = stock.pick(rng, ("table", "stool"), high=(1.6, 1.2, 0.6))
    front = -deep - rng.uniform(0.25, 0.5)
    if table and rng.random() < 0.75:
        thing = _backed(rng, table)
        _join(things, [thing.moved(rng.normal(0, 0.1), (0, front, 0))])
        front -= thing.size[1] / 2
    for side in (-1, 1):
        seat = stock.pick(rng, "chair", low=(0.6, 0.6, 0.5))
        if seat and rng.random() < 0.35:
            at = (side * (wide / 2 + rng.uniform(0.1, 0.5)), front, 0.0)
            angle = -side * rng.uniform(0.8, 1.7)
            _join(things, [stand(rng, seat, at, angle)])
    return Group(things, "wall" if rng.random() < 0.7 else "free")


def television_group(rng: Rng, stock: Stock) -> Group:
    """Draw a television on a low piece of furniture."""
    kinds = ("otherfurniture", "cabinet", "dresser", "table", "bookshelf")
    low = stock.pick(rng, kinds, (0.7, 0.3, 0.25), (2.5, 0.8, 0.95))
    screen = stock.pick(rng, "television")
    if low is None or screen is None:
        return Group([], "wall")
    thing = _backed(rng, low)
    at = (rng.uniform(-0.1, 0.1), -low.size[1] / 2, thing.size[2])
    return Group([thing, stand(rng, screen, at)], "wall")


def dining_group(rng: Rng, stock: Stock) -> Group:
    """Draw a table with chairs, some pushed under it."""
    table = stock.pick(rng, "table", (0.6, 0.5, 0.6), (2.6, 1.6, 0.95))
    if table is None:
        return alone("table", where="free")(rng, stock)
    return Group(_seated(rng, stock, stand(rng, table), 0.8), "free")


def meeting_group(rng: Rng, stock: Stock) -> Group:
    """Draw a large table, of one or several in a row, with chairs all round."""
    table = stock.pick(rng, ("table", "desk"), (1.0, 0.6, 0.6), (4.0, 1.8, 0.9))
    if table is None:
        return dining_group(rng, stock)
    size = resized(rng, table.size)
    count = 1 if size[0] > 2.2 else int(rng.integers(2, 4))
    things: list[Thing] = []
    for row in range(count):
        at = ((row - (count - 1) / 2) * (size[0] + 0.01), 0.0, 0.0)
        things.append(stand(rng, table, at, 0.0, size, (1, 1, 1)))
    chair = stock.pick(rng, "chair", high=(0.75, 0.8, 1.3))
    for thing in list(things):
        _join(things, _chairs(rng, chair, thing, (0, 2), 0.95))
    _join(things, _chairs(rng, chair, things[0], (1,), 0.6))
    _join(things, _chairs(rng, chair, things[count - 1], (3,), 0.6))
    return Group(things, "free")


def _seated(rng: Rng, stock: Stock, table: Thing, share: float) -> list[Thing]:
    """Return a table and chairs at its sides, of one model or of several."""
    things = [table]
    same = stock.pick(rng, SEATS, high=(0.75, 0.85, 1.3))
    for side in range(4):
        other = stock.pick(rng, SEATS, high=(0.75, 0.85, 1.3))
        chair = same if rng.random() < 0.75 else other
        _join(things, _chairs(rng, chair, table, (side,), share))
    return things


def _chairs(
    rng: Rng, model: Model | None, table: Thing, sides: Sequence[int], share: float
) -> list[Thing]:
    """Return chairs at sides of a table (0 = front, then counter-clockwise)."""
    out: list[Thing] = []
    if model is None:
        return out
    for side in sides:
        length, across = table.size[side % 2], table.size[1 - side % 2]
        count = max(1, int(length / (model.size[0] + 0.08)))
        for place in range(count):
            if rng.random() > share:
                continue
            pushed = (
                rng.uniform(-0.3, 0.05) if rng.random() < 0.6 else rng.uniform(0, 0.4)
            )
            along = ((place + 0.5) / count - 0.5) * length
            off = across / 2 + model.size[1] / 2 + pushed
            chair = stand(rng, model, (along, -off, 0.0), np.pi + rng.normal(0, 0.2))
            turned = chair.moved(side * np.pi / 2, (0.0, 0.0, 0.0))
            out.append(turned.moved(table.angle, (table.at[0], table.at[1], 0.0)))
    return out


def desk_group(rng: Rng, stock: Stock) -> Group:
    """Draw a desk at a wall with a chair."""
    model = stock.pick(rng, "desk")
    if model is None:
        return Group([], "wall")
    things = [_backed(rng, model)]
    chair = stock.pick(rng, SEATS, high=(0.8, 0.85, 1.4))
    _join(things, _chairs(rng, chair, things[0], (0,), 0.9)[:1])
    return Group(things, "wall" if rng.random() < 0.85 else "free")


def desk_cluster(rng: Rng, stock: Stock) -> Group:
    """Draw an office's cluster: desks side by side and face to face, with chairs."""
    model = stock.pick(rng, ("desk", "table"), (0.8, 0.45, 0.6), (2.0, 1.0, 1.3))
    chair = stock.pick(rng, "chair", high=(0.8, 0.85, 1.4))
    if model is None:
        return Group([], "free")
    size, columns = resized(rng, model.size), int(rng.integers(1, 4))
    tables: list[Thing] = []
    for column in range(columns):
        for turn in range(1 if rng.random() < 0.25 else 2):
            x = (column - (columns - 1) / 2) * (size[0] + 0.02)
            at = (x, -(size[1] / 2 + 0.01) * (1 - 2 * turn), 0.0)
            tables.append(stand(rng, model, at, np.pi * turn, size, (1, 1, 1)))
    things = list(tables)
    for table in tables:
        _join(things, _chairs(rng, chair, table, (0,), 0.9)[:1])
    return Group(things, "free")


def class_rows(rng: Rng, stock: Stock) -> Group:
    """Draw a class's desks: rows behind each other, each with a chair."""
    model = stock.pick(rng, ("desk", "table"), (0.5, 0.4, 0.6), (1.8, 0.8, 1.0))
    chair = stock.pick(rng, "chair", high=(0.7, 0.7, 1.2))
    if model is None or chair is None:
        return desk_cluster(rng, stock)
    size = resized(rng, model.size)
    rows, columns = int(rng.integers(2, 4)), int(rng.integers(2, 5))
    tables = []
    for row in range(rows):
        for column in range(columns):
            at = (column * (size[0] + 0.3), -row * (size[1] + 0.85), 0.0)
            tables.append(stand(rng, model, at, rng.normal(0, 0.04), size, (1, 1, 1)))
    things = list(tables)
    for table in tables:
        _join(things, _chairs(rng, chair, table, (0,), 0.9)[:1])
    return Group(things, "free")


def row_of(*kinds: str, low: Size = (0.2, 0.1, 0.9)) -> Arrange:
    """Return a way to arrange two to four pieces that touch, mostly of one model."""

    def arrange(rng: Rng, stock: Stock) -> Group:
        things: list[Thing] = []
        model, x = stock.pick(rng, kinds, low, (1.6, 0.9, 9.0)), 0.0
        for _ in range(rng.integers(2, 5)):
            if rng.random() < 0.25:
                model = stock.pick(rng, kinds, low, (1.6, 0.9, 9.0))
            if model is None:
                break
            size = resized(rng, model.size)
            things.append(_backed(rng, model, x + size[0] / 2, 0.0, size))
            x += size[0] + rng.uniform(0, 0.02)
        return Group(things, "corner" if rng.random() < 0.4 else "wall")

    return arrange
