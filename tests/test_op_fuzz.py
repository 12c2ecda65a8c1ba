"""Random calls of every op against tests/reference.py: never a crash, never a lie.

GSPN_FUZZ_CALLS is the number of calls per op (default 25; 10000 for a release).
"""

import os

import numpy as np
import pytest
import reference
import tensorflow as tf
from clouds import KINDS, make_boxes, make_points
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gspn_tf import ops

fuzz = settings(
    max_examples=int(os.environ.get("GSPN_FUZZ_CALLS", 25)),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
# Below and above the sizes from which a tree is searched.
COUNTS = st.integers(0, 90) | st.integers(500, 600)
QUERIES = st.integers(0, 20) | st.integers(60, 80)
BATCHES = st.integers(0, 2)
SEEDS = st.integers(0, 2**20)


class Case:
    """One random batch of clouds with its padding."""

    def __init__(self, draw, queries=QUERIES):
        self.seed = draw(SEEDS)
        self.rng = np.random.default_rng(self.seed)
        self.kind = draw(st.sampled_from(KINDS))
        self.scale = draw(st.sampled_from([1, 1, 1e-3, 1e-20, 1e15, 1e19]))
        self.batch, self.count = draw(BATCHES), draw(COUNTS)
        self.num_queries = draw(queries)
        self.points = self.cloud(self.count)
        self.queries = self.cloud(self.num_queries)
        self.counts = self.rng.integers(0, self.count + 1, self.batch).astype(np.int32)

    def cloud(self, count):
        """Points of the same kind, some of them twice, in metres of any size."""
        points = make_points(self.kind, self.batch, count, self.rng.integers(2**20))
        twice = self.rng.integers(0, max(count, 1), count)
        points = np.where(self.rng.random((count, 1)) < 0.2, points[:, twice], points)
        with np.errstate(over="ignore"):
            return points * np.float32(self.scale)

    def boxes(self, count):
        boxes = make_boxes(self.rng, self.batch, count)
        wrong = self.rng.random(boxes.shape) < 0.01
        boxes[wrong] = self.rng.choice([np.nan, np.inf, -np.inf, -1, 0], wrong.sum())
        return boxes

    def clouds(self):
        """(b, the real points of cloud b) of the batch."""
        return [(b, self.points[b, :n]) for b, n in enumerate(self.counts)]


@st.composite
def cases(draw):
    return Case(draw)


def same(found, expected):
    np.testing.assert_array_equal(found.numpy(), expected)


@fuzz
@given(cases(), st.integers(0, 100))
def test_farthest_point_sample(case, num_samples):
    found = ops.farthest_point_sample(case.points, num_samples, case.counts)
    assert found.shape == (case.batch, num_samples)
    for b, points in case.clouds():
        same(found[b], reference.farthest_point_sample(points, num_samples))


@fuzz
@given(cases(), st.lists(st.tuples(st.floats(0.01, 5), st.integers(1, 40)), min_size=1))
def test_ball_query(case, balls):
    radii = [float(np.float32(radius * case.scale)) for radius, _ in balls[:3]]
    neighbors = [k for _, k in balls[:3]]
    found = ops.ball_query(
        case.points,
        case.queries,
        radius=radii,
        num_neighbors=neighbors,
        num_points=case.counts,
    )
    for pair, radius, k in zip(found, radii, neighbors, strict=True):
        assert pair[0].shape == (case.batch, case.num_queries, k)
        for b, points in case.clouds():
            expected = reference.ball_query(points, case.queries[b], radius, k)
            same(pair[0][b], expected[0])
            same(pair[1][b], expected[1])


@fuzz
@given(cases(), st.integers(1, 20))
def test_knn(case, k):
    distances, indices = ops.knn(case.points, case.queries, k, case.counts)
    assert indices.shape == (case.batch, case.num_queries, k)
    for b, points in case.clouds():
        expected = reference.knn(points, case.queries[b], k)
        same(distances[b], expected[0])
        same(indices[b], expected[1])


@fuzz
@given(cases())
def test_nn_distance(case):
    found = ops.nn_distance(case.points, case.queries, case.counts)
    for b, points in case.clouds():
        there = reference.nearest(case.queries[b], points)
        back = reference.nearest(points, case.queries[b])
        for value, expected in zip(found, (*there, *back), strict=True):
            same(value[b, : len(expected)], expected)
            assert not value[b, len(expected) :].numpy().any()


@fuzz
@given(
    cases(),
    st.floats(0, 1, width=32),
    st.integers(0, 90),
    st.integers(1, 9),
)
def test_nms_3d(case, threshold, max_outputs, levels):
    boxes = case.boxes(case.count % 200)
    scores = case.rng.integers(0, levels, boxes.shape[:2]).astype(np.float32)
    valid = case.rng.random(scores.shape) < 0.8
    found = ops.nms_3d(
        boxes, scores, valid, iou_threshold=threshold, max_outputs=max_outputs
    )
    for b in range(case.batch):
        expected = reference.nms_3d(
            boxes[b], scores[b], valid[b], threshold, max_outputs
        )
        same(found[0][b], expected[0])
        same(found[1][b], expected[1])


@fuzz
@given(cases(), st.integers(0, 30), st.sampled_from([0.0, 0.1, 3.0]))
def test_points_and_samples_in_boxes(case, num_samples, margin):
    boxes = case.boxes(case.num_queries)
    seed = case.rng.integers(-(2**31), 2**31, 2).astype(np.int32)
    inside = ops.points_in_boxes(
        case.points, boxes, margin=margin, num_points=case.counts
    )
    indices, counts = ops.sample_in_boxes(
        case.points,
        boxes,
        seed,
        num_samples=num_samples,
        margin=margin,
        num_points=case.counts,
    )
    for b, points in case.clouds():
        rows = [reference.inside_box(points, box, margin) for box in boxes[b]]
        expected = np.reshape(rows, (len(boxes[b]), len(points))).astype(bool)
        same(inside[b, :, : len(points)], expected)
        assert not inside[b, :, len(points) :].numpy().any()
        draws = reference.sample_in_boxes(
            points, boxes[b], seed.tolist(), b, num_samples, margin
        )
        same(indices[b], draws[0])
        same(counts[b], draws[1])


@fuzz
@given(cases(), st.integers(0, 9))
def test_nearest_assign(case, num_samples):
    boxes = case.boxes(case.num_queries)
    samples = case.cloud(case.num_queries * num_samples)
    samples = samples.reshape(case.batch, case.num_queries, num_samples, 3)
    values = case.rng.random(samples.shape[:3]).astype(np.float32)
    found = ops.nearest_assign(case.points, samples, values, boxes, case.counts)
    for b, points in case.clouds():
        expected = reference.nearest_assign(points, samples[b], values[b], boxes[b])
        same(found[b, :, : len(points)], expected)
        assert not found[b, :, len(points) :].numpy().any()


@fuzz
@given(cases(), st.integers(0, 20))
def test_gathering_and_its_gradient(case, channels):
    rows = case.count + 1
    features = case.rng.normal(size=(case.batch, rows, channels)).astype(np.float32)
    indices = case.rng.integers(0, rows, (case.batch, case.num_queries, 3))
    indices = indices.astype(np.int32)
    weights = case.rng.normal(size=indices.shape).astype(np.float32)
    with tf.GradientTape() as tape:
        table = tf.constant(features)
        tape.watch(table)
        groups = ops.group_points(table, indices)
        mixed = ops.three_interpolate(table, indices, weights)
    gradient = tape.gradient([groups, mixed], table)
    for b in range(case.batch):
        taken = features[b][indices[b]]
        parts = taken * weights[b, :, :, None]
        same(groups[b], taken)
        same(mixed[b], (parts[:, 0] + parts[:, 1]) + parts[:, 2])
        expected = np.zeros((2, rows, channels), np.float32)
        spread = np.ones_like(taken) * weights[b, :, :, None]
        np.add.at(expected[0], indices[b], np.ones_like(taken))
        np.add.at(expected[1], indices[b], spread)
        same(gradient[b], expected[0] + expected[1])


# ------------------------------------------------------- arguments of any shape

ARRAYS = st.builds(
    lambda shape, dtype, seed: (
        np.random.default_rng(seed).integers(-2, 9, shape).astype(dtype)
    ),
    st.lists(st.sampled_from([0, 1, 2, 3, 6]), max_size=5),
    st.sampled_from([np.float32, np.int32, np.float64, bool]),
    SEEDS,
)
NUMBERS = st.integers(-3, 9) | st.floats()
CALLS = {
    "farthest_point_sample": (3, ()),
    "ball_query": (2, ("radius", "num_neighbors", "num_points")),
    "knn": (4, ()),
    "three_interpolate": (3, ()),
    "group_points": (2, ()),
    "nn_distance": (4, ()),
    "nms_3d": (3, ("iou_threshold", "max_outputs")),
    "points_in_boxes": (2, ("margin", "num_points")),
    "sample_in_boxes": (3, ("num_samples", "margin", "num_points")),
    "nearest_assign": (5, ()),
}
REFUSALS = (tf.errors.InvalidArgumentError, ValueError, TypeError, OverflowError)


@pytest.mark.parametrize("name", CALLS)
@fuzz
@given(data=st.data())
def test_wrong_arguments_are_refused_or_harmless(name, data):
    num_inputs, keywords = CALLS[name]
    inputs = [data.draw(ARRAYS | NUMBERS) for _ in range(num_inputs)]
    options = {key: data.draw(NUMBERS | ARRAYS) for key in keywords}
    try:
        getattr(ops, name)(*inputs, **options)
    except REFUSALS as error:
        assert str(error)
