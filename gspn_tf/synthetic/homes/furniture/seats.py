"""Families of seats: chairs, sofas, stools."""

import numpy as np

from gspn_tf.synthetic.homes.furniture import finishes, textures
from gspn_tf.synthetic.homes.furniture.finishes import Rng
from gspn_tf.synthetic.homes.furniture.shapes import (
    Family,
    chance,
    legs,
    pad,
    prism,
    rod,
    shell,
)
from gspn_tf.synthetic.homes.meshes import Builder, Mesh


def _chair(rng: Rng) -> Mesh:
    """A dining chair, an office chair or an armchair."""
    style = rng.choice(3, p=[0.45, 0.35, 0.2])
    return (_dining_chair, _office_chair, _armchair)[style](rng)


def _dining_chair(rng: Rng) -> Mesh:
    b, wood = Builder(), textures.wood_material(rng)
    if chance(rng, 0.35):
        wood = finishes.metal(rng) if chance(rng, 0.5) else finishes.plastic(rng)
    soft = chance(rng, 0.5)
    seat = textures.fabric_material(rng) if soft else wood
    half = rng.uniform((0.19, 0.19), (0.24, 0.24))
    high, top = rng.uniform(0.42, 0.48), rng.uniform(0.78, 1.02)
    thick, lean = rng.uniform(0.03, 0.05), rng.uniform(0.02, 0.09)
    legs(b, half, high, thick, wood, rng.uniform(0, 0.04))
    edge = 0.03 if soft else 0.01
    pad(b, (-half[0], -half[1], high - 0.02), (*half, high + 0.03), seat, edge)
    style, back = rng.integers(3), half[1] - thick / 2
    for x in (-half[0] + thick / 2, half[0] - thick / 2):
        rod(b, (x, back, high), (x, back + lean, top), thick / 2, wood)
    if style == 0:
        middle = np.array([(back + lean * 0.5, high + 0.15), (back + lean, top)])
        outline = np.concatenate([middle, middle[::-1] + (0.03, 0)])
        prism(b, outline, -half[0], half[0], 0, seat)
        return b.mesh()
    b.box((-half[0], back + lean - 0.02, top - 0.09), (half[0], back + lean, top), wood)
    if style == 1:
        for x in np.linspace(-half[0] + 0.06, half[0] - 0.06, 4):
            rod(b, (x, back, high), (x, back + lean, top - 0.05), 0.01, wood, sides=6)
    else:
        for share in (0.35, 0.65):
            y, z = back + lean * share, high + share * (top - high)
            b.box((-half[0], y - 0.01, z - 0.03), (half[0], y + 0.01, z + 0.03), wood)
    return b.mesh()


def _office_chair(rng: Rng) -> Mesh:
    """A swivel chair on a star of five castors."""
    b, dark, cover = Builder(), finishes.casing(rng), textures.fabric_material(rng)
    high, half = rng.uniform(0.44, 0.54), rng.uniform(0.23, 0.27)
    rod(b, (0, 0, 0.08), (0, 0, high), 0.028, dark)
    for turn in np.arange(5) * 2 * np.pi / 5 + rng.uniform(0, 1):
        x, y = 0.29 * np.cos(turn), 0.29 * np.sin(turn)
        rod(b, (0, 0, 0.12), (x, y, 0.075), 0.022, dark, sides=6)
        pad(b, (x - 0.028, y - 0.028, 0), (x + 0.028, y + 0.028, 0.06), dark, 0.02)
    pad(b, (-half, -half, high - 0.03), (half, half, high + 0.05), cover, 0.04)
    tall, wide = rng.uniform(0.4, 0.68), half * rng.uniform(0.8, 1)
    low = high + rng.uniform(0.08, 0.2)
    pad(b, (-wide, half, low), (wide, half + 0.07, low + tall), cover, 0.03)
    b.box((-0.04, half - 0.12, high - 0.04), (0.04, half + 0.09, high - 0.02), dark)
    b.box((-0.04, half + 0.07, high - 0.04), (0.04, half + 0.09, low + 0.2), dark)
    if chance(rng, 0.7):
        for x in (-half - 0.03, half + 0.03):
            b.box((x - 0.02, -0.02, high - 0.01), (x + 0.02, 0.03, high + 0.2), dark)
            b.box((x - 0.03, -0.13, high + 0.2), (x + 0.03, 0.13, high + 0.23), dark)
    return b.mesh()


def _armchair(rng: Rng) -> Mesh:
    return _upholstered(rng, rng.uniform(0.48, 0.6), 1).mesh()


def _upholstered(rng: Rng, seat: float, seats: int, corner: bool = False) -> Builder:
    """Seats of a width between arms, with cushions; `corner` adds a long seat."""
    b, cover = Builder(), textures.fabric_material(rng)
    foot, metal = rng.uniform(0.04, 0.13), textures.wood_material(rng)
    wide, deep = seat * seats, rng.uniform(0.8, 0.95)
    arm, arm_high = rng.uniform(0.1, 0.24), rng.uniform(0.52, 0.66)
    high, top, back = rng.uniform(0.38, 0.45), rng.uniform(0.72, 0.95), 0.2
    left, right = -arm, wide + arm
    pad(b, (0, -deep, foot), (wide, 0, high - 0.12), cover, 0.03)
    pad(b, (left, -0.8 * back, foot), (right, 0, top), cover, rng.uniform(0.04, 0.09))
    for x in (left, wide):
        if corner and x == left:
            continue
        low, end = (x, -deep, foot), (x + arm, -0.05, arm_high)
        pad(b, low, end, cover, rng.uniform(0.03, 0.09))
    cushion = cover if chance(rng, 0.75) else textures.fabric_material(rng)
    for number in range(seats):
        x0, x1 = number * seat + 0.005, (number + 1) * seat - 0.005
        long = 0.7 if corner and number == 0 else 0
        pad(b, (x0, -deep - long, high - 0.13), (x1, -back, high), cushion, 0.04)
        pad(b, (x0, -back - 0.15, high), (x1, -back, top - 0.05), cushion, 0.08)
        if long:
            pad(b, (x0, -deep - long, foot), (x1, -deep, high - 0.12), cover, 0.03)
    middle = Builder()
    legs(middle, (wide / 2, deep / 2 - 0.03), foot + 0.02, 0.06, metal)
    b.extend(middle.mesh().placed(0, (wide / 2, -deep / 2, 0)))
    return b


def _sofa(rng: Rng) -> Mesh:
    """Two or three seats, or with a long seat at one side; sometimes loose cushions."""
    seats = int(rng.choice([2, 3, 3]))
    seat = rng.uniform(0.55, 0.72)
    b = _upholstered(rng, seat, seats, corner=chance(rng, 0.3))
    for _ in range(int(rng.integers(0, 4))):
        x, tall = rng.uniform(0.2, seat * seats - 0.2), rng.uniform(0.3, 0.42)
        cover = textures.fabric_material(rng)
        pad(b, (x - 0.2, -0.46, 0.42), (x + 0.2, -0.34, 0.42 + tall), cover, 0.06)
    mesh = b.mesh()
    return mesh.stretched((-1, 1, 1)) if chance(rng, 0.5) else mesh


def _stool(rng: Rng) -> Mesh:
    b, wood = Builder(), textures.furniture_material(rng)
    half, high = rng.uniform(0.14, 0.2), rng.uniform(0.42, 0.75)
    if chance(rng, 0.5):
        rings = [((0, 0, high - 0.04), (half, half)), ((0, 0, high), (half, half))]
        shell(b, [((0, 0, high - 0.04), (0, 0)), *rings, ((0, 0, high), (0, 0))], wood)
    else:
        cover = textures.fabric_material(rng)
        pad(b, (-half, -half, high - 0.06), (half, half, high), cover, 0.03)
    legs(b, (half * 0.8, half * 0.8), high - 0.03, 0.035, wood, rng.uniform(0, 0.07))
    return b.mesh()


SEAT_FAMILIES = {
    "chair": Family("object", _chair),
    "sofa": Family("object", _sofa),
    "stool": Family("unscored", _stool),
}
"""Families of seats by kind."""
