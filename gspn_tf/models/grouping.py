"""GroupMerging: instances from the similarities of points (SGPN, section 3.3).

Every point proposes the group of all points that are similar to it. Of n points no more
than CHUNK x n similarities are there at a time, whatever n is.
"""

from collections.abc import Callable

import tensorflow as tf

from gspn_tf.config import SGPNConfig

CHUNK = 1024  # Rows of the similarity matrix at once.


def similarity(left: tf.Tensor, right: tf.Tensor, scale: float) -> tf.Tensor:
    """Similarity [..., n, m] of features [..., n, F] and [..., m, F]; 0 is the same.

    `scale` times the squared distance, as in the release (models/model.py); section
    3.1 writes the distance.
    """
    product = tf.matmul(left, right, transpose_b=True)
    squares = [tf.reduce_sum(x * x, -1) for x in (left, right)]
    distance = squares[0][..., None] + squares[1][..., None, :] - 2 * product
    return scale * tf.maximum(distance, 0.0)


def merge_groups(
    features: tf.Tensor, confidence: tf.Tensor, config: SGPNConfig
) -> tf.Tensor:
    """The instance [n] int32 of each point: 0, 1, ..., or -1 for none.

    Of groups that are the same the first in `group_order` stays, of equals that of the
    first point. A point of several groups goes to the one whose proposing point it is
    most similar to; a group that this leaves with too few points is no instance.

    Args:
      features: [n, F] of points that may belong to an instance.
      confidence: [n] of the groups that the points propose.
      config: the rules.
    """
    seeds = choose_groups(features, confidence, config)
    proposing = tf.gather(features, seeds)
    near = similarity(features, proposing, config.similarity_scale)  # [n, K]
    near = tf.where(near < config.group_similarity, near, float("inf"))
    near = tf.pad(near, [[0, 0], [0, 1]], constant_values=float("inf"))  # K may be 0.
    owner = tf.argmin(near, -1, output_type=tf.int32)
    owner = tf.where(tf.math.is_inf(tf.reduce_min(near, -1)), -1, owner)
    sizes = tf.math.unsorted_segment_sum(tf.ones_like(owner), owner, tf.size(seeds) + 1)
    large = tf.gather(sizes, tf.maximum(owner, 0)) >= config.min_group_points
    return tf.where(large, owner, -1)


def choose_groups(
    features: tf.Tensor, confidence: tf.Tensor, config: SGPNConfig
) -> tf.Tensor:
    """Rows [K] int32 of the points whose groups are kept, in `group_order`.

    Arguments are as in `merge_groups`.
    """
    c, scale = config, config.similarity_scale

    def count_similar(rows: tf.Tensor, members: tf.Tensor) -> tf.Tensor:
        """Number [r] of the members [m, F] that are in the group of each row [r]."""

        def count(some: tf.Tensor) -> tf.Tensor:
            near = similarity(tf.gather(features, some), members, scale)
            return tf.reduce_sum(tf.cast(near < c.group_similarity, tf.int32), -1)

        return by_chunks(count, rows)

    points = tf.range(tf.shape(features)[0])
    sizes = count_similar(points, features)
    rank = tf.cast(sizes, tf.float32) if c.group_order == "size" else confidence
    candidate = (confidence > c.min_confidence) & (sizes >= c.min_group_points)

    def step(kept: tf.Tensor, candidate: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        best = tf.argmax(tf.where(candidate, rank, -1.0), output_type=tf.int32)
        near = similarity(features, features[best][None], scale)[:, 0]
        members = tf.boolean_mask(features, near < c.group_similarity)
        rivals = tf.boolean_mask(points, candidate)
        shared = tf.cast(count_similar(rivals, members), tf.float32)
        own = tf.gather(sizes, rivals)
        union = tf.cast(own + sizes[best], tf.float32) - shared
        other = shared <= c.max_group_iou * union
        other &= shared <= c.max_group_share * tf.cast(own, tf.float32)
        left = tf.boolean_mask(rivals, other & (rivals != best))
        candidate = tf.scatter_nd(
            left[:, None], tf.ones_like(left, tf.bool), tf.shape(points)
        )
        return tf.concat([kept, best[None]], 0), candidate

    kept, _ = tf.while_loop(
        lambda _, candidate: tf.reduce_any(candidate),
        step,
        (tf.zeros([0], tf.int32), candidate),
        shape_invariants=(tf.TensorShape([None]), tf.TensorShape([None])),
        maximum_iterations=c.max_detections,
        parallel_iterations=1,
    )
    return kept


def by_chunks(function: Callable[[tf.Tensor], tf.Tensor], rows: tf.Tensor) -> tf.Tensor:
    """`function` of rows [n], int32 [n], which sees CHUNK of them at a time."""

    def step(start: tf.Tensor, found: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        found = tf.concat([found, function(rows[start : start + CHUNK])], 0)
        return start + CHUNK, found

    _, found = tf.while_loop(
        lambda start, _: start < tf.size(rows),
        step,
        (0, tf.zeros([0], tf.int32)),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None])),
        parallel_iterations=1,
    )
    return found
