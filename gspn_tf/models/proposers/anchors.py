"""Proposals regressed from anchors, as in Mask R-CNN: the first rival of Table 4."""

import numpy as np
import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.models.proposers.proposer import Proposer, SeedFeatures, SeedTruth
from gspn_tf.nn import assignment, losses
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn.layers import SharedMLP, dense
from gspn_tf.nn.pyramid import take
from gspn_tf.types import Proposals

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


class BoxProposer(Proposer):
    """Anchors around the predicted centre of each seed, moved, scaled and scored.

    Nine for each radius of the context, 27 in the paper: A below. Also gives `anchors`
    and the `anchor_deltas` [B, S, A, 6]; the `objectness` is [B, S, A, 1 or 2].
    """

    terms = ("deltas",)
    monitored = ("deltas", "objectness")

    def __init__(self, config: GSPNConfig, context: int, **kwargs):
        super().__init__(config, **kwargs)
        self.sizes = anchor_sizes(config.context_radii)
        self.boxes_per_seed = len(self.sizes)
        units, channels = config.prior_units, context + self.condition.width
        self.mlp = SharedMLP(units, (channels,), config.flat_variance)
        self.delta_output = dense(6 * self.boxes_per_seed, units[-1])
        self.objectness = self.objectness_of(units[-1], self.boxes_per_seed)
        self.built = True

    def call(self, seeds: SeedFeatures, targets=None, training=False):
        conditioned = self.condition(seeds.context, seeds.semantics)
        features = self.mlp(conditioned, training=training)
        deltas = self.delta_output(features)
        shape = tf.concat([tf.shape(deltas)[:2], [self.boxes_per_seed, 6]], 0)
        deltas, anchors = tf.reshape(deltas, shape), self.anchors_at(seeds.centers)
        logits = self.objectness(features, training=training)
        boxes = box_lib.decode(anchors, tf.stop_gradient(deltas), DEVIATION)
        scores = self.objectness.score(logits)  # [B, S, A]
        best = tf.argmax(scores, -1)
        return {
            "anchors": anchors,
            "anchor_deltas": deltas,
            "objectness": logits,
            "proposals": Proposals(
                boxes=tf.gather(boxes, best, batch_dims=2),
                scores=tf.reduce_max(scores, -1),
                valid=seeds.valid,
            ),
            "candidates": self.all_of(boxes, scores, seeds.valid),
        }

    def anchors_at(self, centers: tf.Tensor) -> tf.Tensor:
        """Anchors [B, S, A, 6] around centers [B, S, 3]."""
        shape = tf.concat([tf.shape(centers)[:2], tf.shape(self.sizes)], 0)
        around = tf.broadcast_to(centers[:, :, None, :], shape)
        return tf.concat([around, tf.broadcast_to(self.sizes, shape)], -1)

    def all_of(self, boxes, scores, valid) -> Proposals:
        """Boxes [B, S, A, 6] of scores [B, S, A] as proposals [B, S * A]."""
        batch = tf.shape(scores)[0]
        return Proposals(
            boxes=tf.reshape(boxes, [batch, -1, 6]),
            scores=tf.reshape(scores, [batch, -1]),
            valid=tf.repeat(valid, self.boxes_per_seed, axis=1),
        )

    def losses_of(self, outputs, truth: SeedTruth) -> dict[str, tf.Tensor]:
        """Smooth L1 to the seed's own object, mean of its positive anchors' numbers."""
        anchors = outputs["anchors"]
        own = take(truth.targets["boxes"], truth.instance)[:, :, None]  # [B, S, 1, 6]
        wanted = box_lib.encode(anchors, own, DEVIATION)
        loss = tf.reduce_mean(losses.smooth_l1(outputs["anchor_deltas"] - wanted), -1)
        positive = self.labels(anchors, truth) == 1
        total = tf.reduce_sum(tf.where(positive, loss, 0.0), -1)
        count = tf.reduce_sum(tf.cast(positive, loss.dtype), -1)
        return {"deltas": tf.math.divide_no_nan(total, count)}

    def objectness_loss(self, outputs, truth: SeedTruth) -> tf.Tensor:
        """Cross-entropy of positive and of negative anchors, half each."""
        labels = self.labels(outputs["anchors"], truth)
        loss = self.objectness.loss(outputs["objectness"], labels)
        real = outputs["proposals"].valid[..., None]
        halves = (losses.masked_mean(loss, (labels == k) & real) for k in (0, 1))
        return tf.add_n(list(halves)) / 2

    def labels(self, anchors, truth: SeedTruth) -> tf.Tensor:
        """Labels [B, S, A] int32 of anchors [B, S, A, 6]: see `assignment`."""
        targets = truth.targets
        own = take(targets["boxes"], truth.instance)[:, :, None]
        own = box_lib.pairwise_iou(anchors, own)[..., 0]
        flat = tf.reshape(anchors, [tf.shape(anchors)[0], -1, 6])
        any_iou = assignment.iou_with_truth(flat, targets["boxes"], targets["valid"])
        any_iou = tf.reshape(tf.reduce_max(any_iou, -1), tf.shape(own))
        return assignment.anchor_labels(
            own, any_iou, truth.foreground, self.config.positive_iou, NEGATIVE_IOU
        )
