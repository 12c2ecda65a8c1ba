"""The native ops in graphs: shape functions, export, threads, bad arguments."""

import numpy as np
import pytest
import tensorflow as tf
from clouds import assert_same, make_boxes, make_points
from tensorflow.python.framework import config

from gspn_tf import op_library, ops


def call_all(points, queries, boxes):
    """Every op once, from three tensors of any static shape."""
    batch, count = tf.shape(points)[0], tf.shape(points)[1]
    scores = tf.reduce_sum(boxes, -1)
    near, _ = ops.ball_query(points, queries, radius=1.0, num_neighbors=5)
    distances, three = ops.three_nn(points, queries)
    radii = {"radius": [0.5, 1.0], "num_neighbors": [2, 3]}
    several = ops.ball_query(points, queries, **radii)
    samples = ops.sample_in_boxes(points, boxes, [1, 2], num_samples=6)
    chosen = ops.group_points(points, samples[0])
    return {
        "fps": ops.farthest_point_sample(points, 4),
        "fps_any": ops.farthest_point_sample(points, count, tf.fill([batch], count)),
        "ball": near,
        "ball_2": several[1][0],
        "three": distances,
        "knn": ops.knn(points, queries, 2)[1],
        "group": ops.group_points(points, near),
        "mix": ops.three_interpolate(points, three, tf.ones_like(distances)),
        "chamfer": ops.nn_distance(points, queries)[0],
        "nms": ops.nms_3d(boxes, scores, scores > 0, iou_threshold=0.5, max_outputs=3)[
            0
        ],
        "inside": ops.points_in_boxes(points, boxes),
        "counts": samples[1],
        "assign": ops.nearest_assign(points, chosen, chosen[..., 0], boxes),
    }


def test_shape_functions():
    unknown = tf.function(call_all).get_concrete_function(
        *[tf.TensorSpec([None, None, size]) for size in (3, 3, 6)]
    )
    shapes = {name: s.as_list() for name, s in unknown.output_shapes.items()}
    assert shapes == {
        "fps": [None, 4],
        "fps_any": [None, None],
        "ball": [None, None, 5],
        "ball_2": [None, None, 3],
        "three": [None, None, 3],
        "knn": [None, None, 2],
        "group": [None, None, 5, 3],
        "mix": [None, None, 3],
        "chamfer": [None, None],
        "nms": [None, 3],
        "inside": [None, None, None],
        "counts": [None, None],
        "assign": [None, None, None],
    }
    static = tf.function(call_all).get_concrete_function(
        tf.TensorSpec([2, 9, 3]), tf.TensorSpec([2, 7, 3]), tf.TensorSpec([2, 8, 6])
    )
    shapes = {name: s.as_list() for name, s in static.output_shapes.items()}
    assert shapes == {
        "fps": [2, 4],
        "fps_any": [2, 9],
        "ball": [2, 7, 5],
        "ball_2": [2, 7, 3],
        "three": [2, 7, 3],
        "knn": [2, 7, 2],
        "group": [2, 7, 5, 3],
        "mix": [2, 7, 3],
        "chamfer": [2, 9],
        "nms": [2, 3],
        "inside": [2, 8, 9],
        "counts": [2, 8],
        "assign": [2, 8, 9],
    }


def test_shape_functions_of_unknown_rank():
    @tf.function(input_signature=[tf.TensorSpec(None)])
    def sample(points):
        return ops.farthest_point_sample(points, 3, tf.zeros([1], tf.int32))

    assert sample.get_concrete_function().output_shapes.as_list() == [1, 3]


def test_saved_model_with_gradient(tmp_path):
    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, None, 3])])
        def __call__(self, points):
            with tf.GradientTape() as tape:
                tape.watch(points)
                near, _ = ops.ball_query(points, points, radius=1.0, num_neighbors=3)
                groups = ops.group_points(points, near)
                total = tf.reduce_sum(groups**2)
                total += tf.reduce_sum(ops.nn_distance(points, points + 0.1)[0])
            return tape.gradient(total, points)

    module, points = Module(), make_points("random", 2, 30)
    expected = module(points).numpy()
    tf.saved_model.save(module, str(tmp_path))
    assert_same(tf.saved_model.load(str(tmp_path))(points), expected)


@pytest.mark.parametrize("sizes", [(0, 9, 7, 8), (2, 9, 0, 0)])
def test_empty_axes(sizes):
    batch, count, num_queries, num_boxes = sizes
    found = call_all(
        tf.zeros([batch, count, 3]),
        tf.zeros([batch, num_queries, 3]),
        tf.zeros([batch, num_boxes, 6]),
    )
    assert found["knn"].shape == (batch, num_queries, 2)
    assert found["inside"].shape == (batch, num_boxes, count)
    assert found["fps"].shape == (batch, 4)


def test_empty_clouds():
    nothing, queries, boxes = POINTS[:, :0], POINTS, BOXES
    assert not ops.farthest_point_sample(nothing, 3).numpy().any()
    indices, counts = ops.ball_query(nothing, queries, **RADIUS)
    assert not indices.numpy().any() and not counts.numpy().any()
    distances, indices = ops.knn(nothing, queries, 2)
    assert np.isinf(distances).all() and not indices.numpy().any()
    assert not any(value.numpy().any() for value in ops.nn_distance(nothing, queries))
    assert ops.points_in_boxes(nothing, boxes).shape == (2, 5, 0)
    indices, counts = ops.sample_in_boxes(nothing, boxes, [1, 2], num_samples=4)
    assert not indices.numpy().any() and not counts.numpy().any()
    samples = np.zeros((2, 5, 7, 3), np.float32)
    assigned = ops.nearest_assign(nothing, samples, samples[..., 0], boxes)
    assert assigned.shape == (2, 5, 0)


def test_gradients_are_deterministic():
    """The same bits on every call, also where TensorFlow insists on it."""
    points = tf.constant(make_points("random", 1, 3000))
    indices = np.random.default_rng(0).integers(0, 9, (1, 900, 50)).astype(np.int32)

    def gradient():
        with tf.GradientTape() as tape:
            tape.watch(points)
            groups = ops.group_points(points, indices) * [1.0, 0.1, 0.01]
            mixed = ops.three_interpolate(points, indices[..., :3], groups[:, :, 0])
            near = ops.nn_distance(points, points[:, :700] + 0.1)[0]
            total = sum(map(tf.reduce_sum, (groups**2, mixed**2, near)))
        return tape.gradient(total, points).numpy()

    expected = gradient()
    tf.config.experimental.enable_op_determinism()
    try:
        for _ in range(5):
            np.testing.assert_array_equal(gradient(), expected)
    finally:
        config.disable_op_determinism()


def test_pipeline_threads_agree_with_eager():
    points = make_points("random", 6, 400)
    queries, boxes = points[:, :100], make_boxes(np.random.default_rng(0), 6, 9)
    eager = call_all(tf.constant(points), tf.constant(queries), tf.constant(boxes))
    # A single cloud at a time, several at once: the work is divided differently.
    dataset = tf.data.Dataset.from_tensor_slices((points, queries, boxes)).batch(1)
    rows = list(dataset.map(call_all, num_parallel_calls=4))
    for name in set(eager) - {"counts", "assign"}:  # their draw depends on the row
        joined = tf.concat([row[name] for row in rows], 0)
        assert_same(joined, eager[name].numpy())
    for _ in range(5):
        again = call_all(tf.constant(points), tf.constant(queries), tf.constant(boxes))
        assert_same(again, tf.nest.map_structure(lambda v: v.numpy(), eager))


# ---------------------------------------------------------------- bad arguments

POINTS = np.zeros((2, 4, 3), np.float32)
BOXES = np.zeros((2, 5, 6), np.float32)
GROUPS = np.zeros((2, 2, 3), np.int32)
WEIGHTS = np.zeros((2, 2, 3), np.float32)
RADIUS = {"radius": 1.0, "num_neighbors": 2}

BAD_CALLS = {
    "points must be": lambda: ops.farthest_point_sample(POINTS[0], 2, [4, 4]),
    "points must be [B, N, 3] with 3 = 3": lambda: ops.farthest_point_sample(
        POINTS[..., :2], 2
    ),
    "num_samples must be >= 0, got -1": lambda: ops.farthest_point_sample(POINTS, -1),
    "num_points[1] must be within 0..4, got 5": lambda: ops.farthest_point_sample(
        POINTS, 2, [4, 5]
    ),
    "num_points[0] must be within 0..4, got -1": lambda: ops.three_nn(
        POINTS, POINTS, [-1, 4]
    ),
    "num_points must be [B] with B = 2": lambda: ops.three_nn(POINTS, POINTS, [1]),
    "queries must be [B, M, 3] with B = 2": lambda: ops.ball_query(
        POINTS, POINTS[:1], **RADIUS
    ),
    "radius must be positive": lambda: ops.ball_query(
        POINTS, POINTS, radius=0.0, num_neighbors=2
    ),
    "radius must be positive and finite": lambda: ops.ball_query(
        POINTS, POINTS, radius=float("nan"), num_neighbors=2
    ),
    "num_neighbors must be >= 1, got 0": lambda: ops.ball_query(
        POINTS, POINTS, radius=1.0, num_neighbors=0
    ),
    "num_neighbors must be one for each of 2 radii, got 1": lambda: ops.ball_query(
        POINTS, POINTS, radius=[1.0, 2.0], num_neighbors=[3]
    ),
    "num_radii": lambda: ops.ball_query(POINTS, POINTS, radius=[], num_neighbors=[]),
    "'k' of 0": lambda: ops.knn(POINTS, POINTS, 0),
    "output 0 must be at most 2147483647 elements large": lambda: ops.knn(
        POINTS, np.zeros((2, 2000, 3), np.float32), 1_000_000
    ),
    "points_in_boxes: boxes must be [B, R, 6]": lambda: ops.points_in_boxes(
        POINTS, BOXES[..., :5]
    ),
    "indices (flat position 2) must be within 0..3, got 4": lambda: ops.group_points(
        POINTS, GROUPS + [0, 0, 4]
    ),
    "indices (flat position 0) must be within 0..3, got -1": lambda: ops.group_points(
        POINTS, GROUPS - 1
    ),
    "indices (flat position 0) must be within 0..-1": lambda: ops.group_points(
        POINTS[:, :0], GROUPS
    ),
    "three_interpolate: indices (flat": lambda: ops.three_interpolate(
        POINTS, GROUPS + 9, WEIGHTS
    ),
    "weights must be [B, M, 3] with M = 2": lambda: ops.three_interpolate(
        POINTS, GROUPS, WEIGHTS[:, :1]
    ),
    "num_b[0] must be within 0..4, got 9": lambda: ops.nn_distance(
        POINTS, POINTS, None, [9, 0]
    ),
    "scores must be [B, R] with R = 5": lambda: ops.nms_3d(
        BOXES, BOXES[:, :4, 0], BOXES[..., 0] > 0, iou_threshold=0.5, max_outputs=1
    ),
    "iou_threshold must be within 0..1": lambda: ops.nms_3d(
        BOXES, BOXES[..., 0], BOXES[..., 0] > 0, iou_threshold=1.5, max_outputs=1
    ),
    "margin must be >= 0": lambda: ops.sample_in_boxes(
        POINTS, BOXES, [1, 2], num_samples=1, margin=-1.0
    ),
    "seed must be [2]": lambda: ops.sample_in_boxes(
        POINTS, BOXES, [1, 2, 3], num_samples=1
    ),
    "values must be [B, D, M] with M = 7": lambda: ops.nearest_assign(
        POINTS, np.zeros((2, 5, 7, 3)), np.zeros((2, 5, 6)), BOXES
    ),
}


@pytest.mark.parametrize("message", BAD_CALLS)
def test_bad_arguments(message):
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)) as error:
        BAD_CALLS[message]()
    assert message in str(error.value)


def test_static_errors_name_the_argument():
    with pytest.raises(ValueError, match=r"queries must be \[B, M, 3\] with B = 2"):
        tf.function(lambda: ops.three_nn(tf.zeros([2, 4, 3]), tf.zeros([3, 4, 3])))()


def test_bad_gradient_indices():
    library = ops.load_library()
    with pytest.raises(tf.errors.InvalidArgumentError, match="within 0..1, got 2"):
        library.gspn_group_points_grad(np.zeros((2, 2, 3, 1)), GROUPS + 2, 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="indices_a"):
        zero, rows = np.zeros((2, 4), np.float32), np.full((2, 4), 4, np.int32)
        library.gspn_nn_distance_grad(
            POINTS, POINTS, [4, 4], [4, 4], rows, rows, zero, zero
        )


def test_missing_library_is_one_readable_sentence(monkeypatch):
    minor = ".".join(tf.__version__.split(".")[:2])
    monkeypatch.setattr(op_library.tf, "__version__", "9.8.7")
    with pytest.raises(ImportError, match=f"{minor}.*, but TensorFlow 9.8.7 is run"):
        op_library.load_library.__wrapped__()


def test_more_neighbors_than_points_cost_nothing():
    """Work space is bound by the points, not by k, which may be of any size."""
    distances, indices = ops.knn(POINTS[:1], POINTS[:1, :1], 30_000_000)
    assert np.isfinite(distances).sum() == 4
    assert tf.reduce_max(indices) == 3
