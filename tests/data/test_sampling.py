"""Which points of a scene and of an object are taken."""

import numpy as np
import pytest
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.data import sampling

SEED = tf.constant([3, 4])
COUNTS = np.array([1, 5, 300], np.int32)


def cloud(count):
    return tf.random.stateless_normal([count, 3], [0, count])


@pytest.mark.parametrize("kind", sampling.POINTS)
@pytest.mark.parametrize("total, count", [(200, 50), (50, 50), (20, 50)])
def test_points_of_a_scene_are_distinct(kind, total, count):
    rows = sampling.POINTS[kind](cloud(total), count, SEED).numpy()
    assert len(rows) == len(set(rows)) == min(total, count)
    assert rows.min() >= 0 and rows.max() < total


@pytest.mark.parametrize("kind", sampling.SHAPES)
def test_shapes_are_of_their_own_points(kind):
    starts = np.int32(np.cumsum(COUNTS) - COUNTS)
    points = cloud(COUNTS.sum())
    inputs = (points, tf.constant(starts), tf.constant(COUNTS), 40, SEED)
    rows = sampling.SHAPES[kind](*inputs).numpy()
    assert rows.shape == (3, 40)
    for mine, start, count in zip(rows, starts, COUNTS, strict=True):
        assert mine.min() >= start and mine.max() < start + count


@pytest.mark.parametrize("kind", ["random", "repeated", "one"])
@pytest.mark.parametrize("count", [40, 300])
def test_drawn_points_are_in_farthest_point_order(kind, count):
    rng = np.random.default_rng(3)
    points = {
        "random": rng.random((200, 3)),
        "repeated": rng.random((20, 3))[rng.integers(0, 20, 200)],
        "one": rng.random((1, 3)),
    }[kind].astype(np.float32)
    picks = sampling.farthest_points(points, count, SEED)
    if count < len(points):
        every = ops.farthest_point_sample(points[None], count)[0]
        np.testing.assert_array_equal(picks, every)
    expected = ops.farthest_point_sample(tf.gather(points, picks)[None], len(picks))[0]
    np.testing.assert_array_equal(sampling.order_of(picks), expected)


def test_farthest_shapes_take_every_point_before_they_repeat_one():
    starts = np.int32(np.cumsum(COUNTS) - COUNTS)
    points = cloud(COUNTS.sum())
    inputs = (points, tf.constant(starts), tf.constant(COUNTS), 40, SEED)
    rows = sampling.farthest_shapes(*inputs).numpy()
    assert set(rows[1, :5]) == set(range(1, 6))
    assert len(set(rows[2])) == 40
    expected = ops.farthest_point_sample(points[None, 6:], 40)[0].numpy() + 6
    np.testing.assert_array_equal(rows[2], expected)


@pytest.mark.parametrize("kind", sampling.SHAPES)
def test_no_object_has_no_shape(kind):
    none = tf.zeros([0], tf.int32)
    found = sampling.SHAPES[kind](tf.zeros([0, 3]), none, none, 7, SEED)
    assert found.shape == (0, 7)
