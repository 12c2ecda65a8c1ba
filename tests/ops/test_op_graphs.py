"""The native ops in graphs: shape functions, export, threads, bad arguments."""

import numpy as np
import pytest
import tensorflow as tf
from clouds import assert_same, make_boxes, make_points
from op_calls import BAD_CALLS, BOXES, GROUPS, POINTS, RADIUS, call_all
from tensorflow.python.framework import config

from gspn_tf import ops
from gspn_tf.ops import library as op_library


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
