"""Every implementation of every op against the naive reference, and wrong arguments.

The cases and the reference are those of tests/helpers/op_cases.py.
"""

import functools
import shutil

import numpy as np
import pytest
import tensorflow as tf
from clouds import Inputs
from cuda_calls import run_op
from cuda_checks import SPECIAL_CHECKS
from cuda_library import Device, build_emulation, build_for_gpu
from fuzzing import SEEDS, fuzz, random_inputs
from hypothesis import given
from hypothesis import strategies as st
from op_calls import BAD_CALLS, GRADIENTS, run_native, run_portable
from op_cases import CASES, OPS, compare

from gspn_tf import ops

exactly = np.testing.assert_array_equal


def closely(found, expected):
    """Integers and booleans exactly, floats but for the order of sums."""
    if found.dtype != np.float32:
        exactly(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def emulated_device(tmp_path_factory):
    return Device(build_emulation(tmp_path_factory.mktemp("cuda"), 900))


@pytest.fixture(scope="module")
def emulated(emulated_device):
    return functools.partial(run_op, emulated_device)


@pytest.fixture(scope="module")
def gpu(tmp_path_factory):
    nvcc = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
    device = Device(build_for_gpu(tmp_path_factory.mktemp("gpu"), nvcc))
    return functools.partial(run_op, device)


@pytest.fixture(scope="module")
def native():
    return run_native


@pytest.fixture(scope="module")
def portable():
    return run_portable


def needs(implementation, case):
    """The marks of one test; a twin takes seconds to trace."""
    if implementation == "gpu":
        no_gpu = not shutil.which("nvidia-smi")
        return [pytest.mark.build, pytest.mark.skipif(no_gpu, reason="no GPU here")]
    if implementation == "emulated":
        return [pytest.mark.build]
    gradient = case.op == "nn_distance_grad"
    quick = "random-3-200-33" if gradient else "bad-3-200-33"
    if implementation == "portable" and case.label != quick:
        return [pytest.mark.slow]
    return []


def computes(implementation, case):
    """TensorFlow's own gradients want finite distances, and one channel at least."""
    if implementation != "portable" or case.op not in GRADIENTS:
        return True
    return not case.label.startswith("bad" if case.op == "nn_distance_grad" else "same")


@pytest.mark.parametrize(
    "implementation, case",
    [
        pytest.param(
            implementation,
            case,
            id=f"{implementation}-{case.op}-{case.label}",
            marks=needs(implementation, case),
        )
        for implementation in ("native", "portable", "emulated", "gpu")
        for case in CASES
        if computes(implementation, case)
    ],
)
def test_case(request, implementation, case):
    run, arguments = request.getfixturevalue(implementation), case.make()
    equal = closely if implementation == "portable" else exactly
    compare(case.op, arguments, run(case.op, arguments), equal)


@pytest.mark.build
@pytest.mark.parametrize("check", SPECIAL_CHECKS, ids=lambda check: check.__name__)
def test_kernels_where_ops_refuse(emulated_device, check):
    check(emulated_device)


@pytest.mark.parametrize("op", OPS)
@fuzz
@given(inputs=random_inputs())
def test_random_calls(op, inputs):
    with np.errstate(all="ignore"):
        arguments = OPS[op].arguments(inputs)
    compare(op, arguments, run_native(op, arguments), exactly)


@pytest.mark.slow
@pytest.mark.parametrize("op", [op for op in OPS if op not in GRADIENTS])
@fuzz
@given(inputs=random_inputs(extreme=False))
def test_random_calls_of_the_portable_ops(op, inputs):
    arguments = OPS[op].arguments(inputs)
    compare(op, arguments, run_portable(op, arguments), closely)


DOOR = {"radii": "radius"}


@pytest.mark.parametrize("op", [op for op in OPS if op not in GRADIENTS])
def test_the_door_passes_all_arguments_on(op):
    arguments = OPS[op].arguments(Inputs("random", 2, 200, 33))
    door = {DOOR.get(name, name): value for name, value in arguments.items()}
    found = tf.nest.flatten(getattr(ops, op)(**door))
    if op == "ball_query":  # pairs of each radius
        found = [*found[::2], *found[1::2]]
    for value, expected in zip(found, run_native(op, arguments), strict=True):
        exactly(value, expected)


def test_sampled_points_are_uniform_and_seeded():
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


def test_more_neighbors_than_points_cost_nothing():
    """Work space is bound by the points, not by k, which may be of any size."""
    points = np.zeros((1, 4, 3), np.float32)
    distances, indices = ops.knn(points, points[:, :1], 30_000_000)
    assert np.isfinite(distances).sum() == 4
    assert tf.reduce_max(indices) == 3


# ----------------------------------------------------------- wrong arguments

NUMBERS = [0.0, -0.0, -1.0, 1.0, 1.5, 1e-45, 3e38, np.inf, -np.inf, np.nan, "1", None]
COUNTS = [0, -1, 1, 1000, 2**31, 2**40, 2**62, -(2**31), 0.5, np.nan, None]
BAD_INTEGERS = [-1, 1000, 2**31 - 1, -(2**31)]
BAD_FLOATS = [np.nan, np.inf, 3e38, 1e-45]
DTYPES = [np.float64, np.int64, np.int32, np.float32, bool, np.float16]
REFUSALS = (tf.errors.InvalidArgumentError, ValueError, TypeError, OverflowError)


@pytest.mark.parametrize("op", OPS)
@fuzz
@given(data=st.data())
def test_one_wrong_argument(op, data):
    """It is refused by an error that names the op, or harmless: never a crash."""
    count, queries = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    batch, seed = data.draw(st.integers(0, 2)), data.draw(SEEDS)
    arguments = OPS[op].arguments(Inputs("random", batch, count, queries, seed, seed))
    run_native(op, arguments)
    name = data.draw(st.sampled_from(list(arguments)))
    arguments[name], wrong = _another(data.draw, arguments[name])
    wrong = wrong and name != "seed"  # any will do
    try:
        run_native(op, arguments)
    except REFUSALS as error:
        assert not wrong or f"{op}: {name}" in str(error)
        assert str(error)
    else:
        assert not wrong


def _another(draw, value):
    """(another value, whether it must be refused) of an argument."""
    if isinstance(value, list):
        return [_another(draw, value[0])[0], *value[1:]], False
    if not isinstance(value, np.ndarray):
        others = NUMBERS if isinstance(value, float) else COUNTS
        return draw(st.sampled_from(others)), False
    way = draw(st.sampled_from(["shape", "type", "value"]))
    if way == "shape":
        return _another_shape(draw, value), False
    if way == "type":
        with np.errstate(invalid="ignore"):  # NaN as an integer
            return value.astype(draw(st.sampled_from(DTYPES))), False
    if value.size == 0 or value.dtype == bool:
        return value, False
    value, integers = value.copy(), value.dtype == np.int32
    position = draw(st.integers(0, value.size - 1))
    value.flat[position] = draw(
        st.sampled_from(BAD_INTEGERS if integers else BAD_FLOATS)
    )
    return value, integers


def _another_shape(draw, array):
    """With an axis more or less, or one of another length."""
    axis = draw(st.integers(0, array.ndim - 1))
    if draw(st.booleans()):
        return array[None]
    if draw(st.booleans()):
        return np.zeros(np.delete(array.shape, axis), array.dtype)
    shape = list(array.shape)
    shape[axis] = max(shape[axis] + draw(st.sampled_from([-1, 1])), 0)
    return np.resize(array, shape)


@pytest.mark.parametrize("message", BAD_CALLS)
def test_bad_arguments(message):
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)) as native:
        BAD_CALLS[message]()
    assert message in str(native.value)
    if message == "output 0 must be at most 2147483647 elements large":
        return  # of kernels that count in 32 bits
    with ops.portable(), pytest.raises(type(native.value)) as portable:
        BAD_CALLS[message]()
    words = message.replace("[0]", "").replace("[1]", "").split()
    assert words[0].split("(")[0].strip("'") in str(portable.value)


def test_bad_gradient_indices():
    arguments = OPS["nn_distance_grad"].arguments(Inputs("random", 2, 4, 4))
    arguments["indices_a"][:] = 4
    with pytest.raises(tf.errors.InvalidArgumentError, match="indices_a"):
        run_native("nn_distance_grad", arguments)
    sums = {"gradient": np.zeros((1, 1, 1, 1)), "indices": [[[2]]], "num_rows": 2}
    with pytest.raises(tf.errors.InvalidArgumentError, match="within 0..1, got 2"):
        run_native("group_points_grad", sums)
