"""Weighted sums of three rows of features: feature propagation."""

import numpy as np
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case, batched
from gspn_tf import ops

CHANNELS = 128


def xla(*arrays):
    """Gather and sum in a compiled graph."""
    features, indices, weights = map(tf.constant, arrays)

    @tf.function(jit_compile=True)
    def run():
        return tf.reduce_sum(tf.gather(features, indices) * weights[..., None], 1)

    return lambda: run().numpy()


def _arrays(points, samples):
    """Features [M, C] of the first points; the three nearest of every point."""
    rng = np.random.default_rng(2)
    features = rng.random((samples, CHANNELS), np.float32)
    _, near = ops.three_nn(points[None, :samples], points[None])
    weights = rng.random((len(points), 3), np.float32)
    return features, near[0].numpy(), weights


def cases(scan):
    """128 channels of 2,048 points at 18,000."""
    features, indices, _ = arrays = _arrays(inputs.scan(scan, 18_000), 2048)
    tensors = batched(*arrays)
    name = f"three_interpolate {len(features):,} x {CHANNELS} at {len(indices):,}"
    return [
        Case(name, lambda: ops.three_interpolate(*tensors), arrays, {"TF XLA": xla})
    ]
