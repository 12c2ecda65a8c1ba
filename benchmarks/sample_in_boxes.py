"""Points drawn in every proposal: the input of the heads."""

import numpy as np

from benchmarks import inputs
from benchmarks.case import Case, batched
from gspn_tf import ops

SEED, SAMPLES = (1, 2), 1024


def numpy(points, boxes):
    """Draw among the points inside, box by box."""
    rng = np.random.default_rng(0)

    def run():
        indices = np.zeros((len(boxes), SAMPLES), np.int32)
        for box, row in zip(boxes, indices, strict=True):
            inside = (np.abs(points - box[:3]) <= box[3:] / 2).all(axis=1)
            members = np.flatnonzero(inside)
            if len(members):
                row[:] = rng.choice(members, SAMPLES)

    return run


def _call(points, boxes):
    return ops.sample_in_boxes(points, boxes, SEED, num_samples=SAMPLES)


def cases(scan):
    """384 boxes, 1,024 samples of each, 18,000 points."""
    points = inputs.scan(scan, 18_000)
    arrays = points, inputs.boxes(points, 384)
    tensors = batched(*arrays)
    case = Case(
        f"sample_in_boxes 384 x {len(points):,} -> {SAMPLES:,}",
        lambda: _call(*tensors),
        arrays,
        {"NumPy": numpy},
    )
    return [case]
