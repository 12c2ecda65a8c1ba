"""How bare points become surfaces in an open room: sizes, walls, and a bounded number.

The page and the still pictures share it.
"""

import numpy as np
from scipy.spatial import ConvexHull, cKDTree

from gspn_tf.files.stray import stray_points

NEIGHBORS = 6
CELL = 0.12  # metres; outlines are drawn round cells that hold a few points
WALL = 0.2  # metres; so near the outline of a scan a point belongs to a wall
FLOOR = 0.12  # metres; what lies lower is never taken for a wall


def shown_rows(points: np.ndarray, most: int) -> np.ndarray:
    """Return the rows of points [V, 3] to show; of too many, `most` by chance.

    Points that are not finite, or stray, are left out. The draw is the same each time,
    and rows rise.
    """
    rows = np.flatnonzero(np.isfinite(points).all(axis=1) & ~stray_points(points))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
    return rows


def splat_sizes(points: np.ndarray) -> np.ndarray:
    """Return diameters [V], metres, of discs at points [V, 3] that close a surface.

    Each follows the distance to the point's neighbours, within 0.6 to 2.2 times the
    median, so that sparse walls close and stray points stay small.
    """
    if len(points) < 2:
        return np.full(len(points), 0.02)
    count = min(NEIGHBORS, len(points))
    distances, _ = cKDTree(points).query(points, k=count)
    sizes = 1.15 * distances[:, -1]
    typical = float(np.median(sizes)) or 0.02
    return np.clip(sizes, 0.6 * typical, 2.2 * typical)


def outward_directions(points: np.ndarray) -> np.ndarray:
    """Return where outer walls face: [V, 2] unit vectors in the floor plane, else zero.

    A point near the outline (convex hull from above) of the scan gets the outline's
    outward normal. A picture leaves out what faces the camera, and one looks into the
    room whichever side one stands on.
    """
    outward = np.zeros((len(points), 2))
    outline = _outline(points)
    if outline is None:
        return outward
    normals, offsets = outline[:, :2], outline[:, 2]
    above = points[:, 2] > np.percentile(points[:, 2], 1) + FLOOR
    inside = points[:, :2] @ normals.T + offsets  # [V, E] negative inside
    nearest = inside.argmax(axis=1)
    wall = above & (inside.max(axis=1) > -WALL)
    outward[wall] = normals[nearest[wall]]
    return outward


def _outline(points: np.ndarray) -> np.ndarray | None:
    """Return edges [E, 3] of the hull from above: normal, offset; None of few."""
    cells = np.floor(points[:, :2] / CELL).astype(np.int64)
    cells, counts = np.unique(cells, axis=0, return_counts=True)
    cells = cells[counts >= 3]
    corners = np.concatenate([cells + [x, y] for x in (0, 1) for y in (0, 1)]) * CELL
    if len(cells) < 100:
        return None
    return ConvexHull(corners).equations
