"""Chairs, tables, lamps and storage furniture built of labelled parts.

Each function draws one shape in metres: on or above z = 0, facing +y, centred in x and
about centred in y. Sizes, styles and the number of parts vary from shape to shape.
"""

import numpy as np

from gspn_tf.synthetic.furniture.pieces import darker, pick
from gspn_tf.synthetic.furniture.shape import Shape
from gspn_tf.synthetic.furniture.surfaces import Vector

Rng = np.random.Generator
MAX_PARTS = 60


def chair_of_parts(rng: Rng) -> Shape:
    """A seat, a back of one piece or of bars, a base; arms at times. 6 to 25 parts."""
    shape = Shape()
    width, depth = rng.uniform(0.4, 0.6), rng.uniform(0.4, 0.55)
    seat, thick = rng.uniform(0.38, 0.5), rng.uniform(0.025, 0.1)
    frame, cover = pick(rng, "wood", "metal"), pick(rng, "fabric", "wood")
    x, y = width / 2, depth / 2
    if rng.random() < 0.2:
        disc, radius = shape.part("seat"), 1.3 * max(x, y)  # to the corners
        disc.cylinder((0, 0, seat - thick), radius, thick, cover)
        disc.oval((0, 0, seat - thick), (radius, radius), cover)
    else:
        shape.box("seat", (-x, -y, seat - thick), (x, y, seat), cover)
    _back(rng, shape, (x, y, seat), cover, frame)
    if rng.random() < 0.35:
        _swivel(rng, shape, seat - thick, x, frame)
    else:
        corner, size = (x, y, seat - thick), rng.uniform(0.025, 0.05)
        shape.legs(rng, corner, size, frame)
        if rng.random() < 0.4:
            shape.stretchers(rng, corner, size, frame)
    if rng.random() < 0.4:
        height, size = seat + rng.uniform(0.16, 0.26), rng.uniform(0.03, 0.06)
        for left in (-x - size / 2, x - size / 2):
            arm = shape.part("arm")
            arm.box((left, -y, height), (left + size, y * 0.8, height + 0.03), frame)
            for front in (-y * 0.9, y * 0.6):
                post = (left + size, front + size, height)
                arm.box((left, front, seat), post, frame, "zZ")
    return shape


def _back(rng: Rng, shape: Shape, seat: Vector, cover: Vector, frame: Vector) -> None:
    """A panel, upright bars or level bars behind a seat with corner `seat`."""
    x, y, z = seat
    height, tilt = rng.uniform(0.35, 0.6), -rng.uniform(0.02, 0.15)
    style, thick = rng.random(), rng.uniform(0.02, 0.06)
    if style < 0.4:
        edges = ((2 * x, 0, 0), (0, thick, 0), (0, tilt, height))
        shape.part("back").slab((-x, -y, z), edges, cover)
        return
    size = rng.uniform(0.02, 0.04)
    up = ((size, 0, 0), (0, size, 0), (0, tilt, height))
    for left in (-x, x - size):
        shape.part("bar").slab((left, -y, z), up, frame)
    count = int(rng.integers(2, 7))
    if style < 0.7:
        top = ((2 * x, 0, 0), (0, size, 0), (0, 0, 0.05))
        shape.part("bar").slab((-x, -y + tilt, z + height), top, frame)
        for left in np.linspace(-x, x - size, count + 2)[1:-1]:
            shape.part("bar").slab((left, -y, z), up, frame)
        return
    for share in np.linspace(0.25, 0.95, count):
        level = ((2 * x - 2 * size, 0, 0), (0, size, 0), (0, 0, 0.5 * height / count))
        start = (-x + size, -y + share * tilt, z + share * height)
        shape.part("bar").slab(start, level, frame)


def _swivel(rng: Rng, shape: Shape, top: float, reach: float, color: Vector) -> None:
    """A pole on a star of four to six feet, on wheels at times."""
    hub, wheels = rng.uniform(0.08, 0.12), rng.random() < 0.7
    shape.part("pole").cylinder((0, 0, hub), rng.uniform(0.02, 0.04), top - hub, color)
    count = int(rng.integers(4, 7))
    for angle in np.arange(count) * 2 * np.pi / count:
        x, y = reach * np.cos(angle), reach * np.sin(angle)
        edges = ((x, y, -0.02), (-y / 8, x / 8, 0), (0, 0, 0.03))
        shape.part("leg").slab((0, 0, hub - 0.03), edges, color)
        if wheels:
            radii = (0.028, 0.028, 0.028)
            shape.part("wheel").dome((x, y, 0.028), radii, darker(color, 0.5))


def table_of_parts(rng: Rng) -> Shape:
    """A top on legs, panels or a pole; a shelf and drawers at times. 3 to 14 parts."""
    shape = Shape()
    low = rng.random() < 0.4
    x, y = rng.uniform(0.3, 0.9), rng.uniform(0.25, 0.5)
    height = rng.uniform(0.3, 0.5) if low else rng.uniform(0.65, 0.8)
    thick, under = rng.uniform(0.02, 0.06), height - rng.uniform(0.02, 0.06)
    color, frame = pick(rng, "wood", "white"), pick(rng, "wood", "metal")
    style = rng.random()
    if style < 0.3:
        round_top, radius = shape.part("top"), rng.uniform(0.3, 0.6)
        round_top.cylinder((0, 0, under), radius, thick, color)
        round_top.oval((0, 0, under), (radius, radius), color)
        thin = rng.uniform(0.03, 0.08)
        shape.part("pole").tube((0, 0, 0.04), thin, under - 0.04, frame)
        wide = radius * rng.uniform(0.5, 0.8)
        shape.part("base").cylinder((0, 0, 0), wide, 0.04, frame)
        return shape
    shape.box("top", (-x, -y, under), (x, y, under + thick), color)
    if style < 0.5:
        for left in (-x + 0.05, x - 0.09):
            far = (left + 0.04, y - 0.03, under)
            shape.box("panel", (left, -y + 0.03, 0), far, color)
    else:
        size = rng.uniform(0.03, 0.08)
        shape.legs(rng, (x, y, under), size, frame)
        if rng.random() < 0.3:
            shape.stretchers(rng, (x, y, under), size, frame)
    if rng.random() < 0.3:
        level = rng.uniform(0.15, 0.4) * under
        far = (x - 0.1, y - 0.1, level + 0.02)
        shape.box("shelf", (-x + 0.1, -y + 0.1, level), far, color)
    if rng.random() < 0.4:
        count, rim = int(rng.integers(1, 4)), 0.08
        lefts = np.linspace(-x + rim, x - rim, count + 1)
        for left, right in zip(lefts[:-1], lefts[1:], strict=True):
            inside = (left + 0.01, -y + 0.06, under - 0.13)
            shape.drawer(rng, inside, (right - 0.01, y - 0.02, under - 0.01), frame)
    return shape


def lamp_of_parts(rng: Rng) -> Shape:
    """A standing lamp of one or more arms, a vase, or hanging ones. 2 to 40 parts."""
    shape = Shape()
    metal, cloth = pick(rng, "metal", "wood"), pick(rng, "white", "bright")
    shade = (rng.uniform(0.07, 0.2), rng.uniform(0.1, 0.25), rng.uniform(0.4, 1.0))
    style = rng.random()
    if style < 0.4:
        _pendants(rng, shape, shade, metal, cloth)
        return shape
    if style < 0.5:
        vase = rng.uniform(0.1, 0.2)
        shape.part("base").dome((0, 0, vase), (vase * 0.7, vase * 0.7, vase), metal)
        shape.part("shade").tube((0, 0, 2 * vase), *shade[:2], cloth, shade[2])
        return shape
    height, count = rng.uniform(0.35, 1.5), int(rng.integers(1, 6))
    radius = rng.uniform(0.1, 0.2)
    shape.part("base").cylinder((0, 0, 0), radius, rng.uniform(0.02, 0.06), metal)
    shape.part("pole").cylinder((0, 0, 0.02), rng.uniform(0.01, 0.03), height, metal)
    if count == 1:
        _head(shape, (0, 0, height - 0.1), shade, cloth)
        return shape
    for angle in np.arange(count) * 2 * np.pi / count:
        reach = 1.6 * shade[0] / np.sin(np.pi / count)
        x, y = reach * np.cos(angle), reach * np.sin(angle)
        rise = (x, y, rng.uniform(-0.1, 0.2))
        side = (-y / reach * 0.02, x / reach * 0.02, 0)
        shape.part("arm").slab((0, 0, height), (rise, side, (0, 0, 0.02)), metal)
        _head(shape, (x, y, height + rise[2]), shade, cloth)
    return shape


def _pendants(
    rng: Rng, shape: Shape, shade: Vector, metal: Vector, cloth: Vector
) -> None:
    """One to thirteen heads hanging from a bar in a row."""
    count, drop = int(rng.integers(1, 14)), rng.uniform(0.4, 1.2)
    pitch = 2.2 * shade[0]
    half = (count - 1) / 2 * pitch + 0.06
    shape.box("base", (-half, -0.06, drop), (half, 0.06, drop + 0.03), metal)
    for i in range(count):
        middle, bottom = (i - (count - 1) / 2) * pitch, rng.uniform(0.0, 0.3) * drop
        _head(shape, (middle, 0, bottom), shade, cloth)
        cord = bottom + shade[1]
        shape.part("pole").tube((middle, 0, cord), 0.008, drop - cord, metal)


def _head(shape: Shape, bottom: Vector, size: Vector, color: Vector) -> None:
    """An open shade of radius, height and taper `size`, and the bulb inside it."""
    radius, height, taper = size
    shape.part("shade").tube(bottom, radius, height, color, taper)
    bulb, (x, y, z) = min(0.03, radius / 3), bottom
    shape.part("bulb").dome((x, y, z + height / 2), (bulb,) * 3, (250, 244, 210))


def storage_of_parts(rng: Rng) -> Shape:
    """A carcass whose cells are open, or have a drawer or a door. 7 to 60 parts."""
    shape, color = Shape(), pick(rng, "wood", "white")
    front = color if rng.random() < 0.5 else pick(rng, "wood", "white", "bright")
    columns, rows = int(rng.integers(1, 5)), int(rng.integers(1, 7))
    x = columns * rng.uniform(0.2, 0.35)
    y, foot = rng.uniform(0.15, 0.3), rng.uniform(0.05, 0.2)
    height, wall = foot + rows * rng.uniform(0.18, 0.45), 0.02
    shape.box("panel", (-x, -y, foot), (-x + wall, y, height), color)
    shape.box("panel", (x - wall, -y, foot), (x, y, height), color)
    shape.box("panel", (-x, -y, foot), (x, y, foot + wall), color)
    shape.box("panel", (-x, -y, foot), (x, -y + 0.01, height), darker(color, 0.9))
    shape.box("top", (-x, -y, height - wall), (x, y, height), color)
    lefts = np.linspace(-x + wall, x - wall, columns + 1)
    levels = np.linspace(foot + wall, height - wall, rows + 1)
    for left in lefts[1:-1]:
        half = wall / 2
        shape.box("panel", (left - half, -y, foot), (left + half, y, height), color)
    styles = rng.choice(3, (columns, rows), p=rng.dirichlet((1.0, 1.5, 1.0)))
    for column, row in np.ndindex(columns, rows):
        near = (float(lefts[column]) + wall / 2, -y + 0.01, float(levels[row]))
        far = (float(lefts[column + 1]) - wall / 2, y, float(levels[row + 1]))
        _cell(rng, shape, near, far, (int(styles[column, row]), front, color))
    if rng.random() < 0.5:
        shape.box("base", (-x, -y, 0), (x, y - 0.02, foot), darker(color, 0.8))
    else:
        size, metal = rng.uniform(0.03, 0.06), pick(rng, "metal", "wood")
        shape.legs(rng, (x, y, foot), size, metal)
    return shape


def _cell(rng: Rng, shape: Shape, low: Vector, high: Vector, style: tuple) -> None:
    """Fills a compartment in a style: (kind, colour of its front, of the carcass)."""
    kind, front, color = style
    if kind == 0:
        level = low[2] + rng.uniform(0.3, 0.7) * (high[2] - low[2])
        far = (high[0], high[1] - 0.01, level + 0.015)
        shape.box("shelf", (low[0], low[1], level), far, color)
    elif kind == 1:
        inside = (low[0] + 0.01, low[1] + 0.02, low[2] + 0.01)
        shape.drawer(rng, inside, (high[0] - 0.01, high[1], high[2] - 0.01), front)
    else:
        near = (low[0], high[1], low[2] + 0.005)
        far = (high[0], high[1] + 0.02, high[2] - 0.005)
        shape.box("door", near, far, front)
        middle, size = (low[2] + high[2]) / 2, min(0.12, (high[2] - low[2]) / 2)
        left = high[0] - 0.05
        top = (left + 0.02, far[1] + 0.03, middle + size / 2)
        shape.box("handle", (left, far[1], middle - size / 2), top, darker(front, 0.4))


KINDS = {
    "Chair": chair_of_parts,
    "Table": table_of_parts,
    "Lamp": lamp_of_parts,
    "Storage": storage_of_parts,
}
