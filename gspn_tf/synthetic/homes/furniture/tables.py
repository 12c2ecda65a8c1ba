"""Families of what one lies and works at: beds, tables, desks."""

import numpy as np

from gspn_tf.synthetic.homes.furniture import finishes, textures
from gspn_tf.synthetic.homes.furniture.finishes import Rng
from gspn_tf.synthetic.homes.furniture.fronts import fronts
from gspn_tf.synthetic.homes.furniture.shapes import (
    Family,
    chance,
    draped,
    legs,
    pad,
    shell,
)
from gspn_tf.synthetic.homes.meshes import Builder, Material, Mesh


def _bed(rng: Rng) -> Mesh:
    """A frame with a headboard, a mattress, pillows and a blanket."""
    b, wood = Builder(), textures.furniture_material(rng)
    if chance(rng, 0.3):
        wood = textures.fabric_material(rng)
    wide = float(rng.choice([0.9, 1.0, 1.2, 1.4, 1.6, 1.8]))
    long, high = rng.uniform(1.95, 2.1), rng.uniform(0.25, 0.4)
    half, top = wide / 2, high + rng.uniform(0.14, 0.24)
    low = rng.uniform(0.05, 0.2)
    b.box((-half - 0.03, -long - 0.03, low), (half + 0.03, 0, high), wood)
    for x in (-half, half - 0.06):
        for y in (-long, -0.1):
            b.box((x, y, 0), (x + 0.06, y + 0.06, low), wood)
    if chance(rng, 0.85):
        board = (half + 0.03, 0.05, rng.uniform(0.75, 1.2))
        b.box((-half - 0.03, 0, 0.1), board, wood)
    if chance(rng, 0.25):
        b.box((-half - 0.03, -long - 0.07, 0.05), (half + 0.03, -long, top), wood)
    sheet = textures.fabric_material(rng) if chance(rng, 0.5) else finishes.enamel(rng)
    pad(b, (-half, -long, high - 0.05), (half, -0.01, top), sheet, 0.05)
    count = 1 if wide < 1.3 else 2
    for number in range(count):
        x0 = -half + (number + 0.5) * wide / count - min(0.35, 0.45 * wide / count)
        x1 = x0 + 2 * min(0.35, 0.45 * wide / count)
        tall = top + rng.uniform(0.08, 0.14)
        pad(b, (x0, -0.5, top - 0.02), (x1, -0.06, tall), sheet, 0.07)
    if chance(rng, 0.9):
        _bedspread(b, rng, (half, long), (high, top))
    return b.mesh()


def _bedspread(
    b: Builder, rng: Rng, size: tuple[float, float], z: tuple[float, float]
) -> None:
    """Add a bumpy blanket over the foot of a bed, hanging down at its sides."""
    (half, long), (high, top), steps = size, z, 22
    cloth, length = textures.fabric_material(rng), long * rng.uniform(0.45, 0.75)
    bumps = draped(rng, 1, 1, rng.uniform(0.03, 0.12), steps)[..., 2]
    x = np.linspace(-half - 0.04, half + 0.04, steps)
    y = np.linspace(-long - 0.03, -long + length, steps)
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    lay = np.concatenate([grid, (top + 0.015 + bumps)[..., None]], axis=-1)
    hang = rng.uniform(high - 0.1, high + 0.05, steps)
    lay[:, 0, 2], lay[:, -1, 2], lay[0, :, 2] = hang, hang[::-1], hang
    b.sheet(lay, cloth)


def _table(rng: Rng) -> Mesh:
    """A dining, side or coffee table: rectangular, round or oval, on legs or a foot."""
    b, wood = Builder(), textures.furniture_material(rng)
    high = rng.uniform(0.7, 0.78) if chance(rng, 0.6) else rng.uniform(0.35, 0.55)
    half = np.array([rng.uniform(0.7, 2.0), rng.uniform(0.6, 1.0)]) / 2
    half = half * (0.65 if high < 0.6 else 1)
    top = textures.granite_material(rng) if chance(rng, 0.12) else wood
    thick, leg = rng.uniform(0.02, 0.05), rng.uniform(0.04, 0.09)
    foot = wood if chance(rng, 0.6) else finishes.metal(rng)
    if chance(rng, 0.35):
        half = half if chance(rng, 0.3) else np.repeat(half[1], 2)
        rings = [((0, 0, z), half) for z in (high - thick, high)]
        ends = [((0, 0, z), (0, 0)) for z in (high - thick, high)]
        shell(b, [ends[0], *rings, ends[1]], top, sides=28)
        if chance(rng, 0.5):
            levels = ((0, 0.5), (0.03, 0.45), (0.06, 0.1), (high - 0.02, 0.1))
            column = [((0, 0, z), (x * half[1], x * half[1])) for z, x in levels]
            shell(b, column, foot)
        else:
            legs(b, half * 0.66, high - thick, leg, foot, rng.uniform(0, 0.08))
        return b.mesh()
    b.box((-half[0], -half[1], high - thick), (*half, high), top)
    legs(b, half - rng.uniform(0, 0.05), high - thick, leg, foot)
    if chance(rng, 0.5):
        rim = half - 0.06
        b.box((-rim[0], -rim[1], high - thick - 0.08), (*rim, high - thick), foot)
    if high < 0.6 and chance(rng, 0.4):
        b.box((-half[0] + 0.05, -half[1] + 0.05, 0.12), (*(half - 0.05), 0.14), wood)
    return b.mesh()


def _desk(rng: Rng) -> Mesh:
    """A top on legs, panels or drawers, straight or with an arm at its side."""
    b, wood = Builder(), textures.furniture_material(rng)
    wide, deep = rng.uniform(1.0, 1.8), rng.uniform(0.55, 0.8)
    high, style = rng.uniform(0.71, 0.77), rng.integers(3)
    b.box((0, -deep, high - 0.03), (wide, 0, high), wood)
    support = finishes.metal(rng) if style == 0 else wood
    if style == 0:
        under = Builder()
        legs(under, (wide / 2 - 0.02, deep / 2 - 0.02), high - 0.03, 0.05, support)
        b.extend(under.mesh().placed(0, (wide / 2, -deep / 2, 0)))
    else:
        for x in (0, wide - 0.03):
            b.box((x, -deep + 0.02, 0), (x + 0.03, -0.01, high - 0.03), wood)
        b.box((0, -0.05, high - 0.45), (wide, -0.03, high - 0.03), wood)
    if style == 2 or chance(rng, 0.35):
        _pedestal(b, rng, wide - 0.45, deep, high - 0.05, wood)
    if chance(rng, 0.25):
        end = -deep - rng.uniform(0.4, 0.9)
        b.box((0, end, high - 0.03), (0.55, -deep, high), wood)
        b.box((0.02, end + 0.02, 0), (0.5, end + 0.05, high - 0.03), support)
    if chance(rng, 0.2):
        b.box((0, -0.25, high + 0.3), (wide, 0, high + 0.325), wood)
        for x in (0, wide - 0.025):
            b.box((x, -0.25, high), (x + 0.025, 0, high + 0.3), wood)
    return b.mesh()


def _pedestal(
    b: Builder, rng: Rng, x: float, deep: float, high: float, wood: Material
) -> None:
    b.box((x, -deep + 0.05, 0.05), (x + 0.4, -0.05, high), wood)
    looks = (textures.furniture_material(rng), finishes.metal(rng))
    fronts(b, (x, -deep + 0.05, 0.05), (x + 0.4, high), (1, 3), looks, "bar")


TABLE_FAMILIES = {
    "bed": Family("object", _bed),
    "table": Family("object", _table),
    "desk": Family("object", _desk),
}
"""Families of beds, tables and desks by kind."""
