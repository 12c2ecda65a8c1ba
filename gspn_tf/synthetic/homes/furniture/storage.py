"""Families of what holds things: cabinets, shelves, wardrobes, bins, stands."""

import numpy as np

from gspn_tf.synthetic.homes.furniture import finishes, textures
from gspn_tf.synthetic.homes.furniture.finishes import Rng
from gspn_tf.synthetic.homes.furniture.fronts import cupboard, cupboard_looks, fronts
from gspn_tf.synthetic.homes.furniture.shapes import (
    Family,
    chance,
    legs,
    pad,
    rod,
    shell,
)
from gspn_tf.synthetic.homes.meshes import Builder, Material, Mesh


def _cabinet(rng: Rng) -> Mesh:
    """A sideboard, kitchen base, wall cabinet, tall or filing cabinet, or wall unit."""
    b, looks, style = Builder(), cupboard_looks(rng), rng.integers(6)
    width = rng.uniform(0.4, 1.2)
    columns = max(1, round(width / 0.45))
    if style == 0:
        size = (rng.uniform(0.8, 1.8), rng.uniform(0.35, 0.5), rng.uniform(0.7, 1))
        grid = (int(rng.integers(2, 5)), int(rng.integers(1, 4)))
        cupboard(b, rng, size, grid, looks)
    elif style == 1:
        cupboard(b, rng, (width, 0.6, 0.87), (columns, int(rng.integers(1, 4))), looks)
    elif style == 2:
        size = (width, rng.uniform(0.3, 0.38), rng.uniform(0.5, 0.9))
        cupboard(b, rng, size, (columns, 1), looks, foot=0)
        return b.mesh().placed(0, (0, 0, rng.uniform(1.35, 1.5)))
    elif style == 3:
        size = (rng.uniform(0.5, 1.6), rng.uniform(0.3, 0.65), rng.uniform(1.6, 2.4))
        cupboard(
            b, rng, size, (int(rng.integers(1, 4)), int(rng.integers(1, 4))), looks
        )
    elif style == 4:
        _wall_unit(b, rng, looks)
    else:
        steel = finishes.plastic(rng)
        size = (0.42, rng.uniform(0.5, 0.65), rng.uniform(0.6, 1.35))
        cupboard(
            b, rng, size, (1, round(size[2] / 0.33)), (steel, steel, looks[2]), 0.03
        )
    return b.mesh()


def _wall_unit(
    b: Builder, rng: Rng, looks: tuple[Material, Material, Material]
) -> None:
    """Add bays between boards, some with a door, some open with a thing or two."""
    grid = (int(rng.integers(1, 5)), int(rng.integers(2, 5)))
    deep, tall, thick = rng.uniform(0.3, 0.6), rng.uniform(1.5, 2.4), 0.03
    bay, room = rng.uniform(0.45, 0.8), (tall - thick) / grid[1]
    wide = grid[0] * bay + thick
    b.box((0, -0.02, 0), (wide, 0, tall), looks[0])
    for x in np.arange(grid[0] + 1) * bay:
        b.box((x, -deep, 0), (x + thick, 0, tall), looks[0])
    for z in np.arange(grid[1] + 1) * room:
        b.box((0, -deep, z), (wide, 0, z + thick), looks[0])
    for column, level in np.ndindex(grid):
        x, z = column * bay + thick, level * room + thick
        if chance(rng, 0.65):
            corner = (x + bay - thick, z + room - thick)
            fronts(b, (x, -deep, z), corner, (1, 1), looks[1:], "knob")
            continue
        for _ in range(int(rng.integers(0, 3))):
            size = rng.uniform(0.15, (0.9 * bay, 0.8 * deep, 0.9 * room))
            left = x + rng.uniform(0, bay - thick - size[0])
            low = (left, -deep + 0.03, z)
            high = (left + size[0], -deep + 0.03 + size[1], z + size[2])
            b.box(low, high, finishes.plastic(rng))


def _dresser(rng: Rng) -> Mesh:
    b = Builder()
    size = (rng.uniform(0.7, 1.5), rng.uniform(0.4, 0.5), rng.uniform(0.7, 1.2))
    cupboard(
        b,
        rng,
        size,
        (int(rng.integers(1, 3)), int(rng.integers(3, 6))),
        cupboard_looks(rng),
    )
    return b.mesh()


def _night_stand(rng: Rng) -> Mesh:
    b = Builder()
    size = (rng.uniform(0.35, 0.6), rng.uniform(0.33, 0.45), rng.uniform(0.4, 0.65))
    cupboard(b, rng, size, (1, int(rng.integers(1, 4))), cupboard_looks(rng))
    return b.mesh()


def _books_row(
    b: Builder,
    rng: Rng,
    covers: list[Material],
    x: tuple[float, float],
    low: tuple[float, float],
    room: float,
) -> None:
    """Add upright books from x[0] to x[1] on a board, their backs at y = low[0]."""
    place, (y, z) = x[0], low
    while place < x[1] - 0.06:
        thick, tall = rng.uniform(0.02, 0.06), room * rng.uniform(0.6, 0.92)
        front, back = y + rng.uniform(0, 0.03), y + rng.uniform(0.13, 0.17)
        cover = covers[rng.integers(len(covers))]
        b.box((place, front, z), (place + thick, back, z + tall), cover)
        place += thick if chance(rng, 0.95) else thick + rng.uniform(0.05, 0.2)


def _bookshelf(rng: Rng) -> Mesh:
    """Boards between sides, with uprights in wide ones, filled with books and boxes."""
    b, wood, thick = Builder(), textures.furniture_material(rng), 0.025
    wide, deep, tall = (rng.uniform(*r) for r in ((0.5, 1.5), (0.24, 0.36), (0.8, 2.1)))
    levels = max(2, round(tall / rng.uniform(0.3, 0.42)))
    bays = 1 if wide < 0.9 else int(rng.integers(1, 4))
    if chance(rng, 0.75):
        b.box((0, -0.01, 0), (wide, 0, tall), wood)
    for x in np.linspace(0, wide - thick, bays + 1):
        b.box((x, -deep, 0), (x + thick, 0, tall), wood)
    covers = [finishes.plastic(rng) for _ in range(8)]
    covers += [textures.fabric_material(rng) for _ in range(2)]
    heights = np.linspace(0.05, tall - thick, levels + 1)
    for z in heights:
        b.box((0, -deep, z), (wide, 0, z + thick), wood)
    room, bay = heights[1] - heights[0] - thick, (wide - thick) / bays
    for level in range(levels):
        for column in range(bays):
            x, z = column * bay + thick, heights[level] + thick
            fill = x + (bay - thick) * rng.uniform(0.5, 1.05)
            if chance(rng, 0.8):
                fill = min(fill, x + bay - thick)
                _books_row(b, rng, covers, (x, fill), (-deep + 0.03, z), room)
            elif chance(rng, 0.5):
                fill = x + rng.uniform(0.15, 0.35)
                corner = (fill, -0.03, z + room * rng.uniform(0.4, 0.9))
                b.box((x + 0.01, -deep + 0.02, z), corner, finishes.plastic(rng))
    return b.mesh()


def _shelves(rng: Rng) -> Mesh:
    """Open boards on two or four posts with things of any kind, as in a storeroom."""
    b, wood, thick = Builder(), textures.furniture_material(rng), 0.025
    wide, deep, tall = (rng.uniform(*r) for r in ((0.5, 1.4), (0.25, 0.5), (0.6, 2.1)))
    for x in (0, wide - thick):
        for y in (-deep, -thick):
            b.box((x, y, 0), (x + thick, y + thick, tall), wood)
    boards = np.linspace(
        0.08, tall - thick, max(2, round(tall / rng.uniform(0.3, 0.6)))
    )
    room = boards[1] - boards[0] - thick
    for z in boards:
        b.box((0, -deep, z), (wide, 0, z + thick), wood)
        x = rng.uniform(0, 0.15)
        while x < wide - 0.1:
            size = rng.uniform(0.05, (0.4, 0.9 * deep, max(0.8 * room, 0.1)))
            high = (min(x + size[0], wide), -0.02, z + thick + size[2])
            b.box((x, -0.02 - size[1], z + thick), high, finishes.plastic(rng))
            x += size[0] + rng.uniform(0.01, 0.3)
    return b.mesh()


def _wardrobe(rng: Rng) -> Mesh:
    b, doors = Builder(), int(rng.integers(2, 5))
    size = (
        doors * rng.uniform(0.4, 0.55),
        rng.uniform(0.5, 0.65),
        rng.uniform(1.8, 2.3),
    )
    cupboard(b, rng, size, (doors, 1), cupboard_looks(rng))
    return b.mesh()


def _tv_stand(rng: Rng) -> Mesh:
    b, wood, high = Builder(), textures.furniture_material(rng), rng.uniform(0.4, 0.6)
    wide, deep = rng.uniform(1, 1.8), rng.uniform(0.35, 0.5)
    for z in (0.05, high / 2, high - 0.03):
        b.box((0, -deep, z), (wide, 0, z + 0.03), wood)
    for x in np.linspace(0, wide - 0.03, int(rng.integers(3, 5))):
        b.box((x, -deep, 0), (x + 0.03, 0, high - 0.03), wood)
    low = (0.02, -deep, 0.08)
    fronts(b, low, (wide / 3, high / 2), (1, 1), (wood, finishes.metal(rng)), "bar")
    return b.mesh()


def _trash_can(rng: Rng) -> Mesh:
    """An open bin; its inside can be seen."""
    b, coat = Builder(), (finishes.plastic, finishes.metal)[rng.integers(2)](rng)
    r, tall, wall = rng.uniform(0.13, 0.22), rng.uniform(0.28, 0.7), 0.012
    foot, power = r * rng.uniform(0.7, 1), float(rng.choice([2.0, 8.0]))
    deep = rng.uniform(0.7, 1)
    levels = [(0, 0), (0, foot), (tall, r), (tall, r - wall), (0.02, foot - wall)]
    rings = [((0, 0, z), (x, x * deep)) for z, x in [*levels, (0.02, 0)]]
    shell(b, rings, coat, power=power)
    return b.mesh()


def _ottoman(rng: Rng) -> Mesh:
    b, cover = Builder(), textures.fabric_material(rng)
    half, high = rng.uniform(0.2, 0.45, 2), rng.uniform(0.35, 0.48)
    pad(b, (-half[0], -half[1], 0.06), (half[0], half[1], high), cover, 0.05)
    legs(b, half, 0.1, 0.05, textures.wood_material(rng))
    return b.mesh()


def _ladder(rng: Rng) -> Mesh:
    b, metal, tall = Builder(), finishes.metal(rng), rng.uniform(1.2, 2.0)
    half, steps = rng.uniform(0.2, 0.26), int(rng.integers(4, 7))
    for x in (-half, half):
        rod(b, (x, -0.25 * tall, 0.02), (x * 0.8, 0, tall), 0.022, metal)
        rod(b, (x, 0.25 * tall, 0.02), (x * 0.8, 0, tall), 0.02, metal)
    for share in np.arange(1, steps + 1) / (steps + 0.5):
        y, z = -0.25 * tall * (1 - share), share * tall
        b.box((-half, y - 0.04, z - 0.015), (half, y + 0.04, z + 0.015), metal)
    return b.mesh()


def _otherfurniture(rng: Rng) -> Mesh:
    draws = (_wardrobe, _wardrobe, _tv_stand, _trash_can, _ottoman, _ladder)
    return draws[rng.integers(len(draws))](rng)


STORAGE_FAMILIES = {
    "cabinet": Family("object", _cabinet),
    "bookshelf": Family("object", _bookshelf),
    "otherfurniture": Family("object", _otherfurniture),
    "dresser": Family("unscored", _dresser),
    "shelves": Family("unscored", _shelves),
    "night stand": Family("unscored", _night_stand),
}
"""Families of storage furniture by kind."""
