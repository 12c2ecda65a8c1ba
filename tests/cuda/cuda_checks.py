"""The CUDA kernels of search and features against tests/helpers/reference.py, exactly.

A check is a function of a Device; CHECKS lists them all.
"""

import numpy as np
import reference
from clouds import KINDS, each, make_counts, make_points
from cuda_library import Host, Output

# (batch, points, queries): one block or bucket, several, and a ragged batch of many.
SIZES = [(1, 1, 1), (2, 2, 3), (2, 65, 64), (3, 200, 33), (1, 1100, 20), (20, 5, 4)]
LARGE = [(1, 40000, 700), (16, 4096, 300)]  # too slow in the emulation
EMPTY = [(0, 9, 5), (2, 0, 5), (2, 9, 0)]


def same(found, expected):
    """Equal bit for bit but for the sign of zero and the kind of NaN."""
    if isinstance(expected, tuple):
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    else:
        np.testing.assert_array_equal(found, expected)


def clouds(device):
    """(batch, points, counts, queries) of every kind and size."""
    for kind in KINDS:
        for batch, count, num_queries in SIZES + ([] if device.small else LARGE):
            points = make_points(kind, batch, count)
            queries = make_points(kind, batch, num_queries, seed=1)
            yield batch, points, make_counts(batch, count), queries


def check_farthest_point_sample(device):
    for batch, points, counts, queries in clouds(device):
        n, m = points.shape[1], queries.shape[1]
        found = run_farthest_point_sample(device, points, counts, m)
        expected = each(
            lambda b, p=points, c=counts, m=m: reference.farthest_point_sample(
                p[b, : c[b]], m
            ),
            batch,
        )
        same(found, expected)
    for batch, n, m in EMPTY:
        points = np.zeros((batch, n, 3), np.float32)
        found = run_farthest_point_sample(device, points, np.full(batch, n, "i4"), m)
        assert found.shape == (batch, m) and not found.any()


def check_farthest_point_sample_takes_every_point(device):
    """Buckets are skipped in all ways only when there are more and more samples."""
    points, counts = make_points("random", 1, 300), np.array([300], np.int32)
    found = run_farthest_point_sample(device, points, counts, 310)
    same(found[0], reference.farthest_point_sample(points[0], 310))
    assert sorted(found[0, :300]) == list(range(300))


def run_farthest_point_sample(device, points, counts, m):
    batch, n, _ = points.shape
    return device.call(
        "farthest_point_sample",
        *(points, counts, batch, n, m, Output((batch, m), np.int32)),
        scratch=(batch, n),
    )


def check_ball_query(device):
    for batch, points, counts, queries in clouds(device):
        n, m = points.shape[1], queries.shape[1]
        for radius, k in (0.5, 4), (1.0, 70), (9.0, 16), (1e-30, 2), (1e25, 3):
            found = device.call(
                "ball_query",
                *(points, counts, batch, n, queries, m, radius, k),
                Output((batch, m, k), np.int32),
                Output((batch, m), np.int32),
            )
            for b, real in enumerate(counts):
                expected = reference.ball_query(points[b, :real], queries[b], radius, k)
                same((found[0][b], found[1][b]), expected)


def check_ball_query_excludes_the_surface(device):
    radius = np.float32(0.1)
    points = np.zeros((1, 3, 3), np.float32)
    points[0, :, 0] = [radius, np.nextafter(radius, np.float32(0)), 0]
    indices, counts = device.call(
        "ball_query",
        *(points, np.array([3], np.int32), 1, 3, points[:, 2:], 1, float(radius), 3),
        Output((3,), np.int32),
        Output((1,), np.int32),
    )
    assert counts.tolist() == [2] and indices.tolist() == [1, 2, 1]


def check_knn(device):
    for batch, points, counts, queries in clouds(device):
        n, m = points.shape[1], queries.shape[1]
        for k in 1, 3, 7, 16, 32, 70:
            found = device.call(
                "knn",
                *(points, counts, batch, n, queries, m, k),
                Output((batch, m, k), np.float32),
                Output((batch, m, k), np.int32),
            )
            expected = each(
                lambda b, p=points, c=counts, q=queries, k=k: reference.knn(
                    p[b, : c[b]], q[b], k
                ),
                batch,
            )
            same(found, expected)


def check_upload(device):
    numbers = np.arange(1300, dtype=np.int32)
    same(device.call("upload", Host(numbers), 1300, Output((1300,), np.int32)), numbers)


def check_nearest(device):
    for batch, points, counts, queries in clouds(device):
        n, m = points.shape[1], queries.shape[1]
        num_queries = make_counts(batch, m)[::-1].copy()
        distances, indices = device.call(
            "nearest",
            *(points, counts, queries, num_queries, batch, n, m),
            Output((batch, m), np.float32),
            Output((batch, m), np.int32),
        )
        for b in range(batch):
            real = num_queries[b]
            expected = reference.nearest(points[b, : counts[b]], queries[b, :real])
            same((distances[b, :real], indices[b, :real]), expected)
            assert not distances[b, real:].any() and not indices[b, real:].any()


def check_nn_distance_grad(device):
    rng = np.random.default_rng(0)
    for batch, n, m in [(1, 1, 1), (2, 40, 70), (3, 300, 5), (2, 0, 4), (0, 3, 3)]:
        a, b = make_points("random", batch, n), make_points("random", batch, m, 1)
        num_a, num_b = make_counts(batch, n), make_counts(batch, m)[::-1].copy()
        to_b = rng.integers(0, max(m, 1), (batch, n)).astype(np.int32)
        to_a = rng.integers(0, max(n, 1), (batch, m)).astype(np.int32)
        for i in range(batch):  # what nn_distance gives
            to_b[i] %= max(num_b[i], 1)
            to_a[i] %= max(num_a[i], 1)
        up_a = rng.normal(size=(batch, n)).astype(np.float32)
        up_b = rng.normal(size=(batch, m)).astype(np.float32)
        found_a, found_b = device.call(
            "nn_distance_grad",
            *(a, b, num_a, num_b, to_b, to_a, up_a, up_b, batch, n, m),
            Output((batch, n, 3), np.float32),
            Output((batch, m, 3), np.float32),
            scratch=(batch, n, m),
        )
        for i, (na, nb) in enumerate(zip(num_a, num_b, strict=True)):
            expected = np.zeros((na, 3), np.float32), np.zeros((nb, 3), np.float32)
            if na and nb:
                expected = reference.nn_distance_grad(
                    *(a[i, :na], b[i, :nb], to_b[i, :na], to_a[i, :nb]),
                    *(up_a[i, :na], up_b[i, :nb]),
                )
            same((found_a[i, :na], found_b[i, :nb]), expected)
            assert not found_a[i, na:].any() and not found_b[i, nb:].any()


def features_and_indices(slots_per_row):
    """(batch, n, channels, features, indices, gradient) of several sizes."""
    rng = np.random.default_rng(0)
    for batch, n, m, channels in [
        *((2, 50, 9, 7), (2, 50, 9, 64), (1, 3, 900, 4), (3, 7, 40, 1)),
        *((0, 5, 5, 4), (2, 5, 0, 4), (2, 5, 5, 0), (2, 0, 0, 3)),
    ]:
        features = rng.normal(size=(batch, n, channels)).astype(np.float32)
        slots = m * slots_per_row
        indices = rng.integers(0, max(n, 1), (batch, slots)).astype(np.int32)
        gradient = rng.normal(size=(batch, m, channels)).astype(np.float32)
        yield batch, n, channels, features, indices, gradient


def check_group_points(device):
    for batch, n, channels, features, indices, _ in features_and_indices(4):
        slots = indices.shape[1]
        found = device.call(
            "group_points",
            *(features, indices, batch, n, channels, slots),
            Output((batch, slots, channels), np.float32),
        )
        same(found, np.take_along_axis(features, indices[..., None], axis=1))


def check_three_interpolate(device):
    for batch, n, channels, features, indices, gradient in features_and_indices(3):
        m = gradient.shape[1]
        weights = np.random.default_rng(1).random((batch, m, 3)).astype(np.float32)
        found = device.call(
            "three_interpolate",
            *(features, indices, weights, batch, n, channels, m),
            Output((batch, m, channels), np.float32),
        )
        rows = np.take_along_axis(features, indices[..., None], axis=1)
        products = rows.reshape(batch, m, 3, channels) * weights[..., None]
        same(found, (products[:, :, 0] + products[:, :, 1]) + products[:, :, 2])


def check_three_interpolate_weights_grad(device):
    for batch, n, channels, features, indices, gradient in features_and_indices(3):
        m = gradient.shape[1]
        found = device.call(
            "three_interpolate_weights_grad",
            *(features, indices, gradient, batch, n, channels, m),
            Output((batch, m, 3), np.float32),
        )
        rows = np.take_along_axis(features, indices[..., None], axis=1)
        rows = rows.reshape(batch, m, 3, channels)
        same(found, reference.row_products(rows, gradient))


def check_indices_out_of_range_give_nan(device):
    features = np.ones((1, 4, 8), np.float32)
    indices = np.array([[0, 4, -1, 3, 2, 1]], np.int32)
    found = device.call(
        "group_points",
        *(features, indices, 1, 4, 8, 6, Output((6, 8), np.float32)),
    )
    assert np.isnan(found).all(axis=1).tolist() == [False, True, True, *[False] * 3]
    found = device.call(
        "three_interpolate",
        *(features, indices, np.ones(6, np.float32), 1, 4, 8, 2),
        Output((2, 8), np.float32),
    )
    assert np.isnan(found).all(axis=1).tolist() == [True, False]
    found = device.call(
        "three_interpolate_weights_grad",
        *(features, indices, np.ones((2, 8), np.float32), 1, 4, 8, 2),
        Output((6,), np.float32),
    )
    assert np.isnan(found).tolist() == [False, True, True, *[False] * 3]


def check_scatter_rows(device):
    rng = np.random.default_rng(1)
    for slots_per_row in 1, 3:
        for sample in features_and_indices(slots_per_row):
            batch, n, channels, _, indices, gradient = sample
            slots = indices.shape[1]
            indices[:, ::5] = rng.choice([-1, n], indices[:, ::5].shape)
            weights = rng.random((batch, slots)).astype(np.float32)
            found = device.call(
                "scatter_rows",
                *(gradient, indices, weights if slots_per_row == 3 else None),
                *(batch, n, channels, slots, slots_per_row),
                Output((batch, n, channels), np.float32),
                scratch=(batch, n, slots),
            )
            expected = np.zeros((batch, n, channels), np.float32)
            for b, s in np.ndindex(batch, slots):
                if 0 <= indices[b, s] < n:
                    weight = weights[b, s] if slots_per_row == 3 else np.float32(1)
                    expected[b, indices[b, s]] += (
                        weight * gradient[b, s // slots_per_row]
                    )
            same(found, expected)


def check_scatter_rows_of_many_tiles(device):
    """Several tiles of the sort, keys of three digits, one row with most slots."""
    rng = np.random.default_rng(0)
    n, slots = 70000, 2600
    indices = rng.integers(0, n, (1, slots)).astype(np.int32)
    indices[0, rng.random(slots) < 0.5] = 65537
    gradient = rng.normal(size=(1, slots, 1)).astype(np.float32)
    found = device.call(
        "scatter_rows",
        *(gradient, indices, None, 1, n, 1, slots, 1, Output((n,), np.float32)),
        scratch=(1, n, slots),
    )
    expected = np.zeros(n, np.float32)
    np.add.at(expected, indices[0], gradient[0, :, 0])
    same(found, expected)


CHECKS = [check for name, check in list(globals().items()) if name.startswith("check_")]
