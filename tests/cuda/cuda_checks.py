"""Checks of the CUDA kernels: all cases of the table, and what ops cannot show.

A check is a function of a Device.
"""

import numpy as np
from clouds import KINDS
from cuda_calls import run_op
from cuda_library import Host, Output
from op_cases import CASES, compare, grid_case


def check_case(device, case):
    """The results are those of the reference, bit for bit.

    The sign of zero and the kind of NaN do not count.
    """
    arguments = case.make()
    found = run_op(device, case.op, arguments)
    compare(case.op, arguments, found, np.testing.assert_array_equal)


def check_upload(device):
    numbers = np.arange(1300, dtype=np.int32)
    output = Output((1300,), np.int32)
    (found,) = device.call("upload", (Host(numbers), 1300, output))
    np.testing.assert_array_equal(found, numbers)


def check_indices_out_of_range(device):
    """They are not followed: their rows are NaN, and no gradient gets anything."""
    features, ones = np.ones((1, 4, 8), np.float32), np.ones(6, np.float32)
    indices = np.array([[[0, 4, -1], [3, 2, 1]]], np.int32)
    groups = run_op(device, "group_points", {"features": features, "indices": indices})
    bad = [[[False, True, True], [False] * 3]]
    assert np.isnan(groups[0]).all(axis=-1).tolist() == bad
    mixed = {"features": features, "indices": indices, "weights": ones}
    mixed = run_op(device, "three_interpolate", mixed)
    assert np.isnan(mixed[0]).all(axis=-1).tolist() == [[True, False]]
    gradient = np.ones((1, 2, 8), np.float32)
    slopes = {"features": features, "indices": indices, "gradient": gradient}
    slopes = run_op(device, "three_interpolate_weights_grad", slopes)
    assert np.isnan(slopes[0]).tolist() == bad
    gradient = np.ones_like(groups[0])
    sums = {"gradient": gradient, "indices": indices, "num_rows": 4}
    sums = run_op(device, "group_points_grad", sums)
    np.testing.assert_array_equal(sums[0], features)


SPECIAL_CHECKS = [check_upload, check_indices_out_of_range]


LARGE = {
    "farthest_point_sample": [(1, 40000, 1), (16, 4096, 1)],
    "ball_query": [(1, 40000, 700)],
    "knn": [(16, 4096, 300)],
    "nn_distance": [(1, 40000, 700)],
    "sample_in_boxes": [(2, 20000, 12)],
    "nearest_assign": [(2, 20000, 12)],
}


def large_cases():
    """More than the emulation has time for."""
    return [
        grid_case(op, kind, size)
        for op, sizes in LARGE.items()
        for size in sizes
        for kind in KINDS
    ]


def all_cases(small):
    """The cases for a GPU; small: those of the emulation."""
    return CASES if small else [*CASES, *large_cases()]
