"""Mask projection: every point takes the value of its nearest sampled point."""

import numpy as np

from benchmarks import inputs
from benchmarks.case import Case, batched
from benchmarks.neighbors import SEARCHES
from gspn_tf import ops

DETECTIONS, SAMPLES = 100, 256


def pykdtree(points, samples, values, boxes):
    """Project the masks box by box, each by a tree of its samples."""

    def run():
        assigned = np.zeros((len(boxes), len(points)), np.float32)
        for d, box in enumerate(boxes):
            half = np.float32(0.5) * box[3:]
            inside = (points >= box[:3] - half) & (points <= box[:3] + half)
            rows = np.flatnonzero(inside.all(axis=1))
            if len(rows):
                nearest = SEARCHES["pykdtree"](samples[d], points[rows], 1)()
                assigned[d, rows] = values[d][nearest.ravel()]
        return assigned

    return run


def _arrays(points):
    """The points, samples in boxes [D, M, 3], random values [D, M], boxes [D, 6]."""
    boxes = inputs.boxes(points, DETECTIONS)
    drawn = ops.sample_in_boxes(points[None], boxes[None], (1, 2), num_samples=SAMPLES)
    values = np.random.default_rng(2).random((DETECTIONS, SAMPLES), np.float32)
    return points, points[drawn[0][0].numpy()], values, boxes


def cases(scan):
    """100 detections of 256 points onto 18,000."""
    arrays = _arrays(inputs.scan(scan, 18_000))
    tensors = batched(*arrays)
    case = Case(
        f"mask projection {DETECTIONS} x {SAMPLES} onto {len(arrays[0]):,}",
        lambda: ops.nearest_assign(*tensors),
        arrays,
        {"pykdtree": pykdtree},
    )
    return [case]
