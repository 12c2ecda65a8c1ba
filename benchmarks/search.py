"""Sampling and neighbour search: the centres and groups of a set abstraction."""

import os

import numpy as np
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case, batched
from gspn_tf import ops

BALLS = ((0.2, 32), (0.5, 256), (1.5, 512))  # radius in metres, K
SAMPLES = 2048


def fpsample(points, samples):
    """Sample farthest points, by a line of buckets; it begins with another point."""
    import fpsample

    def run():
        fpsample.bucket_fps_kdline_sampling(points, samples, 7, 0)

    return run


def pgeof(points, queries, radius, k):
    """Find all in a ball, and take the first K."""
    import pgeof

    everything = {"radius": radius, "num_neighbors": len(points)}
    _, counts = ops.ball_query(points[None], queries[None], **everything)
    most = int(tf.reduce_max(counts))  # what a caller cannot know

    def run():
        found, _ = pgeof.radius_search(points, queries, radius, most)
        found = np.sort(found.view(np.uint32), axis=1)[:, :k].view(np.int32)
        return np.where(found < 0, found[:, :1], found)  # unused slots are -1

    return run


def scikit_learn(points, queries, radius, k):
    """Find all in a ball, and take the first K; unused slots repeat the first."""
    from sklearn.neighbors import KDTree

    def run():
        found = np.empty((len(queries), k), np.int32)
        hits_of_all = KDTree(points).query_radius(queries, radius)
        for row, hits in zip(found, hits_of_all, strict=True):
            hits = np.sort(hits)
            row[:] = hits[0] if len(hits) else 0
            row[: len(hits)] = hits[:k]
        return found

    return run


def small_gicp(points, queries, k):
    """Find the nearest K; a tree of the points is part of the time."""
    from small_gicp import KdTree

    points, queries = points.astype(np.float64), queries.astype(np.float64)
    cores = len(os.sched_getaffinity(0))
    return lambda: KdTree(points, cores).batch_knn_search(queries, k, cores)[0]


def pykdtree(points, queries, k):
    """Find the nearest K; a tree of the points is part of the time."""
    from pykdtree.kdtree import KDTree

    return lambda: KDTree(points).query(queries, k=k)[1]


def cases(scan):
    """2,048 samples of 18,000 points, balls around them, and the three nearest."""
    cloud = inputs.scan(scan, 18_000)
    (points,) = batched(cloud)
    chosen = ops.farthest_point_sample(points, SAMPLES)[0].numpy()
    centers = cloud[chosen]
    tensors = batched(cloud, centers)
    sampling = Case(
        f"FPS {len(cloud):,} -> {SAMPLES:,}",
        lambda: ops.farthest_point_sample(points, SAMPLES),
        (cloud, SAMPLES),
        {"fpsample, k-d line": fpsample},
    )
    balls = [
        Case(
            f"ball query {SAMPLES:,} of {len(cloud):,}, r = {radius} m, K = {k}",
            lambda radius=radius, k=k: ops.ball_query(
                *tensors, radius=radius, num_neighbors=k
            ),
            (cloud, centers, radius, k),
            {"pgeof": pgeof, "scikit-learn": scikit_learn},
        )
        for radius, k in BALLS
    ]
    nearest = Case(
        f"3-NN {len(cloud):,} on {SAMPLES:,}",
        lambda: ops.three_nn(*tensors[::-1]),
        (centers, cloud, 3),
        {"small_gicp": small_gicp, "pykdtree": pykdtree},
        result=lambda found: found[1][0].numpy(),
    )
    return [sampling, *balls, nearest]
