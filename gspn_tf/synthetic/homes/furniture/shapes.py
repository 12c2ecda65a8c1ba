"""Parts that the families of furniture share: shells, rods, cushions, cloth, legs."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from gspn_tf.synthetic.homes.furniture.finishes import Rng
from gspn_tf.synthetic.homes.meshes import Builder, Material, Mesh, Vector
from gspn_tf.synthetic.homes.things import Role

Ring = tuple[Vector, Vector]


class Family(NamedTuple):
    """A kind of furniture and how a piece of it is drawn.

    draw  makes a piece where it usually hangs: z is above the floor, x and y are free;
          its front is towards -y
    """

    role: Role
    draw: Callable[[Rng], Mesh]


def chance(rng: Rng, share: float) -> bool:
    """Return True in a share of all cases."""
    return bool(rng.random() < share)


def shell(
    b: Builder,
    rings: Sequence[Ring],
    material: Material,
    power: float = 2.0,
    sides: int = 20,
) -> None:
    """Add a surface through level, rounded rectangles.

    Args:
        b: takes it.
        rings: a middle (x, y, z) and half widths (x, y) for each, metres.
        material: of all of it.
        power: 2 for ellipses; the higher, the closer to rectangles.
        sides: corners of each ring.
    """
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False) + np.pi / sides
    cos, sin = np.cos(turn), np.sin(turn)
    reach = (np.abs(cos) ** power + np.abs(sin) ** power) ** (-1 / power)
    edge = np.stack([cos * reach, sin * reach, np.zeros(sides)], axis=1)
    points = [np.asarray(middle) + edge * (*half, 0.0) for middle, half in rings]
    _close(b, points, material)


def _close(b: Builder, rings: list[np.ndarray], material: Material) -> None:
    """Add a surface through rings [N, 3]; a first or last point at the end is a lid."""
    first = int(np.ptp(rings[0], axis=0).max() == 0)
    last = len(rings) - int(np.ptp(rings[-1], axis=0).max() == 0)
    if first:
        lid(b, rings[0][0], rings[1], material)
    if last < len(rings):
        lid(b, rings[-1][0], rings[-2], material)
    if last - first > 1:
        b.sheet(np.stack(rings[first:last]), material, closed=True)


def lid(b: Builder, middle: Vector, rim: np.ndarray, material: Material) -> None:
    """Add a fan from a point to a closed rim [N, 3], its texture laid flat on it."""
    points, count = np.concatenate([rim, np.asarray(middle)[None]]), len(rim)
    rows = np.arange(count)
    faces = np.stack([rows, (rows + 1) % count, np.full(count, count)], axis=1)
    axes = np.sort(np.argsort(np.ptp(points, axis=0))[1:])
    b.add(points, faces, points[:, axes], material)


def pad(
    b: Builder, low: Vector, high: Vector, material: Material, round_off: float = 0.04
) -> None:
    """Add a block with rounded edges, such as a cushion or a mattress.

    Args:
        b: takes it.
        low: lowest corner [3], metres.
        high: highest corner [3].
        material: of all of it.
        round_off: radius of the edges, metres.
    """
    low, high = np.asarray(low, float), np.asarray(high, float)
    half, middle = (high - low) / 2, (high + low) / 2
    radius = min(round_off, *half)
    inset = radius * np.array([1, 0.3, 0, 0, 0.3, 1])
    depth = radius * np.array([0, 0.3, 1])
    heights = [*(low[2] + depth), *(high[2] - depth[::-1])]
    turn = np.deg2rad([0, 45, 90, 90, 135, 180, 180, 225, 270, 270, 315, 360])
    arc = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    corner = np.repeat([[1, 1], [-1, 1], [-1, -1], [1, -1]], 3, axis=0)
    rings = []
    for z, i in zip(heights, inset, strict=True):
        level = middle[:2] + corner * (half[:2] - radius) + arc * (radius - 0.7 * i)
        rings.append(np.insert(level, 2, z, axis=1))
    bottom, top = (
        np.broadcast_to((*middle[:2], z), (12, 3)) for z in (low[2], high[2])
    )
    _close(b, [bottom, *rings, top], material)


def rod(
    b: Builder,
    start: Vector,
    end: Vector,
    radius: float,
    material: Material,
    sides: int = 8,
) -> None:
    """Add a round bar between two points, closed at its ends."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    along = (end - start) / np.linalg.norm(end - start)
    aside = np.cross(along, (0, 0, 1) if abs(along[2]) < 0.9 else (1, 0, 0))
    aside /= np.linalg.norm(aside)
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)[:, None]
    circle = radius * (np.cos(turn) * aside + np.sin(turn) * np.cross(along, aside))
    rings = [start + 0 * circle, start + circle, end + circle, end + 0 * circle]
    _close(b, rings, material)


def prism(
    b: Builder, outline: np.ndarray, low: float, high: float, axis: int, m: Material
) -> None:
    """Add a solid that has a convex outline across an axis.

    Args:
        b: takes it.
        outline: [N, 2] metres along the other two axes, in their order.
        low: where it begins along the axis.
        high: where it ends.
        axis: 0, 1 or 2.
        m: of all of it.
    """
    outline = np.asarray(outline, float)
    middle = np.broadcast_to(outline.mean(axis=0), outline.shape)
    rings = [np.insert(middle, axis, low, axis=1), np.insert(outline, axis, low, 1)]
    rings += [np.insert(outline, axis, high, 1), np.insert(middle, axis, high, 1)]
    _close(b, rings, m)


def image_once(
    b: Builder, origin: Vector, u: Vector, v: Vector, material: Material
) -> None:
    """Add a parallelogram that shows a material's image once, its top at the far v."""
    corner, u, v = (np.asarray(x, np.float32) for x in (origin, u, v))
    points = np.stack([corner, corner + u, corner + u + v, corner + v])
    last = 0.999
    uv = np.array([[0, last], [last, last], [last, 0], [0, 0]])
    b.add(points, np.array([[0, 1, 2], [0, 2, 3]]), uv, material)


def folds(rng: Rng, width: float, count: int) -> np.ndarray:
    """Draw the depth, -1..1, of a folded cloth at `count` places across its width."""
    waves = max(2, round(width / rng.uniform(0.09, 0.2)))
    along = np.linspace(0, 1, count)
    bend = along + 0.5 / waves * np.interp(
        along, np.linspace(0, 1, 6), rng.uniform(-0.8, 0.8, 6)
    )
    return np.sin(2 * np.pi * waves * bend)


def draped(rng: Rng, width: float, depth: float, bump: float, steps: int) -> np.ndarray:
    """Draw a bumpy cloth that lies on the floor.

    Returns:
        Points [steps, steps, 3], metres: bumps in the middle, its rim near z = 0.
    """
    x, y = np.meshgrid(np.linspace(-1, 1, steps), np.linspace(-1, 1, steps))
    z = np.zeros_like(x)
    for _ in range(9):
        (cx, cy), far = rng.uniform(-0.6, 0.6, 2), rng.uniform(0.2, 0.5)
        z += rng.uniform(0.2, 1) * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / far**2)
    creases = gaussian_filter(rng.standard_normal((3, steps, steps)), (0, 1.5, 1.5))
    creases /= creases.std()
    z = np.maximum(z / z.max() + 0.12 * creases[2], 0.05)
    z *= bump * np.clip(1.2 - np.maximum(np.abs(x), np.abs(y)) ** 2, 0.05, 1)
    x, y = x + 0.12 * creases[0], y + 0.12 * creases[1]
    return np.stack([x * width / 2, y * depth / 2, z], axis=-1)


def legs(
    b: Builder,
    half: Vector,
    height: float,
    thick: float,
    material: Material,
    lean: float = 0,
) -> None:
    """Add four legs under the corners (+-x, +-y) = `half`, leaning out by `lean`."""
    for sx in (-1, 1):
        for sy in (-1, 1):
            x, y = sx * (half[0] - thick / 2), sy * (half[1] - thick / 2)
            foot = ((x + sx * lean, y + sy * lean, 0), (thick / 3, thick / 3))
            top = ((x, y, height), (thick / 2, thick / 2))
            shell(b, [foot, top], material, power=8.0, sides=8)
