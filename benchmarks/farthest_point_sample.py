"""Farthest point sampling: the centres of a set abstraction."""

import numpy as np
import reference
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case, Target, share_of_equals, uncompared
from gspn_tf import ops


def fpsample_line(points, samples):
    """fpsample, k-d line."""
    import fpsample

    height = 7 if len(points) < 100_000 else 9
    return lambda: fpsample.bucket_fps_kdline_sampling(points, samples, height, 0)


def fpsample_tree(points, samples):
    """fpsample, k-d tree."""
    import fpsample

    return lambda: fpsample.bucket_fps_kdtree_sampling(points, samples, 0)


def fpsample_brute(points, samples):
    """fpsample, all pairs."""
    import fpsample

    return lambda: fpsample.fps_sampling(points, samples, 0)


def torch_cluster(points, samples):
    """torch-cluster."""
    import torch
    from torch_cluster import fps

    cloud, ratio = torch.from_numpy(points), samples / len(points)
    return lambda: fps(cloud, ratio=ratio, random_start=False).numpy()


def open3d(points, samples):
    """Open3D."""
    from open3d import t

    cloud = t.geometry.PointCloud(points)
    # It returns coordinates in the order of the cloud, not of the samples.
    return lambda: uncompared(cloud.farthest_point_down_sample(samples))


PEERS = (fpsample_line, fpsample_tree, fpsample_brute, torch_cluster, open3d)


def _greedy(points, other):
    """Share of another library's samples that are right, given its first one."""
    first = int(other[0])
    moved = np.concatenate([points[first:], points[:first]])
    found = ops.farthest_point_sample(moved[None], len(other))[0].numpy()
    return share_of_equals((found + first) % len(points), other)


def _case(points, samples, peers, at_least):
    cloud = tf.constant(points[None])
    return Case(
        f"FPS {len(points):,} -> {samples:,}",
        lambda: ops.farthest_point_sample(cloud, samples),
        lambda found: found[0].numpy(),
        lambda: [(slice(256), reference.farthest_point_sample(points, 256))],
        (points, samples),
        peers,
        (Target(at_least, "fpsample"),),
        lambda _, other: _greedy(points, other),
    )


def cases(scan):
    """18,000 points of the scan, and a million of a room."""
    large = inputs.room(inputs.LARGEST)
    return [
        _case(inputs.scan(scan, 18_000), 2048, PEERS, at_least=4),
        _case(large, len(large) // 8, PEERS[:1], at_least=3),
    ]


def scaled(count):
    """An eighth of the points."""
    points = tf.constant(inputs.room(count)[None])
    return (points,), lambda cloud: ops.farthest_point_sample(cloud, count // 8)
