"""Calls of the CUDA kernels that make up each op of tests/helpers/op_cases.py."""

from typing import NamedTuple

import numpy as np
from cuda_library import Device, Host, Output


class Launch(NamedTuple):
    """One call of gspn_cuda_<name>; see Device.call."""

    name: str
    arguments: tuple
    scratch: tuple | None = None


def farthest_point_sample(points, num_samples, num_points):
    batch, n, _ = points.shape
    output = Output((batch, num_samples), np.int32)
    arguments = points, num_points, batch, n, num_samples, output
    return [Launch("farthest_point_sample", arguments, (batch, n))]


def ball_query(points, queries, num_points, radii, num_neighbors):
    (batch, n, _), m = points.shape, queries.shape[1]
    launches = []
    for radius, k in zip(radii, num_neighbors, strict=True):
        outputs = Output((batch, m, k), np.int32), Output((batch, m), np.int32)
        arguments = points, num_points, batch, n, queries, m, radius, k, *outputs
        launches.append(Launch("ball_query", arguments))
    return launches


def knn(points, queries, num_points, k):
    (batch, n, _), m = points.shape, queries.shape[1]
    outputs = Output((batch, m, k), np.float32), Output((batch, m, k), np.int32)
    return [Launch("knn", (points, num_points, batch, n, queries, m, k, *outputs))]


def group_points(features, indices):
    (batch, n, channels), slots = features.shape, indices[0].size if len(indices) else 0
    output = Output((*indices.shape, channels), np.float32)
    arguments = features, indices, batch, n, channels, slots, output
    return [Launch("group_points", arguments)]


def _scatter(gradient, indices, weights, num_rows, slots_per_row):
    batch, channels = len(gradient), gradient.shape[-1]
    slots = int(np.prod(indices.shape[1:]))
    sizes = batch, num_rows, channels, slots, slots_per_row
    output = Output((batch, num_rows, channels), np.float32)
    arguments = gradient, indices, weights, *sizes, output
    return [Launch("scatter_rows", arguments, (batch, num_rows, slots))]


def group_points_grad(gradient, indices, num_rows):
    return _scatter(gradient, indices, None, num_rows, 1)


def three_interpolate_grad(gradient, indices, weights, num_rows):
    return _scatter(gradient, indices, weights, num_rows, 3)


def three_interpolate(features, indices, weights):
    (batch, n, channels), m = features.shape, indices.shape[1]
    output = Output((batch, m, channels), np.float32)
    arguments = features, indices, weights, batch, n, channels, m, output
    return [Launch("three_interpolate", arguments)]


def three_interpolate_weights_grad(features, indices, gradient):
    (batch, n, channels), m = features.shape, indices.shape[1]
    output = Output((batch, m, 3), np.float32)
    arguments = features, indices, gradient, batch, n, channels, m, output
    return [Launch("three_interpolate_weights_grad", arguments)]


def nn_distance(points_a, points_b, num_a, num_b):
    launches = []
    for to, num_to, of, num_of in (
        (points_b, num_b, points_a, num_a),
        (points_a, num_a, points_b, num_b),
    ):
        (batch, n, _), m = to.shape, of.shape[1]
        outputs = Output((batch, m), np.float32), Output((batch, m), np.int32)
        arguments = to, num_to, of, num_of, batch, n, m, *outputs
        launches.append(Launch("nearest", arguments))
    return launches


def nn_distance_grad(points_a, points_b, **others):
    (batch, n, _), m = points_a.shape, points_b.shape[1]
    outputs = Output((batch, n, 3), np.float32), Output((batch, m, 3), np.float32)
    arguments = points_a, points_b, *others.values(), batch, n, m, *outputs
    return [Launch("nn_distance_grad", arguments, (batch, n, m))]


def nms_3d(boxes, scores, valid, iou_threshold, max_outputs):
    batch, r, _ = boxes.shape
    outputs = [Output((batch, max_outputs), kind) for kind in (np.int32, bool)]
    sizes = batch, r, iou_threshold, max_outputs
    arguments = boxes, scores, valid, *sizes, *outputs
    return [Launch("nms_3d", arguments, (batch, r, max_outputs))]


def sample_in_boxes(points, boxes, seed, num_points, num_samples, margin):
    (batch, n, _), r = points.shape, boxes.shape[1]
    outputs = Output((batch, r, num_samples), np.int32), Output((batch, r), np.int32)
    sizes = batch, n, r, num_samples, margin
    arguments = points, num_points, boxes, Host(seed), *sizes, *outputs
    return [Launch("sample_in_boxes", arguments, (batch, n, r))]


def nearest_assign(points, samples, values, boxes, num_points):
    (batch, n, _), (d, m) = points.shape, values.shape[1:]
    output = Output((batch, d, n), np.float32)
    arguments = points, num_points, samples, values, boxes, batch, n, d, m, output
    return [Launch("nearest_assign", arguments)]


LAUNCHES = {
    function.__name__: function
    for function in (
        *(farthest_point_sample, ball_query, knn, group_points, group_points_grad),
        *(three_interpolate, three_interpolate_grad, three_interpolate_weights_grad),
        *(nn_distance, nn_distance_grad, nms_3d, sample_in_boxes, nearest_assign),
    )
}


def run_op(device: Device, op: str, arguments: dict) -> list[np.ndarray]:
    """The outputs of an op, in the order of the library's."""
    outputs = [device.call(*launch) for launch in LAUNCHES[op](**arguments)]
    if op == "ball_query":  # the library has the indices of all radii first
        return [output[i] for i in range(2) for output in outputs]
    return [array for output in outputs for array in output]
