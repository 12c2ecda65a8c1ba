"""Ball query: the first K points within a radius, in index order."""

import numpy as np
import reference
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case, Target, cores, uncompared
from gspn_tf import ops

SIZES = ((0.2, 32), (0.5, 256), (1.5, 512))


def pgeof_nearest(points, queries, radius, k):
    """pgeof, the nearest K."""
    import pgeof

    return lambda: uncompared(pgeof.radius_search(points, queries, radius, k))


def pgeof_first(points, queries, radius, k):
    """pgeof, all, then the first K."""
    import pgeof

    everything = {"radius": radius, "num_neighbors": len(points)}
    _, counts = ops.ball_query(points[None], queries[None], **everything)
    most = int(tf.reduce_max(counts))  # what a caller cannot know

    def run():
        found, _ = pgeof.radius_search(points, queries, radius, most)
        found = np.sort(found.view(np.uint32), axis=1)[:, :k].view(np.int32)
        return np.where(found < 0, found[:, :1], found)  # unused slots are -1

    return run


def _pad(lists, k):
    """The first K of sorted lists of hits; unused slots repeat the first."""
    found = np.empty((len(lists), k), np.int32)
    for row, hits in zip(found, lists, strict=True):
        row[:] = hits[0] if len(hits) else 0
        row[: len(hits)] = hits[:k]
    return found


def napf_all(points, queries, radius, k):
    """napf, all."""
    import napf

    def run():
        tree = napf.KDT(points, nthread=cores())
        found = tree.radius_search(queries, radius, False, nthread=cores())
        return uncompared(found)

    return run


def scipy_first(points, queries, radius, k):
    """SciPy, all, then the first K."""
    from scipy.spatial import cKDTree

    def run():
        tree = cKDTree(points)
        hits = tree.query_ball_point(
            queries, radius, workers=cores(), return_sorted=True
        )
        return _pad(hits, k)

    return run


def sklearn_first(points, queries, radius, k):
    """scikit-learn, all, then the first K."""
    from sklearn.neighbors import KDTree

    def run():
        hits = KDTree(points).query_radius(queries, radius)
        return _pad([np.sort(found) for found in hits], k)

    return run


def torch_cluster(points, queries, radius, k):
    """torch-cluster, some K."""
    import torch
    from torch_cluster import radius as search

    cloud, centers = torch.from_numpy(points), torch.from_numpy(queries)
    workers = cores()
    return lambda: uncompared(
        search(cloud, centers, radius, max_num_neighbors=k, num_workers=workers)
    )


def open3d(points, queries, radius, k):
    """Open3D, the nearest K."""
    from open3d import core

    cloud, centers = core.Tensor(points), core.Tensor(queries)

    def run():
        search = core.nns.NearestNeighborSearch(cloud)
        search.hybrid_index(radius)
        search.hybrid_search(centers, radius, k)

    return run


PEERS = (
    *(pgeof_nearest, pgeof_first, napf_all, scipy_first, sklearn_first),
    *(torch_cluster, open3d),
)


def cases(scan):
    """2,048 centres of farthest point sampling, in 18,000 points, three radii."""
    points = inputs.scan(scan, 18_000)
    chosen = ops.farthest_point_sample(points[None], 2048)[0]
    queries = points[chosen.numpy()]
    return [_case(points, queries, radius, k) for radius, k in SIZES]


def _case(points, queries, radius, k):
    cloud, centers = tf.constant(points[None]), tf.constant(queries[None])
    few = slice(None, None, 8)
    return Case(
        f"ball query {len(queries):,} of {len(points):,}, r = {radius} m, K = {k}",
        lambda: ops.ball_query(cloud, centers, radius=radius, num_neighbors=k),
        lambda found: found[0][0].numpy(),
        lambda: [(few, reference.ball_query(points, queries[few], radius, k)[0])],
        (points, queries, radius, k),
        PEERS,
        (Target(3, "the same result"), Target(2, "any")),
    )


def scaled(count):
    """An eighth of the points are centres; the radius holds about 32 of them."""
    points = inputs.room(count)[None]
    radius = 0.2 * (40_000 / count) ** 0.5

    def run(cloud, centers):
        return ops.ball_query(cloud, centers, radius=radius, num_neighbors=32)

    return (tf.constant(points), tf.constant(points[:, : count // 8])), run
