"""Fuses depth images into a mesh, as KinectFusion and its heirs do.

A truncated signed distance is kept on a dense grid (Curless and Levoy, SIGGRAPH 1996);
marching cubes finds the surface, and it is thinned to ScanNet's density.
"""

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_matrix, csgraph

VOXEL = 0.03  # metres
TRUNCATION = 3  # voxels before and behind a surface that a ray informs
DENSITY = 534  # vertices a square metre in ScanNet's scene0000_00
_FACES = 1.89  # faces of that mesh for each vertex
_FEWEST_FACES = 40  # of a piece that is kept
_SEEN = 2  # rays that must have informed a voxel


class Volume:
    """Signed distances on a grid over a box, from rays that are added."""

    def __init__(self, low: np.ndarray, high: np.ndarray) -> None:
        self._low = np.asarray(low, np.float32) - 4 * VOXEL
        self._shape = np.ceil((high - self._low) / VOXEL + 4).astype(np.int64)
        self._sum = np.zeros(self._shape.prod(), np.float32)
        self._weight = np.zeros(self._shape.prod(), np.int32)
        self._hit = np.zeros(self._shape.prod(), bool)

    def add(
        self, origins: np.ndarray, directions: np.ndarray, distance: np.ndarray
    ) -> None:
        """Add rays: origins [R, 3], unit directions [R, 3], lengths [R], metres."""
        reach = np.array([[-TRUNCATION], [TRUNCATION]]) * VOXEL
        starts = (origins - self._low).astype(np.float32).T / np.float32(VOXEL)
        along = directions.astype(np.float32).T  # an axis a row; lengths are in voxels
        length = distance.astype(np.float32) / np.float32(VOXEL)
        ends = starts[:, None] + along[:, None] * (length + reach / VOXEL)
        # Half a voxel from the border: the steps between round otherwise than the ends.
        last = self._shape[:, None, None] - 0.5
        kept = ((ends > 0.5) & (ends < last)).all(axis=(0, 1))
        starts, along, length = starts[:, kept], along[:, kept], length[kept]
        count = len(length)
        flat = np.empty((2 * TRUNCATION + 1, count), np.int32)
        signed = np.empty((2 * TRUNCATION + 1, count), np.float32)
        for row, step in enumerate(range(-TRUNCATION, TRUNCATION + 1)):
            cells, away = np.zeros(count, np.int32), length.copy()
            for start, slope, side in zip(starts, along, self._shape, strict=True):
                cell = (start + slope * (length + np.float32(step))).astype(np.int32)
                cells = cells * np.int32(side) + cell
                away -= (cell + np.float32(0.5) - start) * slope
            flat[row], signed[row] = cells, away
        signed *= np.float32(1 / TRUNCATION)
        np.clip(signed, -1, 1, out=signed)
        self._hit[flat[TRUNCATION]] = True
        np.add.at(self._sum, flat.ravel(), signed.ravel())
        np.add.at(self._weight, flat.ravel(), np.int32(1))

    def mesh(self) -> tuple[np.ndarray, np.ndarray]:
        """Return points [V, 3] float32 metres and faces [F, 3] int32 of the surface.

        Raises:
            ValueError: the rays have met no surface.
        """
        from fast_simplification import simplify
        from skimage.measure import marching_cubes

        seen = self._weight >= _SEEN
        if not seen.any():
            raise ValueError("the rays of a scan have met no surface")
        values = np.where(seen, self._sum / np.maximum(self._weight, 1), 1.0)
        volume = values.reshape(self._shape).astype(np.float32)
        points, faces, _, _ = marching_cubes(volume, 0.0)
        # A surface lies between two voxels that were seen, and where rays have ended:
        # else it is the rim of the band behind an edge.
        near = np.ones((3, 3, 3), bool)
        hit = ndimage.binary_dilation(self._hit.reshape(self._shape), near)
        known = seen.reshape(self._shape) & hit
        ends = np.floor(points).astype(int), np.ceil(points).astype(int)
        real = known[tuple(ends[0].T)] & known[tuple(ends[1].T)]
        points = (points + 0.5) * VOXEL + self._low
        points, faces = _compact(points, faces[real[faces].all(axis=1)])
        points, faces = without_crumbs(points, faces, _FEWEST_FACES)
        goal = int(_FACES * DENSITY * _area(points, faces))
        if len(faces) > goal > 0:
            points, faces = simplify(
                points.astype(np.float32), faces.astype(np.int32), target_count=goal
            )
        return _compact(points, faces)


def without_crumbs(
    points: np.ndarray, faces: np.ndarray, least: int
) -> tuple[np.ndarray, np.ndarray]:
    """Drop connected pieces of fewer than `least` faces."""
    links = np.concatenate([faces[:, :2], faces[:, 1:]])
    graph = coo_matrix((np.ones(len(links), bool), links.T), (len(points),) * 2)
    _, piece = csgraph.connected_components(graph, directed=False)
    of_face = piece[faces[:, 0]]
    kept = np.bincount(of_face, minlength=piece.max(initial=0) + 1) >= least
    return _compact(points, faces[kept[of_face]])


def _compact(points: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop the points that no face has."""
    used, rows = np.unique(faces, return_inverse=True)
    return points[used].astype(np.float32), rows.reshape(-1, 3).astype(np.int32)


def _area(points: np.ndarray, faces: np.ndarray) -> float:
    """Return the area of a mesh, square metres."""
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)
