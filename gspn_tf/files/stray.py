"""Points so far from all others that they are errors of a scanner, not of a room."""

import numpy as np

_SHARE = 0.05  # of the points, at each end of an axis, that may be stray
_FEWEST = 20  # points that tell a stray one
_ENOUGH = 500_000  # points that tell where most of them are
_REACH = 5  # times the longest side of the others


def stray_points(points: np.ndarray) -> np.ndarray:
    """Which finite points are stray: beyond the others by five times their extent.

    Args:
        points: [V, 3]; may hold NaN.

    Returns:
        [V] bool.
    """
    finite = np.isfinite(points).all(axis=1)
    rows = np.flatnonzero(finite)
    if len(rows) < _FEWEST:
        return np.zeros(len(points), bool)
    shares = (_SHARE, 1 - _SHARE)
    known = points[rows[:: 1 + len(rows) // _ENOUGH]].astype(np.float64)
    low, high = np.quantile(known, shares, axis=0, method="nearest")
    with np.errstate(over="ignore"):
        reach = _REACH * float((high - low).max())
    beyond = ((points < low - reach) | (points > high + reach)).any(axis=1)
    return finite & beyond & (reach > 0)


def without_stray(points: np.ndarray) -> np.ndarray:
    """Return points [V, 3] floats in which the stray ones are NaN."""
    stray = stray_points(points)
    return np.where(stray[:, None], points.dtype.type(np.nan), points)


def extents(points: np.ndarray) -> np.ndarray:
    """Return the lengths [3] of points [V, 3] along the axes; 0 where there is none.

    Points that are not finite, or stray, do not count.
    """
    known = points[np.isfinite(points).all(axis=1) & ~stray_points(points)]
    return np.ptp(known, axis=0).astype(np.float64) if len(known) else np.zeros(3)
