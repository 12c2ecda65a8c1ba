"""Families that hang on walls or stand in their openings: curtains, pictures, doors."""

import numpy as np

from gspn_tf.synthetic.homes.furniture import finishes, textures
from gspn_tf.synthetic.homes.furniture.finishes import Rng
from gspn_tf.synthetic.homes.furniture.shapes import (
    Family,
    chance,
    folds,
    image_once,
    rod,
    shell,
)
from gspn_tf.synthetic.homes.meshes import Builder, Material, Mesh


def _hanging(
    rng: Rng, x: float, width: float, z: tuple[float, float], cloth: Material
) -> Builder:
    """A folded sheet from x, from z[0] up to z[1]; it may be gathered below."""
    b, columns, rows = Builder(), max(16, round(width * 50)), 12
    wave = folds(rng, width, columns)
    down = np.linspace(0, 1, rows)[:, None]
    depth = rng.uniform(0.03, 0.07) * (0.7 + 0.4 * down) * wave
    tied = np.exp(-(((down - 0.6) / 0.2) ** 2)) * (0.45 if chance(rng, 0.2) else 0.0)
    flare = 1 + rng.uniform(-0.05, 0.08) * down - tied
    side = rng.choice([0.0, 0.5, 1.0])
    along = np.linspace(0, width, columns)[None] - side * width
    columns_x = x + side * width + along * flare
    height = z[1] + down * (z[0] - z[1])
    grid = np.broadcast_arrays(columns_x, depth, height)
    b.sheet(np.stack(grid, axis=-1), cloth)
    return b


def _curtain(rng: Rng) -> Mesh:
    """One sheet or an open or closed pair on a rod, to the floor or to the sill."""
    b, cloth = Builder(), textures.fabric_material(rng)
    span, top = rng.uniform(0.9, 2.6), rng.uniform(2.0, 2.45)
    foot = rng.uniform(0.02, 0.12) if chance(rng, 0.65) else rng.uniform(0.6, 0.95)
    style = rng.integers(3)
    if style == 0:
        panels = [(0.0, span * rng.uniform(0.6, 1))]
    else:
        wide = span * (0.495 if style == 1 else rng.uniform(0.18, 0.35))
        panels = [(0.0, wide), (span - wide, wide)]
    for x, wide in panels:
        b.extend(_hanging(rng, x, wide, (foot, top - 0.02), cloth).mesh())
    bar = finishes.metal(rng) if chance(rng, 0.6) else textures.wood_material(rng)
    rod(b, (-0.08, 0, top), (span + 0.08, 0, top), rng.uniform(0.012, 0.02), bar)
    return b.mesh()


def _picture(rng: Rng) -> Mesh:
    """A framed image, with a white mount or none, upright, broad or square."""
    b, image = Builder(), textures.picture_material(rng)
    frame = finishes.plastic(rng) if chance(rng, 0.4) else textures.wood_material(rng)
    long = rng.uniform(0.3, 1.1)
    short = long * rng.choice([0.62, 0.7, 0.8, 1.0])
    wide, tall = (long, short) if chance(rng, 0.5) else (short, long)
    deep, edge = rng.uniform(0.02, 0.04), rng.uniform(0.015, 0.06)
    low = rng.uniform(1.5, 1.7) - tall / 2
    for x0, x1, z0, z1 in (
        (0, wide, 0, edge),
        (0, wide, tall - edge, tall),
        (0, edge, edge, tall - edge),
        (wide - edge, wide, edge, tall - edge),
    ):
        b.box((x0, -deep, low + z0), (x1, 0, low + z1), frame)
    y, inner = -0.6 * deep, edge
    if chance(rng, 0.4) and short > 0.35:
        mount = finishes.enamel(rng)
        b.quad(
            (edge, y, low + edge),
            (wide - 2 * edge, 0, 0),
            (0, 0, tall - 2 * edge),
            mount,
        )
        inner, y = edge + rng.uniform(0.04, 0.1), y - 0.002
    across, up = (wide - 2 * inner, 0, 0), (0, 0, tall - 2 * inner)
    image_once(b, (inner, y, low + inner), across, up, image)
    return b.mesh()


def _frame(
    b: Builder,
    size: tuple[float, float],
    low: float,
    y: tuple[float, float],
    edge: float,
    m: Material,
    sill: bool = True,
) -> None:
    """Add four (or, without a sill, three) bars around an opening from x = 0."""
    (wide, tall), (y0, y1) = size, y
    b.box((0, y0, low), (edge, y1, low + tall), m)
    b.box((wide - edge, y0, low), (wide, y1, low + tall), m)
    b.box((edge, y0, low + tall - edge), (wide - edge, y1, low + tall), m)
    if sill:
        b.box((edge, y0, low), (wide - edge, y1, low + edge), m)


def _window(rng: Rng) -> Mesh:
    """A frame with one to three sashes of clear panes, a sill, sometimes blinds."""
    b, pane = Builder(), finishes.clear_glass(rng)
    white = chance(rng, 0.65)
    bars = finishes.enamel(rng) if white else textures.wood_material(rng)
    wide, tall = rng.uniform(0.6, 2.2), rng.uniform(0.8, 1.5)
    low = rng.uniform(0.75, 1.05)
    if chance(rng, 0.12):
        low, tall = 0.05, rng.uniform(1.9, 2.2)
    sashes = max(1, round(wide / rng.uniform(0.6, 0.9)))
    _frame(b, (wide, tall), low, (-0.1, 0), 0.05, bars)
    step = (wide - 0.1) / sashes
    crossbar = chance(rng, 0.4)
    for number in range(sashes):
        x, sash = 0.05 + number * step, Builder()
        _frame(sash, (step, tall - 0.1), low + 0.05, (-0.07, -0.03), 0.05, bars)
        if crossbar:
            z = low + tall * rng.choice([0.5, 0.7])
            sash.box((0.05, -0.065, z), (step - 0.05, -0.035, z + 0.03), bars)
        up = (0, 0, tall - 0.2)
        sash.quad((0.05, -0.05, low + 0.1), (step - 0.1, 0, 0), up, pane)
        b.extend(sash.mesh().placed(0, (x, 0, 0)))
    if chance(rng, 0.7):
        deep = rng.uniform(0.15, 0.25)
        b.box((-0.04, -deep, low - 0.03), (wide + 0.04, 0, low), bars)
    if chance(rng, 0.3):
        _blinds(b, rng, wide, (low, low + tall))
    return b.mesh()


def _blinds(b: Builder, rng: Rng, wide: float, z: tuple[float, float]) -> None:
    """Add slats in front of a window, let down by a third or more."""
    slat = finishes.enamel(rng) if chance(rng, 0.7) else textures.wood_material(rng)
    foot = z[1] - (z[1] - z[0]) * rng.uniform(0.3, 1)
    b.box((0, -0.15, z[1] - 0.05), (wide, -0.11, z[1]), slat)
    tilt = rng.uniform(0.005, 0.02)
    for height in np.arange(foot, z[1] - 0.05, 0.04):
        b.quad((0.01, -0.15, height), (wide - 0.02, 0, 0), (0, 0.04, tilt), slat)


def _leaf(rng: Rng, wide: float, tall: float, coat: Material) -> Mesh:
    """A door's leaf from x = 0 on y = 0: flat, panelled or glazed, with handles."""
    b, style, thick = Builder(), rng.integers(3), 0.04
    metal = finishes.metal(rng)
    if style == 2:
        _frame(b, (wide, tall), 0, (0, thick), 0.12, coat)
        b.box((0.12, 0.01, 0.12), (wide - 0.12, 0.03, 0.5), coat)
        up = (0, 0, tall - 0.62)
        b.quad((0.12, 0.02, 0.5), (wide - 0.24, 0, 0), up, finishes.clear_glass(rng))
    else:
        b.box((0, 0, 0), (wide, thick, tall), coat)
    if style == 1:
        rows = int(rng.integers(2, 5))
        for row in range(rows):
            z0 = 0.12 + row * (tall - 0.12) / rows
            z1 = z0 + (tall - 0.12) / rows - 0.1
            b.box((0.12, -0.012, z0), (wide - 0.12, thick + 0.012, z1), coat)
    for side in (-0.05, thick + 0.03):
        x = wide - 0.08
        b.box((x - 0.1, side, 1.02), (x + 0.01, side + 0.02, 1.04), metal)
        b.box(
            (x - 0.01, min(side, thick), 1.02), (x + 0.01, max(side, 0.0), 1.04), metal
        )
    return b.mesh()


def _door(rng: Rng) -> Mesh:
    """A leaf in its frame, shut, ajar or wide open towards -y."""
    b, coat = Builder(), textures.furniture_material(rng)
    frame = coat if chance(rng, 0.6) else textures.furniture_material(rng)
    wide, tall = rng.uniform(0.72, 0.98), rng.uniform(1.97, 2.12)
    edge, deep = rng.uniform(0.05, 0.09), rng.uniform(0.08, 0.14)
    whole = (wide + 2 * edge, tall + edge)
    _frame(b, whole, 0, (-deep, 0), edge, frame, sill=False)
    swing = -rng.choice([0.0, 0.0, rng.uniform(0.2, 1.2), rng.uniform(1.3, 1.75)])
    leaf = _leaf(rng, wide - 0.006, tall - 0.012, coat).placed(swing, (0, 0, 0.008))
    b.extend(leaf.placed(0, (edge + 0.003, -deep + 0.005, 0)))
    mesh = b.mesh()
    return mesh.stretched((-1, 1, 1)) if chance(rng, 0.5) else mesh


def _mirror(rng: Rng) -> Mesh:
    b, edge = Builder(), textures.furniture_material(rng)
    wide, tall, low = (
        rng.uniform(0.4, 0.9),
        rng.uniform(0.5, 1.2),
        rng.uniform(0.9, 1.1),
    )
    glass = Material(finishes.tone(rng, (150, 200), (3, 15)), gloss=0.95)
    _frame(b, (wide, tall), low, (-0.03, 0), 0.03, edge)
    b.quad((0.03, -0.015, low), (wide - 0.06, 0, 0), (0, 0, tall), glass)
    return b.mesh()


def _whiteboard(rng: Rng) -> Mesh:
    b, white, metal = Builder(), finishes.enamel(rng), finishes.metal(rng)
    wide, tall, low = rng.uniform(0.9, 2.4), rng.uniform(0.9, 1.2), rng.uniform(0.8, 1)
    _frame(b, (wide, tall), low, (-0.025, 0), 0.02, metal)
    b.quad((0.02, -0.015, low), (wide - 0.04, 0, 0), (0, 0, tall), white)
    b.box((0.2 * wide, -0.08, low), (0.8 * wide, 0, low + 0.015), metal)
    return b.mesh()


def _radiator(rng: Rng) -> Mesh:
    """Upright ribs between two pipes, or a flat panel with a grille of ribs."""
    b, white = Builder(), finishes.enamel(rng)
    wide, tall, low = (
        rng.uniform(0.5, 1.6),
        rng.uniform(0.4, 0.65),
        rng.uniform(0.08, 0.15),
    )
    for z in (low + 0.05, low + tall - 0.05):
        rod(b, (0, -0.06, z), (wide, -0.06, z), 0.018, white, sides=6)
    for x in np.arange(0.03, wide, rng.uniform(0.05, 0.09)):
        rings = [((x, -0.06, z), (0.018, 0.05)) for z in (low, low + tall)]
        top = ((x, -0.06, low + tall), (0, 0))
        shell(b, [*rings, top], white, power=6, sides=8)
    return b.mesh()


WALL_FAMILIES = {
    "curtain": Family("object", _curtain),
    "door": Family("object", _door),
    "picture": Family("object", _picture),
    "window": Family("object", _window),
    "mirror": Family("unscored", _mirror),
    "radiator": Family("unscored", _radiator),
    "whiteboard": Family("unscored", _whiteboard),
}
"""Families of walls and their openings by kind."""
