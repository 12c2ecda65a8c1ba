"""Families of lamps, plants, vessels and screens."""

import numpy as np

from gspn_tf.synthetic.homes.furniture import finishes, textures
from gspn_tf.synthetic.homes.furniture.finishes import Rng
from gspn_tf.synthetic.homes.furniture.shapes import Family, chance, rod, shell
from gspn_tf.synthetic.homes.meshes import Builder, Material, Mesh


def _lathe(b: Builder, levels: list[tuple[float, float]], m: Material) -> None:
    """Add a body of revolution: (z, radius) from its foot to its last edge."""
    shell(b, [((0, 0, z), (r, r)) for z, r in levels], m, sides=16)


def _lamp(rng: Rng) -> Mesh:
    """A lamp for a table or, tall, for the floor: foot, stem and shade."""
    b, metal, shade = Builder(), finishes.metal(rng), textures.fabric_material(rng)
    tall = rng.uniform(0.3, 0.6) if chance(rng, 0.65) else rng.uniform(1.3, 1.7)
    foot, wide = rng.uniform(0.06, 0.1), rng.uniform(0.1, 0.2)
    if tall > 1:
        foot, wide = foot * 1.6, wide * 1.2
    stem = foot * (0.8 if tall < 1 and chance(rng, 0.4) else 0.12)
    drop = rng.uniform(0.9, 1.6) * wide
    _lathe(
        b, [(0, 0), (0, foot), (0.02, foot), (0.03, stem), (tall - drop, 0.01)], metal
    )
    rod(b, (0, 0, tall - drop), (0, 0, tall - 0.04), 0.008, metal)
    _lathe(b, [(tall - drop, wide), (tall, wide * rng.uniform(0.5, 1))], shade)
    return b.mesh()


def _plant(rng: Rng) -> Mesh:
    """A pot with leaves that bend outwards."""
    b, pot = Builder(), finishes.plastic(rng)
    tall = rng.uniform(0.2, 0.5) if chance(rng, 0.6) else rng.uniform(0.7, 1.5)
    r = 0.06 + 0.09 * tall
    high = r * 1.6
    _lathe(b, [(0, 0), (0, 0.7 * r), (high, r), (high - 0.02, 0.9 * r)], pot)
    earth = Material(finishes.tone(rng, (50, 80), (10, 25), (20, 40)))
    _lathe(b, [(high - 0.02, 0.9 * r), (high - 0.02, 0)], earth)
    green = textures.leaf_material(rng)
    broad = rng.uniform(0.1, 0.25)
    for _ in range(int(rng.integers(12, 34))):
        turn, share = rng.uniform(0, 2 * np.pi), np.linspace(0, 1, 6)
        rise = (tall - high) * rng.uniform(0.5, 1)
        out = rise * rng.uniform(0.2, 0.7) * share**1.5
        up = high - 0.02 + rise * np.sin(share * rng.uniform(1.2, 2.4))
        spread = np.maximum(broad * rise * np.sin(np.pi * share**0.8) / 2, 0.004)
        leaf = [
            np.stack([out, side * spread, up - 0.1 * abs(side) * spread], axis=1)
            for side in (-1, 0, 1)
        ]
        sheet = Builder()
        sheet.sheet(np.stack(leaf), green)
        b.extend(sheet.mesh().placed(turn, (0, 0, 0)))
    return b.mesh()


def _bottle(rng: Rng) -> Mesh:
    b, coat = Builder(), finishes.plastic(rng)
    r, tall = rng.uniform(0.03, 0.05), rng.uniform(0.18, 0.34)
    neck = rng.uniform(0.55, 0.75) * tall
    body = [(0, 0), (0, r), (neck, r), (neck + 0.04, 0.4 * r), (tall - 0.02, 0.35 * r)]
    _lathe(b, body, coat)
    _lathe(
        b, [(tall - 0.02, 0.42 * r), (tall, 0.42 * r), (tall, 0)], finishes.plastic(rng)
    )
    label = [(0.3 * neck, 1.02 * r), (0.75 * neck, 1.02 * r)]
    _lathe(b, label, textures.paper(rng))
    return b.mesh()


def _mug(rng: Rng) -> Mesh:
    b, glaze = Builder(), finishes.plastic(rng)
    r, tall = rng.uniform(0.035, 0.05), rng.uniform(0.08, 0.11)
    outside = [(0, 0), (0, r * 0.9), (tall, r), (tall, r - 0.005)]
    _lathe(b, [*outside, (0.01, r * 0.85), (0.01, 0)], glaze)
    corners = [(r, 0.8), (r + 0.03, 0.75), (r + 0.03, 0.35), (r * 0.95, 0.25)]
    for (x0, z0), (x1, z1) in zip(corners[:-1], corners[1:], strict=True):
        rod(b, (x0, 0, z0 * tall), (x1, 0, z1 * tall), 0.007, glaze, sides=6)
    return b.mesh()


def _keys(
    b: Builder, low: tuple[float, ...], size: tuple[float, float], m: Material
) -> None:
    """Add four rows of keys above a plate's corner `low`."""
    (x, y, z), (wide, deep) = low, size
    for row in range(4):
        for column in range(12):
            corner = (x + wide * column / 12, y + deep * row / 4, z + 0.004)
            b.quad(corner, (wide / 15, 0, 0), (0, deep / 5, 0), m)


def _keyboard(rng: Rng) -> Mesh:
    b, plate, key = Builder(), finishes.casing(rng), finishes.casing(rng)
    half = np.array([rng.uniform(0.28, 0.46), rng.uniform(0.12, 0.16)]) / 2
    b.box((-half[0], -half[1], 0), (*half, rng.uniform(0.015, 0.025)), plate)
    low = (-half[0] + 0.01, -half[1] + 0.01, 0.025)
    _keys(b, low, (2 * half[0] - 0.02, 2 * half[1] - 0.02), key)
    return b.mesh()


def _screen(
    b: Builder, rng: Rng, size: tuple[float, float], y: float, low: float
) -> None:
    """Add a flat screen of a width and a height whose front is y; on or off."""
    (wide, tall), rim = size, rng.uniform(0.008, 0.02)
    black, case = finishes.black_glass(rng), finishes.casing(rng)
    b.box((-wide / 2, y, low), (wide / 2, y + 0.03, low + tall), case)
    lit = textures.picture_material(rng) if chance(rng, 0.2) else black
    b.quad(
        (-wide / 2 + rim, y - 0.001, low + rim),
        (wide - 2 * rim, 0, 0),
        (0, 0, tall - 2 * rim),
        lit,
    )


def _monitor(rng: Rng) -> Mesh:
    b, coat, wide = Builder(), finishes.casing(rng), rng.uniform(0.42, 0.72)
    low = rng.uniform(0.08, 0.16)
    _screen(b, rng, (wide, wide * rng.uniform(0.42, 0.62)), -0.02, low)
    b.box((-0.03, 0.01, 0.01), (0.03, 0.035, low + 0.12), coat)
    deep = rng.uniform(0.08, 0.11)
    b.box((-0.2 * wide, -deep, 0), (0.2 * wide, deep, 0.012), coat)
    return b.mesh()


def _laptop(rng: Rng) -> Mesh:
    """A laptop, open by 95 to 130 degrees, or shut."""
    b, case, key = Builder(), finishes.metal(rng), finishes.casing(rng)
    wide = rng.uniform(0.3, 0.38)
    deep, half = 0.68 * wide, wide / 2
    b.box((-half, -deep, 0), (half, 0, 0.016), case)
    if chance(rng, 0.25):
        b.box((-half, -deep, 0.017), (half, 0, 0.024), case)
        return b.mesh()
    _keys(b, (-half + 0.02, -0.65 * deep, 0.014), (wide - 0.04, 0.55 * deep), key)
    tilt = np.deg2rad(rng.uniform(5, 40))
    lid = np.array([0, np.sin(tilt), np.cos(tilt)]) * deep
    b.quad((-half, 0, 0.016), (wide, 0, 0), lid, case)
    front = (-half + 0.008, -0.004, 0.022)
    b.quad(front, (wide - 0.016, 0, 0), 0.95 * lid, finishes.black_glass(rng))
    return b.mesh()


def _television(rng: Rng) -> Mesh:
    """A flat screen on a foot, or one for the wall."""
    b, wide = Builder(), rng.uniform(0.7, 1.45)
    stands = chance(rng, 0.65)
    low = 0.06 if stands else rng.uniform(0.9, 1.2)
    _screen(b, rng, (wide, wide * 0.58), -0.02, low)
    if stands:
        coat, far = finishes.casing(rng), 0.3 * wide
        b.box((-far, -0.12, 0), (far, 0.12, 0.015), coat)
        b.box((-0.06, 0, 0.01), (0.06, 0.03, 0.1), coat)
    else:
        b.box((-0.15, 0.01, low + 0.2), (0.15, 0.06, low + 0.4), finishes.metal(rng))
    return b.mesh()


DEVICE_FAMILIES = {
    "television": Family("unscored", _television),
    "lamp": Family("clutter", _lamp),
    "plant": Family("clutter", _plant),
    "bottle": Family("clutter", _bottle),
    "mug": Family("clutter", _mug),
    "keyboard": Family("clutter", _keyboard),
    "monitor": Family("clutter", _monitor),
    "laptop": Family("clutter", _laptop),
}
"""Families of lamps, plants, vessels and screens by kind."""
