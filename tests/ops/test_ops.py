"""Results of the native ops against tests/helpers/reference.py, exactly."""

import numpy as np
import pytest
import reference
import tensorflow as tf
from clouds import (
    KINDS,
    SIZES,
    assert_same,
    each,
    make_boxes,
    make_counts,
    make_points,
)

from gspn_tf import ops


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", SIZES)
def test_farthest_point_sample(kind, size):
    batch, count, samples = size
    points, counts = make_points(kind, batch, count), make_counts(batch, count)
    found = ops.farthest_point_sample(points, samples, counts)
    assert_same(
        found,
        each(
            lambda b: reference.farthest_point_sample(points[b, : counts[b]], samples),
            batch,
        ),
    )


def test_farthest_point_sample_takes_every_distinct_point_once():
    points = make_points("random", 1, 70)
    found = ops.farthest_point_sample(points, 100).numpy()[0]
    assert sorted(found[:70]) == list(range(70))
    assert not found[70:].any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("radius, neighbors", [(0.5, 4), (1.0, 70), (9.0, 16)])
def test_ball_query(kind, size, radius, neighbors):
    batch, count, num_queries = size
    points, counts = make_points(kind, batch, count), make_counts(batch, count)
    queries = make_points(kind, batch, num_queries, seed=1)
    found = ops.ball_query(
        points, queries, radius=radius, num_neighbors=neighbors, num_points=counts
    )
    assert_same(
        found,
        each(
            lambda b: reference.ball_query(
                points[b, : counts[b]], queries[b], radius, neighbors
            ),
            batch,
        ),
    )


def test_ball_query_excludes_the_surface():
    radius = np.float32(0.1)
    points = np.zeros((1, 3, 3), np.float32)
    points[0, :, 0] = [radius, np.nextafter(radius, np.float32(0)), 0]
    indices, counts = ops.ball_query(
        points, points[:, 2:], radius=float(radius), num_neighbors=3
    )
    assert counts.numpy() == [[2]]
    assert indices.numpy().tolist() == [[[1, 2, 1]]]


def test_ball_query_of_several_radii_is_one_of_each():
    points, counts = make_points("random", 2, 700), np.array([700, 90], np.int32)
    queries = make_points("random", 2, 80, seed=1)
    found = ops.ball_query(
        points,
        queries,
        radius=(0.3, 0.8, 2.0),
        num_neighbors=(8, 20, 40),
        num_points=counts,
    )
    for pair, radius, k in zip(found, (0.3, 0.8, 2.0), (8, 20, 40), strict=True):
        alone = ops.ball_query(
            points, queries, radius=radius, num_neighbors=k, num_points=counts
        )
        assert_same(pair, [value.numpy() for value in alone])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("k", [1, 3, 10])
def test_knn(kind, size, k):
    batch, count, num_queries = size
    points, counts = make_points(kind, batch, count), make_counts(batch, count)
    queries = make_points(kind, batch, num_queries, seed=1)
    found = ops.knn(points, queries, k, counts)
    expected = each(
        lambda b: reference.knn(points[b, : counts[b]], queries[b], k), batch
    )
    assert_same(found, expected)


def test_three_nn():
    points, queries = make_points("grid", 2, 60), make_points("grid", 2, 20, 1)
    counts = np.array([60, 2], np.int32)
    expected = each(lambda b: reference.three_nn(points[b, : counts[b]], queries[b]), 2)
    assert_same(ops.three_nn(points, queries, counts), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [*SIZES, (2, 300, 2100)])
def test_nn_distance(kind, size):
    batch, count, other = size
    a, b = make_points(kind, batch, count), make_points(kind, batch, other, seed=1)
    num_a, num_b = make_counts(batch, count), make_counts(batch, other)[::-1].copy()
    found = [v.numpy() for v in ops.nn_distance(a, b, num_a, num_b)]
    for i in range(batch):
        n, m = num_a[i], num_b[i]
        forward = reference.nearest(b[i, :m], a[i, :n])
        backward = reference.nearest(a[i, :n], b[i, :m])
        for value, expected, rows in zip(
            found, (*forward, *backward), (n, n, m, m), strict=True
        ):
            np.testing.assert_array_equal(value[i, :rows], expected)
            assert not value[i, rows:].any()


@pytest.mark.parametrize("size", [(1, 1), (2, 40), (1, 300)])
@pytest.mark.parametrize("threshold", [0.0, 0.25, 0.5, 1.0])
def test_nms_3d(size, threshold):
    rng = np.random.default_rng(0)
    boxes = make_boxes(rng, *size)
    boxes[:, ::7, 3:] *= np.sign(rng.uniform(-1, 1, boxes[:, ::7, 3:].shape))
    boxes[:, ::9, 3:] = 0
    boxes[:, 5::11] = np.nan
    boxes[:, 3::5] = boxes[:, 2::5][:, : boxes[:, 3::5].shape[1]]
    scores = rng.integers(0, 9, size).astype(np.float32) / 8
    scores[:, 6::13] = np.nan
    valid = rng.random(size) < 0.8
    found = ops.nms_3d(boxes, scores, valid, iou_threshold=threshold, max_outputs=90)
    expected = each(
        lambda b: reference.nms_3d(boxes[b], scores[b], valid[b], threshold, 90),
        size[0],
    )
    assert_same(found, expected)


def test_nms_3d_takes_a_box_of_zero_volume_once():
    boxes = np.zeros((1, 3, 6), np.float32)
    boxes[0, 2, 3:] = 1
    found = ops.nms_3d(
        boxes, [[0.9, 0.8, 0.7]], [[True] * 3], iou_threshold=0.5, max_outputs=5
    )
    assert found[0].numpy().tolist() == [[0, 1, 2, 0, 0]]
    assert found[1].numpy().tolist() == [[True, True, True, False, False]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(2, 150, 12), (1, 2500, 80)])
@pytest.mark.parametrize("margin", [0.0, 0.25])
def test_points_in_boxes(kind, size, margin):
    batch, count, num_boxes = size
    points, counts = make_points(kind, batch, count), make_counts(batch, count)
    boxes = make_boxes(np.random.default_rng(1), batch, num_boxes)
    boxes[:, 0, :3], boxes[:, 0, 3:] = points[:, 3], 0
    boxes[0, 1], boxes[-1, 2, 3:] = np.nan, np.inf
    found = ops.points_in_boxes(points, boxes, margin=margin, num_points=counts)
    for b, n in enumerate(counts):
        inside = [reference.inside_box(points[b, :n], box, margin) for box in boxes[b]]
        np.testing.assert_array_equal(found[b, :, :n], np.stack(inside))
        assert not found[b, :, n:].numpy().any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("margin", [0.0, 0.25])
def test_sample_in_boxes(kind, margin):
    points, counts = make_points(kind, 2, 150), np.array([150, 70], np.int32)
    boxes = make_boxes(np.random.default_rng(1), 2, 12)
    boxes[:, 0, 3:] = 0
    boxes[0, 1] = np.nan
    boxes[1, 1, 3:] = np.inf
    seed = np.array([-3, 77], np.int32)
    found = ops.sample_in_boxes(
        points, boxes, seed, num_samples=20, margin=margin, num_points=counts
    )
    expected = each(
        lambda b: reference.sample_in_boxes(
            points[b, : counts[b]], boxes[b], [-3, 77], b, 20, margin
        ),
        2,
    )
    assert_same(found, expected)


def test_sample_in_boxes_is_uniform_and_seeded():
    points = np.zeros((1, 10, 3), np.float32)
    box = np.array([[[0, 0, 0, 1, 1, 1]] * 2], np.float32)

    def draw(seed):
        return ops.sample_in_boxes(points, box, seed, num_samples=20000)[0].numpy()

    first = draw([1, 2])
    for row in first[0]:
        frequency = np.bincount(row, minlength=10)
        assert abs(frequency - 2000).max() < 250
    assert (first == draw([1, 2])).all()
    assert (first[0, 0] != first[0, 1]).any()
    assert (first != draw([1, 3])).any()
    assert (first != draw([2, 2])).any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_samples", [0, 1, 30])
def test_nearest_assign(kind, num_samples):
    rng = np.random.default_rng(2)
    points, counts = make_points(kind, 2, 150), np.array([150, 70], np.int32)
    boxes = make_boxes(rng, 2, 5)
    samples = make_points(kind, 2, 5 * num_samples, seed=3)
    samples = samples.reshape(2, 5, num_samples, 3)
    values = rng.random((2, 5, num_samples)).astype(np.float32)
    found = ops.nearest_assign(points, samples, values, boxes, counts).numpy()
    for b, n in enumerate(counts):
        expected = reference.nearest_assign(
            points[b, :n], samples[b], values[b], boxes[b]
        )
        np.testing.assert_array_equal(found[b, :, :n], expected)
        assert not found[b, :, n:].any()


def test_nearest_assign_of_many_boxes():
    points = make_points("random", 1, 3000)
    boxes = make_boxes(np.random.default_rng(0), 1, 70)
    samples = make_points("random", 1, 70 * 20, seed=1).reshape(1, 70, 20, 3)
    values = np.broadcast_to(np.arange(1, 21, dtype=np.float32), (1, 70, 20))
    found = ops.nearest_assign(points, samples, values, boxes).numpy()[0]
    for box, its_samples, row in zip(boxes[0], samples[0], found, strict=True):
        inside = reference.inside_box(points[0], box)
        nearest = reference.squared_distances(its_samples, points[0]).argmin(axis=1)
        np.testing.assert_array_equal(row, np.where(inside, nearest + 1, 0))


@pytest.mark.parametrize("channels", [0, 1, 7, 64])
def test_group_points(channels):
    rng = np.random.default_rng(0)
    features = rng.random((2, 50, channels)).astype(np.float32)
    indices = rng.integers(0, 50, (2, 9, 4)).astype(np.int32)
    found = ops.group_points(features, indices)
    assert_same(found, np.stack([features[b][indices[b]] for b in range(2)]))


@pytest.mark.parametrize("channels", [0, 1, 7, 64])
def test_three_interpolate(channels):
    rng = np.random.default_rng(0)
    features = rng.random((2, 50, channels)).astype(np.float32)
    indices = rng.integers(0, 50, (2, 9, 3)).astype(np.int32)
    weights = rng.random((2, 9, 3)).astype(np.float32)
    rows = np.stack([features[b][indices[b]] for b in range(2)])
    products = rows * weights[..., None]
    found = ops.three_interpolate(features, indices, weights)
    assert_same(found, (products[:, :, 0] + products[:, :, 1]) + products[:, :, 2])


def test_padding_changes_nothing():
    points, queries = make_points("random", 2, 90), make_points("random", 2, 20, 1)
    boxes = make_boxes(np.random.default_rng(0), 2, 6)
    samples = make_points("random", 2, 24, 2).reshape(2, 6, 4, 3)
    values = np.ones((2, 6, 4), np.float32)
    padded = np.concatenate([points, np.full((2, 37, 3), 0.1, np.float32)], 1)
    counts = np.array([90, 90], np.int32)

    def run(cloud, n):
        return (
            ops.farthest_point_sample(cloud, 20, n),
            ops.ball_query(cloud, queries, radius=1.0, num_neighbors=8, num_points=n),
            ops.knn(cloud, queries, 4, n),
            ops.points_in_boxes(cloud, boxes, num_points=n)[:, :, :90],
            ops.sample_in_boxes(cloud, boxes, [1, 2], num_samples=9, num_points=n),
            ops.nearest_assign(cloud, samples, values, boxes, n)[:, :, :90],
            ops.nn_distance(queries, cloud, None, n)[:2],
        )

    assert_same(
        run(padded, counts), [v.numpy() for v in tf.nest.flatten(run(points, None))]
    )
