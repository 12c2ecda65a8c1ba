"""Proposals around segmented points of the context: the second rival of Table 4."""

from typing import NamedTuple

import tensorflow as tf

from gspn_tf import ops
from gspn_tf.config import GSPNConfig
from gspn_tf.models.centers import SeedFeatures, conditioned_width
from gspn_tf.models.proposers.proposer import Proposer, SeedTruth
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import losses
from gspn_tf.nn.mlp import SharedMLP, dense
from gspn_tf.nn.pyramid import Context, take
from gspn_tf.types import Proposals, Terms

THRESHOLD = 0.5  # probability of a point that belongs to the seed's object


class SegmentOutputs(NamedTuple):
    """The outputs of a SegmentProposer, whose contexts have K points."""

    proposals: Proposals
    objectness: tf.Tensor  # [B, S, width]  logits
    membership: tf.Tensor  # [B, S, K]  logits: does the point belong?
    members: tf.Tensor  # [B, S, K]  int32 rows of the points in the scene
    counted: tf.Tensor  # [B, S, K]  False marks repetitions


class SegmentProposer(Proposer):
    """The box of the points of the largest context that belong to the seed's object.

    A PointNet tells them: each point relative to the predicted centre, to the seed, and
    its colour, beside the context features, which are the maxima over all points. Its
    layers are the context PointNets' and these in reverse. The seed belongs. The output
    is SegmentOutputs.
    """

    terms = ("segmentation",)
    monitored = ("segmentation",)

    def __init__(self, config: GSPNConfig, context: int) -> None:
        super().__init__(config)
        self.objectness = self.objectness_class(config, context)
        radii, units = config.context_radii, config.context_units
        self.largest = radii.index(max(radii))
        local = units[:-1] or units
        self.local_mlp = SharedMLP(local, (9,))
        joint = (local[-1], conditioned_width(config, context))
        self.joint_mlp = SharedMLP(units[::-1], joint)
        self.output_layer = dense(1, units[0])

    def call(self, seeds: SeedFeatures, training: bool = False) -> SegmentOutputs:
        spheres, k = seeds.seeds.spheres, self.largest
        near, count = spheres.neighbors[k], spheres.counts[k]
        logits = self.segment(seeds, near, training)  # [B, S, K]
        real = tf.sequence_mask(count, near.shape[-1])
        objectness = self.objectness(seeds.context)
        proposals = Proposals(
            boxes=boxes_around(spheres, near, real & (tf.sigmoid(logits) > THRESHOLD)),
            scores=self.objectness.score(objectness),
            valid=seeds.valid,
        )
        members = take(spheres.rows, near)
        return SegmentOutputs(proposals, objectness, logits, members, real)

    def segment(
        self, seeds: SeedFeatures, near: tf.Tensor, training: bool
    ) -> tf.Tensor:
        """Logits [B, S, K] of points near [B, S, K] that belong to the object."""
        spheres, joint = seeds.seeds.spheres, self.joint_mlp
        there = tf.concat([spheres.points, spheres.points, spheres.colors], -1)
        origin = tf.concat([seeds.centers, spheres.seeds, spheres.seed_colors], -1)
        local = self.local_mlp(ops.group_points(there, near) - origin[:, :, None])
        whole = joint.project(seeds.conditions, 1)
        x = joint.project(local, 0) + whole[:, :, None]
        return self.output_layer(joint.activate(x, training))[..., 0]

    def losses_of(self, found: SegmentOutputs, truth: SeedTruth) -> Terms:
        """Binary cross-entropy, mean of a seed's points."""
        instance = take(truth.targets["instance"], found.members)
        belongs = tf.cast(instance == truth.instance[..., None], tf.int32)
        loss = losses.binary_cross_entropy(found.membership, belongs)
        return {"segmentation": losses.masked_mean(loss, found.counted, axis=-1)}


def boxes_around(spheres: Context, near: tf.Tensor, belongs: tf.Tensor) -> tf.Tensor:
    """Boxes [B, S, 6] around the seeds and the points near [B, S, K] that belong."""
    seeds = spheres.seeds[:, :, None]
    points = tf.concat([ops.group_points(spheres.points, near), seeds], 2)
    seed = tf.ones_like(belongs[..., :1])
    return box_lib.bounding(points, tf.concat([belongs, seed], -1))
