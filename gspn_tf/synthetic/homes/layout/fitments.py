"""Groups fixed to walls: kitchen rows, bathtubs, pictures, boards, curtains."""

import numpy as np

from gspn_tf.synthetic.homes.layout.placing import Group, Rng
from gspn_tf.synthetic.homes.layout.stock import Stock, resized, stand
from gspn_tf.synthetic.homes.things import Model, Thing

_WALL_CABINETS = 1.4
_COUNTER = 0.9


def kitchen_row(rng: Rng, stock: Stock) -> Group:
    """Draw cabinets in a row under a counter, with a refrigerator and wall cabinets."""
    run, x = _base_run(rng, stock)
    things = list(run)
    if run and rng.random() < 0.6:
        things += _wall_run(rng, stock, x)
    for kinds, chance in ((("refrigerator",), 0.8), (("otherstructure",), 0.5)):
        model = stock.pick(rng, kinds, (0.4, 0.4, 0.75), (1.2, 0.9, 2.2))
        if model and rng.random() < chance:
            size = resized(rng, model.size)
            at = (x + size[0] / 2 + float(rng.uniform(0, 0.02)), -size[1] / 2, 0.0)
            things.append(stand(rng, model, at, 0.0, size))
            x = at[0] + size[0] / 2
    return Group(things, "corner" if rng.random() < 0.6 else "wall")


def _base_run(rng: Rng, stock: Stock) -> tuple[list[Thing], float]:
    """Return base cabinets with a slab and a sink, or a whole counter; its length."""
    whole = stock.pick(rng, "counter", (0.8, 0.4, 0.6), (3.2, 0.8, 1.2))
    if whole and rng.random() < 0.4:
        size = resized(rng, whole.size)
        return [stand(rng, whole, (size[0] / 2, -size[1] / 2, 0), 0, size)], size[0]
    base = stock.pick(rng, "cabinet", (0.3, 0.35, 0.65), (1.3, 0.8, 1.05))
    if base is None:
        return [], 0.0
    width, depth, height = resized(rng, base.size)
    height = _COUNTER * float(rng.uniform(0.94, 1.04)) if height < 1 else height
    count, things = max(2, int(rng.uniform(1.4, 3.4) / width)), []
    for place in range(count):
        at = ((place + 0.5) * width, -depth / 2, 0.0)
        things.append(stand(rng, base, at, 0.0, (width, depth, height), (1, 1, 1)))
    length = count * width
    slab = stock.pick(rng, "counter", high=(9.0, 9.0, 0.3))
    if slab:
        size = (length + 0.02, depth + 0.02, slab.size[2])
        things.append(stand(rng, slab, (length / 2, -size[1] / 2, height), 0.0, size))
    sink = stock.pick(rng, "sink", high=(0.9, depth, 0.3))
    if sink and rng.random() < 0.8:
        size = resized(rng, sink.size)
        off = max(length / 2 - size[0] / 2, 0.0)
        at = (length / 2 + float(rng.uniform(-off, off)), -depth / 2, height - 0.1)
        things.append(stand(rng, sink, at, 0.0, size))
    return things, length


def _wall_run(rng: Rng, stock: Stock, length: float) -> list[Thing]:
    """Return wall cabinets that touch, above a counter of a length."""
    model = stock.pick(rng, "cabinet", (0.3, 0.2, 0.3), (1.0, 0.5, 1.0))
    if model is None:
        return []
    width, height = (
        float(model.size[0] * rng.uniform(0.9, 1.1)),
        float(rng.uniform(0.55, 0.8)),
    )
    size = (width, float(rng.uniform(0.3, 0.38)), height)
    z, things = _WALL_CABINETS + float(rng.uniform(0, 0.15)), []
    for place in range(int(length / width)):
        if rng.random() < 0.85:
            at = ((place + 0.5) * width, -size[1] / 2, z)
            things.append(stand(rng, model, at, 0.0, size, (1, 1, 1)))
    return things


def bath_group(rng: Rng, stock: Stock) -> Group:
    """Draw a bathtub along a wall, mostly with a shower curtain before it."""
    model = stock.pick(rng, "bathtub")
    if model is None:
        return Group([], "corner")
    size = resized(rng, model.size)
    long, deep = max(size[:2]), min(size[:2])
    turn = 0.0 if size[0] >= size[1] else np.pi / 2
    things = [stand(rng, model, (0.0, -deep / 2, 0.0), turn, size)]
    if rng.random() < 0.65:
        things += _drawn(rng, stock, long * float(rng.uniform(0.4, 1.0)), -deep - 0.06)
    return Group(things, "corner")


def shower_group(rng: Rng, stock: Stock) -> Group:
    """Draw a shower curtain before a corner, or round a shower stall."""
    return Group(_drawn(rng, stock, float(rng.uniform(0.7, 1.3)), -0.85), "corner")


def _drawn(rng: Rng, stock: Stock, width: float, y: float) -> list[Thing]:
    """Return a shower curtain of a width, its rod about 2 m high."""
    model = stock.pick(rng, "shower curtain")
    if model is None:
        return []
    rod = float(rng.uniform(1.9, 2.1))
    tall = float(np.clip(model.size[2] * rng.uniform(0.95, 1.05), 1.5, rod - 0.05))
    size = (width, min(model.size[1], 0.1), tall)
    return [stand(rng, model, (0.0, y, rod - tall), 0.0, size)]


def picture_group(rng: Rng, stock: Stock) -> Group:
    """Draw one to six pictures that hang beside or above each other."""
    things: list[Thing] = []
    rows = 1 if rng.random() < 0.7 else 2
    columns = int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2]))
    model, middle = _picture(rng, stock), float(rng.uniform(1.4, 1.7))
    cell = rng.uniform(0.25, 1.0 if columns * rows == 1 else 0.55, 2)
    for row in range(rows):
        for column in range(columns):
            model = model if rng.random() < 0.5 else _picture(rng, stock)
            if model is None:
                return Group([], "wall")
            wide, tall = cell * rng.uniform(0.75, 1.0, 2)
            x = column * (cell[0] + 0.06)
            z = middle + (row - (rows - 1) / 2) * (cell[1] + 0.06) - tall / 2
            size = (float(wide), 0.03, float(tall))
            things.append(stand(rng, model, (float(x), -0.02, float(z)), 0.0, size))
    return Group(things, "wall")


def _picture(rng: Rng, stock: Stock) -> Model | None:
    return stock.pick(rng, "picture", high=(9, 0.08, 9)) or stock.pick(rng, "picture")


def board_group(rng: Rng, stock: Stock) -> Group:
    """Draw a whiteboard on a wall, or one on its feet."""
    model = stock.pick(rng, "whiteboard")
    if model is None:
        return Group([], "wall")
    z = model.elevation or (0.0 if model.size[1] > 0.2 else float(rng.uniform(0.7, 1)))
    size = resized(rng, model.size)
    return Group([stand(rng, model, (0.0, -size[1] / 2, z), 0.0, size)], "wall")


def curtain_group(rng: Rng, stock: Stock) -> Group:
    """Draw a curtain before a wall, as before a niche or a window that it hides."""
    model = stock.pick(rng, "curtain")
    if model is None:
        return Group([], "wall")
    wide, _, tall = resized(rng, model.size)
    size = (wide, min(model.size[1], 0.15), min(tall, 2.3))
    z = min(model.elevation, 2.33 - size[2])
    return Group([stand(rng, model, (0.0, -size[1] / 2, z), 0.0, size)], "wall")
