"""The k nearest points by other libraries.

Each function takes points [N, 3], queries [Q, 3] and k, and returns the function to
time, which builds an index of the points and gives the indices [Q, k] of the nearest.
"""

import numpy as np

from benchmarks.machine import cores


def _small_gicp(points, queries, k):
    from small_gicp import KdTree

    points, queries = points.astype(np.float64), queries.astype(np.float64)
    return lambda: KdTree(points, cores()).batch_knn_search(queries, k, cores())[0]


def _pykdtree(points, queries, k):
    from pykdtree.kdtree import KDTree

    return lambda: KDTree(points).query(queries, k=k)[1]


SEARCHES = {"small_gicp": _small_gicp, "pykdtree": _pykdtree}
