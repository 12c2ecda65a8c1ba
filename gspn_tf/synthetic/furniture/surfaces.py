"""Parametric surfaces that furniture is built of, and points sampled on them.

One formula serves every kind: with (a, b) uniform in the unit square, a point is
`origin + f u + g v + h w`, where f, g, h depend on the kind:

    QUAD   f = a                       g = b                       h = 0
    TUBE   f = r cos(2 pi a)           g = r sin(2 pi a)           h = b
           r = 1 - b (1 - shape): a cylinder or, with shape != 1, a cone
    DISC   f = r cos(2 pi a)           g = r sin(2 pi a)           h = 0
           r^2 uniform in shape^2..1: a disc or, with shape > 0, a ring
    DOME   f = s cos(2 pi a)           g = s sin(2 pi a)           h = b
           s^2 = 1 - h^2, h uniform in shape..1: an ellipsoid above a height

So thousands of surfaces are rows of one array and are sampled without a loop.
Coordinates are metres in the frame of the object.
"""

from typing import NamedTuple

import numpy as np

QUAD, TUBE, DISC, DOME = range(4)
Vector = tuple[float, float, float]
_COLUMNS = 17  # kind, origin 3, u 3, v 3, w 3, shape, colour 3


class Surfaces:
    """A growing list of surfaces; colours are 0..255."""

    def __init__(self) -> None:
        self.rows: list[tuple] = []

    def quad(self, origin: Vector, u: Vector, v: Vector, color: Vector) -> None:
        """A parallelogram."""
        self.rows.append((QUAD, *origin, *u, *v, 0, 0, 0, 1, *color))

    def box(self, low: Vector, high: Vector, color: Vector, hidden: str = "z") -> None:
        """An axis-aligned box; `hidden` names faces nobody sees, of "xXyYzZ"."""
        x, y, z = (b - a for a, b in zip(low, high, strict=True))
        self.slab(low, ((x, 0, 0), (0, y, 0), (0, 0, z)), color, hidden)

    def slab(
        self, origin: Vector, edges: tuple[Vector, ...], color: Vector, hidden: str = ""
    ) -> None:
        """A parallelepiped on three edges; a face is named by the edge it faces."""
        for axis, letter in enumerate("xyz"):
            u, v, w = edges[axis - 2], edges[axis - 1], edges[axis]
            if letter not in hidden:
                self.quad(origin, u, v, color)
            if letter.upper() not in hidden:
                x, y, z = (a + b for a, b in zip(origin, w, strict=True))
                self.quad((x, y, z), u, v, color)

    def tube(
        self, base: Vector, radius: float, height: float, color: Vector,
        taper: float = 1.0,
    ) -> None:  # fmt: skip
        """An upright cylinder's side; the radius at the top is `taper` as large."""
        self._round(TUBE, base, (radius, radius, height), taper, color)

    def oval(
        self, center: Vector, radii: tuple[float, float], color: Vector,
        hole: float = 0.0,
    ) -> None:  # fmt: skip
        """A level ellipse, with a hole of that share of its radii."""
        self._round(DISC, center, (*radii, 0), hole, color)

    def dome(
        self, center: Vector, radii: Vector, color: Vector, lowest: float = -1.0
    ) -> None:
        """An ellipsoid above `lowest` (-1 = all, 0 = upper half)."""
        self._round(DOME, center, radii, lowest, color)

    def _round(
        self, kind: int, origin: Vector, radii: Vector, shape: float, color: Vector
    ) -> None:
        x, y, z = radii
        self.rows.append((kind, *origin, x, 0, 0, 0, y, 0, 0, 0, z, shape, *color))

    def cylinder(
        self, base: Vector, radius: float, height: float, color: Vector
    ) -> None:
        """An upright cylinder with its top."""
        self.tube(base, radius, height, color)
        top = (base[0], base[1], base[2] + height)
        self.oval(top, (radius, radius), color)

    def array(self) -> np.ndarray:
        """All surfaces, [S, 17] float64."""
        return np.array(self.rows, float).reshape(-1, _COLUMNS)


def place(array: np.ndarray, angle: float, offset: Vector) -> np.ndarray:
    """Turns surfaces about z by `angle` radians, then moves them by `offset`."""
    cos, sin = np.cos(angle), np.sin(angle)
    out = array.copy()
    for first in (1, 4, 7, 10):
        x, y = array[:, first], array[:, first + 1]
        out[:, first] = cos * x - sin * y
        out[:, first + 1] = sin * x + cos * y
    out[:, 1:4] += offset
    return out


class Samples(NamedTuple):
    """Points on surfaces.

    points   [N, 3] float64    normals  [N, 3] unit, either side
    colors   [N, 3] 0..255     surface  [N] row in the array of surfaces
    """

    points: np.ndarray
    normals: np.ndarray
    colors: np.ndarray
    surface: np.ndarray


def areas(array: np.ndarray) -> np.ndarray:
    """Surface areas [S] in square metres; of domes, approximate."""
    u, v, w, shape = array[:, 4:7], array[:, 7:10], array[:, 10:13], array[:, 13]
    ru, rv, rw = (np.linalg.norm(e, axis=1) for e in (u, v, w))
    return np.choose(
        array[:, 0].astype(int),
        [
            np.linalg.norm(np.cross(u, v), axis=1),
            2 * np.pi * np.sqrt(ru * rv) * rw * (1 + shape) / 2,
            np.pi * ru * rv * (1 - shape**2),
            4 * np.pi * ((ru * rv + ru * rw + rv * rw) / 3) * (1 - shape) / 2,
        ],
    )


def sample(
    rng: np.random.Generator, array: np.ndarray, weights: np.ndarray, count: int
) -> Samples:
    """Draws `count` points, a surface's chance being its area times its weight."""
    share = np.cumsum(areas(array) * weights)
    rows = np.searchsorted(share, rng.random(count) * share[-1], side="right")
    rows = np.minimum(rows, len(array) - 1)
    picked = array[rows]
    kind, shape = picked[:, 0], picked[:, 13]
    a, b = rng.random(count), rng.random(count)
    cos, sin = np.cos(2 * np.pi * a), np.sin(2 * np.pi * a)
    tube, disc, dome = kind == TUBE, kind == DISC, kind == DOME
    height = np.where(tube, b, np.where(dome, shape + (1 - shape) * b, 0.0))
    radius = np.where(tube, 1 - b * (1 - shape), 1.0)
    radius = np.where(disc, np.sqrt(shape**2 + (1 - shape**2) * b), radius)
    radius = np.where(dome, np.sqrt(np.maximum(1 - height**2, 0.0)), radius)
    f = np.where(kind == QUAD, a, radius * cos)
    g = np.where(kind == QUAD, b, radius * sin)
    factors = np.stack([f, g, height], axis=1)
    edges = picked[:, 4:13].reshape(-1, 3, 3)
    points = picked[:, 1:4] + np.einsum("nk,nkd->nd", factors, edges)
    facing = normals(array, rows, factors)
    return Samples(points, facing, picked[:, 14:17].copy(), rows)


def normals(array: np.ndarray, rows: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Unit normals; cones count as cylinders and ellipsoids as spheres."""
    kinds = array[:, 0].astype(int)
    flat = np.cross(array[:, 4:7], array[:, 7:10])[rows]
    axes = np.array([[0, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 1]])  # by kind
    edges = array[:, 4:13].reshape(-1, 3, 3) * axes[kinds][:, :, None]
    curved = np.einsum("nk,nkd->nd", factors, edges[rows])
    is_flat = (kinds == QUAD) | (kinds == DISC)
    normals = np.where(is_flat[rows][:, None], flat, curved)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
