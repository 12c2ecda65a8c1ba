"""Farthest point sampling: the centres of a set abstraction."""

import numpy as np

from benchmarks import inputs
from benchmarks.case import Case, batched, share_of_equals
from gspn_tf import ops


def kd_line(points, samples):
    """Split the cloud by a line of buckets; the first point is the start."""
    import fpsample

    height = 7 if len(points) < 100_000 else 9
    return lambda: fpsample.bucket_fps_kdline_sampling(points, samples, height, 0)


def _greedy(points, other):
    """Share of another library's samples that are right, given its first one."""
    first = int(other[0])
    moved = np.concatenate([points[first:], points[:first]])
    found = ops.farthest_point_sample(moved[None], len(other))[0].numpy()
    return share_of_equals((found + first) % len(points), other)


def _case(points, samples):
    (cloud,) = batched(points)
    return Case(
        f"FPS {len(points):,} -> {samples:,}",
        lambda: ops.farthest_point_sample(cloud, samples),
        (points, samples),
        {"fpsample, k-d line": kd_line},
        beginning=lambda: ops.farthest_point_sample(cloud, 256),
        same=lambda _, other: _greedy(points, other),
    )


def cases(scan):
    """18,000 points of the scan, and a million of a room."""
    large = inputs.room(inputs.LARGEST)
    return [
        _case(inputs.scan(scan, 18_000), 2048),
        _case(large, len(large) // 8),
    ]
