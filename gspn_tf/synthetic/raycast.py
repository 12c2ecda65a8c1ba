"""Parametric surfaces as a pinhole camera sees them: a z-buffer with exact hits.

A pixel's ray is followed to where it meets each surface that may cover the pixel; the
nearest hit stays. In the frame of a surface (`surfaces`: origin, u, v and w) every
kind is a unit shape, so a hit is the root of a linear or a quadratic equation.
"""

from typing import NamedTuple

import numpy as np

from gspn_tf.synthetic.furniture.surfaces import DISC, DOME, QUAD, TUBE

NEAR = 0.1  # metres: nothing nearer to the camera is seen
_CORNERS = np.stack(np.meshgrid(*[(0.0, 1.0)] * 3), axis=-1).reshape(8, 3)


class Hits(NamedTuple):
    """Where the rays of the pixels end.

    depth    [H, W] metres along the optical axis, infinite where there is nothing
    surface  [H, W] row of the surfaces, -1 = none
    factors  [H, W, 3] the hit in the frame of its surface
    """

    depth: np.ndarray
    surface: np.ndarray
    factors: np.ndarray


def cast(
    surfaces: np.ndarray, position: np.ndarray, rotation: np.ndarray, rays: np.ndarray
) -> Hits:
    """The nearest surfaces that a camera sees.

    surfaces  [S, 17], metres          position  [3] of the camera among them
    rotation  [3, 3] from the camera frame (x right, y down, z forward) to theirs
    rays      [H, W, 3] of the pixels in the camera frame, of depth 1
    """
    size = rays.shape[:2]
    hits = Hits(np.full(size, np.inf), np.full(size, -1), np.zeros((*size, 3)))
    for row, surface in enumerate(surfaces):
        kind, shape = int(surface[0]), surface[13]
        origin = (surface[1:4] - position) @ rotation
        edges = surface[4:13].reshape(3, 3) @ rotation
        window = _window(_bounds(kind, shape) @ edges + origin, rays)
        if not edges[2].any():  # flat
            edges[2] = np.cross(edges[0], edges[1])
        to_unit = np.linalg.inv(edges)
        start, along = -origin @ to_unit, rays[window] @ to_unit
        depth, factors = _first_hit(kind, shape, start, along)
        nearer = depth < hits.depth[window]
        hits.depth[window][nearer] = depth[nearer]
        hits.surface[window][nearer] = row
        hits.factors[window][nearer] = factors[nearer]
    return hits


def _bounds(kind: int, shape: float) -> np.ndarray:
    """Corners [8, 3] of a box around a surface, in its frame."""
    wide = max(1.0, shape)
    low, high = {
        QUAD: ((0, 0, 0), (1, 1, 0)),
        TUBE: ((-wide, -wide, 0), (wide, wide, 1)),
        DISC: ((-1, -1, 0), (1, 1, 0)),
        DOME: ((-1, -1, shape), (1, 1, 1)),
    }[kind]
    return low + _CORNERS * np.subtract(high, low)


def _window(corners: np.ndarray, rays: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the pixels that a box may cover."""
    depth = corners[:, 2]
    if depth.max() <= NEAR:
        return slice(0), slice(0)
    if depth.min() <= NEAR:  # its outline cannot be projected
        return slice(None), slice(None)
    x, y = (corners[:, :2] / depth[:, None]).T
    first_column, last_column = np.searchsorted(rays[0, :, 0], (x.min(), x.max()))
    first_row, last_row = np.searchsorted(rays[:, 0, 1], (y.min(), y.max()))
    return slice(first_row, last_row), slice(first_column, last_column)


def _first_hit(
    kind: int, shape: float, start: np.ndarray, rays: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Depth [h, w] of the nearest hit, infinite = none, and where it is [h, w, 3].

    start [3] of all rays and their directions [h, w, 3], in the surface's frame
    """
    best, where = np.full(rays.shape[:2], np.inf), np.zeros(rays.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        for depth in _roots(kind, shape, start, rays):
            at = start + depth[..., None] * rays
            better = (depth > NEAR) & (depth < best) & _covered(kind, shape, at)
            best[better], where[better] = depth[better], at[better]
    return best, where


def _roots(
    kind: int, shape: float, start: np.ndarray, rays: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Depths [h, w] where rays meet the plane, cone or sphere; NaN = nowhere."""
    if kind in (QUAD, DISC):
        return (-start[2] / rays[..., 2],)
    # x^2 + y^2 is (1 - k z)^2 on a cone, 1 - z^2 on a sphere: a t^2 + 2 b t + c = 0
    x, y, z = np.moveaxis(rays, -1, 0)
    a, b = x**2 + y**2, start[0] * x + start[1] * y
    c = start[0] ** 2 + start[1] ** 2
    if kind == TUBE:
        k = 1 - shape
        radius = 1 - k * start[2]
        a, b, c = a - (k * z) ** 2, b + k * radius * z, c - radius**2
    else:
        a, b, c = a + z**2, b + start[2] * z, c + start[2] ** 2 - 1
    root = np.sqrt(b**2 - a * c)
    return (-b - root) / a, (-b + root) / a


def _covered(kind: int, shape: float, at: np.ndarray) -> np.ndarray:
    """Whether points [h, w, 3] of the plane, cone or sphere are of the surface."""
    x, y, z = np.moveaxis(at, -1, 0)
    if kind == QUAD:
        return (x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)
    if kind == DISC:
        radius = x**2 + y**2
        return (radius >= shape**2) & (radius <= 1)
    return (z >= 0) & (z <= 1) if kind == TUBE else z >= shape
