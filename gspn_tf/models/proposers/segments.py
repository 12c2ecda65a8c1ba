"""Proposals around segmented points of the context: the second rival of Table 4."""

import tensorflow as tf

from gspn_tf import ops
from gspn_tf.config import GSPNConfig
from gspn_tf.models.proposers.proposer import Proposer, SeedFeatures, SeedTruth
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import losses
from gspn_tf.nn.layers import SharedMLP, dense
from gspn_tf.nn.pyramid import Context, take
from gspn_tf.types import Proposals

THRESHOLD = 0.5  # probability of a point that belongs to the seed's object


class SegmentProposer(Proposer):
    """The box of the points of the largest context that belong to the seed's object.

    A PointNet tells them: each point relative to the predicted centre, to the seed, and
    its colour, beside the context features, which are the maxima over all points. Its
    layers are the context PointNets' and these in reverse. The seed belongs. Also gives
    `membership` logits [B, S, K], the points' rows in the scene `members` [B, S, K],
    and which are `counted` [B, S, K]: others are repetitions.
    """

    terms = ("segmentation",)
    monitored = ("segmentation",)

    def __init__(self, config: GSPNConfig, context: int, **kwargs):
        super().__init__(config, **kwargs)
        self.objectness = self.objectness_of(context)
        radii, units = config.context_radii, config.context_units
        self.largest = radii.index(max(radii))
        local = units[:-1] or units
        self.local_mlp = SharedMLP(local, (9 if config.context_color else 6,))
        parts = (local[-1], context + self.condition.width)
        self.joint_mlp = SharedMLP(units[::-1], parts)
        self.output_layer = dense(1, units[0])
        self.built = True

    def call(self, seeds: SeedFeatures, targets=None, training=False):
        spheres, k = seeds.spheres, self.largest
        near, count = spheres.neighbors[k], spheres.counts[k]
        logits = self.segment(seeds, near, training)  # [B, S, K]
        real = tf.sequence_mask(count, near.shape[-1])
        objectness = self.objectness(seeds.context, training=training)
        return {
            "objectness": objectness,
            "membership": logits,
            "members": take(spheres.rows, near),
            "counted": real,
            "proposals": Proposals(
                boxes=around(spheres, near, real & (tf.sigmoid(logits) > THRESHOLD)),
                scores=self.objectness.score(objectness),
                valid=seeds.valid,
            ),
        }

    def segment(self, seeds: SeedFeatures, near, training) -> tf.Tensor:
        """Logits [B, S, K] of points near [B, S, K] that belong to the object."""
        spheres = seeds.spheres
        pairs = (
            (spheres.points, seeds.centers),
            (spheres.points, spheres.seeds),
            *spheres.colors,
        )
        there, origin = (tf.concat(side, -1) for side in zip(*pairs, strict=True))
        local = ops.group_points(there, near) - origin[:, :, None]
        local = self.local_mlp(local, training=training)
        whole = self.condition(seeds.context, seeds.semantics)
        joint = self.joint_mlp
        x = joint.project(local, 0) + joint.project(whole, 1)[:, :, None]
        return self.output_layer(joint.activate(x, training))[..., 0]

    def losses_of(self, outputs, truth: SeedTruth) -> dict[str, tf.Tensor]:
        """Binary cross-entropy, mean of a seed's points."""
        instance = take(truth.targets["instance"], outputs["members"])
        belongs = tf.cast(instance == truth.instance[..., None], tf.int32)
        loss = losses.binary_cross_entropy(outputs["membership"], belongs)
        counted = tf.cast(outputs["counted"], loss.dtype)
        total = tf.reduce_sum(loss * counted, -1)
        mean = tf.math.divide_no_nan(total, tf.reduce_sum(counted, -1))
        return {"segmentation": mean}


def around(spheres: Context, near: tf.Tensor, belongs: tf.Tensor) -> tf.Tensor:
    """Boxes [B, S, 6] of the seeds and of those near [B, S, K] that belong."""
    seeds = spheres.seeds[:, :, None]
    points = tf.concat([ops.group_points(spheres.points, near), seeds], 2)
    seed = tf.ones_like(belongs[..., :1])
    return box_lib.bounding(points, tf.concat([belongs, seed], -1))
