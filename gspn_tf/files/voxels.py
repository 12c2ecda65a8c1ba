"""Clouds of many parts, thinned to one point in each voxel."""

import numpy as np

_BITS = 21  # of the number of a voxel along an axis
_HALF = 1 << (_BITS - 1)
_MOST_ROWS = 4_000_000  # before those of one voxel are put together


class VoxelCloud:
    """A cloud that keeps the mean place and colour of the points in each voxel.

    Args:
        size: of a voxel, in the unit of the points.
    """

    def __init__(self, size: float) -> None:
        self._size = size
        self._origin: np.ndarray | None = None
        self._keys: list[np.ndarray] = []  # of voxels, in parts
        self._sums: list[np.ndarray] = []  # [n, 7] of places, colours and counts
        self._has_colors = False

    def add(self, points: np.ndarray, colors: np.ndarray | None) -> None:
        """Add points [V, 3] float64, and their colours [V, 3] if there are any.

        Raises:
            ValueError: they lie too many voxels from the first ones.
        """
        if not len(points):
            return
        if self._origin is None:
            self._origin = np.floor(np.median(points, axis=0))
        near = points - self._origin
        cells = np.floor(near / self._size).astype(np.int64) + _HALF
        if cells.min() < 0 or cells.max() >= 2 * _HALF:
            raise ValueError(
                f"points lie {np.abs(near).max():.3g} m from the first ones: is the "
                "depth in another unit?"
            )
        self._has_colors |= colors is not None
        shades = np.zeros_like(near) if colors is None else colors
        values = np.concatenate([near, shades, np.ones((len(near), 1))], axis=1)
        self._put(*_summed(cells @ [1 << 2 * _BITS, 1 << _BITS, 1], values))

    def means(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Return places [M, 3] float64 and colours [M, 3] uint8, if there are any."""
        if self._origin is None:
            return np.zeros((0, 3)), None
        self._compact()
        means = self._sums[0][:, :6] / self._sums[0][:, 6:]
        colors = np.round(means[:, 3:]).astype(np.uint8) if self._has_colors else None
        return means[:, :3] + self._origin, colors

    def _put(self, keys: np.ndarray, sums: np.ndarray) -> None:
        self._keys.append(keys)
        self._sums.append(sums)
        if sum(map(len, self._keys[1:])) > _MOST_ROWS:
            self._compact()

    def _compact(self) -> None:
        keys, sums = np.concatenate(self._keys), np.concatenate(self._sums)
        keys, sums = _summed(keys, sums)
        self._keys, self._sums = [keys], [sums]


def _summed(keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each key once, rising, and the sum of the values [n, C] of its rows."""
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], values[order]
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    return keys[starts], np.add.reduceat(values, starts, axis=0)
