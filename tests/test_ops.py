"""Results of the native ops against tests/reference.py, exactly."""

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
from hypothesis import given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", SIZES)
def test_three_nn(kind, size):
    batch, count, num_queries = size
    points, counts = make_points(kind, batch, count), make_counts(batch, count)
    queries = make_points(kind, batch, num_queries, seed=1)
    found = ops.three_nn(points, queries, counts)
    expected = each(
        lambda b: reference.three_nn(points[b, : counts[b]], queries[b]), batch
    )
    assert_same(found, expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", SIZES)
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


def test_nearest_assign_over_several_chunks():
    points = make_points("random", 1, 40000)
    boxes = np.array([[[0, 0, 0, 2, 2, 2]]], np.float32)
    samples = make_points("random", 1, 50, seed=1)[:, None]
    values = np.arange(1, 51, dtype=np.float32)[None, None]
    found = ops.nearest_assign(points, samples, values, boxes).numpy()[0, 0]
    inside = reference.inside_box(points[0], boxes[0, 0])
    nearest = reference.squared_distances(samples[0, 0], points[0]).argmin(axis=1)
    np.testing.assert_array_equal(found, np.where(inside, nearest + 1, 0))


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


@settings(max_examples=60, deadline=None)
@given(
    batch=st.integers(0, 3),
    count=st.integers(0, 90),
    num_queries=st.integers(0, 70),
    neighbors=st.integers(1, 40),
    radius=st.floats(1e-3, 5),
    seed=st.integers(0, 1000),
    data=st.data(),
)
def test_search_of_any_size(batch, count, num_queries, neighbors, radius, seed, data):
    kind = data.draw(st.sampled_from(KINDS))
    points = make_points(kind, batch, count, seed)
    queries = make_points(kind, batch, num_queries, seed + 1)
    counts = np.array(
        [data.draw(st.integers(0, count)) for _ in range(batch)], np.int32
    )
    ball = ops.ball_query(
        points, queries, radius=radius, num_neighbors=neighbors, num_points=counts
    )
    three = ops.three_nn(points, queries, counts)
    sampled = ops.farthest_point_sample(points, neighbors, counts)
    assert ball[0].shape == (batch, num_queries, neighbors)
    for b in range(batch):
        real = points[b, : counts[b]]
        expected = reference.ball_query(real, queries[b], radius, neighbors)
        assert_same((ball[0][b], ball[1][b]), expected)
        assert_same((three[0][b], three[1][b]), reference.three_nn(real, queries[b]))
        assert_same(sampled[b], reference.farthest_point_sample(real, neighbors))


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
            ops.three_nn(cloud, queries, n),
            ops.sample_in_boxes(cloud, boxes, [1, 2], num_samples=9, num_points=n),
            ops.nearest_assign(cloud, samples, values, boxes, n)[:, :, :90],
            ops.nn_distance(queries, cloud, None, n)[:2],
        )

    assert_same(
        run(padded, counts), [v.numpy() for v in tf.nest.flatten(run(points, None))]
    )
