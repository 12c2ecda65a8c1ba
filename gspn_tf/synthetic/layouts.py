"""How furniture stands together: rows, tables with chairs, kitchens, baths, galleries.

A layout draws a group of pieces around the origin. Groups for a wall stand with their
backs on y = 0 and face +y; free groups stand anywhere. Neighbours of the same class
often touch, as they do in rooms: then only their shape tells where one ends.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gspn_tf.synthetic.furniture import fixtures, movable
from gspn_tf.synthetic.furniture.pieces import Piece

Rng = np.random.Generator
Box = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True)
class Placed:
    """An piece turned by `angle` radians about z, then moved by `offset`, metres."""

    piece: Piece
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    angle: float = 0.0

    def moved(self, offset: tuple[float, float, float], angle: float) -> "Placed":
        """This piece after the whole group is turned, then moved."""
        place = self.map(self.offset, angle, offset)
        return Placed(self.piece, place, self.angle + angle)

    @staticmethod
    def map(point: tuple, angle: float, offset: tuple) -> tuple[float, float, float]:
        """A point turned about z, then moved."""
        (x, y, z), cos, sin = point, math.cos(angle), math.sin(angle)
        return (cos * x - sin * y + offset[0], sin * x + cos * y + offset[1],
                z + offset[2])  # fmt: skip

    def bounds(self, low: tuple | None = None, high: tuple | None = None) -> Box:
        """Axis-aligned bounds of the piece, or of a box in its frame."""
        low, high = low or self.piece.low, high or self.piece.high
        corners = [(x, y) for x in (low[0], high[0]) for y in (low[1], high[1])]
        turned = [self.map((*c, 0.0), self.angle, self.offset) for c in corners]
        x, y, _ = zip(*turned, strict=True)
        lift = self.offset[2]
        least = np.array((min(x), min(y), low[2] + lift))
        return least, np.array((max(x), max(y), high[2] + lift))


def row(pieces: list[Piece], gap: float = 0.0) -> list[Placed]:
    """Pieces side by side along x, centred, `gap` metres apart."""
    total = sum(piece.width for piece in pieces) + gap * (len(pieces) - 1)
    placed, left = [], -total / 2
    for piece in pieces:
        placed.append(Placed(piece, (left + piece.width / 2, 0.0, 0.0)))
        left += piece.width + gap
    return placed


def alike(rng: Rng, draw: Callable[[Rng], Piece], count: int) -> list[Piece]:
    """Pieces of one kind: mostly the same model again, sometimes different ones."""
    if rng.random() < 0.6:
        return [draw(rng)] * count
    return [draw(rng) for _ in range(count)]


def few(rng: Rng) -> int:
    """One to three, mostly one or two."""
    return int(rng.choice(3, p=(0.4, 0.42, 0.18))) + 1


def maybe_two(rng: Rng, chance: float = 0.5) -> int:
    """One, or two by chance."""
    return 2 if rng.random() < chance else 1


def cabinets(rng: Rng) -> list[Placed]:
    """One to three touching cabinets."""
    return row(alike(rng, fixtures.cabinet, few(rng)))


def bookshelves(rng: Rng) -> list[Placed]:
    """One to three touching bookshelves."""
    return row(alike(rng, fixtures.bookshelf, few(rng)))


def desks(rng: Rng) -> list[Placed]:
    """One to three touching desks with their chairs."""
    group = row(alike(rng, movable.desk, few(rng)))
    chair = movable.chair(rng)
    for desk in list(group):
        if rng.random() < 0.8:
            x = desk.offset[0] + rng.uniform(-0.15, 0.15)
            y = desk.piece.depth + chair.depth + rng.uniform(-0.12, 0.2)
            group.append(Placed(chair, (x, y, 0.0), np.pi + rng.normal(0, 0.2)))
    return group


def chairs(rng: Rng) -> list[Placed]:
    """A row of two to four chairs, close together."""
    pieces = alike(rng, movable.chair, int(rng.integers(2, 5)))
    return row(pieces, gap=rng.uniform(0.0, 0.12))


def dining(rng: Rng) -> list[Placed]:
    """One or two touching tables with chairs tucked in on the long sides."""
    table, chair = movable.table(rng), movable.chair(rng)
    group = row([table] * maybe_two(rng))
    seats = max(int(table.width / 0.62), 1)
    for each in list(group):
        for i in range(2 * seats):
            x = each.offset[0] + ((i // 2 + 0.5) / seats - 0.5) * table.width
            x, out = x + rng.normal(0, 0.02), rng.uniform(-0.1, 0.2)
            if rng.random() < 0.85:
                y = table.depth + chair.depth + out if i % 2 else -chair.depth - out
                turn = np.pi * (i % 2) + rng.normal(0, 0.06)
                group.append(Placed(chair, (x, y, 0.0), turn))
    return group


def round_dining(rng: Rng) -> list[Placed]:
    """A round table with three to five chairs around it."""
    table, chair = movable.round_table(rng), movable.chair(rng)
    radius, seats = table.depth / 2, int(rng.integers(3, 6))
    group, first = [Placed(table)], rng.uniform(0, 2 * np.pi)
    for i in range(seats):
        angle = first + 2 * np.pi * i / seats
        reach = radius + chair.depth + rng.uniform(-0.1, 0.15)
        x, y = reach * np.cos(angle), radius + reach * np.sin(angle)
        group.append(Placed(chair, (x, y, 0.0), angle + np.pi / 2))
    return group


def sofas(rng: Rng) -> list[Placed]:
    """One sofa, two in a row, or two in an L; often a coffee table."""
    first, second = movable.sofa(rng), movable.sofa(rng)
    group, kind = [Placed(first)], rng.random()
    if kind < 0.35:
        x = first.width / 2 + second.depth
        group.append(Placed(second, (x, second.width / 2, 0.0), np.pi / 2))
    elif kind < 0.7:
        group = row([first, second if rng.random() < 0.5 else first])
    if rng.random() < 0.7:
        y = first.depth + rng.uniform(0.3, 0.45)
        table = movable.coffee_table(rng)
        group.append(Placed(table, (group[0].offset[0] - 0.1, y, 0.0)))
    return group


def beds(rng: Rng) -> list[Placed]:
    """A bed, or twin beds pushed together, with a bedside cabinet at times."""
    group = row([movable.bed(rng)] * maybe_two(rng))
    if rng.random() < 0.4:
        cabinet = fixtures.cabinet(rng)
        x = group[-1].offset[0] + (group[-1].piece.width + cabinet.width) / 2 + 0.03
        group.append(Placed(cabinet, (x, 0.0, 0.0)))
    return group


def kitchen(rng: Rng) -> list[Placed]:
    """Refrigerators and counters in one line."""
    fridges = alike(rng, fixtures.refrigerator, maybe_two(rng))
    counters = alike(rng, fixtures.counter, maybe_two(rng, 0.55))
    return row(fridges + counters, gap=0.01)


def bath(rng: Rng) -> list[Placed]:
    """A bathtub beside a toilet."""
    pieces = [fixtures.toilet(rng), fixtures.bathtub(rng)]
    return row(pieces, gap=rng.uniform(0.03, 0.3))


def toilets(rng: Rng) -> list[Placed]:
    """One or two toilets."""
    pieces = alike(rng, fixtures.toilet, maybe_two(rng, 0.4))
    return row(pieces, gap=rng.uniform(0.03, 0.3))


def doors(rng: Rng) -> list[Placed]:
    """A door or a double door."""
    return row(alike(rng, fixtures.door, maybe_two(rng, 0.45)))


def windows(rng: Rng) -> list[Placed]:
    """One to three touching windows."""
    return row([fixtures.window(rng)] * few(rng), gap=0.01)


def pictures(rng: Rng) -> list[Placed]:
    """A picture, or a gallery of two or three, tight or loose."""
    pieces = alike(rng, fixtures.picture, few(rng))
    gap = rng.uniform(0.03, 0.06) if rng.random() < 0.8 else rng.uniform(0.15, 0.3)
    return row(pieces, gap)


def place_on_wall(
    rng: Rng, group: list[Placed], size: tuple[float, float]
) -> list[Placed]:
    """Moves a group to a random place along a random wall of a room [0, size]."""
    wall = int(rng.integers(4))
    length = size[wall % 2]
    low, high = group_bounds(group)
    slack = length - (high[0] - low[0])
    along = rng.uniform(0, max(slack, 0)) - low[0]
    corner = [(0, 0), (size[0], 0), size, (0, size[1])][wall]
    angle = wall * np.pi / 2
    x, y, _ = Placed.map((along, 0.0, 0.0), angle, (*corner, 0.0))
    return [each.moved((x, y, 0.0), angle) for each in group]


def place_free(
    rng: Rng, group: list[Placed], size: tuple[float, float]
) -> list[Placed]:
    """Moves a group to a random place in the room, turned by a right angle."""
    angle = rng.integers(4) * np.pi / 2
    turned = [each.moved((0.0, 0.0, 0.0), angle) for each in group]
    low, high = group_bounds(turned)
    slack = np.maximum(np.asarray(size) - (high - low)[:2], 0)
    x, y = rng.uniform(0, 1, 2) * slack - low[:2]
    return [each.moved((x, y, 0.0), 0.0) for each in turned]


def group_bounds(group: list[Placed]) -> Box:
    """Bounds of all pieces of a group."""
    lows, highs = zip(*(each.bounds() for each in group), strict=True)
    return np.min(lows, axis=0), np.max(highs, axis=0)


FREE = (dining, round_dining)
"""Layouts that stand away from the walls."""
THEMES = (
    {desks: 4, bookshelves: 2, cabinets: 2, chairs: 1},
    {sofas: 4, bookshelves: 1, round_dining: 2, cabinets: 1},
    {beds: 5, cabinets: 2, desks: 2, bookshelves: 1},
    {kitchen: 6, dining: 3, round_dining: 1, sofas: 1},
    {bath: 5, toilets: 4, cabinets: 2},
    {kitchen: 4, bath: 3, toilets: 2, beds: 3},
    {dining: 3, chairs: 2, bookshelves: 1, sofas: 1, kitchen: 2},
)
"""How often a layout is drawn in each kind of room, at first."""
COMMON = {doors: 3, windows: 4, pictures: 2}
"""How often a layout is drawn in any room, later."""
