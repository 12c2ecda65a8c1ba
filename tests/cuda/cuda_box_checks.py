"""The CUDA kernels of boxes against the naive reference, exactly; see cuda_checks."""

import numpy as np
import reference
from clouds import KINDS, make_boxes, make_points
from cuda_checks import same
from cuda_library import Host, Output


def check_nms_3d(device):
    rng = np.random.default_rng(0)
    for size in (1, 1), (2, 40), (1, 300), (3, 129), (2, 0), (0, 5):
        boxes = make_boxes(rng, *size)
        boxes[:, ::7, 3:] *= np.sign(rng.uniform(-1, 1, boxes[:, ::7, 3:].shape))
        boxes[:, ::9, 3:] = 0
        boxes[:, 5::11] = np.nan
        boxes[:, 3::5] = boxes[:, 2::5][:, : boxes[:, 3::5].shape[1]]
        scores = rng.integers(0, 9, size).astype(np.float32) / 8
        scores[:, 6::13] = np.nan
        valid = rng.random(size) < 0.8
        for threshold, k in (0.0, 90), (0.25, 17), (0.5, 90), (1.0, 400), (0.5, 0):
            found = device.call(
                "nms_3d",
                *(boxes, scores, valid, *size, threshold, k),
                Output((size[0], k), np.int32),
                Output((size[0], k), bool),
                scratch=(*size, k),
            )
            for b in range(size[0]):
                expected = reference.nms_3d(boxes[b], scores[b], valid[b], threshold, k)
                same((found[0][b], found[1][b]), expected)


def boxes_and_points():
    """(points, counts, boxes) with empty, infinite and NaN boxes."""
    for kind in KINDS:
        for n in 1, 150, 700:
            points, counts = make_points(kind, 2, n), np.array([n, n // 2], np.int32)
            boxes = make_boxes(np.random.default_rng(1), 2, 12)
            boxes[:, 0, 3:] = 0
            boxes[0, 1] = np.nan
            boxes[1, 1, 3:] = np.inf
            yield points, counts, boxes


def check_points_in_boxes(device):
    for points, counts, boxes in boxes_and_points():
        n = points.shape[1]
        found = device.call(
            "points_in_boxes",
            *(points, counts, boxes, 2, n, 12, 0.25, Output((2, 12, n), bool)),
        )
        for b, r in np.ndindex(2, 12):
            inside = reference.inside_box(points[b, : counts[b]], boxes[b, r], 0.25)
            same(found[b, r, : counts[b]], inside)
            assert not found[b, r, counts[b] :].any()


def check_sample_in_boxes(device):
    for points, counts, boxes in boxes_and_points():
        for margin, m in (0.0, 20), (0.25, 7), (0.0, 0):
            found = device.call(
                "sample_in_boxes",
                *(points, counts, boxes, Host(np.array([-3, 77], np.int32))),
                *(2, points.shape[1], 12, m, margin),
                Output((2, 12, m), np.int32),
                Output((2, 12), np.int32),
                scratch=(2, points.shape[1], 12),
            )
            for b in range(2):
                expected = reference.sample_in_boxes(
                    points[b, : counts[b]], boxes[b], [-3, 77], b, m, margin
                )
                same((found[0][b], found[1][b]), expected)


def check_nearest_assign(device):
    rng = np.random.default_rng(2)
    for points, counts, boxes in boxes_and_points():
        n = points.shape[1]
        for m in 0, 1, 300:
            samples = make_points("random", 2, 12 * m, seed=3).reshape(2, 12, m, 3)
            values = rng.random((2, 12, m)).astype(np.float32)
            found = device.call(
                "nearest_assign",
                *(points, counts, samples, values, boxes, 2, n, 12, m),
                Output((2, 12, n), np.float32),
            )
            for b, real in enumerate(counts):
                expected = reference.nearest_assign(
                    points[b, :real], samples[b], values[b], boxes[b]
                )
                same(found[b, :, :real], expected)
                assert not found[b, :, real:].any()


CHECKS = [check for name, check in list(globals().items()) if name.startswith("check_")]
