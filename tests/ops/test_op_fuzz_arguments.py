"""Calls with wrong arguments: refused by an error that names the op, or harmless.

Every op of the library is called as it should be, but for one argument: its shape,
type or a value in it is another.
"""

import numpy as np
import pytest
import tensorflow as tf
from fuzzing import SEEDS, fuzz
from hypothesis import given
from hypothesis import strategies as st

from gspn_tf import ops

POINTS, QUERIES, BOXES = "float BN3", "float BM3", "float BR6"
NUM_POINTS = "count of N: B"
PAIR = {
    "points_a": POINTS,
    "points_b": QUERIES,
    "num_a": NUM_POINTS,
    "num_b": "count of M: B",
}
FEATURES, SLOTS, THREE = "float BNC", "index of N: BMK", "index of N: BM3"
# Of every op its inputs, then its attributes; a letter is a size.
OPS = {
    "farthest_point_sample": {
        "points": POINTS,
        "num_samples": "size",
        "num_points": NUM_POINTS,
    },
    "ball_query": {
        "points": POINTS,
        "queries": QUERIES,
        "num_points": NUM_POINTS,
        "radii": "numbers",
        "num_neighbors": "sizes",
    },
    "knn": {
        "points": POINTS,
        "queries": QUERIES,
        "num_points": NUM_POINTS,
        "k": "size",
    },
    "group_points": {"features": FEATURES, "indices": SLOTS},
    "group_points_grad": {"gradient": "float BMKC", "indices": SLOTS, "num_rows": "N"},
    "three_interpolate": {"features": FEATURES, "indices": THREE, "weights": QUERIES},
    "three_interpolate_grad": {
        "gradient": "float BMC",
        "indices": THREE,
        "weights": QUERIES,
        "num_rows": "N",
    },
    "three_interpolate_weights_grad": {
        "features": FEATURES,
        "indices": THREE,
        "gradient": "float BMC",
    },
    "nn_distance": PAIR,
    "nn_distance_grad": PAIR
    | {
        "indices_a": "index of M: BN",
        "indices_b": "index of N: BM",
        "upstream_a": "float BN",
        "upstream_b": "float BM",
    },
    "nms3d": {
        "boxes": BOXES,
        "scores": "float BR",
        "valid": "bool BR",
        "iou_threshold": "number",
        "max_outputs": "size",
    },
    "points_in_boxes": {
        "points": POINTS,
        "boxes": BOXES,
        "num_points": NUM_POINTS,
        "margin": "number",
    },
    "sample_in_boxes": {
        "points": POINTS,
        "boxes": BOXES,
        "seed": "index of N: 2",
        "num_points": NUM_POINTS,
        "num_samples": "size",
        "margin": "number",
    },
    "nearest_assign": {
        "points": POINTS,
        "samples": "float BRM3",
        "values": "float BRM",
        "boxes": BOXES,
        "num_points": NUM_POINTS,
    },
}
ATTRIBUTES = {"number": 0.5, "numbers": [0.5, 2.0], "size": 3, "sizes": [4, 5]}
NUMBERS = [0.0, -0.0, -1.0, 1.0, 1.5, 1e-45, 3e38, np.inf, -np.inf, np.nan, "1", None]
SIZES = [0, -1, 1, 1000, 2**31, 2**40, 2**62, -(2**31), 0.5, np.nan, None]
BAD_INTEGERS = [-1, 1000, 2**31 - 1, -(2**31)]
DTYPES = [np.float64, np.int64, np.int32, np.float32, bool, np.float16]
REFUSALS = (tf.errors.InvalidArgumentError, ValueError, TypeError, OverflowError)


def argument(rng, kind, sizes):
    """A right one."""
    if kind in ATTRIBUTES:
        return ATTRIBUTES[kind]
    if kind in sizes:
        return sizes[kind]
    values, axes = kind.rsplit(" ", 1)
    shape = [int(a) if a.isdigit() else sizes[a] for a in axes]
    if values in ("float", "bool"):
        return rng.normal(size=shape).astype("f4" if values == "float" else bool)
    end = sizes[values[-2]] + values.startswith("count")
    return rng.integers(0, end, shape).astype(np.int32)


def another_shape(draw, array):
    """With an axis more or less, or one of another length."""
    axis = draw(st.integers(0, max(array.ndim - 1, 0)))
    if array.ndim == 0 or draw(st.booleans()):
        return array[None]
    if draw(st.booleans()):
        return np.zeros(np.delete(array.shape, axis), array.dtype)
    length = array.shape[axis] + draw(st.sampled_from([-1, 1]))
    return np.resize(
        array, (*array.shape[:axis], max(length, 0), *array.shape[axis + 1 :])
    )


def spoil(draw, kind, value):
    """(another value, whether it must be refused) of an argument."""
    if kind in ATTRIBUTES or np.ndim(value) == 0:
        several = isinstance(value, list)
        wrong = draw(
            st.sampled_from(SIZES if kind in ("size", "sizes", "N") else NUMBERS)
        )
        return ([wrong, *value[1:]] if several else wrong), False
    way = draw(st.sampled_from(["shape", "type", "value"]))
    if way == "shape":
        return another_shape(draw, value), False
    if way == "type":
        return value.astype(draw(st.sampled_from(DTYPES))), False
    if value.size == 0 or value.dtype == bool:
        return value, False
    position = draw(st.integers(0, value.size - 1))
    if value.dtype == np.int32:
        value.flat[position] = draw(st.sampled_from(BAD_INTEGERS))
        return value, kind != "index of N: 2"  # any seed will do
    value.flat[position] = draw(st.sampled_from([np.nan, np.inf, 3e38, 1e-45]))
    return value, False


@pytest.mark.parametrize("op", OPS)
@fuzz
@given(data=st.data())
def test_one_wrong_argument(op, data):
    rng = np.random.default_rng(data.draw(SEEDS))
    sizes = {"B": rng.integers(0, 3)} | {a: rng.integers(1, 6) for a in "NMKCR"}
    arguments = {n: argument(rng, kind, sizes) for n, kind in OPS[op].items()}
    function = getattr(ops.load_library(), f"gspn_{op}")
    if op == "ball_query":
        arguments["num_radii"] = 2
    function(**arguments)
    name = data.draw(st.sampled_from(list(OPS[op])))
    arguments[name], wrong = spoil(data.draw, OPS[op][name], arguments[name])
    try:
        function(**arguments)
    except REFUSALS as error:
        assert str(error)
        if wrong:
            title = "nms_3d" if op == "nms3d" else op
            assert f"{title}: {name}" in str(error)
    else:
        assert not wrong
