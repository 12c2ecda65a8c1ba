"""Proposals regressed from anchors, as in Mask R-CNN: the first rival of Table 4."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.models.centers import SeedFeatures, conditioned_width
from gspn_tf.models.proposers.proposer import Proposer, SeedTruth
from gspn_tf.nn import assignment, losses
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn.mlp import SharedMLP, dense
from gspn_tf.nn.pyramid import take
from gspn_tf.types import Proposals, Terms

# Widths to depths, and heights to the mean of both: nine aspect ratios.
RATIOS = (0.5, 1.0, 2.0)
NEGATIVE_IOU = 0.3  # an anchor that overlaps no object so much is none; Faster R-CNN's
DEVIATION = (0.1, 0.2)  # of centre and log size, as of Mask R-CNN's anchors


def anchor_sizes(radii: tuple[float, ...]) -> np.ndarray:
    """Sizes [9 * len(radii), 3] in metres: nine aspect ratios in spheres of radii.

    The corners of an anchor are on the sphere, so that the scales of anchors are those
    of the contexts: from the smallest to the largest object (section 3.3).
    """
    shapes = [(r**0.5, r**-0.5, h) for r in RATIOS for h in RATIOS]
    unit = np.array(shapes) / np.linalg.norm(shapes, axis=1, keepdims=True)
    return np.concatenate([2 * radius * unit for radius in radii]).astype(np.float32)


class AnchorOutputs(NamedTuple):
    """The outputs of a BoxProposer that has A anchors a seed."""

    proposals: Proposals  # the best anchor of each seed, moved and scaled
    candidates: Proposals  # all anchors so: [B, S * A]
    objectness: tf.Tensor  # [B, S, A, width]  logits
    anchors: tf.Tensor  # [B, S, A, 6]
    deltas: tf.Tensor  # [B, S, A, 6]  see `boxes.encode`


class BoxProposer(Proposer):
    """Anchors around the predicted centre of each seed, moved, scaled and scored.

    There are nine for each radius of the context, 27 in the paper. The output is
    AnchorOutputs.
    """

    terms = ("deltas",)
    monitored = ("deltas", "objectness")

    def __init__(self, config: GSPNConfig, context: int) -> None:
        super().__init__(config)
        self.sizes = anchor_sizes(config.context_radii)
        self.boxes_per_seed, units = len(self.sizes), config.prior_units
        self.mlp = SharedMLP(units, (conditioned_width(config, context),))
        self.delta_output = dense(6 * self.boxes_per_seed, units[-1])
        self.objectness = self.objectness_class(config, units[-1], self.boxes_per_seed)

    def call(self, seeds: SeedFeatures) -> AnchorOutputs:
        features = self.mlp(seeds.conditions)
        deltas = self.delta_output(features)
        shape = tf.concat([tf.shape(deltas)[:2], [self.boxes_per_seed, 6]], 0)
        deltas, anchors = tf.reshape(deltas, shape), self.anchors_at(seeds.centers)
        batch = tf.shape(deltas)[0]
        logits = self.objectness(features)
        boxes = box_lib.decode(anchors, tf.stop_gradient(deltas), DEVIATION)
        scores = self.objectness.score(logits)  # [B, S, A]
        best = tf.gather(boxes, tf.argmax(scores, -1), batch_dims=2)
        return AnchorOutputs(
            proposals=Proposals(best, tf.reduce_max(scores, -1), seeds.valid),
            candidates=Proposals(
                boxes=tf.reshape(boxes, [batch, -1, 6]),
                scores=tf.reshape(scores, [batch, -1]),
                valid=tf.repeat(seeds.valid, self.boxes_per_seed, axis=1),
            ),
            objectness=logits,
            anchors=anchors,
            deltas=deltas,
        )

    def anchors_at(self, centers: tf.Tensor) -> tf.Tensor:
        """Anchors [B, S, A, 6] around centers [B, S, 3]."""
        shape = tf.concat([tf.shape(centers)[:2], tf.shape(self.sizes)], 0)
        around = tf.broadcast_to(centers[:, :, None, :], shape)
        return tf.concat([around, tf.broadcast_to(self.sizes, shape)], -1)

    def losses_of(self, found: AnchorOutputs, truth: SeedTruth) -> Terms:
        """Smooth L1 to the seed's own object, mean of its positive anchors' numbers."""
        own = take(truth.targets["boxes"], truth.instance)[:, :, None]  # [B, S, 1, 6]
        wanted = box_lib.encode(found.anchors, own, DEVIATION)
        loss = tf.reduce_mean(losses.smooth_l1(found.deltas - wanted), -1)
        positive = self.anchor_labels(found.anchors, truth) == 1
        return {"deltas": losses.masked_mean(loss, positive, axis=-1)}

    def objectness_loss(self, found: AnchorOutputs, truth: SeedTruth) -> tf.Tensor:
        """Cross-entropy of positive and of negative anchors, half each."""
        labels = self.anchor_labels(found.anchors, truth)
        loss = self.objectness.loss(found.objectness, labels)
        real = found.proposals.valid[..., None]
        halves = (losses.masked_mean(loss, (labels == k) & real) for k in (0, 1))
        return tf.add_n(list(halves)) / 2

    def anchor_labels(self, anchors: tf.Tensor, truth: SeedTruth) -> tf.Tensor:
        """Labels [B, S, A] int32 of anchors [B, S, A, 6]: see `assignment`."""
        targets = truth.targets
        own = take(targets["boxes"], truth.instance)[:, :, None]
        own = box_lib.pairwise_iou(anchors, own)[..., 0]
        flat = tf.reshape(anchors, [tf.shape(anchors)[0], -1, 6])
        any_iou = assignment.iou_with_truth(flat, targets)
        any_iou = tf.reshape(tf.reduce_max(any_iou, -1), tf.shape(own))
        return assignment.anchor_labels(
            own, any_iou, truth.foreground, self.config.positive_iou, NEGATIVE_IOU
        )
