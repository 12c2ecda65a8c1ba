"""Clutter: what lies on, in, under and beside furniture, and hangs on walls."""

from dataclasses import replace

import numpy as np

from gspn_tf.synthetic.homes.layout.placing import (
    Ground,
    Group,
    Rng,
    Where,
    boxes_of,
    moved_boxes,
    overlapping,
    within,
)
from gspn_tf.synthetic.homes.layout.stock import Stock, stand
from gspn_tf.synthetic.homes.layout.tops import CELLS, levels, relief
from gspn_tf.synthetic.homes.things import Model, Thing

ON_TOPS = {
    "desk": (4, 11),
    "counter": (3, 9),
    "table": (1, 7),
    "night stand": (1, 4),
    "dresser": (1, 5),
    "cabinet": (1, 7),
    "bookshelf": (0, 3),
    "otherfurniture": (1, 6),
    "otherstructure": (0, 3),
    "bed": (0, 5),
    "sofa": (0, 4),
    "chair": (0, 1),
    "stool": (0, 1),
    "refrigerator": (0, 3),
    "toilet": (0, 1),
    "bathtub": (0, 2),
    "sink": (0, 2),
    "shelves": (1, 4),
}
"""Fewest and most things that lie on furniture of each kind."""

_ROOMY = ("table", "desk", "bed")
_CEILING = 2.4


class Clutter:
    """Small things of a stock, drawn by kind, by size and by where they belong."""

    def __init__(self, stock: Stock):
        rows = stock.rows("clutter")
        self._models = [stock.models[row] for row in rows]
        self.sizes, self.elevations = stock.sizes[rows], stock.elevations[rows]
        kinds = [model.kind for model in self._models]
        shares = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
        seen = np.clip(self.sizes.max(axis=1, initial=0), 0.03, 0.4)
        self._weights = seen / np.array([shares[kind] for kind in kinds], float)

    def draw(self, rng: Rng, fits: np.ndarray) -> Model | None:
        """Draw one of the models that fit [N]: every kind alike, large ones more."""
        weights = np.where(fits, self._weights, 0.0)
        if not weights.sum() > 0:
            return None
        return self._models[int(rng.choice(len(weights), p=weights / weights.sum()))]

    def small(self, wide: float, tall: float) -> np.ndarray:
        """Say which models [N] stand on something and are no larger than two sizes."""
        flat = (self.sizes[:, :2].max(axis=1) < wide) & (self.sizes[:, 2] < tall)
        return flat & (self.elevations <= 0.25)


def strew(rng: Rng, ground: Ground, stock: Stock, most: int) -> None:
    """Strew at most `most` pieces of clutter over a room."""
    clutter = Clutter(stock)
    furniture = list(ground.things)
    share = float(rng.uniform(0.6, 1.3))
    boxes, out = boxes_of(furniture), list[list[Thing]]()
    for row in rng.permutation(len(furniture)):
        thing, rest = furniture[int(row)], np.delete(boxes, row, axis=0)
        few, many = ON_TOPS.get(thing.model.kind, (0, 0))
        if thing.at[2] > 1.0:
            continue
        for _ in range(round(share * int(rng.integers(few, many + 1)))):
            pile = _on_top(rng, ground, clutter, thing, rest)
            rest = np.concatenate([rest, boxes_of(pile)])
            out.append(pile)
        if thing.model.kind in ("bookshelf", "shelves"):
            out += [[item] for item in _in_shelves(rng, clutter, thing)]
        if thing.model.kind in _ROOMY and rng.random() < 0.6:
            out += [[item] for item in _under(rng, ground, clutter, thing)]
    floor = int(rng.integers(4, 10 + int(1.2 * ground.area)))
    strewn = _on_floor(rng, ground, clutter, floor) + _hung(rng, ground, clutter)
    spare = most - len(strewn)
    for row in rng.permutation(len(out)):
        pile = out[int(row)]
        if len(pile) <= spare:
            ground.things += pile
            spare -= len(pile)


def _on_top(
    rng: Rng, ground: Ground, clutter: Clutter, under: Thing, rest: np.ndarray
) -> list[Thing]:
    """Lay a thing, or a pile of thin ones, on a level free place of another's top."""
    wide, deep, tall = under.size
    model = clutter.draw(rng, clutter.small(1.1 * min(wide, deep), 0.7))
    if model is None:
        return []
    thing = stand(rng, model)
    spots = rng.uniform(-0.5, 0.5, (16, 2))
    turns = rng.uniform(0, 2 * np.pi, 16)
    if rng.random() < 0.5:
        turns = rng.normal(0, 0.3, 16)
    reach = np.array([[0, 0], [-1, -1], [1, -1], [1, 1], [-1, 1]]) * 0.4
    cos, sin = np.cos(turns)[:, None], np.sin(turns)[:, None]
    dx, dy = (reach * thing.size[:2]).T
    x = spots[:, :1] * wide + cos * dx - sin * dy
    y = spots[:, 1:] * deep + sin * dx + cos * dy
    cells = np.stack([x / wide, y / deep], -1) + 0.5
    inside = ((cells > 0) & (cells < 1)).all((1, 2))
    rows = np.clip((cells * CELLS).astype(int), 0, CELLS - 1)
    columns = CELLS - 1 - rows[..., 0] if under.mirrored else rows[..., 0]
    heights = relief(under.model)[columns, rows[..., 1]] * tall
    level = (np.ptp(heights, axis=1) < 0.03) & (heights.min(axis=1) > 0.15)
    poses = np.column_stack([spots * (wide, deep), turns])
    boxes = moved_boxes(boxes_of([thing]), poses)[:, 0]
    boxes = moved_boxes(boxes, np.array([[*under.at[:2], under.angle]]))[0]
    boxes[:, 5:] += under.at[2] + heights.max(axis=1)[:, None]
    good = inside & level & within(boxes, ground.outline)
    good &= boxes[:, 6] < ground.height
    good &= ~overlapping(boxes, rest).any(axis=1)
    if not good.any():
        return []
    x0, y0, angle, _, _, low, _ = (float(v) for v in boxes[int(good.argmax())])
    pile = _pile(rng, replace(thing, at=(x0, y0, low), angle=angle))
    return pile if within(boxes_of(pile), ground.outline).all() else pile[:1]


def _pile(rng: Rng, thing: Thing) -> list[Thing]:
    """Return a thing, or several of it above each other if it is thin."""
    out, thin = [thing], thing.size[2] < 0.07 and max(thing.size[:2]) > 0.12
    while thin and len(out) < 5 and rng.random() < 0.45:
        x, y, z = out[-1].at
        at = (x, y, z + thing.size[2])
        angle = thing.angle + float(rng.normal(0, 0.25))
        out.append(stand(rng, thing.model, at, angle, thing.size))
    return out


def _in_shelves(rng: Rng, clutter: Clutter, shelf: Thing) -> list[Thing]:
    """Put things on the boards of a shelf, near its front."""
    wide, deep, tall = shelf.size
    boards = levels(shelf.model) * tall
    out: list[Thing] = []
    for low, high in zip(boards[:-1], boards[1:], strict=True):
        x = -wide / 2 + float(rng.uniform(0.03, 0.15))
        for _ in range(rng.integers(0, 4)):
            model = clutter.draw(rng, clutter.small(deep, high - low - 0.03))
            if model is None:
                break
            thing = stand(rng, model)
            side = max(thing.size[:2])
            if x + side > wide / 2 - 0.03:
                break
            y = -deep / 2 + side / 2 + float(rng.uniform(0, 0.05))
            thing = thing.moved(rng.normal(0, 0.1), (x + side / 2, y, low))
            out.append(thing.moved(shelf.angle, shelf.at))
            x += side + float(rng.uniform(0.01, 0.2))
    return out


def _under(rng: Rng, ground: Ground, clutter: Clutter, table: Thing) -> list[Thing]:
    """Put boxes, bags or bins under a table or a bed, inside of the room."""
    out = []
    tall = 0.6 if table.model.kind != "bed" else 0.25
    for _ in range(rng.integers(1, 4)):
        fits = clutter.small(min(table.size[:2]), tall)
        model = clutter.draw(rng, fits & (clutter.sizes.max(axis=1) > 0.12))
        if model:
            thing = stand(rng, model, angle=rng.uniform(0, 2 * np.pi))
            spare = np.array(table.size[:2]) - max(thing.size[:2])
            x, y = (float(v) for v in rng.uniform(-0.5, 0.5, 2) * np.maximum(spare, 0))
            under = thing.moved(0.0, (x, y, 0.0)).moved(table.angle, table.at)
            under = replace(under, at=(*under.at[:2], 0.0))
            if within(boxes_of([under]), ground.outline).all():
                out.append(under)
    return out


def _on_floor(rng: Rng, ground: Ground, clutter: Clutter, count: int) -> list[Thing]:
    """Put things on the floor, at walls, beside furniture or anywhere."""
    out: list[Thing] = []
    for _ in range(count):
        fits = clutter.small(1.1, 2.0) & (clutter.sizes.max(axis=1) > 0.15)
        model = clutter.draw(rng, fits)
        if model is None:
            break
        where: Where = "wall" if rng.random() < 0.55 else "free"
        thing = stand(rng, model)
        if where == "wall":
            thing = thing.moved(0.0, (0.0, -thing.size[1] / 2, 0.0))
        out += ground.put(rng, Group([thing], where), tries=8)
    return out


def _hung(rng: Rng, ground: Ground, clutter: Clutter) -> list[Thing]:
    """Hang lamps from the ceiling, and clocks, switches and racks on walls."""
    out: list[Thing] = []
    tops = clutter.elevations + clutter.sizes[:, 2]
    aloft = (clutter.elevations > 0.25) & (tops > _CEILING)
    for _ in range(rng.integers(0, 3)):
        model = clutter.draw(rng, aloft & (clutter.sizes[:, 2] < 1.0))
        if model:
            thing = stand(rng, model)
            thing = thing.moved(0.0, (0.0, 0.0, ground.height - thing.size[2]))
            out += ground.put(rng, Group([thing], "free"))
    for _ in range(rng.integers(1, 5 + int(ground.area / 3))):
        model = clutter.draw(rng, (clutter.elevations > 0.25) & ~aloft)
        if model:
            size = model.size
            at = (0.0, -size[1] / 2, min(model.elevation, ground.height - size[2]))
            out += ground.put(rng, Group([stand(rng, model, at, 0.0, size)], "wall"))
    return out
