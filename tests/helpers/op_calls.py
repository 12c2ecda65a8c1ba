"""Calls of every op: good ones in one graph, and bad ones with what is said of them."""

import numpy as np
import tensorflow as tf

from gspn_tf import ops


def call_all(points, queries, boxes):
    """Every op once, from three tensors of any static shape."""
    batch, count = tf.shape(points)[0], tf.shape(points)[1]
    scores = tf.reduce_sum(boxes, -1)
    near, _ = ops.ball_query(points, queries, radius=1.0, num_neighbors=5)
    distances, three = ops.three_nn(points, queries)
    radii = {"radius": [0.5, 1.0], "num_neighbors": [2, 3]}
    several = ops.ball_query(points, queries, **radii)
    samples = ops.sample_in_boxes(points, boxes, [1, 2], num_samples=6)
    chosen = ops.group_points(points, samples[0])
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
        "nms": ops.nms_3d(boxes, scores, scores > 0, iou_threshold=0.5, max_outputs=3)[
            0
        ],
        "inside": ops.points_in_boxes(points, boxes),
        "counts": samples[1],
        "assign": ops.nearest_assign(points, chosen, chosen[..., 0], boxes),
    }


POINTS = np.zeros((2, 4, 3), np.float32)

BOXES = np.zeros((2, 5, 6), np.float32)

GROUPS = np.zeros((2, 2, 3), np.int32)

WEIGHTS = np.zeros((2, 2, 3), np.float32)

RADIUS = {"radius": 1.0, "num_neighbors": 2}

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
    "queries must be [B, M, 3] with B = 2": lambda: ops.ball_query(
        POINTS, POINTS[:1], **RADIUS
    ),
    "radius must be positive": lambda: ops.ball_query(
        POINTS, POINTS, radius=0.0, num_neighbors=2
    ),
    "radius must be positive and finite": lambda: ops.ball_query(
        POINTS, POINTS, radius=float("nan"), num_neighbors=2
    ),
    "num_neighbors must be >= 1, got 0": lambda: ops.ball_query(
        POINTS, POINTS, radius=1.0, num_neighbors=0
    ),
    "num_neighbors must be one for each of 2 radii, got 1": lambda: ops.ball_query(
        POINTS, POINTS, radius=[1.0, 2.0], num_neighbors=[3]
    ),
    "num_radii": lambda: ops.ball_query(POINTS, POINTS, radius=[], num_neighbors=[]),
    "'k' of 0": lambda: ops.knn(POINTS, POINTS, 0),
    "output 0 must be at most 2147483647 elements large": lambda: ops.knn(
        POINTS, np.zeros((2, 2000, 3), np.float32), 1_000_000
    ),
    "points_in_boxes: boxes must be [B, R, 6]": lambda: ops.points_in_boxes(
        POINTS, BOXES[..., :5]
    ),
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
    "scores must be [B, R] with R = 5": lambda: ops.nms_3d(
        BOXES, BOXES[:, :4, 0], BOXES[..., 0] > 0, iou_threshold=0.5, max_outputs=1
    ),
    "iou_threshold must be within 0..1": lambda: ops.nms_3d(
        BOXES, BOXES[..., 0], BOXES[..., 0] > 0, iou_threshold=1.5, max_outputs=1
    ),
    "margin must be >= 0": lambda: ops.sample_in_boxes(
        POINTS, BOXES, [1, 2], num_samples=1, margin=-1.0
    ),
    "seed must be [2]": lambda: ops.sample_in_boxes(
        POINTS, BOXES, [1, 2, 3], num_samples=1
    ),
    "values must be [B, D, M] with M = 7": lambda: ops.nearest_assign(
        POINTS, np.zeros((2, 5, 7, 3)), np.zeros((2, 5, 6)), BOXES
    ),
}
