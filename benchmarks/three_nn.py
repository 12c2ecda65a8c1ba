"""The three nearest neighbours: feature propagation."""

from benchmarks import inputs
from benchmarks.case import Case, batched
from benchmarks.neighbors import SEARCHES
from gspn_tf import ops


def cases(scan):
    """18,000 queries on 2,048 of them."""
    queries = inputs.scan(scan, 18_000)
    chosen = ops.farthest_point_sample(queries[None], 2048)[0]
    points = queries[chosen.numpy()]
    tensors = batched(points, queries)
    case = Case(
        f"3-NN {len(queries):,} on {len(points):,}",
        lambda: ops.three_nn(*tensors),
        (points, queries, 3),
        SEARCHES,
        result=lambda found: found[1][0].numpy(),
    )
    return [case]
