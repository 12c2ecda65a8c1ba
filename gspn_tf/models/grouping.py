"""GroupMerging: instances from the similarities of points (SGPN, section 3.3).

Every point proposes the group of all points that are similar to it. Of n points no more
than CHUNK x n similarities are there at a time, whatever n is.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

CHUNK = 1024  # rows of the similarity matrix at once

# What groups of sizes [n] that were proposed with confidence [n] are ranked by.
ORDERS = {
    "size": lambda sizes, confidence: sizes,
    "confidence": lambda sizes, confidence: confidence,
}


class Rules(NamedTuple):
    """Which groups become instances."""

    similarity: float  # Th_S: two points are of one group below it
    min_confidence: float  # Th_C: of the point that proposes a group
    min_points: int  # Th_M2: of a group
    max_iou: float  # Th_M1: with a group that is kept, above which it is the same
    max_share: float  # of its points in such a group, above which it is the same
    order: str  # which group comes first, see ORDERS
    max_groups: int


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
    features: tf.Tensor, confidence: tf.Tensor, scale: float, rules: Rules
) -> tf.Tensor:
    """The instance [n] int32 of each point: 0, 1, ..., or -1 for none.

    features [n, F] and confidence [n] of points that may belong to an instance. Of
    groups that are the same the first in `rules.order` stays, of equals that of the
    first point. A point of several groups goes to the one whose proposing point it is
    most similar to; a group that this leaves with too few points is no instance.
    """
    seeds = choose_groups(features, confidence, scale, rules)
    near = similarity(features, tf.gather(features, seeds), scale)  # [n, K]
    near = tf.where(near < rules.similarity, near, float("inf"))
    near = tf.pad(near, [[0, 0], [0, 1]], constant_values=float("inf"))  # K may be 0
    owner = tf.argmin(near, -1, output_type=tf.int32)
    owner = tf.where(tf.math.is_inf(tf.reduce_min(near, -1)), -1, owner)
    sizes = tf.math.unsorted_segment_sum(tf.ones_like(owner), owner, tf.size(seeds) + 1)
    large = tf.gather(sizes, tf.maximum(owner, 0)) >= rules.min_points
    return tf.where(large, owner, -1)


def choose_groups(
    features: tf.Tensor, confidence: tf.Tensor, scale: float, rules: Rules
) -> tf.Tensor:
    """Rows [K] int32 of the points whose groups are kept, in `rules.order`."""

    def similar(rows: tf.Tensor, members: tf.Tensor) -> tf.Tensor:
        """How many of the members [m, F] are in the group of each of rows [r]."""

        def count(some):
            near = similarity(tf.gather(features, some), members, scale)
            return tf.reduce_sum(tf.cast(near < rules.similarity, tf.int32), -1)

        return by_chunks(count, rows)

    points = tf.range(tf.shape(features)[0])
    sizes = similar(points, features)
    rank = ORDERS[rules.order](tf.cast(sizes, tf.float32), confidence)
    candidate = (confidence > rules.min_confidence) & (sizes >= rules.min_points)

    def step(kept, candidate):
        best = tf.argmax(tf.where(candidate, rank, -1.0), output_type=tf.int32)
        near = similarity(features, features[best][None], scale)[:, 0]
        members = tf.boolean_mask(features, near < rules.similarity)
        rivals = tf.boolean_mask(points, candidate)
        shared = similar(rivals, members)
        shared, own = tf.cast(shared, tf.float32), tf.gather(sizes, rivals)
        union = tf.cast(own + sizes[best], tf.float32) - shared
        other = shared <= rules.max_iou * union
        other &= shared <= rules.max_share * tf.cast(own, tf.float32)
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
        maximum_iterations=rules.max_groups,
        parallel_iterations=1,
    )
    return kept


def by_chunks(function: Callable[[tf.Tensor], tf.Tensor], rows: tf.Tensor) -> tf.Tensor:
    """int32 [n]: `function` of rows [n], which sees CHUNK of them at a time."""

    def step(start, found):
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
