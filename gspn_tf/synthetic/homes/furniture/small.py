"""Families of clutter: what lies on tables, in shelves, on and under beds."""

import numpy as np

from gspn_tf.synthetic.homes.furniture import finishes, textures
from gspn_tf.synthetic.homes.furniture.finishes import Rng
from gspn_tf.synthetic.homes.furniture.shapes import (
    Family,
    chance,
    draped,
    folds,
    image_once,
    pad,
    rod,
    shell,
)
from gspn_tf.synthetic.homes.meshes import Builder, Material, Mesh


def _turned(b: Builder, levels: list[tuple[float, float]], m: Material) -> None:
    """Add a body of revolution: (z, radius) from its foot to its last edge."""
    shell(b, [((0, 0, z), (r, r)) for z, r in levels], m, sides=16)


def _books(rng: Rng) -> Mesh:
    """A pile of books, not quite above each other."""
    b, z, white = Builder(), 0.0, finishes.enamel(rng)
    for _ in range(int(rng.integers(1, 8))):
        book, half = Builder(), rng.uniform((0.07, 0.1), (0.11, 0.15))
        thick, cover = rng.uniform(0.012, 0.05), finishes.plastic(rng)
        book.box((-half[0], -half[1], 0), (*half, 0.15 * thick), cover)
        book.box((-half[0], -half[1], 0.85 * thick), (*half, thick), cover)
        book.box((-half[0], -half[1], 0), (-half[0] + 0.004, half[1], thick), cover)
        inner = (half[0] - 0.006, half[1] - 0.006, 0.9 * thick)
        book.box((-half[0], -half[1] + 0.006, 0), inner, white)
        b.extend(book.mesh().placed(rng.normal(0, 0.3), (*rng.normal(0, 0.012, 2), z)))
        z += thick
    return b.mesh()


def _papers(rng: Rng) -> Mesh:
    """Sheets of A4 spread over each other, a little wavy."""
    b = Builder()
    for layer in range(int(rng.integers(1, 7))):
        sheet, wide, tall = Builder(), 0.21, 0.297
        image = textures.paper(rng)
        corner = (-wide / 2, -tall / 2, 0.003 * layer + 0.002)
        rise = rng.uniform(0, 0.012)
        image_once(sheet, corner, (wide, 0, rise), (0, tall, rise), image)
        turn = rng.uniform(-np.pi, np.pi) if chance(rng, 0.4) else rng.normal(0, 0.15)
        b.extend(sheet.mesh().placed(turn, (*rng.normal(0, 0.09, 2), 0)))
    return b.mesh()


def _bag(rng: Rng) -> Mesh:
    """A soft bag or rucksack with two handles or straps."""
    b, cloth = Builder(), textures.fabric_material(rng)
    half, tall = rng.uniform((0.14, 0.08), (0.24, 0.14)), rng.uniform(0.28, 0.45)
    rings = []
    for z, share in ((0, 0), (0, 0.9), (0.3, 1.05), (0.75, 0.85), (1, 0.6), (1, 0)):
        x, y = rng.normal(0, 0.01, 2)
        rings.append(((x, y, z * tall), half * share * (1, 1 - 0.5 * z)))
    shell(b, rings, cloth, power=3.5)
    for y in (-0.03, 0.03):
        turn = np.linspace(0, np.pi, 9)
        arc = np.stack([0.5 * half[0] * np.cos(turn), y + 0 * turn], axis=1)
        high = tall * 0.95 + rng.uniform(0.06, 0.14) * np.sin(turn)
        points = np.concatenate([arc, high[:, None]], axis=1)
        for start, end in zip(points[:-1], points[1:], strict=True):
            rod(b, start, end, 0.01, cloth, sides=5)
    return b.mesh()


def _carton(rng: Rng) -> Mesh:
    """A cardboard box, closed, or open with its four flaps out."""
    b = Builder()
    board = textures.cardboard_material(rng)
    (x, y), z = rng.uniform((0.12, 0.1), (0.3, 0.24)), rng.uniform(0.12, 0.45)
    tape = finishes.plastic(rng)
    b.quad((-x, -y, 0), (2 * x, 0, 0), (0, 2 * y, 0), board)
    for side in (-1, 1):
        b.quad((-x, side * y, 0), (2 * x, 0, 0), (0, 0, z), board)
        b.quad((side * x, -y, 0), (0, 2 * y, 0), (0, 0, z), board)
    if chance(rng, 0.5):
        b.quad((-x, -y, z), (2 * x, 0, 0), (0, 2 * y, 0), board)
        b.box((-x, -0.03, z), (x, 0.03, z + 0.002), tape)
        return b.mesh()
    for side in (-1, 1):
        out, up = rng.uniform(0.2, 0.9) * y * side, rng.uniform(-0.6, 0.8) * y
        b.quad((-x, side * y, z), (2 * x, 0, 0), (0, out, up), board)
        out, up = rng.uniform(0.2, 0.9) * y * side, rng.uniform(-0.6, 0.8) * y
        b.quad((side * x, -y, z), (0, 2 * y, 0), (out, 0, up), board)
    return b.mesh()


def _clothes(rng: Rng) -> Mesh:
    """A heap of one to three garments."""
    b = Builder()
    for _ in range(int(rng.integers(1, 4))):
        (wide, deep), bump = rng.uniform(0.3, 0.75, 2), rng.uniform(0.06, 0.22)
        heap, cloth = Builder(), textures.fabric_material(rng)
        heap.sheet(draped(rng, wide, deep, bump, 16), cloth)
        at = (*rng.normal(0, 0.1, 2), 0)
        b.extend(heap.mesh().placed(rng.uniform(0, 6.3), at))
    return b.mesh()


def _blanket(rng: Rng) -> Mesh:
    b, (wide, deep) = Builder(), rng.uniform((0.6, 0.5), (1.5, 1.2))
    cloth = draped(rng, wide, deep, rng.uniform(0.06, 0.16), 24)
    b.sheet(cloth, textures.fabric_material(rng))
    return b.mesh()


def _towel(rng: Rng) -> Mesh:
    """A towel that hangs over a bar on the wall."""
    b, cloth, steel = Builder(), textures.fabric_material(rng), finishes.metal(rng)
    wide, high, long = (
        rng.uniform(0.3, 0.6),
        rng.uniform(1.0, 1.5),
        rng.uniform(0.4, 0.7),
    )
    wave = 0.008 * folds(rng, wide, 20)
    path = [(-0.09, -long), (-0.09, -0.05), (-0.07, 0.015), (-0.05, -0.05)]
    path.append((-0.05, -0.7 * long))
    grid = np.empty((5, 20, 3))
    for row, (y, z) in enumerate(path):
        grid[row] = np.stack([np.linspace(0, wide, 20), y + wave, np.full(20, z)], 1)
    b.sheet(grid + (0, 0, high), cloth)
    rod(b, (-0.06, -0.07, high), (wide + 0.06, -0.07, high), 0.01, steel)
    for x in (-0.06, wide + 0.05):
        b.box((x, -0.08, high - 0.01), (x + 0.01, 0, high + 0.01), steel)
    return b.mesh()


def _coats(rng: Rng) -> Mesh:
    """One to four garments that hang from hooks on a board."""
    b, count = Builder(), int(rng.integers(1, 5))
    high, x = rng.uniform(1.4, 1.8), 0.0
    for _ in range(count):
        wide, long = rng.uniform(0.25, 0.5), rng.uniform(0.5, 1.1)
        wave, bulge = folds(rng, wide, 12), rng.uniform(0.06, 0.16)
        down = np.linspace(0, 1, 10)[:, None]
        along = np.linspace(-0.5, 0.5, 12)[None]
        swell = bulge * (0.3 + 0.7 * down) * (1 - (1.8 * along) ** 2)
        grid = np.broadcast_arrays(
            x + wide * along * (0.35 + 0.65 * np.sqrt(down)),
            -np.maximum(swell + 0.02 * wave, 0.0) - 0.03,
            high - long * down,
        )
        b.sheet(np.stack(grid, axis=-1), textures.fabric_material(rng))
        x += wide * rng.uniform(0.5, 1.0)
    end = (x + 0.1, 0, high + 0.05)
    b.box((-0.2, -0.02, high - 0.03), end, textures.wood_material(rng))
    return b.mesh()


def _cushion(rng: Rng) -> Mesh:
    b, half = Builder(), rng.uniform(0.18, 0.3, 2)
    thick = rng.uniform(0.1, 0.18)
    cover = textures.fabric_material(rng)
    pad(b, (-half[0], -half[1], 0), (*half, thick), cover, thick / 2)
    return b.mesh()


def _cable(rng: Rng) -> Mesh:
    """A thin cable that winds over the floor."""
    b, coat, count = Builder(), finishes.casing(rng), 28
    turn = np.cumsum(rng.normal(0, 0.5, count))
    steps = rng.uniform(0.03, 0.07) * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    lift = 0.012 + np.abs(rng.normal(0, 0.006, count))
    points = np.concatenate([np.cumsum(steps, axis=0), lift[:, None]], axis=1)
    for start, end in zip(points[:-1], points[1:], strict=True):
        rod(b, start, end, 0.009, coat, sides=5)
    return b.mesh()


def _bin(rng: Rng) -> Mesh:
    b, coat = Builder(), finishes.plastic(rng)
    top, tall = rng.uniform(0.1, 0.16), rng.uniform(0.2, 0.35)
    foot = top * rng.uniform(0.7, 1)
    outside = [(0, 0), (0, foot), (tall, top), (tall, top - 0.01)]
    _turned(b, [*outside, (0.02, foot - 0.01), (0.02, 0)], coat)
    return b.mesh()


def _shoes(rng: Rng) -> Mesh:
    """A pair of shoes, seldom side by side."""
    b, upper, sole = Builder(), textures.fabric_material(rng), finishes.plastic(rng)
    long, high = rng.uniform(0.12, 0.15), rng.uniform(0.07, 0.14)
    for x in (-0.08, 0.08):
        shoe, broad = Builder(), rng.uniform(0.04, 0.05)
        pad(shoe, (-broad, -long, 0), (broad, long, 0.03), sole, 0.02)
        levels = ((0.02, 0, 0.95), (0.05, 0.01, 0.9), (0.07, 0.05, 0.6))
        rings = [((0, y, z), (broad * 0.9, long * s)) for z, y, s in levels]
        rings.append(((0, 0.07, high), (broad * 0.75, long * 0.4)))
        rings.append(((0, 0.07, 0.05), (broad * 0.6, long * 0.35)))
        shell(shoe, rings, upper, sides=14)
        at = (x + rng.normal(0, 0.02), rng.normal(0, 0.04), 0)
        b.extend(shoe.mesh().placed(rng.normal(0, 0.25), at))
    return b.mesh()


SMALL_FAMILIES = {
    "books": Family("clutter", _books),
    "papers": Family("clutter", _papers),
    "bag": Family("clutter", _bag),
    "cardboard box": Family("clutter", _carton),
    "clothes": Family("clutter", _clothes),
    "blanket": Family("clutter", _blanket),
    "towel": Family("clutter", _towel),
    "coats": Family("clutter", _coats),
    "cushion": Family("clutter", _cushion),
    "cable": Family("clutter", _cable),
    "bin": Family("clutter", _bin),
    "shoes": Family("clutter", _shoes),
}
"""Families of cloth, paper and other loose things by kind."""
