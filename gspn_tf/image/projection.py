"""Pixels of a posed depth camera <-> vertices of the scan: who sees whom.

A vertex is visible in a frame where it falls into the image before the camera, and the
depth that was measured there is its own: otherwise something hides it.
"""

from typing import NamedTuple

import numpy as np

from gspn_tf.files.depth import Intrinsics

TOLERANCE = 0.05
"""Metres by which a visible vertex may be off the measured depth."""
_ROWS = 1 << 20  # vertices that are projected at a time


class VisibleVertices(NamedTuple):
    """Vertices of a scan that a frame shows, and the pixels that they fall into."""

    vertices: np.ndarray  # [N] int32 rows of the scan, ascending
    pixels: np.ndarray  # [N, 2] int32 row and column

    def inside(self, mask: np.ndarray) -> np.ndarray:
        """Give the vertices [n] that fall into a mask [H, W] bool, ascending."""
        return self.vertices[mask[self.pixels[:, 0], self.pixels[:, 1]]]


def visible_vertices(
    points: np.ndarray,
    pose: np.ndarray,
    camera: Intrinsics,
    depth: np.ndarray,
    tolerance: float = TOLERANCE,
) -> VisibleVertices:
    """Project the vertices of a scan, and keep those that nothing hides.

    Args:
        points: [V, 3] metres; rows that are not finite are never visible.
        pose: [4, 4] the points' frame from the camera's.
        camera: of the depth; pixel (0, 0) is the middle of the upper left one.
        depth: [H, W] metres along the optical axis; 0 or NaN = not measured.
        tolerance: metres.
    """
    parts = [
        _visible(points[start : start + _ROWS], pose, camera, depth, tolerance, start)
        for start in range(0, len(points), _ROWS)
    ]
    if not parts:
        return VisibleVertices(np.zeros(0, np.int32), np.zeros((0, 2), np.int32))
    return VisibleVertices(*map(np.concatenate, zip(*parts, strict=True)))


def _visible(
    points: np.ndarray,
    pose: np.ndarray,
    camera: Intrinsics,
    depth: np.ndarray,
    tolerance: float,
    start: int,
) -> VisibleVertices:
    """Vertices of `points`, which are rows `start` and on of the scan."""
    height, width = depth.shape
    x, y, z = ((points - pose[:3, 3]) @ pose[:3, :3]).T.astype(np.float64)
    (fx, fy), (cx, cy) = camera
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        column, row = np.round(x / z * fx + cx), np.round(y / z * fy + cy)
        met = (z > 0) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    met = np.flatnonzero(met)
    pixels = np.stack([row[met], column[met]], axis=1).astype(np.int32)
    measured = depth[pixels[:, 0], pixels[:, 1]]
    is_surface = (measured > 0) & (np.abs(z[met] - measured) < tolerance)
    vertices = (met[is_surface] + start).astype(np.int32)
    return VisibleVertices(vertices, pixels[is_surface])
