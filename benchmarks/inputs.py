"""A real scan or a generated room to measure the ops on, and boxes in it."""

from functools import cache
from pathlib import Path

import numpy as np

from gspn_tf.files.scans import read_scan
from gspn_tf.synthetic.rooms import generate_room


@cache
def scan(path: str | Path | None, count: int) -> np.ndarray:
    """[count, 3] float32: random points of a scan, or of a room of 4-6 m."""
    if path:
        found = read_scan(path)
        points = found.points[found.finite]
    else:
        points = generate_room(0, int(1.15 * count) + 30_000).points
    if len(points) < count:
        raise SystemExit(f"{path} has {len(points)} points, {count} are needed")
    rows = np.random.default_rng(0).permutation(len(points))[:count]
    return np.ascontiguousarray(points[rows], np.float32)


def boxes(points: np.ndarray, count: int, copies: int = 1) -> np.ndarray:
    """[count, 6] float32 around points of the cloud, `copies` proposals of each.

    Sizes are 0.3 to 1.5 m; the proposals of one object differ by about 8 cm.
    """
    rng = np.random.default_rng(1)
    objects = -(-count // copies)
    centers = points[rng.integers(0, len(points), objects)]
    sizes = rng.uniform(0.3, 1.5, (objects, 3))
    found = np.repeat(np.concatenate([centers, sizes], 1), copies, 0)[:count]
    found += rng.normal(0, 0.08, found.shape)
    return np.float32(rng.permutation(found))
