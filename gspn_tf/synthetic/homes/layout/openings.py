"""Doors and windows of a plan: holes in its walls, what fills them, and curtains."""

from typing import NamedTuple

import numpy as np

from gspn_tf.synthetic.homes.layout.outlines import FloorPlan, Opening
from gspn_tf.synthetic.homes.layout.placing import Ground, Rng, boxes_of, overlapping
from gspn_tf.synthetic.homes.layout.stock import Stock, resized, stand
from gspn_tf.synthetic.homes.things import Model, Size, Thing

_FREE = 0.75  # metres before a door where nothing stands
_AJAR = 0.3  # a deeper door stands open
_FRAME = 0.1  # depth of its frame


class Cut(NamedTuple):
    """An opening as seen from a room.

    inward     [2] direction into the room
    thickness  of the wall, metres
    """

    opening: Opening
    inward: np.ndarray
    thickness: float

    def at(self, inwards: float, along: float = 0.0) -> np.ndarray:
        """Return a point [2] so far before the middle of the wall, and beside it."""
        right = np.array([-self.inward[1], self.inward[0]])
        return np.array(self.opening.at) + inwards * self.inward + along * right

    @property
    def angle(self) -> float:
        """Turn of a thing whose front is towards the room."""
        return float(np.arctan2(self.inward[0], -self.inward[1]))


def open_walls(rng: Rng, plan: FloorPlan, grounds: list[Ground], stock: Stock) -> None:
    """Cut doors and windows into a plan and put doors, windows and curtains there.

    Rooms with a common wall get a door or a bare opening between them, mostly only
    where there is no other way from the one to the other.
    """
    groups = list(range(len(grounds)))
    for row in rng.permutation(len(grounds)):
        for other in range(len(grounds)):
            apart = groups[row] != groups[other] or rng.random() < 0.2
            if other == row or not apart:
                continue
            if _passage(rng, plan, grounds[row], grounds[other], other, stock):
                old, new = groups[other], groups[row]
                groups = [new if group == old else group for group in groups]
    for ground in grounds:
        narrow = ground.kind == "hall" or ground.area < 8
        for _ in range(rng.integers(1, 2 if narrow else 4)):
            _outer_door(rng, plan, ground, stock)
        for _ in range(rng.integers(0, 3 if narrow else 5)):
            _window(rng, plan, ground, stock)


def _passage(
    rng: Rng, plan: FloorPlan, ground: Ground, beyond: Ground, row: int, stock: Stock
) -> bool:
    """Open the wall from one room into another, whose row is `row`."""
    model = stock.pick(rng, "door", high=(1.3, 1.1, plan.height - 0.1))
    wide, tall = rng.uniform(0.8, 2.4), rng.uniform(2.0, plan.height - 0.1)
    bare: Size = (float(wide), 0.1, float(tall))
    if rng.random() < 0.25:
        model = None
    size = _fitted(rng, model, plan) if model else bare
    cut = _cut(rng, plan, ground, size, 0.0, row)
    if cut is None:
        return False
    if model:
        _hang(rng, ground, model, size, cut)
    for side in (ground, beyond):
        side.keep_free(np.array([cut.opening.box(cut.thickness + 2 * _FREE)]))
    return True


def _outer_door(rng: Rng, plan: FloorPlan, ground: Ground, stock: Stock) -> None:
    """Put a shut door into a wall with nothing behind: an entrance, or a closet's."""
    model = stock.pick(rng, "door", high=(1.9, _AJAR, plan.height - 0.1))
    if model:
        size = _fitted(rng, model, plan)
        cut = _cut(rng, plan, ground, size, 0.0, -1)
        if cut:
            ground.things.append(door_or_window(rng, model, size, cut))
            ground.keep_free(np.array([cut.opening.box(cut.thickness + 2 * _FREE)]))


def _window(rng: Rng, plan: FloorPlan, ground: Ground, stock: Stock) -> None:
    """Put a window into an outer wall, often with curtains and a radiator."""
    model = stock.pick(rng, "window", high=(2.6, 0.6, plan.height - 0.2))
    if model is None:
        return
    size = _fitted(rng, model, plan)
    foot = model.elevation if model.elevation > 0 else float(rng.uniform(0.5, 1.1))
    foot = max(min(foot, plan.height - size[2] - 0.05), 0.0)
    cut = _cut(rng, plan, ground, size, foot, -1)
    if cut:
        ground.things.append(door_or_window(rng, model, size, cut))
        if rng.random() < 0.65:
            drape(rng, ground, stock, cut)
        ground.keep_free(np.array([cut.opening.box(cut.thickness + 0.1)]))
        if rng.random() < 0.5:
            _warm(rng, ground, stock, cut)


def _warm(rng: Rng, ground: Ground, stock: Stock, cut: Cut) -> None:
    """Put a radiator under a window."""
    highest = max(cut.opening.low - 0.1, 0.0)
    model = stock.pick(rng, "radiator", high=(2.0, 0.3, highest))
    if model:
        size = resized(rng, model.size)
        x, y = (float(v) for v in cut.at((cut.thickness + size[1]) / 2 + 0.01))
        at = (x, y, min(model.elevation, highest - model.size[2]))
        thing = stand(rng, model, at, cut.angle, size)
        if ground.fits(boxes_of([thing]))[0]:
            ground.add([thing])


def _cut(
    rng: Rng, plan: FloorPlan, ground: Ground, size: Size, foot: float, behind: int
) -> Cut | None:
    """Find a place for an opening in a wall with room `behind` (-1 = none) beyond."""
    thick = plan.walls[0].thickness
    for _ in range(12):
        edge = ground.edges[int(rng.integers(len(ground.edges)))]
        spare = edge.length - size[0] - 0.2
        if spare < 0:
            continue
        at = 0.1 + size[0] / 2 + rng.uniform(0, spare)
        face = edge.start + at * edge.along
        ends = np.array([-0.5, 0.0, 0.5])[:, None] * (size[0] + 0.1) * edge.along
        beyond = plan.space_at(face + ends - (thick + 0.05) * edge.inward)
        x, y = (float(value) for value in face - thick / 2 * edge.inward)
        opening = Opening((x, y), edge.angle, size[0], foot, foot + size[2])
        if (beyond == behind).all() and not _crowded(plan, opening):
            plan.openings.append(opening)
            return Cut(opening, edge.inward, thick)
    return None


def _fitted(rng: Rng, model: Model, plan: FloorPlan) -> Size:
    """Draw a size of a door or window that is lower than the ceiling."""
    width, depth, height = resized(rng, model.size)
    return width, depth, min(height, plan.height - 0.05)


def _crowded(plan: FloorPlan, opening: Opening) -> bool:
    """Whether another opening is nearer than 10 cm, or before a door."""
    boxes = [o.box(2 * _FREE if o.low == 0 else 0.6) for o in plan.openings]
    own = opening._replace(width=opening.width + 0.2, low=0.0, high=9.0)
    mine = np.array([own.box(2 * _FREE if opening.low == 0 else 0.6)])
    return bool(boxes) and bool(overlapping(mine, np.array(boxes)).any())


def door_or_window(rng: Rng, model: Model, size: Size, cut: Cut) -> Thing:
    """Return the door or window of a size that fills an opening.

    Doors that stand open are deep: their frames are in the wall, their leaves in the
    room.
    """
    depth, off = min(size[1], cut.thickness + float(rng.uniform(0.01, 0.05))), 0.0
    if model.kind == "door" and size[1] > _AJAR:
        depth, off = size[1], size[1] / 2 + cut.thickness / 2 - _FRAME
    x, y = (float(v) for v in cut.at(off))
    at = (x, y, cut.opening.low)
    return stand(rng, model, at, cut.angle, (size[0], depth, size[2]))


def _hang(rng: Rng, ground: Ground, model: Model, size: Size, cut: Cut) -> None:
    """Put a door into its opening unless it stands open and its leaf has no room."""
    reach = size[1] - _FRAME
    if size[1] > _AJAR:
        x, y = cut.at((cut.thickness + reach) / 2)
        sides = (size[0] / 2 - 0.05, reach / 2 - 0.05, 0.0, size[2] - 0.05)
        if not ground.fits(np.array([[x, y, cut.angle, *sides]]))[0]:
            return
    ground.add([door_or_window(rng, model, size, cut)])


def drape(rng: Rng, ground: Ground, stock: Stock, cut: Cut) -> None:
    """Hang curtains at both sides of a window, or one before all of it."""
    model = stock.pick(rng, "curtain")
    if model is None:
        return
    opening = cut.opening
    top = min(opening.high + float(rng.uniform(0.03, 0.25)), ground.height - 0.02)
    low = 0.02 if rng.random() < 0.6 else max(opening.low - 0.2, 0.02)
    tint = tuple(float(v) for v in rng.uniform(0.7, 1.2, 3))
    places = [(0.0, opening.width * 1.15)]
    if rng.random() < 0.55:
        wide = opening.width * float(rng.uniform(0.18, 0.4))
        off = opening.width / 2 + 0.1 - wide / 2
        places = [(-off, wide), (off, wide)]
    depth = float(rng.uniform(0.06, 0.12))
    for off, wide in places:
        x, y = (float(v) for v in cut.at((cut.thickness + depth) / 2 + 0.02, off))
        size = (wide, depth, top - low)
        thing = stand(rng, model, (x, y, low), cut.angle, size, tint)
        if ground.fits(boxes_of([thing]))[0]:
            ground.add([thing])
