"""The portable ops where they are not small: rooms and work space."""

import resource

import numpy as np
import pytest
import tensorflow as tf
from clouds import make_boxes, room

from gspn_tf import ops

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("count, samples", [(5_000, 3_000), (18_000, 2_048)])
def test_a_whole_room(count, samples):
    points, num_points = room(count), np.array([count - 77], np.int32)

    def geometry():
        order = ops.farthest_point_sample(points, samples, num_points)
        centers = tf.gather(points, order, axis=1, batch_dims=1)
        ball = {"radius": 0.2, "num_neighbors": 32, "num_points": num_points}
        near = ops.ball_query(points, centers, **ball)
        return tf.nest.flatten((order, near, ops.three_nn(centers, points)))

    native = geometry()
    with ops.portable():
        for found, expected in zip(geometry(), native, strict=True):
            np.testing.assert_array_equal(found, expected)


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
