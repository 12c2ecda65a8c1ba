"""Weighted sums of three rows of features: feature propagation."""

import numpy as np
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case
from gspn_tf import ops

CHANNELS = 128


def numpy(features, indices, weights):
    """NumPy."""
    return lambda: (features[indices] * weights[..., None]).sum(axis=1)


def tensorflow(features, indices, weights):
    """TF gather."""
    features, indices = tf.constant(features), tf.constant(indices)
    weights = tf.constant(weights[..., None])
    return lambda: tf.reduce_sum(tf.gather(features, indices) * weights, 1).numpy()


def xla(features, indices, weights):
    """TF XLA."""
    features, indices = tf.constant(features), tf.constant(indices)
    weights = tf.constant(weights[..., None])

    @tf.function(jit_compile=True)
    def run():
        return tf.reduce_sum(tf.gather(features, indices) * weights, 1)

    return lambda: run().numpy()


def torch(features, indices, weights):
    """PyTorch."""
    import torch

    features, indices = torch.from_numpy(features), torch.from_numpy(indices)
    weights = torch.from_numpy(weights[..., None])
    return lambda: (features[indices] * weights).sum(1).numpy()


def _arrays(points, samples):
    """Features [M, C] of the first points; the three nearest of every point."""
    rng = np.random.default_rng(2)
    features = rng.random((samples, CHANNELS), np.float32)
    _, near = ops.three_nn(points[None, :samples], points[None])
    weights = rng.random((len(points), 3), np.float32)
    return features, near[0].numpy(), weights


def cases(scan):
    """128 channels of 2,048 points at 18,000."""
    features, indices, weights = arrays = _arrays(inputs.scan(scan, 18_000), 2048)
    tensors = [tf.constant(array[None]) for array in arrays]

    def expected():
        a, b, c = (features[indices[:, i]] * weights[:, i, None] for i in range(3))
        return [(slice(None), a + b + c)]

    case = Case(
        f"three_interpolate {len(features):,} x {CHANNELS} at {len(indices):,}",
        lambda: ops.three_interpolate(*tensors),
        lambda found: found[0].numpy(),
        expected,
        arrays,
        (numpy, tensorflow, xla, torch),
    )
    return [case]


def scaled(count):
    """An eighth of the points, at all of them."""
    arrays = _arrays(inputs.room(count), count // 8)
    return tuple(tf.constant(array[None]) for array in arrays), ops.three_interpolate
