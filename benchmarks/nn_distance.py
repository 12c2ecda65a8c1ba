"""Chamfer distance: the loss between generated and true shapes, and its gradient."""

import numpy as np
import reference
import tensorflow as tf
from clouds import make_points

from benchmarks import inputs
from benchmarks.case import Case, Target, cores, uncompared, wait
from gspn_tf import ops

CLOUDS, SIZE = 512, 512


def _all_pairs(a, b):
    """Squared distances [B, N, M]."""
    return sum((a[:, :, None, i] - b[:, None, :, i]) ** 2 for i in range(3))


def xla(a, b):
    """TF XLA, all pairs."""
    a, b = tf.constant(a), tf.constant(b)

    @tf.function(jit_compile=True)
    def run():
        d = _all_pairs(a, b)
        minima = tf.reduce_min(d, 2), tf.reduce_min(d, 1)
        return tf.argmin(d, 2), tf.argmin(d, 1), *minima

    return lambda: run()[0].numpy()


def xla_gradient(a, b):
    """TF XLA, all pairs."""
    a, b = tf.constant(a), tf.constant(b)

    @tf.function(jit_compile=True)
    def run():
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            d = _all_pairs(a, b)
            total = sum(tf.reduce_sum(tf.reduce_min(d, axis)) for axis in (1, 2))
        return tape.gradient(total, [a, b])

    return lambda: uncompared(run())


def _trees(tree, a, b, **options):
    """Indices a -> b of pairs of clouds, from a k-d tree of each; and b -> a."""
    pairs = zip(a, b, strict=True)
    found = [
        (tree(y).query(x, **options)[1], tree(x).query(y, **options)) for x, y in pairs
    ]
    return np.stack([forth for forth, _ in found])


def pykdtree(a, b):
    """Pykdtree."""
    from pykdtree.kdtree import KDTree

    return lambda: _trees(KDTree, a, b)


def scipy(a, b):
    """SciPy."""
    from scipy.spatial import cKDTree

    return lambda: _trees(cKDTree, a, b, workers=cores())


def tensorflow_graphics(a, b):
    """tensorflow-graphics."""
    from tensorflow_graphics.nn.loss import chamfer_distance

    a, b = tf.constant(a), tf.constant(b)
    return lambda: uncompared(chamfer_distance.evaluate(a, b))


def tensorflow_graphics_gradient(a, b):
    """tensorflow-graphics."""
    from tensorflow_graphics.nn.loss import chamfer_distance

    return lambda: uncompared(_gradient(chamfer_distance.evaluate, a, b))


def _gradient(distance, a, b):
    a, b = tf.constant(a), tf.constant(b)
    with tf.GradientTape() as tape:
        tape.watch([a, b])
        total = distance(a, b)
    return wait(tape.gradient(total, [a, b]))


def _ours(a, b):
    to_b, _, to_a, _ = ops.nn_distance(a, b)
    return tf.reduce_sum(to_b) + tf.reduce_sum(to_a)


def _expected_gradient(a, b):
    ones, nearest = np.ones(SIZE, np.float32), reference.nearest
    forth, back = nearest(b, a)[1], nearest(a, b)[1]
    return reference.nn_distance_grad(a, b, forth, back, ones, ones)[0]


def cases(scan):
    """512 pairs of clouds of 512 points, whatever the scan."""
    a = make_points("random", CLOUDS, SIZE)
    b = make_points("random", CLOUDS, SIZE, seed=1)
    first, second = tf.constant(a), tf.constant(b)
    name = f"Chamfer {CLOUDS} x ({SIZE} vs {SIZE})"
    forward = Case(
        f"{name}, forward",
        lambda: ops.nn_distance(first, second),
        lambda found: found[1].numpy(),
        lambda: [(i, reference.nearest(b[i], a[i])[1]) for i in range(8)],
        (a, b),
        (xla, pykdtree, scipy, tensorflow_graphics),
        (Target(2.5, "any"),),
    )
    both = Case(
        f"{name}, forward + backward",
        lambda: _gradient(_ours, first, second),
        lambda found: found[0].numpy(),
        lambda: [(i, _expected_gradient(a[i], b[i])) for i in range(8)],
        (a, b),
        (xla_gradient, tensorflow_graphics_gradient),
        (Target(5, "tensorflow-graphics"),),
    )
    return [forward, both]


def scaled(count):
    """Half of the points to the other half."""
    points = inputs.room(count)[None]
    return (tf.constant(points[:, ::2]), tf.constant(points[:, 1::2])), ops.nn_distance
