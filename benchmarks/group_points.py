"""Rows of features by index: what a set abstraction gathers, and its gradient."""

import numpy as np
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case
from gspn_tf import ops

CHANNELS, NEIGHBORS = 64, 32


def numpy(features, indices):
    """NumPy."""
    return lambda: features[indices]


def tensorflow(features, indices):
    """TF gather."""
    features, indices = tf.constant(features), tf.constant(indices)
    return lambda: tf.gather(features, indices).numpy()


def tensorflow_gradient(features, indices, upstream):
    """TF gather."""
    arrays = tf.constant(features), tf.constant(upstream)
    gather = lambda f: tf.gather(f, indices)  # noqa: E731
    return lambda: _gradient(gather, *arrays).numpy()


def torch(features, indices):
    """PyTorch."""
    import torch

    features, indices = torch.from_numpy(features), torch.from_numpy(indices)
    return lambda: features[indices].numpy()


def torch_gradient(features, indices, upstream):
    """PyTorch."""
    import torch

    rows = torch.from_numpy(features).requires_grad_()
    indices, upstream = torch.from_numpy(indices), torch.from_numpy(upstream)

    def run():
        rows.grad = None
        rows[indices].backward(upstream)
        return rows.grad.numpy()

    return run


def _gradient(gather, features, upstream):
    """Of the features [N, C], given that of the gathered rows [M, K, C]."""
    with tf.GradientTape() as tape:
        tape.watch(features)
        rows = gather(features)
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
    features, indices = _arrays(inputs.scan(scan, 18_000), 2048)
    rows, near = tf.constant(features[None]), tf.constant(indices[None])
    name = f"group_points 2,048 x {NEIGHBORS} of {len(features):,} x {CHANNELS}"
    forward = Case(
        f"{name}, forward",
        lambda: ops.group_points(rows, near),
        lambda found: found[0].numpy(),
        lambda: [(slice(None), features[indices])],
        (features, indices),
        (numpy, tensorflow, torch),
    )
    upstream = np.random.default_rng(3).random((*indices.shape, CHANNELS), np.float32)
    above = tf.constant(upstream[None])
    both = Case(
        f"{name}, forward + backward",
        lambda: _gradient(lambda f: ops.group_points(f, near), rows, above),
        lambda found: found[0].numpy(),
        lambda: [(slice(None), _expected_gradient(features, indices, upstream))],
        (features, indices, upstream),
        (tensorflow_gradient, torch_gradient),
    )
    return [forward, both]


def _expected_gradient(features, indices, upstream):
    gradient = np.zeros_like(features)
    np.add.at(gradient, indices.ravel(), upstream.reshape(-1, CHANNELS))
    return gradient


def scaled(count):
    """The neighbours of an eighth of the points."""
    arrays = _arrays(inputs.room(count), count // 8)
    return tuple(tf.constant(array[None]) for array in arrays), ops.group_points
