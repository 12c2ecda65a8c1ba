"""Calls of the ops in TensorFlow: any case of the table, all at once, and bad ones."""

import numpy as np
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.ops.library import portable_ops


def run_kernel(module, op, arguments):
    """Outputs of an op of the library, or of the portable twins, as arrays."""
    name = "gspn_nms3d" if op == "nms_3d" else f"gspn_{op}"
    if op == "ball_query":
        arguments = arguments | {"num_radii": len(arguments["radii"])}
    found = getattr(module, name)(**arguments)
    return [value.numpy() for value in tf.nest.flatten(found)]


def run_native(op, arguments):
    """Outputs of the native op."""
    return run_kernel(ops.load_library(), op, arguments)


def run_portable(op, arguments):
    """Outputs of the portable twin; those of gradients are TensorFlow's own."""
    if op in GRADIENTS:
        return GRADIENTS[op](**arguments)
    return run_kernel(portable_ops, op, arguments)


def _gradient(function, inputs, upstream):
    inputs = [tf.constant(value) for value in inputs]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = function(*inputs)
    slopes = tape.gradient(outputs, inputs, upstream)
    return [tf.convert_to_tensor(slope).numpy() for slope in slopes]


def _zeros(gradient, num_rows):
    return np.zeros((len(gradient), num_rows, gradient.shape[-1]), np.float32)


GRADIENTS = {
    "group_points_grad": lambda gradient, indices, num_rows: _gradient(
        lambda features: portable_ops.gspn_group_points(features, indices),
        [_zeros(gradient, num_rows)],
        gradient,
    ),
    "three_interpolate_grad": lambda gradient, indices, weights, num_rows: _gradient(
        lambda x: portable_ops.gspn_three_interpolate(x, indices, weights),
        [_zeros(gradient, num_rows)],
        gradient,
    ),
    "three_interpolate_weights_grad": lambda features, indices, gradient: _gradient(
        lambda w: portable_ops.gspn_three_interpolate(features, indices, w),
        [np.zeros(indices.shape, np.float32)],
        gradient,
    ),
    "nn_distance_grad": lambda points_a, points_b, num_a, num_b, **others: _gradient(
        lambda a, b: portable_ops.gspn_nn_distance(a, b, num_a, num_b)[::2],
        [points_a, points_b],
        [others["upstream_a"], others["upstream_b"]],
    ),
}


def call_all(points, queries, boxes):
    """Calls every op once, with three tensors of any static shape."""
    batch, count = tf.shape(points)[0], tf.shape(points)[1]
    scores = tf.reduce_sum(boxes, -1)
    near, _ = ops.ball_query(points, queries, radius=1.0, num_neighbors=5)
    distances, three = ops.three_nn(points, queries)
    radii = {"radius": [0.5, 1.0], "num_neighbors": [2, 3]}
    several = ops.ball_query(points, queries, **radii)
    samples = ops.sample_in_boxes(points, boxes, [1, 2], num_samples=6)
    chosen = ops.group_points(points, samples[0])
    kept = {"iou_threshold": 0.5, "max_outputs": 3}
    return {
        "fps": ops.farthest_point_sample(points, 4),
        "fps_any": ops.farthest_point_sample(points, count, tf.fill([batch], count)),
        "ball": near,
        "ball_2": several[1][0],
        "three": distances,
        "knn": ops.knn(points, queries, 2)[1],
        "group": ops.group_points(points, near),
        "mix": ops.three_interpolate(points, three, tf.ones_like(distances)),
        "chamfer": ops.nn_distance(points, queries)[0],
        "nms": ops.nms_3d(boxes, scores, scores > 0, **kept)[0],
        "counts": samples[1],
        "assign": ops.nearest_assign(points, chosen, chosen[..., 0], boxes),
    }


POINTS = np.zeros((2, 4, 3), np.float32)
BOXES = np.zeros((2, 5, 6), np.float32)
GROUPS = np.zeros((2, 2, 3), np.int32)
WEIGHTS = np.zeros((2, 2, 3), np.float32)
MANY = np.zeros((2, 2000, 3), np.float32)


def _balls(points=POINTS, queries=POINTS, radius=1.0, num_neighbors=2):
    return ops.ball_query(points, queries, radius=radius, num_neighbors=num_neighbors)


def _nms(scores=BOXES[..., 0], iou_threshold=0.5):
    valid = BOXES[..., 0] > 0
    return ops.nms_3d(BOXES, scores, valid, iou_threshold=iou_threshold, max_outputs=1)


def _samples(boxes=BOXES, seed=(1, 2), margin=0.0):
    return ops.sample_in_boxes(POINTS, boxes, seed, num_samples=1, margin=margin)


BAD_CALLS = {
    "points must be": lambda: ops.farthest_point_sample(POINTS[0], 2, [4, 4]),
    "points must be [B, N, 3] with 3 = 3": lambda: ops.farthest_point_sample(
        POINTS[..., :2], 2
    ),
    "num_samples must be >= 0, got -1": lambda: ops.farthest_point_sample(POINTS, -1),
    "num_points[1] must be within 0..4, got 5": lambda: ops.farthest_point_sample(
        POINTS, 2, [4, 5]
    ),
    "num_points[0] must be within 0..4, got -1": lambda: ops.three_nn(
        POINTS, POINTS, [-1, 4]
    ),
    "num_points must be [B] with B = 2": lambda: ops.three_nn(POINTS, POINTS, [1]),
    "queries must be [B, M, 3] with B = 2": lambda: _balls(queries=POINTS[:1]),
    "radius must be positive": lambda: _balls(radius=0.0),
    "radius must be positive and finite": lambda: _balls(radius=float("nan")),
    "num_neighbors must be >= 1, got 0": lambda: _balls(num_neighbors=0),
    "num_neighbors must be one for each of 2 radii, got 1": lambda: _balls(
        radius=[1.0, 2.0], num_neighbors=[3]
    ),
    "num_radii": lambda: _balls(radius=[], num_neighbors=[]),
    "'k' of 0": lambda: ops.knn(POINTS, POINTS, 0),
    "output 0 must be at most 2147483647 elements large": lambda: ops.knn(
        POINTS, MANY, 1_000_000
    ),
    "sample_in_boxes: boxes must be [B, R, 6]": lambda: _samples(BOXES[..., :5]),
    "indices (flat position 2) must be within 0..3, got 4": lambda: ops.group_points(
        POINTS, GROUPS + [0, 0, 4]
    ),
    "indices (flat position 0) must be within 0..3, got -1": lambda: ops.group_points(
        POINTS, GROUPS - 1
    ),
    "indices (flat position 0) must be within 0..-1": lambda: ops.group_points(
        POINTS[:, :0], GROUPS
    ),
    "three_interpolate: indices (flat": lambda: ops.three_interpolate(
        POINTS, GROUPS + 9, WEIGHTS
    ),
    "weights must be [B, M, 3] with M = 2": lambda: ops.three_interpolate(
        POINTS, GROUPS, WEIGHTS[:, :1]
    ),
    "num_b[0] must be within 0..4, got 9": lambda: ops.nn_distance(
        POINTS, POINTS, None, [9, 0]
    ),
    "scores must be [B, R] with R = 5": lambda: _nms(BOXES[:, :4, 0]),
    "iou_threshold must be within 0..1": lambda: _nms(iou_threshold=1.5),
    "margin must be >= 0": lambda: _samples(margin=-1.0),
    "seed must be [2]": lambda: _samples(seed=[1, 2, 3]),
    "values must be [B, D, M] with M = 7": lambda: ops.nearest_assign(
        POINTS, np.zeros((2, 5, 7, 3)), np.zeros((2, 5, 6)), BOXES
    ),
}
