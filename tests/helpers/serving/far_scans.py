"""Scans to send to a server."""

import numpy as np

GRID = 1024  # coordinates are multiples of 1/GRID m: sums of them are exact in float32


def scan(count):
    """Points [V, 3] and colors [V, 3] of a room that is far from the origin."""
    rng = np.random.default_rng([0, count])
    points = rng.uniform(0, 4, (count, 3)) * [1, 1, 0.5]
    points = np.round(points * GRID) / GRID + [512, 256, 0]
    return points.astype(np.float32), rng.integers(0, 256, (count, 3), np.uint8)


def padded(sizes, length):
    """Scans of those sizes in one batch; the padding is not to be looked at."""
    points = np.full((len(sizes), length, 3), np.nan, np.float32)
    colors = np.full((len(sizes), length, 3), 77, np.uint8)
    for row, count in enumerate(sizes):
        points[row, :count], colors[row, :count] = scan(count)
    return points, colors, np.int32(sizes)
