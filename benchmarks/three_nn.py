"""The three nearest neighbours: feature propagation."""

import numpy as np
import reference
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case, Target, cores
from gspn_tf import ops


def small_gicp(points, queries):
    """small_gicp."""
    from small_gicp import KdTree

    points, queries = points.astype(np.float64), queries.astype(np.float64)

    def run():
        tree = KdTree(points, cores())
        return tree.batch_knn_search(queries, 3, cores())[0]

    return run


def pgeof(points, queries):
    """Pgeof."""
    import pgeof

    return lambda: pgeof.knn_search(points, queries, 3)[0]


def pynanoflann(points, queries):
    """Pynanoflann."""
    from pynanoflann import KDTree

    def run():
        tree = KDTree(n_neighbors=3)
        tree.fit(points)
        return tree.kneighbors(queries, n_jobs=cores())[1]

    return run


def napf(points, queries):
    """Napf."""
    import napf

    def run():
        return napf.KDT(points, nthread=cores()).knn_search(queries, 3)[0]

    return run


def pykdtree(points, queries):
    """Pykdtree."""
    from pykdtree.kdtree import KDTree

    return lambda: KDTree(points).query(queries, k=3)[1]


def scipy(points, queries):
    """SciPy."""
    from scipy.spatial import cKDTree

    return lambda: cKDTree(points).query(queries, k=3, workers=cores())[1]


def sklearn(points, queries):
    """scikit-learn."""
    from sklearn.neighbors import KDTree

    return lambda: KDTree(points).query(queries, k=3, return_distance=False)


def open3d(points, queries):
    """Open3D."""
    from open3d import core

    cloud, wanted = core.Tensor(points), core.Tensor(queries)

    def run():
        search = core.nns.NearestNeighborSearch(cloud)
        search.knn_index()
        return search.knn_search(wanted, 3)[0].numpy()

    return run


def torch_cluster(points, queries):
    """torch-cluster."""
    import torch
    from torch_cluster import knn

    cloud, wanted = torch.from_numpy(points), torch.from_numpy(queries)
    workers = cores()
    return lambda: knn(cloud, wanted, 3, num_workers=workers)[1].reshape(-1, 3).numpy()


def faiss(points, queries):
    """faiss, all pairs."""
    from faiss import IndexFlatL2

    def run():
        index = IndexFlatL2(3)
        index.add(points)
        return index.search(queries, 3)[1]

    return run


PEERS = (
    *(small_gicp, pgeof, pynanoflann, napf, pykdtree, scipy, sklearn, open3d),
    *(torch_cluster, faiss),
)


def cases(scan):
    """18,000 queries on 2,048 of them."""
    queries = inputs.scan(scan, 18_000)
    chosen = ops.farthest_point_sample(queries[None], 2048)[0]
    points = queries[chosen.numpy()]
    cloud, wanted = tf.constant(points[None]), tf.constant(queries[None])
    few = slice(None, None, 16)
    case = Case(
        f"3-NN {len(queries):,} on {len(points):,}",
        lambda: ops.three_nn(cloud, wanted),
        lambda found: found[1][0].numpy(),
        lambda: [(few, reference.knn(points, queries[few], 3)[1])],
        (points, queries),
        PEERS,
        (Target(1.5, "any"),),
    )
    return [case]


def scaled(count):
    """All points on an eighth of them."""
    points = inputs.room(count)[None]
    return (tf.constant(points[:, : count // 8]), tf.constant(points)), ops.three_nn
