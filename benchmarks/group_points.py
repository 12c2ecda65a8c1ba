"""Rows of features by index: what a set abstraction gathers, and its gradient."""

import numpy as np
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case, batched
from gspn_tf import ops

CHANNELS, NEIGHBORS = 64, 32


def numpy(features, indices):
    """Index an array."""
    return lambda: features[indices]


def tensorflow(features, indices, upstream):
    """Gather, and back."""
    arrays = [tf.constant(array) for array in (features, indices, upstream)]
    return lambda: _gradient(tf.gather, *arrays).numpy()


def _gradient(gather, features, indices, upstream):
    """Gradient of the features [..., N, C], given that of the rows [..., M, K, C]."""
    with tf.GradientTape() as tape:
        tape.watch(features)
        rows = gather(features, indices)
    return tf.convert_to_tensor(tape.gradient(rows, features, upstream))


def _arrays(points, samples):
    """Features [N, C] and the neighbours [M, K] of the first points."""
    rng = np.random.default_rng(2)
    features = rng.random((len(points), CHANNELS), np.float32)
    near, _ = ops.ball_query(
        points[None], points[None, :samples], radius=0.2, num_neighbors=NEIGHBORS
    )
    return features, near[0].numpy()


def cases(scan):
    """64 channels of 2,048 x 32 neighbours in 18,000 points."""
    features, indices = arrays = _arrays(inputs.scan(scan, 18_000), 2048)
    upstream = np.random.default_rng(3).random((*indices.shape, CHANNELS), np.float32)
    rows, near, above = batched(features, indices, upstream)
    name = f"group_points 2,048 x {NEIGHBORS} of {len(features):,} x {CHANNELS}"
    return [
        Case(
            f"{name}, forward",
            lambda: ops.group_points(rows, near),
            arrays,
            {"NumPy": numpy},
        ),
        Case(
            f"{name}, forward + backward",
            lambda: _gradient(ops.group_points, rows, near, above),
            (*arrays, upstream),
            {"TF gather": tensorflow},
        ),
    ]
