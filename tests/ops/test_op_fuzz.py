"""Random calls of every op against the naive reference: never a crash, never a lie.

GSPN_FUZZ_CALLS is the number of calls per op (default 25; 10000 for a release).
"""

import numpy as np
import reference
import tensorflow as tf
from clouds import EXTREMES, KINDS, make_boxes, make_points
from fuzzing import SEEDS, fuzz
from hypothesis import given
from hypothesis import strategies as st

from gspn_tf import ops

# Below and above the sizes from which a tree is searched.
COUNTS = st.integers(0, 90) | st.integers(500, 600)
QUERIES = st.integers(0, 20) | st.integers(60, 80)
BATCHES = st.integers(0, 2)
RADII = st.floats(0.01, 5) | st.sampled_from([1e-45, 1e-38, 1e-19, 1e19, 3e38])


class Case:
    """One random batch of clouds with its padding."""

    def __init__(self, draw, queries=QUERIES):
        self.seed = draw(SEEDS)
        self.rng = np.random.default_rng(self.seed)
        self.kind = draw(st.sampled_from(KINDS))
        self.scale = draw(st.sampled_from([1, 1, 1e-3, 1e-20, 1e15, 1e19]))
        self.extremes = draw(st.sampled_from([0, 0, 0.01, 0.5]))
        self.batch, self.count = draw(BATCHES), draw(COUNTS)
        self.num_queries = draw(queries)
        self.points = self.cloud(self.count)
        self.queries = self.cloud(self.num_queries)
        self.counts = self.rng.integers(0, self.count + 1, self.batch).astype(np.int32)

    def cloud(self, count):
        """Points of the same kind, some of them twice, in metres of any size.

        A share of the coordinates is denormal, huge or not finite.
        """
        points = make_points(self.kind, self.batch, count, self.rng.integers(2**20))
        twice = self.rng.integers(0, max(count, 1), count)
        points = np.where(self.rng.random((count, 1)) < 0.2, points[:, twice], points)
        with np.errstate(over="ignore", invalid="ignore"):
            points = points * np.float32(self.scale)
        extreme = self.rng.random(points.shape) < self.extremes
        points[extreme] = self.rng.choice(EXTREMES, extreme.sum())
        return points

    def boxes(self, count):
        boxes = make_boxes(self.rng, self.batch, count)
        wrong = self.rng.random(boxes.shape) < 0.01
        boxes[wrong] = self.rng.choice([*EXTREMES, -1], wrong.sum())
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
@given(
    cases(),
    st.lists(st.tuples(RADII, st.integers(1, 40) | st.just(700)), min_size=1),
)
def test_ball_query(case, balls):
    radii = [np.clip(case.scale * radius, 1e-45, 3e38) for radius, _ in balls[:3]]
    radii = np.float32(radii).tolist()
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
@given(cases(), st.integers(1, 20) | st.sampled_from([33, 100, 700]))
def test_knn(case, k):
    distances, indices = ops.knn(case.points, case.queries, k, case.counts)
    assert indices.shape == (case.batch, case.num_queries, k)
    for b, points in case.clouds():
        expected = reference.knn(points, case.queries[b], k)
        same(distances[b], expected[0])
        same(indices[b], expected[1])


@fuzz
@given(cases())
def test_nn_distance_and_its_gradient(case):
    counts = case.rng.integers(0, case.num_queries + 1, case.batch).astype(np.int32)
    pair = tf.constant(case.points), tf.constant(case.queries)
    with tf.GradientTape() as tape:
        tape.watch(pair)
        found = ops.nn_distance(*pair, case.counts, counts)
    upstream = [case.rng.normal(size=d.shape).astype("f4") for d in found[::2]]
    gradient = tape.gradient(found[::2], pair, upstream)
    for b, points in case.clouds():
        queries = case.queries[b, : counts[b]]
        there = reference.nearest(queries, points)
        back = reference.nearest(points, queries)
        with np.errstate(all="ignore"):
            if len(points) and len(queries):
                slopes = reference.nn_distance_grad(
                    *(
                        points,
                        queries,
                        there[1],
                        back[1],
                        upstream[0][b],
                        upstream[1][b],
                    )
                )
            else:
                slopes = np.zeros_like(points), np.zeros_like(queries)
        for value, expected in zip(
            (*found, *gradient), (*there, *back, *slopes), strict=True
        ):
            same(value[b, : len(expected)], expected)
            assert not value[b, len(expected) :].numpy().any()


@fuzz
@given(
    cases(),
    st.floats(0, 1, width=32),
    st.integers(0, 90) | st.just(300),
    st.integers(1, 9),
)
def test_nms_3d(case, threshold, max_outputs, levels):
    boxes = case.boxes(case.count % 200)
    scores = case.rng.integers(-1, levels, boxes.shape[:2]).astype(np.float32)
    extreme = case.rng.random(scores.shape) < case.extremes
    scores[extreme] = case.rng.choice(EXTREMES, extreme.sum())
    valid = case.rng.random(scores.shape) < 0.8
    found = ops.nms_3d(
        boxes, scores, valid, iou_threshold=threshold, max_outputs=max_outputs
    )
    for b in range(case.batch):
        with np.errstate(all="ignore"):
            expected = reference.nms_3d(
                boxes[b], scores[b], valid[b], threshold, max_outputs
            )
        same(found[0][b], expected[0])
        same(found[1][b], expected[1])


@fuzz
@given(cases(), st.integers(0, 30), st.sampled_from([0.0, 1e-45, 0.1, 3.0, 3e38]))
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
@given(cases(), st.integers(0, 20) | st.sampled_from([32, 70]))
def test_gathering_and_its_gradients(case, channels):
    rows = case.count + 1
    features = case.rng.normal(size=(case.batch, rows, channels)).astype(np.float32)
    indices = case.rng.integers(0, rows, (case.batch, case.num_queries, 3))
    indices = indices.astype(np.int32)
    tensors = [features, case.rng.normal(size=indices.shape).astype(np.float32)]
    table, weights = map(tf.constant, tensors)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([table, weights])
        groups = ops.group_points(table, indices)
        mixed = ops.three_interpolate(table, indices, weights)
    found = groups, mixed, *gathering_gradients(tape, groups, mixed, table, weights)
    for b in range(case.batch):
        expected = gathering(features[b], indices[b], tensors[1][b])
        for value, wanted in zip(found, expected, strict=True):
            same(value[b], wanted)


def gathering_gradients(tape, groups, mixed, table, weights):
    """Sums of squares: the gradient that comes in is twice the result."""
    squares = 2 * groups, 2 * mixed
    to_table = tape.gradient(groups, table, squares[0])
    return to_table, *tape.gradient(mixed, [table, weights], squares[1])


def gathering(features, indices, weights):
    """Both results for one cloud, and the gradients of their sums of squares."""
    taken = features[indices]
    parts = taken * weights[..., None]
    mixed = (parts[:, 0] + parts[:, 1]) + parts[:, 2]
    to_features = np.zeros((2, *features.shape), np.float32)
    np.add.at(to_features[0], indices, 2 * taken)
    np.add.at(to_features[1], indices, weights[..., None] * (2 * mixed)[:, None])
    return taken, mixed, *to_features, reference.row_products(taken, 2 * mixed)
