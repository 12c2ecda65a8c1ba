"""The portable ops where they are not small: rooms, work space, whole networks."""

import contextlib
import resource

import keras
import numpy as np
import pytest
import tensorflow as tf
from clouds import make_boxes, room

from gspn_tf import models, ops


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_detections_are_the_native_ones(sure_network, tiny_scene):
    detect = sure_network.detect
    expected = tf.function(lambda scene: detect(scene))(tiny_scene)
    with ops.portable():
        found = tf.function(lambda scene: detect(scene))(tiny_scene)
    assert expected.detections.valid.numpy().any()
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        tolerance = 1e-5 if a.dtype == tf.float32 else 0
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.slow
def test_a_network_learns_with_portable_ops(tiny_config, tiny_batch):
    losses = []
    for context in (contextlib.nullcontext, ops.portable):
        keras.utils.set_random_seed(3)
        network = models.build(tiny_config.proposal)
        network.compile(optimizer=keras.optimizers.SGD(1e-2))
        with context():
            losses.append([network.train_on_batch(tiny_batch) for _ in range(2)])
    assert losses[1][0] != losses[1][1]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
