"""Loss terms: one pure function for each.

`mask` says which rows count. Rows that do not count may hold anything finite; they
reach neither the value nor the gradient. A mean over no rows is 0.
"""

import tensorflow as tf

from gspn_tf import ops
from gspn_tf.nn.replicas import across_replicas
from gspn_tf.types import Gaussian


def masked_mean(
    values: tf.Tensor, mask: tf.Tensor, axis: int | None = None
) -> tf.Tensor:
    """Mean of values [...] where mask [...] holds; 0 where it never does.

    That over all axes is one over all replicas.
    """
    count = tf.reduce_sum(tf.cast(mask, values.dtype), axis)
    total = tf.reduce_sum(tf.where(mask, values, tf.zeros_like(values)), axis)
    if axis is None:
        total, count = across_replicas([total, count])
    return tf.math.divide_no_nan(total, count)


def rarity(
    labels: tf.Tensor, weights: tf.Tensor, num_classes: int, power: float
) -> tf.Tensor:
    """Weights [...] by which rare classes count more, as share of the class^-power.

    labels [...] int32; weights [...] of the rows, of which the shares are, and with
    which the mean of the result is 1.
    """
    total = tf.math.unsorted_segment_sum(weights, labels, num_classes)
    (total,) = across_replicas([total])
    share = total / tf.maximum(tf.reduce_sum(total), 1.0)
    rarities = tf.maximum(share, 1e-6) ** -power
    mean = tf.reduce_sum(share * rarities)
    return tf.gather(tf.math.divide_no_nan(rarities, mean), labels)


def smooth_l1(error: tf.Tensor) -> tf.Tensor:
    """Huber's loss with delta 1, elementwise (Fast R-CNN)."""
    size = tf.abs(error)
    return tf.where(size < 1, 0.5 * error * error, size - 0.5)


def center_loss(
    direction: tf.Tensor, distance: tf.Tensor, offset: tf.Tensor, unit: tf.Tensor
) -> tf.Tensor:
    """Loss [...] of a centre given as direction and distance (section 3.3).

    direction [..., 3], distance [...] metres: predicted; offset [..., 3] metres: true
    centre minus point; unit [...] metres, by which both distances are divided. The
    true direction is a unit vector (model_rpointnet.py:1355).
    """
    true_distance = tf.sqrt(tf.reduce_sum(offset * offset, -1) + 1e-8)
    true_direction = offset / true_distance[..., None]
    loss = tf.reduce_sum(smooth_l1(direction - true_direction), -1)
    return loss + smooth_l1((distance - true_distance) / unit)


def chamfer(generated: tf.Tensor, shapes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Chamfer distance [R] of clouds [R, P, 3] and shapes [R, Q, 3], square metres.

    The mean squared distances to the nearest point both ways, added. Also returns the
    squared distance [R, P] of each generated point.
    """
    to_shape, _, to_generated, _ = ops.nn_distance(generated, shapes)
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


def gaussian_kl(p: Gaussian, q: Gaussian) -> tf.Tensor:
    """KL(p || q) [...], the mean over the latent axis.

    The paper's Eq. 2 and the released code (model_rpointnet.py:1375) take the prior
    for p and the posterior for q; Eq. 1 has them the other way round.
    """
    squared = (q.mean - p.mean) ** 2
    ratio = (tf.exp(p.log_variance) + squared) / tf.exp(q.log_variance)
    return 0.5 * tf.reduce_mean(q.log_variance - p.log_variance + ratio - 1, -1)


def binary_cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Elementwise loss of logits against labels that are 1 or anything else."""
    target = tf.cast(labels == 1, logits.dtype)
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=target, logits=logits)


def cross_entropy(logits: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """Loss [...] of logits [..., C] against class indices [...]."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=logits)


def double_hinge(
    similarity: tf.Tensor,
    instance: tf.Tensor,
    classes: tf.Tensor,
    margins: tuple[float, float],
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The parts of SGPN's similarity loss (its section 3.2), three scalars.

    Of points of one instance, of two instances of one class, and of two classes.
    similarity [B, M, M]; instance [B, M], -1: the point is in no pair; classes [B, M];
    margins: K1, K2, of the second and the third part. Each is a mean over pairs in
    which every instance of a scene has the same weight, however many points it has.
    """
    on_object = instance >= 0
    pairs = on_object[:, :, None] & on_object[:, None, :]
    same = (instance[:, :, None] == instance[:, None, :]) & pairs
    weight = tf.math.divide_no_nan(1.0, tf.reduce_sum(tf.cast(same, tf.float32), -1))
    weight = weight[:, :, None] * weight[:, None, :]
    alike = classes[:, :, None] == classes[:, None, :]
    parts = (
        (same, similarity),
        (pairs & ~same & alike, tf.nn.relu(margins[0] - similarity)),
        (pairs & ~same & ~alike, tf.nn.relu(margins[1] - similarity)),
    )

    def mean(mask: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        share = tf.where(mask, weight, 0.0)
        sums = [tf.reduce_sum(share * values), tf.reduce_sum(share)]
        return tf.math.divide_no_nan(*across_replicas(sums))

    return tuple(mean(*part) for part in parts)


def group_iou(group: tf.Tensor, instance: tf.Tensor) -> tf.Tensor:
    """IoU [B, M] of each point's group, a row of [B, M, M], with its instance [B, M].

    Among the points on objects (instance >= 0); 0 for others.
    """
    on_object = instance >= 0
    truth = (instance[:, :, None] == instance[:, None, :]) & on_object[:, :, None]
    group &= on_object[:, None, :]
    shared = tf.reduce_sum(tf.cast(group & truth, tf.float32), -1)
    union = tf.reduce_sum(tf.cast(group | truth, tf.float32), -1)
    return tf.where(on_object, tf.math.divide_no_nan(shared, union), 0.0)
