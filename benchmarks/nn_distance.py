"""Chamfer distance: the loss between generated and true shapes, and its gradient."""

from functools import partial

import numpy as np
import tensorflow as tf

from benchmarks.case import Case, uncompared, wait
from benchmarks.neighbors import SEARCHES
from gspn_tf import ops

CLOUDS, SIZE = 512, 512


def _all_pairs(a, b):
    """Squared distances [B, N, M]."""
    return sum((a[:, :, None, i] - b[:, None, :, i]) ** 2 for i in range(3))


def xla_gradient(a, b):
    """Differentiate all pairs in a compiled graph."""
    distance = tf.function(
        lambda a, b: sum(
            tf.reduce_sum(tf.reduce_min(_all_pairs(a, b), axis)) for axis in (1, 2)
        ),
        jit_compile=True,
    )
    return partial(_uncompared_gradient, distance, a, b)


def pykdtree(a, b):
    """Search both ways, pair by pair: indices a -> b."""
    search = SEARCHES["pykdtree"]

    def run():
        pairs = list(zip(a, b, strict=True))
        forth = [search(y, x, 1)() for x, y in pairs]
        _ = [search(x, y, 1)() for x, y in pairs]
        return np.stack(forth)

    return run


def tensorflow_graphics(a, b):
    """Call its Chamfer distance, which has no indices."""
    from tensorflow_graphics.nn.loss import chamfer_distance

    a, b = tf.constant(a), tf.constant(b)
    return lambda: uncompared(chamfer_distance.evaluate(a, b))


def tensorflow_graphics_gradient(a, b):
    """Differentiate its Chamfer distance, a mean."""
    from tensorflow_graphics.nn.loss import chamfer_distance

    return partial(_uncompared_gradient, chamfer_distance.evaluate, a, b)


FORWARD = {"pykdtree": pykdtree, "tensorflow-graphics": tensorflow_graphics}
BACKWARD = {
    "TF XLA, all pairs": xla_gradient,
    "tensorflow-graphics": tensorflow_graphics_gradient,
}


def _gradient(distance, a, b):
    a, b = tf.constant(a), tf.constant(b)
    with tf.GradientTape() as tape:
        tape.watch([a, b])
        total = distance(a, b)
    return wait(tape.gradient(total, [a, b]))


def _uncompared_gradient(distance, a, b):
    uncompared(_gradient(distance, a, b))


def _ours(a, b):
    to_b, _, to_a, _ = ops.nn_distance(a, b)
    return tf.reduce_sum(to_b) + tf.reduce_sum(to_a)


def cases(scan):
    """512 pairs of clouds of 512 points, whatever the scan."""
    rng = np.random.default_rng(0)
    clouds = [np.float32(rng.uniform(-2, 2, (CLOUDS, SIZE, 3))) for _ in range(2)]
    a, b = map(tf.constant, clouds)
    name = f"Chamfer {CLOUDS} x ({SIZE} vs {SIZE})"
    forward = Case(
        f"{name}, forward",
        lambda: ops.nn_distance(a, b),
        tuple(clouds),
        FORWARD,
        result=lambda found: found[1].numpy(),
    )
    both = Case(
        f"{name}, forward + backward",
        lambda: _gradient(_ours, a, b),
        tuple(clouds),
        BACKWARD,
        result=lambda found: found[0].numpy(),
    )
    return [forward, both]
