"""Points drawn in every proposal: the input of the heads."""

import numpy as np
import reference
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case, Target
from gspn_tf import ops

SEED, SAMPLES = (1, 2), 1024


def numpy(points, boxes):
    """NumPy."""
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
    boxes = inputs.boxes(points, 384)
    cloud, proposals = tf.constant(points[None]), tf.constant(boxes[None])

    def expected():
        indices, _ = reference.sample_in_boxes(points, boxes, SEED, 0, SAMPLES, 0.0)
        return [(slice(None), indices)]

    case = Case(
        f"sample_in_boxes {len(boxes)} x {len(points):,} -> {SAMPLES:,}",
        lambda: _call(cloud, proposals),
        lambda found: found[0][0].numpy(),
        expected,
        (points, boxes),
        (numpy,),
        (Target(10, "NumPy"),),
    )
    return [case]


def scaled(count):
    """384 boxes in all points."""
    points = inputs.room(count)
    boxes = inputs.boxes(points, 384)
    return (tf.constant(points[None]), tf.constant(boxes[None])), _call
