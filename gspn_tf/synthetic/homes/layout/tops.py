"""Where small things can lie on a model: the heights of its tops and of its shelves."""

from functools import lru_cache

import numpy as np

from gspn_tf.synthetic.homes.things import Model

CELLS = 20
_SAMPLES = 4000
_LEVEL = 0.03


@lru_cache(maxsize=4096)
def relief(model: Model) -> np.ndarray:
    """Return the highest level place in each cell of a model's footprint.

    Returns:
        [CELLS, CELLS] parts of its height, by x and y from its low corner; 0 = none.
    """
    points = _level_points(model)
    cells = np.minimum((points[:, :2] * CELLS).astype(int), CELLS - 1)
    heights = np.zeros((CELLS, CELLS))
    np.maximum.at(heights, (cells[:, 0], cells[:, 1]), points[:, 2])
    return heights


@lru_cache(maxsize=4096)
def levels(model: Model) -> np.ndarray:
    """Return the parts of a model's height [N], upwards, of its broad level boards."""
    points = _level_points(model)
    bins = max(4, int(model.size[2] / _LEVEL))
    rows = np.minimum((points[:, 2] * bins).astype(int), bins - 1)
    cells = (points[:, :2] * 8).astype(int).clip(0, 7)
    filled = np.zeros((bins, 8, 8), bool)
    filled[rows, cells[:, 0], cells[:, 1]] = True
    broad = filled.mean(axis=(1, 2)) > 0.4
    tops = [points[rows == row, 2].max() for row in np.flatnonzero(broad)]
    keep = [
        z for z, over in zip(tops, [*tops[1:], 9.0], strict=True) if over - z > 0.05
    ]
    return np.array(keep)


def _level_points(model: Model) -> np.ndarray:
    """Points [N, 3] on the level faces of a model, each axis from 0 to 1."""
    corners = model.mesh.points[model.mesh.faces].astype(float)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1)
    weights = np.where(np.abs(normals[:, 2]) > 0.8 * areas, areas, 0.0)
    if not weights.sum() > 0:
        return np.zeros((0, 3))
    rng = np.random.default_rng(0)
    rows = rng.choice(len(weights), _SAMPLES, p=weights / weights.sum())
    shares = rng.dirichlet((1, 1, 1), _SAMPLES)
    points = np.einsum("nk,nkx->nx", shares, corners[rows])
    low = model.mesh.points.min(axis=0)
    return (points - low) / np.maximum(model.mesh.size, 1e-6)
