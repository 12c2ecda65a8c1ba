"""The geometric ops, forward and backward, against ops.npz."""

import numpy as np
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.nn.pyramid import take
from parity.golden import Check, Compare, Golden


def farthest_points(g: Golden, check: Check) -> None:
    found = ops.farthest_point_sample(g["xyz"], int(g["npoint"]))
    check.same("idx", g["idx"], found)


def farthest_points_with_ties(g: Golden, check: Check) -> None:
    """The release takes the one of least (k mod 512, k) of equally far points.

    Ours takes the least k: the same points if they come in that order.
    """
    rows = np.arange(g["xyz"].shape[1], dtype=np.int32)
    order = rows[np.lexsort((rows, rows % 512))]
    found = ops.farthest_point_sample(g["xyz"][:, order], int(g["npoint"]))
    check.same("idx", g["idx"], order[found])


def balls(g: Golden, check: Check) -> None:
    """Where nothing is near, index 0: the release's CPU builds, and ours."""
    radius, neighbors = float(g["radius"]), int(g["nsample"])
    found, counts = ops.ball_query(
        g["xyz1"], g["xyz2"], radius=radius, num_neighbors=neighbors
    )
    check.same("cnt", g["cnt"], counts)
    check.same("idx", g["idx"], found)


def three_nearest(g: Golden, check: Check) -> None:
    squared, indices = ops.three_nn(g["xyz2"], g["xyz1"])
    check.same("dist", g["dist"], squared)
    check.same("idx", g["idx"], indices)


def nearest_both_ways(g: Golden, check: Check) -> None:
    a, b = tf.constant(g["xyz1"]), tf.constant(g["xyz2"])
    with tf.GradientTape() as tape:
        tape.watch((a, b))
        to_b, in_b, to_a, in_a = ops.nn_distance(a, b)
    for key, value in zip(
        ("dist1", "idx1", "dist2", "idx2"), (to_b, in_b, to_a, in_a), strict=True
    ):
        check.same(key, g[key], value)
    upstream = [tf.constant(g["up1"]), tf.constant(g["up2"])]
    gradients = tape.gradient([to_b, to_a], [a, b], output_gradients=upstream)
    check.same("grad1", g["grad1"], gradients[0])
    check.same("grad2", g["grad2"], gradients[1])


def differentiable(values: str, function) -> Compare:
    """The comparison of an op of the recorded `values`, and of its gradient in them."""

    def compare(g: Golden, check: Check) -> None:
        inputs, upstream = tf.constant(g[values]), tf.constant(g["upstream"])
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            found = function(g, inputs)
        check.same("out", g["out"], found)
        gradient = tape.gradient(found, inputs, output_gradients=upstream)
        check.same("grad", g["grad"], tf.convert_to_tensor(gradient))

    return compare


GROUPS = {
    "fps_random": farthest_points,
    "fps_exhaust": farthest_points,
    "fps_duplicates": farthest_points,
    "fps_grid_ties": farthest_points_with_ties,
    "gather_point": differentiable("inp", lambda g, x: take(x, g["idx"])),
    "ball_*": balls,
    "group_point": differentiable("points", lambda g, x: ops.group_points(x, g["idx"])),
    "three_nn*": three_nearest,
    "three_interpolate": differentiable(
        "points", lambda g, x: ops.three_interpolate(x, g["idx"], g["weight"])
    ),
    "nn_distance": nearest_both_ways,
}
