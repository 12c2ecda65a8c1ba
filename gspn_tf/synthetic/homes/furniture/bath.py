"""Families of bathrooms: bathtubs, toilets, sinks, shower curtains."""

import numpy as np

from gspn_tf.synthetic.homes.furniture import finishes, textures
from gspn_tf.synthetic.homes.furniture.finishes import Rng
from gspn_tf.synthetic.homes.furniture.fronts import cupboard, cupboard_looks
from gspn_tf.synthetic.homes.furniture.shapes import (
    Family,
    Ring,
    chance,
    folds,
    rod,
    shell,
)
from gspn_tf.synthetic.homes.meshes import Builder, Material, Mesh


def _tap(
    b: Builder, x: float, y: float, z: float, high: float, reach: float, m: Material
) -> None:
    """Add a tap that stands on (x, y, z) and reaches towards -y."""
    rod(b, (x, y, z), (x, y, z + high), 0.014, m)
    rod(b, (x, y, z + high), (x, y - reach, z + 0.85 * high), 0.012, m)


def _bathtub(rng: Rng) -> Mesh:
    """A hollow tub: free-standing, or behind an apron with a flat rim."""
    b, white, steel = Builder(), finishes.enamel(rng), finishes.metal(rng)
    half = np.array([rng.uniform(1.4, 1.85), rng.uniform(0.68, 0.85)]) / 2
    high, rim = rng.uniform(0.45, 0.62), rng.uniform(0.05, 0.09)
    floor, slope = rng.uniform(0.1, 0.16), rng.uniform(0.03, 0.09)
    inner, foot = half - rim, half - rim - (2 * slope, slope)
    inside: list[Ring] = [((0, 0, high), inner), ((0, 0, high - 0.03), inner - 0.015)]
    inside += [((0, 0, floor + 0.05), foot), ((0, 0, floor), foot - 0.06)]
    inside.append(((0, 0, floor), (0, 0)))
    if chance(rng, 0.35):
        power = rng.uniform(2.2, 3.5)
        base = half - (0.2, 0.12)
        outside = [((0, 0, 0), base), ((0, 0, 0.2), half - 0.08)]
        outside += [((0, 0, high - 0.03), half - 0.02), ((0, 0, high), half - 0.01)]
        shell(b, [*outside, *inside], white, power=power, sides=28)
    else:
        apron = white if chance(rng, 0.5) else textures.tile_material(rng)
        for x0, x1, y0, y1 in (
            (-half[0], half[0], -half[1], -half[1] + 0.03),
            (-half[0], half[0], half[1] - 0.03, half[1]),
            (-half[0], -half[0] + 0.03, -half[1], half[1]),
            (half[0] - 0.03, half[0], -half[1], half[1]),
        ):
            b.box((x0, y0, 0), (x1, y1, high - 0.025), apron)
        outer = [((0, 0, high - 0.03), half), ((0, 0, high), half)]
        shell(b, outer, white, power=40, sides=28)
        shell(b, [((0, 0, high), half), inside[0]], white, power=20, sides=28)
        shell(b, inside, white, power=rng.uniform(3, 8), sides=28)
    end = half[0] - rim / 2
    rod(b, (end, 0, high - 0.01), (end, 0, high + 0.12), 0.015, steel)
    rod(b, (end, 0, high + 0.12), (end - 0.16, 0, high + 0.1), 0.014, steel)
    return b.mesh()


def _toilet(rng: Rng) -> Mesh:
    """A bowl on a foot or at the wall, a seat, and a cistern or none."""
    b, white = Builder(), finishes.enamel(rng)
    wide, deep = rng.uniform(0.34, 0.4), rng.uniform(0.42, 0.5)
    high, back = rng.uniform(0.38, 0.45), rng.uniform(0.16, 0.22)
    middle, half = -back - deep / 2, np.array([wide, deep]) / 2
    hanging = chance(rng, 0.2)
    base = 0.14 if hanging else 0.0
    foot = half * (0.85 if hanging else rng.uniform(0.5, 0.75))
    neck = half * rng.uniform(0.6, 0.8)
    outer = [((0, middle + 0.04, base), foot), ((0, middle + 0.04, high * 0.45), neck)]
    outer += [((0, middle, high - 0.06), half), ((0, middle, high), half)]
    hole: list[Ring] = [
        ((0, middle, high), half * 0.7),
        ((0, middle, high - 0.12), half * 0.5),
    ]
    hole += [((0, middle + 0.04, high - 0.2), half * 0.2)]
    hole.append(((0, middle + 0.04, high - 0.2), (0, 0)))
    shell(b, [*outer, *hole], white, power=2.3)
    b.box((-wide * 0.36, middle + 0.1, base), (wide * 0.36, 0, high - 0.05), white)
    _toilet_seat(b, rng, (middle, high), half)
    if not hanging:
        top, broad = high + rng.uniform(0.3, 0.4), rng.uniform(0.17, 0.23)
        b.box((-broad, -back, high - 0.05), (broad, 0, top), white)
        lid = (broad + 0.01, 0, top + 0.03)
        b.box((-broad - 0.01, -back - 0.01, top), lid, white)
        b.box(
            (-0.03, -0.12, top + 0.03), (0.03, -0.07, top + 0.04), finishes.metal(rng)
        )
    return b.mesh()


def _toilet_seat(
    b: Builder, rng: Rng, at: tuple[float, float], half: np.ndarray
) -> None:
    """Add a ring on the bowl, and the lid: closed on it, or upright behind."""
    (y, high), plain = at, chance(rng, 0.75)
    seat = finishes.enamel(rng) if plain else textures.wood_material(rng)
    ring = [((0, y, high), half * 0.68), ((0, y, high), half * 1.03)]
    ring += [((0, y, high + 0.025), half * 1.03), ((0, y, high + 0.025), half * 0.68)]
    shell(b, ring, seat, power=2.3)
    if chance(rng, 0.6):
        rings = [((0, y, high + z), half * 1.03) for z in (0.03, 0.045)]
        shell(b, [*rings, ((0, y, high + 0.05), (0, 0))], seat, power=2.3)
        return
    turn = np.linspace(0, 2 * np.pi, 20)
    back = y + half[1] - 0.02
    rim = np.stack(
        [
            half[0] * np.cos(turn),
            np.full(20, back),
            high + 0.05 + half[1] * (1 + np.sin(turn)),
        ],
        axis=1,
    )
    middle = np.broadcast_to(rim[:-1].mean(axis=0), rim.shape)
    b.sheet(np.stack([middle, rim, rim + (0, 0.02, 0), middle + (0, 0.02, 0)]), seat)


def _basin(
    b: Builder,
    half: np.ndarray,
    y: float,
    low: float,
    high: float,
    m: Material,
    p: float,
) -> None:
    """Add a hollow bowl whose middle is at (0, y), from z = `low` to `high`."""
    outer: list[Ring] = [((0, y, low), (0, 0)), ((0, y, low), half * 0.55)]
    outer += [((0, y, high - 0.04), half), ((0, y, high), half)]
    deep = max(low + 0.02, high - 0.15)
    inner: list[Ring] = [((0, y - 0.02, high), half - (0.035, 0.05))]
    inner += [((0, y - 0.02, deep + 0.02), half * 0.55), ((0, y, deep), (0, 0))]
    shell(b, [*outer, *inner], m, power=p)


def _sink(rng: Rng) -> Mesh:
    """A basin on a pedestal, at the wall, on a vanity, or a bowl that stands on one."""
    b, white, steel = Builder(), finishes.enamel(rng), finishes.metal(rng)
    half = np.array([rng.uniform(0.42, 0.65), rng.uniform(0.36, 0.5)]) / 2
    high, style = rng.uniform(0.8, 0.9), rng.integers(4)
    y, power = -half[1], rng.uniform(2.3, 6)
    if style == 3:
        low, rim = high - 0.02, high + rng.uniform(0.1, 0.15)
        _basin(b, half * 0.85, y, low, rim, white, power)
        _tap(b, 0, -0.05, low, 0.28, 0.15, steel)
        return b.mesh()
    _basin(b, half, y, high - rng.uniform(0.16, 0.22), high, white, power)
    _tap(b, 0, -0.06, high - 0.03, 0.15, 0.13, steel)
    if style == 0:
        rings = [((0, -0.17, z), (r, r)) for z, r in ((0, 0.12), (0.3, 0.08))]
        shell(b, [*rings, ((0, -0.17, high - 0.14), (0.1, 0.1))], white)
    elif style == 1:
        rod(b, (0, -0.18, high - 0.35), (0, -0.18, high - 0.15), 0.03, steel)
        rod(b, (0, -0.18, high - 0.33), (0, 0, high - 0.33), 0.02, steel)
        b.box((-half[0] * 0.6, -0.14, high - 0.15), (half[0] * 0.6, 0, high), white)
    else:
        vanity = Builder()
        size = (1.9 * half[0], 1.8 * half[1], high - 0.1)
        cupboard(vanity, rng, size, (2, 1), cupboard_looks(rng))
        below = vanity.mesh().placed(0, (-0.95 * half[0], 0, 0))
        b.extend(below)
        b.box((-half[0], -0.1, high - 0.1), (half[0], 0, high - 0.005), white)
    return b.mesh()


def _shower_curtain(rng: Rng) -> Mesh:
    """A folded sheet on a rod 1.9 to 2.1 m high; drawn, or pushed to one side."""
    b, cloth, steel = Builder(), textures.fabric_material(rng), finishes.metal(rng)
    if chance(rng, 0.4):
        cloth = finishes.enamel(rng)
    span, top = rng.uniform(0.8, 1.8), rng.uniform(1.9, 2.1)
    wide = span * (rng.uniform(0.35, 0.6) if chance(rng, 0.35) else 0.97)
    foot, columns = rng.uniform(0.08, 0.35), max(24, round(wide * 48))
    wave, z = folds(rng, wide, columns), np.linspace(top - 0.03, foot, 10)
    depth = rng.uniform(0.03, 0.06) * np.linspace(0.75, 1.1, 10)[:, None] * wave
    x = np.linspace(-span / 2, wide - span / 2, columns)
    grid = np.broadcast_arrays(x[None], depth, z[:, None])
    b.sheet(np.stack(grid, axis=-1), cloth)
    rod(b, (-span / 2, 0, top), (span / 2, 0, top), 0.014, steel)
    for ring in x[:: max(1, columns // 10)]:
        b.box(
            (ring - 0.004, -0.02, top - 0.05), (ring + 0.004, 0.02, top + 0.02), steel
        )
    return b.mesh()


BATH_FAMILIES = {
    "bathtub": Family("object", _bathtub),
    "shower curtain": Family("object", _shower_curtain),
    "sink": Family("object", _sink),
    "toilet": Family("object", _toilet),
}
"""Families of bathrooms by kind."""
