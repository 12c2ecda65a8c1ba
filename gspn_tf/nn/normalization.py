"""Layers' steps in training that keep little of what they compute for the gradients.

A batch norm needs its input for the gradient alone. TensorFlow would also keep its
output, that of the activation, and what a maximum was taken of.
"""

from typing import Any

import tensorflow as tf


def fused_norm(
    rows: tf.Tensor,
    scale: tf.Tensor,
    offset: tf.Tensor,
    epsilon: float,
    moments: tuple[tf.Tensor, tf.Tensor] | None = None,
) -> Any:
    """Apply TensorFlow's fused batch norm to rows [R, C].

    `moments` are a mean [C] and a variance [C]; None: those of the rows. Returns what
    FusedBatchNormV3 does: its first output [R, 1, 1, C], mean and variance (n - 1).
    """
    mean, variance = moments or ([], [])
    return tf.raw_ops.FusedBatchNormV3(
        x=tf.reshape(rows, [-1, 1, 1, rows.shape[-1]]),
        scale=scale,
        offset=offset,
        mean=mean,
        variance=variance,
        epsilon=epsilon,
        is_training=moments is None,
    )


def gradients_of(found: Any, gradient: tf.Tensor, rows: tf.Tensor, *rest: Any) -> Any:
    """Gradients of `fused_norm(rows, scale, offset, epsilon)`, which gave `found`."""
    scale, _, epsilon = rest
    places = tf.shape(rows)[0], 1, 1, rows.shape[-1]
    back = tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=tf.reshape(gradient, places),
        x=tf.reshape(rows, places),
        scale=scale,
        reserve_space_1=found.reserve_space_1,
        reserve_space_2=found.reserve_space_2,
        reserve_space_3=found.reserve_space_3,
        epsilon=epsilon,
    )
    return (
        tf.reshape(back.x_backprop, tf.shape(rows)),
        back.scale_backprop,
        back.offset_backprop,
    )


def activated_product(
    rows: tf.Tensor,
    scale: tf.Tensor,
    offset: tf.Tensor,
    epsilon: float,
    kernel: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Batch norm of rows [R, C], ReLU, and the product with a kernel [C, D].

    Returns:
      The product [R, D], and the mean [C] and the variance (n - 1) of the rows, which
      have no gradient. The activations are computed again for the gradients.
    """

    @tf.custom_gradient
    def compute(*inputs: tf.Tensor) -> Any:
        rows, scale, offset, kernel = inputs
        found = fused_norm(rows, scale, offset, epsilon)
        product = tf.matmul(tf.reshape(tf.nn.relu(found.y), tf.shape(rows)), kernel)

        def gradients(gradient: tf.Tensor, *_: tf.Tensor) -> Any:
            count = tf.cast(tf.shape(rows)[0], tf.float32)
            moments = found.batch_mean, found.batch_variance * (count - 1) / count
            with tf.control_dependencies([gradient]):  # else it would be at once
                moments = tuple(tf.identity(each) for each in moments)
            again = fused_norm(rows, scale, offset, epsilon, moments).y
            again = tf.reshape(tf.nn.relu(again), tf.shape(rows))
            for_kernel = tf.matmul(again, gradient, transpose_a=True)
            inner = tf.matmul(gradient, kernel, transpose_b=True)
            inner = tf.raw_ops.ReluGrad(gradients=inner, features=again)
            back = gradients_of(found, inner, rows, scale, offset, epsilon)
            return *back, for_kernel

        return (product, found.batch_mean, found.batch_variance), gradients

    return compute(rows, scale, offset, kernel)
