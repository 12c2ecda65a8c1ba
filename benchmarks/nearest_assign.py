"""Mask projection: every point takes the value of its nearest sampled point."""

import numpy as np
import reference
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case, Target, cores
from gspn_tf import ops

DETECTIONS, SAMPLES = 100, 256


def _project(nearest, points, samples, values, boxes):
    """nearest(samples [M, 3], queries [Q, 3]) gives indices [Q]."""
    assigned = np.zeros((len(boxes), len(points)), np.float32)
    for d, box in enumerate(boxes):
        half = np.float32(0.5) * box[3:]
        inside = (points >= box[:3] - half) & (points <= box[:3] + half)
        rows = np.flatnonzero(inside.all(axis=1))
        if len(rows):
            assigned[d, rows] = values[d][nearest(samples[d], points[rows])]
    return assigned


def sklearn(*arrays):
    """scikit-learn."""
    from sklearn.neighbors import NearestNeighbors

    def nearest(samples, queries):
        search = NearestNeighbors(n_neighbors=1, n_jobs=cores()).fit(samples)
        return search.kneighbors(queries, return_distance=False)[:, 0]

    return lambda: _project(nearest, *arrays)


def scipy(*arrays):
    """SciPy."""
    from scipy.spatial import cKDTree

    def nearest(samples, queries):
        return cKDTree(samples).query(queries, workers=cores())[1]

    return lambda: _project(nearest, *arrays)


def pykdtree(*arrays):
    """Pykdtree."""
    from pykdtree.kdtree import KDTree

    return lambda: _project(lambda s, q: KDTree(s).query(q)[1], *arrays)


def _detections(points):
    """Boxes [D, 6], samples in them [D, M, 3] and random values [D, M]."""
    boxes = inputs.boxes(points, DETECTIONS)
    drawn = ops.sample_in_boxes(points[None], boxes[None], (1, 2), num_samples=SAMPLES)
    values = np.random.default_rng(2).random((DETECTIONS, SAMPLES), np.float32)
    return points[drawn[0][0].numpy()], values, boxes


def cases(scan):
    """100 detections of 256 points onto 18,000."""
    points = inputs.scan(scan, 18_000)
    arrays = (points, *_detections(points))
    tensors = [tf.constant(array[None]) for array in arrays]
    few = [array[:4] for array in arrays[1:]]
    case = Case(
        f"mask projection {DETECTIONS} x {SAMPLES} onto {len(points):,}",
        lambda: ops.nearest_assign(*tensors),
        lambda found: found[0].numpy(),
        lambda: [(slice(4), reference.nearest_assign(points, *few))],
        arrays,
        (sklearn, scipy, pykdtree),
        (Target(10, "scikit-learn"),),
    )
    return [case]


def scaled(count):
    """100 detections onto all points."""
    points = inputs.room(count)
    arrays = (points, *_detections(points))
    return tuple(tf.constant(array[None]) for array in arrays), ops.nearest_assign
