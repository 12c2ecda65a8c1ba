"""Farthest point sampling."""

import tensorflow as tf

from gspn_tf.portable_ops.checks import Axes
from gspn_tf.portable_ops.search import finite, matchable

LARGEST = tf.float32.max


@tf.function(autograph=False, reduce_retracing=True)
def _sample(points, counts, num_samples):
    batch = tf.shape(points)[0]
    usable = finite(points) & tf.sequence_mask(counts, tf.shape(points)[1])
    clouds = tf.transpose(matchable(points, counts), [0, 2, 1])

    def step(i, nearest, taken):
        found = tf.argmax(nearest, 1, output_type=tf.int32)
        found = tf.where(i > 0, found, tf.zeros_like(found))
        place = tf.gather(points, found, axis=1, batch_dims=1)[..., None]
        squares = tf.math.squared_difference(clouds, place)
        distances = (squares[:, 0] + squares[:, 1]) + squares[:, 2]
        nearest = tf.where(distances < nearest, distances, nearest)
        return i + 1, nearest, taken.write(i, found)

    taken = tf.TensorArray(tf.int32, num_samples + 1)
    taken = taken.write(num_samples, tf.zeros([batch], tf.int32))
    _, _, taken = tf.while_loop(
        lambda i, *_: i < num_samples,
        step,
        (0, tf.where(usable, LARGEST, 0.0), taken),
        parallel_iterations=1,
    )
    return tf.transpose(taken.stack()[:-1])


def gspn_farthest_point_sample(points, num_samples, num_points) -> tf.Tensor:
    axes = Axes("farthest_point_sample")
    points = tf.stop_gradient(axes.bind("points", points, "BN3"))
    num_samples = tf.convert_to_tensor(num_samples, tf.int32)
    axes.bind("num_samples", num_samples, "")
    num_points = axes.counts("num_points", num_points, "N")
    known = tf.get_static_value(num_samples)
    num_samples = axes.within("num_samples", num_samples, 0, tf.int32.max)
    indices = tf.cond(
        tf.equal(axes.sizes["N"], 0),
        lambda: tf.zeros([axes.sizes["B"], num_samples], tf.int32),
        lambda: _sample(points, num_points, num_samples),
    )
    return tf.ensure_shape(indices, [axes.known["B"], known])
