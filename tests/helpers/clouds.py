"""Point clouds and boxes for the tests of the ops, and exact comparison."""

import numpy as np

# (batch, points, queries): one block, several, and enough for the spatial tree.
SIZES = [(1, 1, 1), (2, 2, 3), (2, 65, 64), (3, 200, 33), (1, 2500, 600)]
KINDS = ["random", "grid", "same", "bad"]
EXTREMES = [0, -0.0, 1e-45, -1e-39, 1e-20, 3e38, -3e38, np.inf, -np.inf, np.nan]


def make_points(kind, batch, count, seed=0):
    """Clouds with no ties, many ties, one place only, or non-finite coordinates."""
    rng = np.random.default_rng([seed, batch, count])
    points = rng.uniform(-2, 2, (batch, count, 3)).astype(np.float32)
    if kind == "grid":
        points = np.round(points * 2) / 2
    if kind == "same":
        points[:] = points[:, :1]
    if kind == "bad":
        wrong = rng.random((batch, count)) < 0.3
        points[wrong, 0] = rng.choice([np.nan, np.inf, -np.inf, 1e30], wrong.sum())
    return points


def make_counts(batch, count):
    """All points, then fewer and fewer, down to none."""
    return (count - np.arange(batch) * count // max(batch - 1, 1)).astype(np.int32)


def make_boxes(rng, batch, count):
    centers = rng.uniform(-2, 2, (batch, count, 3))
    sizes = rng.uniform(0, 3, (batch, count, 3))
    return np.concatenate([centers, sizes], -1).astype(np.float32)


def each(function, batch):
    """Stacks what a reference function gives for every element of the batch."""
    results = [function(b) for b in range(batch)]
    if isinstance(results[0], tuple):
        return tuple(np.stack(parts) for parts in zip(*results, strict=True))
    return np.stack(results)


def assert_same(found, expected):
    import tensorflow as tf  # the runner of tests/cuda has none

    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_array_equal(a.numpy(), b)
