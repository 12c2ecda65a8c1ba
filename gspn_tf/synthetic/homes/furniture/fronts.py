"""Cupboards: bodies with doors or drawers, which many families share."""

from gspn_tf.synthetic.homes.furniture import finishes, textures
from gspn_tf.synthetic.homes.furniture.finishes import Rng
from gspn_tf.synthetic.homes.furniture.shapes import chance
from gspn_tf.synthetic.homes.meshes import Builder, Material, Vector


def fronts(
    b: Builder,
    low: Vector,
    high: Vector,
    grid: tuple[int, int],
    materials: tuple[Material, Material],
    handle: str,
) -> None:
    """Add doors or drawers in front of a body, each with a handle.

    Args:
        b: takes them.
        low: lowest corner (x, y, z); y is the body's front, metres.
        high: highest corner (x, z).
        grid: columns and rows.
        materials: of the fronts and of the handles.
        handle: "bar" across, "upright" near an edge, "knob", or "" for none.
    """
    (x0, y, z0), (x1, z1), gap = low, high, 0.006
    wide, tall = (x1 - x0) / grid[0], (z1 - z0) / grid[1]
    for column in range(grid[0]):
        for row in range(grid[1]):
            x, z = x0 + column * wide, z0 + row * tall
            corner = (x + wide - gap, y, z + tall - gap)
            b.box((x + gap, y - 0.02, z + gap), corner, materials[0])
            left = column % 2 == 1
            edge = x + (0.05 if left else wide - 0.05)
            middle = (x + wide / 2, z + tall / 2)
            _handle(b, handle, (edge, y - 0.02), middle, (wide, tall), materials[1])


def _handle(
    b: Builder,
    handle: str,
    edge: tuple[float, float],
    middle: tuple[float, float],
    size: tuple[float, float],
    material: Material,
) -> None:
    (x, y), (mx, mz) = edge, middle
    if handle == "bar":
        half = min(0.1, 0.3 * size[0])
        high = mz + min(0.3 * size[1], 0.06)
        b.box((mx - half, y - 0.03, high), (mx + half, y, high + 0.015), material)
    elif handle == "upright":
        half = min(0.12, 0.3 * size[1])
        b.box((x - 0.008, y - 0.035, mz - half), (x + 0.008, y, mz + half), material)
    elif handle == "knob":
        b.box((x - 0.015, y - 0.03, mz - 0.015), (x + 0.015, y, mz + 0.015), material)


_HANDLES = ("bar", "upright", "knob", "")


def cupboard(
    b: Builder,
    rng: Rng,
    size: tuple[float, float, float],
    grid: tuple[int, int],
    materials: tuple[Material, Material, Material],
    foot: float = 0.08,
) -> None:
    """Add a cupboard of a size from x = 0, back on y = 0: body, fronts, handles."""
    (wide, deep, tall), (body, front, handle) = size, materials
    if foot > 0:
        b.box((0.02, -deep + 0.07, 0), (wide - 0.02, -0.01, foot), body)
    b.box((0, -deep + 0.02, foot), (wide, 0, tall), body)
    low, kind = (0, -deep + 0.02, foot), _HANDLES[rng.integers(len(_HANDLES))]
    fronts(b, low, (wide, tall), grid, (front, handle), kind)


def cupboard_looks(rng: Rng) -> tuple[Material, Material, Material]:
    """Draw a cupboard's body's, its fronts' and its handles' materials."""
    front = textures.furniture_material(rng)
    body = front if chance(rng, 0.6) else textures.furniture_material(rng)
    return body, front, finishes.metal(rng)
