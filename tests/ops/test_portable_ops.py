"""The portable ops against the native ones: equal, plain TensorFlow, bounded."""

import contextlib
import resource
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from clouds import KINDS, assert_same, make_boxes, make_counts, make_points
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from op_calls import BAD_CALLS, call_all
from tensorflow.python.framework import op_def_registry

from gspn_tf import models, ops
from gspn_tf.ops import library as op_library
from gspn_tf.ops import portable as portable_ops

# Small ones, several blocks of neighbours, and more points than a window of samples.
SIZES = [(0, 5, 5), (1, 1, 1), (2, 65, 64), (2, 9, 0), (1, 700, 200)]


class Case:
    """One random batch of clouds with its padding, boxes and features."""

    def __init__(self, kind, batch, count, queries, seed):
        rng = np.random.default_rng(seed)
        self.points = make_points(kind, batch, count, seed)
        self.queries = make_points(kind, batch, queries, seed + 1)
        self.counts = rng.integers(0, count + 1, batch).astype(np.int32)
        self.boxes = make_boxes(rng, batch, queries)
        wrong = rng.random(self.boxes.shape) < 0.02
        self.boxes[wrong] = rng.choice([np.nan, np.inf, -1, 0], wrong.sum())
        self.scores = rng.integers(0, 9, (batch, queries)).astype(np.float32)
        self.samples = make_points(kind, batch, queries * 5, seed + 2)
        self.samples = self.samples.reshape(batch, queries, 5, 3)
        self.values = rng.random((batch, queries, 5)).astype(np.float32)
        self.features = rng.normal(size=(batch, count + 1, 4)).astype(np.float32)
        self.rows = rng.integers(0, count + 1, (batch, queries, 3)).astype(np.int32)
        self.weights = rng.random(self.rows.shape).astype(np.float32)


CALLS = {
    "farthest_point_sample": lambda c: ops.farthest_point_sample(
        c.points, 90, c.counts
    ),
    "ball_query": lambda c: ops.ball_query(
        c.points,
        c.queries,
        radius=(0.5, 1.0, 9.0),
        num_neighbors=(4, 70, 16),
        num_points=c.counts,
    ),
    "knn": lambda c: [ops.knn(c.points, c.queries, k, c.counts) for k in (1, 3, 20)],
    "three_interpolate": lambda c: ops.three_interpolate(c.features, c.rows, c.weights),
    "group_points": lambda c: ops.group_points(c.features, c.rows),
    "nn_distance": lambda c: ops.nn_distance(c.points, c.queries, c.counts),
    "nms_3d": lambda c: ops.nms_3d(
        c.boxes, c.scores, c.scores > 0, iou_threshold=0.25, max_outputs=40
    ),
    "points_in_boxes": lambda c: ops.points_in_boxes(
        c.points, c.boxes, margin=0.1, num_points=c.counts
    ),
    "sample_in_boxes": lambda c: ops.sample_in_boxes(
        c.points, c.boxes, [-7, 2**31 - 1], num_samples=6, num_points=c.counts
    ),
    "nearest_assign": lambda c: ops.nearest_assign(
        c.points, c.samples, c.values, c.boxes, c.counts
    ),
}


def both(call, case):
    native = call(case)
    with ops.portable():
        return native, call(case)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["random", "grid", "bad"])
def test_results_are_the_native_ones(name, size, kind):
    native, portable = both(CALLS[name], Case(kind, *size, seed=0))
    assert_same(portable, tf.nest.map_structure(lambda v: v.numpy(), native))


@pytest.mark.parametrize("name", CALLS)
@settings(
    max_examples=10,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_random_calls_give_the_native_results(name, data):
    case = Case(
        data.draw(st.sampled_from(KINDS)),
        data.draw(st.integers(0, 2)),
        data.draw(st.integers(0, 90) | st.integers(300, 600)),
        data.draw(st.integers(0, 90)),
        data.draw(st.integers(0, 2**20)),
    )
    native, portable = both(CALLS[name], case)
    assert_same(portable, tf.nest.map_structure(lambda v: v.numpy(), native))


def room(count, seed=0):
    """Points on four walls and a floor, a few of them far away."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1, (count, 3)) * [6, 5, 3]
    wall = rng.integers(0, 5, count)
    for side, (axis, at) in enumerate([(0, 0), (0, 6), (1, 0), (1, 5), (2, 0)]):
        points[wall == side, axis] = at
    points[::1000] *= 5
    return points[None].astype(np.float32)


@pytest.mark.parametrize("sizes", [(5_000, 3_000), (18_000, 2_048)])
def test_a_whole_room(sizes):
    count, samples = sizes
    points, counts = room(count), np.array([count - 77], np.int32)
    case = Case("random", 1, 1, 1, 0)
    case.points, case.counts = points, counts

    def geometry(case):
        order = ops.farthest_point_sample(case.points, samples, case.counts)
        centers = tf.gather(case.points, order, axis=1, batch_dims=1)
        near = ops.ball_query(
            case.points,
            centers,
            radius=0.2,
            num_neighbors=32,
            num_points=case.counts,
        )
        return order, near, ops.three_nn(centers, case.points)

    native, portable = both(geometry, case)
    assert_same(portable, tf.nest.map_structure(lambda v: v.numpy(), native))


def test_rows_of_equal_distance_come_in_order_of_their_index():
    """A lattice: far more ties than a window of samples holds."""
    axis = np.arange(24, dtype=np.float32)
    points = np.stack(np.meshgrid(axis, axis, [0, 1]), -1).reshape(1, -1, 3) / 8
    points = np.random.default_rng(0).permutation(points, axis=1).astype(np.float32)
    case = Case("random", 1, 1, 1, 0)
    case.points = case.queries = points
    case.counts = np.array([points.shape[1]], np.int32)
    call = lambda c: (  # noqa: E731
        ops.farthest_point_sample(c.points, 300),
        ops.knn(c.points, c.queries, 7),
    )
    native, portable = both(call, case)
    assert_same(portable, tf.nest.map_structure(lambda v: v.numpy(), native))


# --------------------------------------------------------------------- graphs


def graph_nodes(*sizes):
    """Nodes of the graph of every op, and of all functions that it calls."""
    specs = [tf.TensorSpec([*sizes, width]) for width in (3, 3, 6)]
    with ops.portable():
        concrete = tf.function(call_all).get_concrete_function(*specs)
    graph = concrete.graph.as_graph_def()
    functions = [node for f in graph.library.function for node in f.node_def]
    return concrete, [*graph.node, *functions]


def test_graphs_hold_ops_of_tensorflow_alone():
    _, nodes = graph_nodes(None, None)
    names = {node.op for node in nodes if not node.op.startswith("__inference")}
    for name in names:
        assert op_def_registry.get(name) is not None
        assert not name.startswith("Gspn") and "PyFunc" not in name


def test_a_process_without_the_package_runs_the_graph(tmp_path):
    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, None, 3])])
        def serve(self, points):
            order = ops.farthest_point_sample(points, 9)
            near, _ = ops.ball_query(points, points, radius=1.0, num_neighbors=4)
            return {"order": order, "near": near}

    module, points = Module(), make_points("random", 2, 50)
    expected = module.serve.python_function(tf.constant(points))
    with ops.portable():
        tf.saved_model.save(module, str(tmp_path / "saved"))
    np.savez(
        tmp_path / "data.npz", points=points, **{k: v for k, v in expected.items()}
    )
    script = (
        "import sys, numpy as np, tensorflow as tf\n"
        "data = np.load('data.npz')\n"
        "found = tf.saved_model.load('saved').serve(tf.constant(data['points']))\n"
        "for name in ('order', 'near'):\n"
        "    np.testing.assert_array_equal(found[name], data[name])\n"
        "assert 'gspn_tf' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-I", "-c", script], cwd=tmp_path, check=True)


def test_static_shapes_are_those_of_the_native_ops():
    for sizes in ((None, None), (2, 9)):
        specs = [tf.TensorSpec([*sizes, width]) for width in (3, 3, 6)]
        native = tf.function(call_all).get_concrete_function(*specs)
        portable, _ = graph_nodes(*sizes)
        assert {k: s.as_list() for k, s in portable.output_shapes.items()} == {
            k: s.as_list() for k, s in native.output_shapes.items()
        }


def test_work_space_is_bounded():
    """No tensor of queries x points: the process grows by far less than one."""
    points = tf.constant(room(40_000))
    boxes = tf.constant(make_boxes(np.random.default_rng(0), 1, 100))
    samples = tf.zeros([1, 100, 256, 3])

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

    with ops.portable():
        before = peak()
        ops.ball_query(points, points, radius=(0.2, 1.5), num_neighbors=(32, 64))
        ops.three_nn(points, points)
        ops.sample_in_boxes(points, boxes, [0, 1], num_samples=256)
        ops.nearest_assign(points, samples, samples[..., 0], boxes)
        ops.farthest_point_sample(points, 5_000)
        assert peak() - before < 1.0  # GB; 40,000 x 40,000 floats are 6


# --------------------------------------------------------- gradients, bad inputs


def gradients(case):
    points, queries = tf.constant(case.points), tf.constant(case.queries)
    features, weights = tf.constant(case.features), tf.constant(case.weights)
    inputs = [points, queries, features, weights]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        near = ops.nn_distance(points, queries, case.counts)
        there = tf.where(near[0] < 1e9, near[0], 0.0)
        groups = ops.group_points(features, case.rows) ** 2
        mixed = ops.three_interpolate(features, case.rows, weights) ** 2
        found, _ = ops.knn(points, queries, 3)  # not differentiable
        total = sum(map(tf.reduce_sum, (there, near[2], groups, mixed, found)))
    return tape.gradient(total, inputs)


def test_gradients_are_the_native_ones():
    case = Case("random", 2, 70, 40, 3)
    case.counts = make_counts(2, 70)
    native, portable = both(gradients, case)
    for a, b in zip(portable, native, strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(a), b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision_features(dtype):
    features = tf.cast(tf.random.stateless_uniform((1, 6, 4), [1, 2]), dtype)
    with ops.portable():
        assert ops.group_points(features, [[[0, 1, 1]]]).dtype == dtype


@pytest.mark.parametrize("message", BAD_CALLS)
def test_bad_arguments_are_refused(message):
    """By the same kind of error, which names the op and the argument."""
    if message == "output 0 must be at most 2147483647 elements large":
        pytest.skip("of kernels that count in 32 bits")
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)) as native:
        BAD_CALLS[message]()
    with ops.portable(), pytest.raises(type(native.value)) as portable:
        BAD_CALLS[message]()
    words = message.replace("[0]", "").replace("[1]", "").split()
    assert words[0].split("(")[0].strip("'") in str(portable.value)


# ----------------------------------------------------------------- the networks


def test_detections_are_the_native_ones(sure_network, tiny_scene):
    detect = sure_network.detect
    expected = tf.function(lambda scene: detect(scene))(tiny_scene)
    with ops.portable():
        found = tf.function(lambda scene: detect(scene))(tiny_scene)
    assert expected.detections.valid.numpy().any()
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        if a.dtype == tf.float32:
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
        else:
            assert_same(a, b.numpy())


def test_a_network_learns_with_portable_ops(tiny_config, tiny_batch):
    losses = []
    for context in (contextlib.nullcontext, ops.portable):
        keras.utils.set_random_seed(3)
        network = models.build(tiny_config.proposal)
        network.compile(optimizer=keras.optimizers.SGD(1e-2), jit_compile=False)
        with context():
            losses.append([network.train_on_batch(tiny_batch) for _ in range(2)])
    assert losses[1][0] != losses[1][1]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


# ------------------------------------------------------------------- the choice


def test_without_a_library_the_portable_ops_are_used_after_one_warning(monkeypatch):
    points = make_points("random", 1, 50)
    expected = ops.farthest_point_sample(points, 9).numpy()
    monkeypatch.setattr(op_library.tf, "__version__", "9.8.7")
    op_library.load_library.cache_clear()
    op_library._available.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match="slower.*BUILD.md") as caught:
            found = ops.farthest_point_sample(points, 9)
            ops.three_nn(points, points)
        assert len([w for w in caught if "portable ops" in str(w.message)]) == 1
        assert op_library.kernels() is portable_ops
        assert_same(found, expected)
    finally:
        op_library.load_library.cache_clear()
        op_library._available.cache_clear()


def test_the_choice_ends_with_its_block():
    with pytest.raises(KeyError), ops.portable():
        assert op_library.kernels() is portable_ops
        raise KeyError
    assert op_library.kernels() is not portable_ops
