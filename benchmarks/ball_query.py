"""Ball query: the first K points within a radius, in index order."""

import numpy as np
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case, batched, uncompared
from benchmarks.machine import cores
from gspn_tf import ops

SIZES = ((0.2, 32), (0.5, 256), (1.5, 512))


def pgeof_nearest(points, queries, radius, k):
    """Find the nearest K."""
    import pgeof

    return lambda: uncompared(pgeof.radius_search(points, queries, radius, k))


def pgeof_first(points, queries, radius, k):
    """Find all, and take the first K."""
    import pgeof

    everything = {"radius": radius, "num_neighbors": len(points)}
    _, counts = ops.ball_query(points[None], queries[None], **everything)
    most = int(tf.reduce_max(counts))  # what a caller cannot know

    def run():
        found, _ = pgeof.radius_search(points, queries, radius, most)
        found = np.sort(found.view(np.uint32), axis=1)[:, :k].view(np.int32)
        return np.where(found < 0, found[:, :1], found)  # unused slots are -1

    return run


def napf_all(points, queries, radius, k):
    """Find all, in lists."""
    import napf

    def run():
        tree = napf.KDT(points, nthread=cores())
        found = tree.radius_search(queries, radius, False, nthread=cores())
        return uncompared(found)

    return run


def sklearn_first(points, queries, radius, k):
    """Find all, and take the first K."""
    from sklearn.neighbors import KDTree

    def run():
        hits = KDTree(points).query_radius(queries, radius)
        return _first([np.sort(found) for found in hits], k)

    return run


PEERS = {
    "pgeof, the nearest K": pgeof_nearest,
    "pgeof, all, then the first K": pgeof_first,
    "napf, all": napf_all,
    "scikit-learn, all, then the first K": sklearn_first,
}


def _first(lists, k):
    """The first K of sorted lists of hits; unused slots repeat the first."""
    found = np.empty((len(lists), k), np.int32)
    for row, hits in zip(found, lists, strict=True):
        row[:] = hits[0] if len(hits) else 0
        row[: len(hits)] = hits[:k]
    return found


def cases(scan):
    """2,048 centres of farthest point sampling, in 18,000 points, three radii."""
    points = inputs.scan(scan, 18_000)
    chosen = ops.farthest_point_sample(points[None], 2048)[0]
    queries = points[chosen.numpy()]
    return [_case(points, queries, radius, k) for radius, k in SIZES]


def _case(points, queries, radius, k):
    tensors = batched(points, queries)
    return Case(
        f"ball query {len(queries):,} of {len(points):,}, r = {radius} m, K = {k}",
        lambda: ops.ball_query(*tensors, radius=radius, num_neighbors=k),
        (points, queries, radius, k),
        PEERS,
    )
