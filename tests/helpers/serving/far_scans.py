"""Scans to send to a server."""

import numpy as np

GRID = 1024  # coordinates are multiples of 1/GRID m: sums of them are exact in float32


def scan(count, seed=0, offset=(512, 256, 0)):
    """Points [V, 3] and colors [V, 3] of a room that is far from the origin."""
    rng = np.random.default_rng([seed, count])
    points = rng.uniform(0, 4, (count, 3)) * [1, 1, 0.5]
    points = np.round(points * GRID) / GRID + offset
    return points.astype(np.float32), rng.integers(0, 256, (count, 3), np.uint8)
