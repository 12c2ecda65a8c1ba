"""Rooms of example homes with other furniture than they came with."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gspn_tf.synthetic.homes.layout.arranging import may_overlap
from gspn_tf.synthetic.homes.layout.example_homes import HomePiece, HomePlan
from gspn_tf.synthetic.homes.layout.openings import Cut, door_or_window, drape
from gspn_tf.synthetic.homes.layout.outlines import (
    FloorPlan,
    Opening,
    Space,
    mirrored_plan,
)
from gspn_tf.synthetic.homes.layout.placing import (
    Ground,
    Rng,
    boxes_of,
    in_outline,
    overlapping,
    within,
)
from gspn_tf.synthetic.homes.layout.plans import COMPOSITE
from gspn_tf.synthetic.homes.layout.stock import Stock, stand
from gspn_tf.synthetic.homes.things import Size, Thing

_NEAREST = 8
_SWAPPED = 0.8
_STANDS_IN = {
    COMPOSITE: ("sink", "cabinet"),
    "blinds": ("curtain",),
    "dresser": ("cabinet",),
    "night stand": ("cabinet", "table"),
    "shelves": ("bookshelf",),
    "stool": ("chair",),
}


def refurnish(rng: Rng, home: HomePlan, stock: Stock) -> tuple[FloorPlan, Ground]:
    """Return the plan of a home's room and its floor with furniture of the stock.

    The room is scaled by 0.9 to 1.1 and mirrored in half of the cases. Each piece
    whose model the stock lacks, and most others, become one of the eight models of
    their class that are nearest in size. What then overlaps or sticks through a wall
    is left out, and so is what lay on other furniture.
    """
    scale = float(rng.uniform(0.9, 1.1))
    pieces, fillings = _scaled(home.pieces, scale), _scaled(home.fillings, scale)
    plan = _scaled_plan(home.plan, scale)
    if rng.random() < 0.5:
        plan = mirrored_plan(plan)
        pieces, fillings = _mirrored(pieces), _mirrored(fillings)
    space = plan.spaces[0]
    ground = Ground(home.kind, space.outline, plan.height)
    walls = _boxes_of_walls(plan)
    ground.keep_free(walls)
    _close_openings(rng, plan, ground, fillings, stock)
    for piece in sorted(_grounded(pieces), key=lambda p: -p.size[0] * p.size[1]):
        for thing in _candidates(rng, piece, stock):
            if _stands(ground, walls, thing):
                ground.add([thing])
                break
    return plan, ground


def _boxes_of_walls(plan: FloorPlan) -> np.ndarray:
    """Return boxes [N, 7] of walls, some of which stand amid a room."""
    rows = []
    for start, end, thickness, height in plan.walls:
        (x, y), (dx, dy) = (start + end) / 2, end - start
        long = max(float(np.hypot(dx, dy)) / 2 - 0.03, 0.0)
        half = thickness / 2 - 0.03
        rows.append((x, y, np.arctan2(dy, dx), long, max(half, 0.01), 0.0, height))
    return np.array(rows)


def _close_openings(
    rng: Rng,
    plan: FloorPlan,
    ground: Ground,
    fillings: Sequence[HomePiece],
    stock: Stock,
) -> None:
    """Put doors and windows into a plan's openings, and curtains before windows."""
    cuts = [_cut_of(opening, ground) for opening in plan.openings]
    for cut, piece in zip(cuts, fillings, strict=True):
        deepest = 0.3 if piece.size[1] < 0.3 else 1.2  # deeper doors stand open
        high = (99.0, deepest if piece.kind == "door" else 99.0, 99.0)
        model = stock.near(rng, (piece.kind,), piece.size, _NEAREST, high)
        if model:
            _, _, width, low, top = cut.opening
            ground.add(
                [door_or_window(rng, model, (width, model.size[1], top - low), cut)]
            )
    for cut in cuts:
        if cut.opening.low < 0.05:
            ground.keep_free(np.array([cut.opening.box(cut.thickness + 1.2)]))
        elif rng.random() < 0.5:
            drape(rng, ground, stock, cut)


def _cut_of(opening: Opening, ground: Ground) -> Cut:
    """Return an opening as seen from a room: half its wall is before its middle."""
    across = np.array([-np.sin(opening.angle), np.cos(opening.angle)])
    steps = np.arange(0.0, 0.5, 0.02)[:, None] * across
    sides = np.stack([opening.at + steps, opening.at - steps])
    inside = in_outline(sides, ground.outline)
    row = int(inside.sum(axis=1).argmax())
    thickness = max(0.04 * int(inside[row].argmax()), 0.06)
    return Cut(opening, across * (1 - 2 * row), thickness)


def _candidates(rng: Rng, piece: HomePiece, stock: Stock) -> list[Thing]:
    """Return what may stand in a piece's place, the best first."""
    own = stock.named(piece.model)
    kinds = ("clutter",) if piece.role == "clutter" else (piece.kind,)
    model = own if own and rng.random() > _SWAPPED else None
    model = model or stock.near(rng, kinds, piece.size, _NEAREST)
    for kind in _STANDS_IN.get(piece.kind, ()):
        model = model or stock.near(rng, (kind,), piece.size, _NEAREST)
    if model is None:
        return []
    wanted, given = np.array(piece.size), np.maximum(model.size, 0.01)
    size = np.sqrt(wanted * given) * rng.uniform(0.94, 1.06)
    size = np.clip(size, 0.9 * wanted, 1.1 * wanted)
    sizes = (size, np.minimum(size, wanted), 0.9 * wanted)
    first = stand(rng, model, piece.at, piece.angle, _size(size))
    return [replace(first, size=_size(size)) for size in sizes]


def _stands(ground: Ground, walls: np.ndarray, thing: Thing) -> bool:
    """Whether a thing is inside, in no wall, and overlaps nothing that it may not."""
    box, others = boxes_of([thing]), ground.things
    if not within(box, ground.outline, 0.03)[0] or box[0, 6] > ground.height:
        return False
    if overlapping(box, walls, 0.02).any():
        return False
    clash = overlapping(box, boxes_of(others), 0.02)[0]
    return all(may_overlap(thing, others[row]) for row in np.flatnonzero(clash))


def _grounded(pieces: Sequence[HomePiece]) -> list[HomePiece]:
    """Leave out what stands on another piece: the room is strewn anew."""
    out = []
    for piece in pieces:
        x, y, z = piece.at
        under = [
            other
            for other in pieces
            if other is not piece
            and other.at[2] < z
            and abs(other.at[0] - x) < other.size[0] / 2 + 0.1
            and abs(other.at[1] - y) < other.size[1] / 2 + 0.1
        ]
        if not (piece.role == "clutter" and under and 0.1 < z < 1.3):
            out.append(piece)
    return out


def _size(sides: np.ndarray) -> Size:
    w, d, h = (float(side) for side in sides)
    return w, d, h


def _scaled(pieces: Sequence[HomePiece], scale: float) -> list[HomePiece]:
    """Scale the places of pieces and their sizes on the plan, not their heights."""
    factors = np.array([scale, scale, 1.0])
    return [
        piece._replace(
            size=_size(np.array(piece.size) * factors),
            at=_size(np.array(piece.at) * factors),
        )
        for piece in pieces
    ]


def _mirrored(pieces: Sequence[HomePiece]) -> list[HomePiece]:
    return [
        piece._replace(at=(-piece.at[0], *piece.at[1:]), angle=-piece.angle)
        for piece in pieces
    ]


def _scaled_plan(plan: FloorPlan, scale: float) -> FloorPlan:
    walls = [
        wall._replace(
            start=wall.start * scale,
            end=wall.end * scale,
            thickness=wall.thickness * scale,
        )
        for wall in plan.walls
    ]
    spaces = [Space(kind, outline * scale) for kind, outline in plan.spaces]
    openings = [
        o._replace(at=(o.at[0] * scale, o.at[1] * scale), width=o.width * scale)
        for o in plan.openings
    ]
    return FloorPlan(spaces, walls, plan.height, openings)
