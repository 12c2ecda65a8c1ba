"""Gathering and interpolation of features, and the loss of shapes, with gradients."""

import numpy as np
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case, batched
from benchmarks.search import pykdtree
from gspn_tf import ops

SAMPLES, NEIGHBORS = 2048, 32
CLOUDS, SIZE = 512, 512


def gathered_gradient(features, indices, upstream):
    """Differentiate TensorFlow's own gathering."""
    arrays = [tf.constant(array) for array in (features, indices, upstream)]
    return lambda: _rows_gradient(tf.gather, *arrays).numpy()


def _rows_gradient(gather, features, indices, upstream):
    """Gradient of the features [..., N, C], given that of the rows [..., M, K, C]."""
    with tf.GradientTape() as tape:
        tape.watch(features)
        rows = gather(features, indices)
    return tf.convert_to_tensor(tape.gradient(rows, features, upstream))


def xla_sum(*arrays):
    """Gather and sum in a compiled graph."""
    features, indices, weights = map(tf.constant, arrays)

    @tf.function(jit_compile=True)
    def run():
        return tf.reduce_sum(tf.gather(features, indices) * weights[..., None], 1)

    return lambda: run().numpy()


def pair_by_pair(a, b):
    """Search both ways by a tree for each cloud: indices a -> b."""
    pykdtree(a[0], b[0], 1)

    def run():
        pairs = list(zip(a, b, strict=True))
        forth = [pykdtree(y, x, 1)() for x, y in pairs]
        _ = [pykdtree(x, y, 1)() for x, y in pairs]
        return np.stack(forth)

    return run


def xla_gradient(a, b):
    """Differentiate all pairs in a compiled graph."""

    @tf.function(jit_compile=True)
    def distance(a, b):
        pairs = sum((a[:, :, None, i] - b[:, None, :, i]) ** 2 for i in range(3))
        return sum(tf.reduce_sum(tf.reduce_min(pairs, axis)) for axis in (1, 2))

    a, b = tf.constant(a), tf.constant(b)
    return lambda: _distance_gradient(distance, a, b).numpy()


def _distance_gradient(distance, a, b):
    """Gradient [..., 3] of the points a."""
    with tf.GradientTape() as tape:
        tape.watch([a, b])
        total = distance(a, b)
    return tape.gradient(total, [a, b])[0]


def _ours(a, b):
    to_b, _, to_a, _ = ops.nn_distance(a, b)
    return tf.reduce_sum(to_b) + tf.reduce_sum(to_a)


def cases(scan):
    """Rows and sums of 18,000 points' features, and 512 pairs of 512 points."""
    return [*_row_cases(inputs.scan(scan, 18_000)), *_distance_cases()]


def _row_cases(points):
    """64 channels of 2,048 x 32 neighbours; 128 of 2,048 points at all points."""
    rng, cloud = np.random.default_rng(2), points[None]
    features = rng.random((len(points), 64), np.float32)
    ball = {"radius": 0.2, "num_neighbors": NEIGHBORS}
    indices = ops.ball_query(cloud, cloud[:, :SAMPLES], **ball)[0][0].numpy()
    upstream = rng.random((*indices.shape, 64), np.float32)
    rows, near, above = batched(features, indices, upstream)
    name = f"group_points 2,048 x {NEIGHBORS} of {len(points):,} x 64"
    few = rng.random((SAMPLES, 128), np.float32)
    three = ops.three_nn(cloud[:, :SAMPLES], cloud)[1][0].numpy()
    mixed = few, three, rng.random(three.shape, np.float32)
    tensors = batched(*mixed)
    return [
        Case(
            f"{name}, forward + backward",
            lambda: _rows_gradient(ops.group_points, rows, near, above),
            (features, indices, upstream),
            {"TF gather": gathered_gradient},
        ),
        Case(
            f"three_interpolate {SAMPLES:,} x 128 at {len(points):,}",
            lambda: ops.three_interpolate(*tensors),
            mixed,
            {"TF XLA": xla_sum},
        ),
    ]


def _distance_cases():
    """Chamfer distance: the loss between generated and true shapes."""
    rng = np.random.default_rng(0)
    clouds = [np.float32(rng.uniform(-2, 2, (CLOUDS, SIZE, 3))) for _ in range(2)]
    a, b = map(tf.constant, clouds)
    name = f"Chamfer {CLOUDS} x ({SIZE} vs {SIZE})"
    forward = Case(
        f"{name}, forward",
        lambda: ops.nn_distance(a, b),
        tuple(clouds),
        {"pykdtree": pair_by_pair},
        result=lambda found: found[1].numpy(),
    )
    both = Case(
        f"{name}, forward + backward",
        lambda: _distance_gradient(_ours, a, b),
        tuple(clouds),
        {"TF XLA, all pairs": xla_gradient},
        result=lambda found: found.numpy(),
    )
    return [forward, both]
