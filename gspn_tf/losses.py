"""What is penalised: one pure function per term.

`mask` says which rows count. Rows that do not count may hold anything finite; they
reach neither the value nor the gradient. A mean over no rows is 0.
"""

import tensorflow as tf

from gspn_tf import ops


def masked_mean(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Scalar mean of values [...] where mask [...] holds; 0 where it never does."""
    count = tf.reduce_sum(tf.cast(mask, values.dtype))
    total = tf.reduce_sum(tf.where(mask, values, tf.zeros_like(values)))
    return tf.math.divide_no_nan(total, count)


def smooth_l1(error: tf.Tensor) -> tf.Tensor:
    """Huber's loss with delta 1, elementwise (Fast R-CNN)."""
    size = tf.abs(error)
    return tf.where(size < 1, 0.5 * error * error, size - 0.5)


def center_loss(
    direction: tf.Tensor, distance: tf.Tensor, offset: tf.Tensor, scale: tf.Tensor
) -> tf.Tensor:
    """Loss [...] of a centre given as direction and distance (section 3.3).

    direction [..., 3], distance [...] metres: predicted; offset [..., 3] metres: true
    centre minus point; scale [...] metres: half diagonal of the object. The unit
    direction and distance/scale are compared (model_rpointnet.py:1355).
    """
    true_distance = tf.sqrt(tf.reduce_sum(offset * offset, -1) + 1e-8)
    true_direction = offset / true_distance[..., None]
    loss = tf.reduce_sum(smooth_l1(direction - true_direction), -1)
    return loss + smooth_l1((distance - true_distance) / scale)


def chamfer(
    generated: tf.Tensor, shapes: tf.Tensor, scale: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Generation loss [R] of clouds [R, P, 3] against shapes [R, Q, 3].

    Mean squared distance both ways after division by scale [R] metres. Also returns
    the squared distance [R, P] of each generated point, in the same unit.
    """
    unit = scale[:, None, None]
    to_shape, _, to_generated, _ = ops.nn_distance(generated / unit, shapes / unit)
    loss = tf.reduce_mean(to_shape, -1) + tf.reduce_mean(to_generated, -1)
    return loss, to_shape


def confidence_loss(
    logits: tf.Tensor, squared_distance: tf.Tensor, radius: float
) -> tf.Tensor:
    """Cross-entropy [R] of per-point confidences [R, P] (section 3.1, L_e).

    A generated point within `radius` of the object is a confident one.
    """
    near = tf.cast(tf.stop_gradient(squared_distance) < radius**2, logits.dtype)
    loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=near, logits=logits)
    return tf.reduce_mean(loss, -1)


def gaussian_kl(
    mean_p: tf.Tensor, log_var_p: tf.Tensor, mean_q: tf.Tensor, log_var_q: tf.Tensor
) -> tf.Tensor:
    """KL(p || q) [...] of diagonal Gaussians [..., Z], mean over Z.

    The paper's Eq. 2 and the released code (model_rpointnet.py:1375) take the prior
    for p and the posterior for q.
    """
    ratio = (tf.exp(log_var_p) + (mean_q - mean_p) ** 2) / tf.exp(log_var_q)
    return 0.5 * tf.reduce_mean(log_var_q - log_var_p + ratio - 1, -1)


def binary_cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Elementwise loss of logits against labels that are 1 or anything else."""
    target = tf.cast(labels == 1, logits.dtype)
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logits)


def cross_entropy(logits: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """Loss [...] of logits [..., C] against class indices [...]."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=logits)
