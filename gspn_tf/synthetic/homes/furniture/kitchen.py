"""Families of kitchens: counters and refrigerators."""

import numpy as np

from gspn_tf.synthetic.homes.furniture import finishes, textures
from gspn_tf.synthetic.homes.furniture.finishes import Rng
from gspn_tf.synthetic.homes.furniture.fronts import cupboard, cupboard_looks
from gspn_tf.synthetic.homes.furniture.shapes import (
    Family,
    chance,
    rod,
    shell,
)
from gspn_tf.synthetic.homes.meshes import Builder, Material, Mesh, joined


def _top(rng: Rng) -> Material:
    wood = chance(rng, 0.35)
    return textures.wood_material(rng) if wood else textures.granite_material(rng)


def _slab(
    b: Builder, width: float, depth: float, z: float, thick: float, top: Material
) -> None:
    b.box((0, -depth, z), (width, 0, z + thick), top)


def _slab_with_basin(
    b: Builder, rng: Rng, width: float, depth: float, z: float, top: Material
) -> None:
    """Add a slab around a hole, the basin in it and a tap behind."""
    steel, x = finishes.metal(rng), rng.uniform(0.1, width - 0.6)
    hole, y, thick = x + 0.5, -depth + 0.1, 0.04
    b.box((0, -depth, z), (x, 0, z + thick), top)
    b.box((hole, -depth, z), (width, 0, z + thick), top)
    b.box((x, -depth, z), (hole, y, z + thick), top)
    b.box((x, y + 0.36, z), (hole, 0, z + thick), top)
    middle, half = (x + 0.25, y + 0.18), (0.25, 0.18)
    rings = [((*middle, z + 0.041), half), ((*middle, z - 0.13), (0.22, 0.15))]
    shell(b, [*rings, ((*middle, z - 0.13), (0, 0))], steel, power=8)
    rod(b, (x + 0.25, y + 0.4, z), (x + 0.25, y + 0.4, z + 0.3), 0.014, steel)
    rod(b, (x + 0.25, y + 0.4, z + 0.3), (x + 0.25, y + 0.2, z + 0.27), 0.012, steel)


def _run(rng: Rng, width: float, looks: tuple[Material, ...], top: Material) -> Builder:
    """A straight counter: a slab on base cabinets, sometimes with a splash guard."""
    body, front, handle = looks
    height, depth = 0.9, 0.62
    b, columns = Builder(), max(1, round(width / rng.uniform(0.4, 0.6)))
    rows = int(rng.choice([1, 1, 3]))
    size = (width, depth - 0.03, height - 0.04)
    cupboard(b, rng, size, (columns, rows), (body, front, handle))
    if width > 1.2 and chance(rng, 0.25):
        _slab_with_basin(b, rng, width, depth, height - 0.04, top)
    else:
        _slab(b, width, depth, height - 0.04, 0.04, top)
    if chance(rng, 0.3):
        b.box((0, -0.015, height), (width, 0, height + rng.uniform(0.08, 0.2)), top)
    return b


def _counter(rng: Rng) -> Mesh:
    looks, top, style = cupboard_looks(rng), _top(rng), rng.random()
    stretch = (1, rng.uniform(0.9, 1.08), rng.uniform(0.96, 1.05))
    width = rng.uniform(1.2, 3.0)
    if style < 0.25:
        # The slab alone, as ScanNet labels it: for use over cabinets.
        b = Builder()
        _slab(b, width, 0.62, 0.86, rng.uniform(0.03, 0.06), top)
        b.box((0, -0.02, 0.9), (width, 0, 0.9 + rng.uniform(0.05, 0.15)), top)
        return b.mesh().stretched(stretch)
    mesh = _run(rng, width, looks, top).mesh()
    if style > 0.7:
        arm = _run(rng, rng.uniform(0.8, 1.8), looks, top).mesh()
        mesh = joined([mesh, arm.placed(-np.pi / 2, (width, -0.62, 0))])
    return mesh.stretched(stretch)


def _refrigerator(rng: Rng) -> Mesh:
    """One door, a freezer above or below, two doors side by side, or a small one."""
    b, style = Builder(), rng.choice(4, p=[0.35, 0.25, 0.25, 0.15])
    color = finishes.enamel(rng)
    if chance(rng, 0.45):
        steel = finishes.tone(rng, (120, 195), (2, 12))
        color = (
            Material(steel, gloss=0.4) if chance(rng, 0.8) else finishes.plastic(rng)
        )
    dark, handle = finishes.black_glass(rng), finishes.metal(rng)
    wide, tall = rng.uniform(0.55, 0.72), rng.uniform(1.5, 1.85)
    wide, tall = (0.9, 1.8) if style == 2 else (wide, tall)
    wide, tall = (rng.uniform(0.45, 0.56), 0.85) if style == 3 else (wide, tall)
    deep = rng.uniform(0.6, 0.72) if style != 3 else rng.uniform(0.5, 0.58)
    split = {0: 0.7, 1: 0.38}.get(int(style), 1.0) * tall
    b.box((0.02, -deep + 0.1, 0), (wide - 0.02, -0.02, 0.05), dark)
    b.box((0, -deep + 0.07, 0.05), (wide, 0, tall), color)
    for z0, z1 in ((0.06, split), (split, tall)):
        if z1 - z0 < 0.1:
            continue
        for column in range(2 if style == 2 else 1):
            x0 = column * wide / 2 + 0.004
            x1 = wide / 2 - 0.004 if style == 2 and column == 0 else wide - 0.004
            b.box((x0, -deep, z0 + 0.008), (x1, -deep + 0.065, z1 - 0.004), color)
            x = x0 + 0.05 if column else x1 - 0.05
            z, long = (z0 + z1) / 2, 0.25 * (z1 - z0)
            b.box(
                (x - 0.01, -deep - 0.05, z - long), (x + 0.01, -deep, z + long), handle
            )
    return b.mesh()


KITCHEN_FAMILIES = {
    "counter": Family("object", _counter),
    "refrigerator": Family("object", _refrigerator),
}
"""Families of kitchens by kind."""
