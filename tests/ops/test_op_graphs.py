"""The ops in graphs, native and portable: shapes, export, threads, the choice."""

import contextlib
import functools
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from clouds import make_boxes, make_points
from op_calls import BOXES, POINTS, call_all
from tensorflow.python.framework import op_def_registry

from gspn_tf import ops
from gspn_tf.ops import library as op_library

BOTH = {"native": contextlib.nullcontext, "portable": ops.portable}


def assert_same(found, expected):
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_array_equal(a, b)


@functools.cache
def trace(implementation, *sizes):
    """The graph of every op; sizes: batch, points, queries, boxes."""
    batch, *counts = sizes
    widths = zip(counts, (3, 3, 6), strict=True)
    specs = [tf.TensorSpec([batch, count, width]) for count, width in widths]
    with BOTH[implementation]():
        return tf.function(call_all).get_concrete_function(*specs)


@pytest.mark.parametrize("implementation", BOTH)
@pytest.mark.parametrize("b, n, m, r", [(None,) * 4, (2, 9, 7, 8)])
def test_static_shapes(implementation, b, n, m, r):
    found = trace(implementation, b, n, m, r).output_shapes
    assert {name: shape.as_list() for name, shape in found.items()} == {
        "fps": [b, 4],
        "fps_any": [b, n],
        "ball": [b, m, 5],
        "ball_2": [b, m, 3],
        "three": [b, m, 3],
        "knn": [b, m, 2],
        "group": [b, m, 5, 3],
        "mix": [b, m, 3],
        "chamfer": [b, n],
        "nms": [b, 3],
        "counts": [b, r],
        "assign": [b, r, n],
    }


def test_shape_function_of_unknown_rank():
    @tf.function(input_signature=[tf.TensorSpec(None)])
    def sample(points):
        return ops.farthest_point_sample(points, 3, tf.zeros([1], tf.int32))

    assert sample.get_concrete_function().output_shapes.as_list() == [1, 3]


def test_static_errors_name_the_argument():
    with pytest.raises(ValueError, match=r"queries must be \[B, M, 3\] with B = 2"):
        tf.function(lambda: ops.three_nn(tf.zeros([2, 4, 3]), tf.zeros([3, 4, 3])))()


def test_portable_graphs_hold_ops_of_tensorflow_alone():
    graph = trace("portable", None, None, None, None).graph.as_graph_def()
    functions = [node for f in graph.library.function for node in f.node_def]
    names = {node.op for node in [*graph.node, *functions]}
    for name in {name for name in names if not name.startswith("__inference")}:
        assert op_def_registry.get(name) is not None
        assert not name.startswith("Gspn") and "PyFunc" not in name


class Module(tf.Module):
    """Indices and their gradient, to be exported."""

    @tf.function(input_signature=[tf.TensorSpec([None, None, 3])])
    def __call__(self, points):
        with tf.GradientTape() as tape:
            tape.watch(points)
            near, _ = ops.ball_query(points, points, radius=1.0, num_neighbors=3)
            groups = ops.group_points(points, near)
            total = tf.reduce_sum(groups**2)
            total += tf.reduce_sum(ops.nn_distance(points, points + 0.1)[0])
        order = ops.farthest_point_sample(points, 9)
        return tape.gradient(total, points), near, order


def test_saved_model_with_gradient(tmp_path):
    module, points = Module(), make_points("random", 2, 30)
    expected = module(points)
    tf.saved_model.save(module, str(tmp_path))
    assert_same(tf.saved_model.load(str(tmp_path))(points), expected)


@pytest.mark.slow
def test_a_process_without_the_package_runs_the_portable_graph(tmp_path):
    module, points = Module(), make_points("random", 2, 30)
    arrays = [value.numpy() for value in Module()(points)]
    np.savez(tmp_path / "data.npz", points, *arrays)
    with ops.portable():
        tf.saved_model.save(module, str(tmp_path / "saved"))
    script = (
        "import sys, numpy as np, tensorflow as tf\n"
        "points, *expected = np.load('data.npz').values()\n"
        "found = tf.saved_model.load('saved')(tf.constant(points))\n"
        "for value, wanted in zip(found, expected, strict=True):\n"
        "    np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-6)\n"
        "assert 'gspn_tf' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-I", "-c", script], cwd=tmp_path, check=True)


@pytest.mark.slow
@pytest.mark.parametrize("first", ["copy", "package"])
def test_a_copy_of_the_library_may_be_loaded_too(first, tmp_path):
    shutil.copyfile(op_library.library_path(), tmp_path / "exported_ops.so")
    load, use = (
        "tf.load_op_library('./exported_ops.so')\n",
        "ops.knn(cloud, cloud, 1)\n",
    )
    script = (
        "import tensorflow as tf\n"
        "from gspn_tf import ops\n"
        "from gspn_tf.ops import library\n"
        "cloud = tf.Variable(tf.zeros([1, 4, 3]))\n"
        + (load if first == "copy" else use + load)
        + "with tf.GradientTape() as tape:\n"
        "    ops.knn(cloud, cloud, 1)\n"
        "    sums = ops.group_points(cloud, tf.zeros([1, 2, 2], tf.int32))\n"
        "assert tf.reduce_sum(tape.gradient(sums, cloud)) == 12\n"
        "assert library.kernels() is not library.portable_ops\n"
    )
    command = [sys.executable, "-P", "-W", "error::RuntimeWarning", "-c", script]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, cwd=tmp_path, env=env, check=True)


def test_empty_clouds():
    nothing, queries = POINTS[:, :0], POINTS
    assert not ops.farthest_point_sample(nothing, 3).numpy().any()
    distances, indices = ops.knn(nothing, queries, 2)
    assert np.isinf(distances).all() and not indices.numpy().any()
    assert not any(value.numpy().any() for value in ops.nn_distance(nothing, queries))
    samples = np.zeros((2, 5, 7, 3), np.float32)
    found = ops.nearest_assign(nothing, samples, samples[..., 0], BOXES)
    assert found.shape == (2, 5, 0)
    found = call_all(tf.zeros([0, 9, 3]), tf.zeros([0, 7, 3]), tf.zeros([0, 8, 6]))
    assert found["ball"].shape == (0, 7, 5) and found["assign"].shape == (0, 8, 9)


def test_pipeline_threads_agree_with_eager():
    points = make_points("random", 6, 400)
    queries, boxes = points[:, :100], make_boxes(np.random.default_rng(0), 6, 9)
    inputs = [tf.constant(value) for value in (points, queries, boxes)]
    eager = call_all(*inputs)
    # A single cloud at a time, several at once: the work is divided differently.
    dataset = tf.data.Dataset.from_tensor_slices((points, queries, boxes)).batch(1)
    rows = list(dataset.map(call_all, num_parallel_calls=4))
    for name in set(eager) - {"counts", "assign"}:  # their draw depends on the row
        assert_same(tf.concat([row[name] for row in rows], 0), eager[name])
    for _ in range(5):
        assert_same(call_all(*inputs), eager)


# ------------------------------------------------------------------- the choice


@pytest.fixture
def no_library(monkeypatch):
    """A TensorFlow for which no library was built."""
    monkeypatch.setattr(op_library.tf, "__version__", "9.8.7")
    op_library.load_library.cache_clear()
    op_library._available.cache_clear()
    yield
    op_library.load_library.cache_clear()
    op_library._available.cache_clear()


def test_missing_library_is_one_readable_sentence(no_library):
    with pytest.raises(ImportError, match=r"\d\.\d+.*, but TensorFlow 9.8.7 is run"):
        op_library.load_library()


def test_without_a_library_the_portable_ops_are_used_after_one_warning(no_library):
    points = make_points("random", 1, 50)
    with pytest.warns(RuntimeWarning, match="slower.*BUILD.md") as caught:
        ops.group_points(points, [[[1]]])
        ops.nms_3d(BOXES, BOXES[..., 0], BOXES[..., 0] > 0, **KEPT)
    assert len([w for w in caught if "portable ops" in str(w.message)]) == 1
    assert op_library.kernels() is op_library.portable_ops


KEPT = {"iou_threshold": 0.5, "max_outputs": 3}


def test_the_choice_ends_with_its_block():
    with pytest.raises(KeyError), ops.portable():
        assert op_library.kernels() is op_library.portable_ops
        raise KeyError
    assert op_library.kernels() is not op_library.portable_ops
