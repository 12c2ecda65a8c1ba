"""Region-based PointNet (section 3.2): classify, refine and mask proposals."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.config import RPointNetConfig
from gspn_tf.models import heads, scoring
from gspn_tf.models.base import SCENES, LossModel
from gspn_tf.models.gspn import GSPNOutputs
from gspn_tf.models.scoring import RefinedBoxes, Support, of_class
from gspn_tf.models.semantics import append_image_features
from gspn_tf.nn import assignment, losses, suppression
from gspn_tf.nn.assignment import RegionTargets
from gspn_tf.nn.layers import PointRoIAlign
from gspn_tf.nn.pyramid import take
from gspn_tf.nn.replicas import uniform_like
from gspn_tf.types import Batch, Detections, Proposals, Regions, Terms


class RPointNetTraining(NamedTuple):
    """Outputs on R regions that were sampled around the ground truth."""

    proposed: GSPNOutputs  # of the frozen proposal network
    regions: Regions
    targets: RegionTargets
    class_logits: tf.Tensor  # [B, R, classes]
    deltas: tf.Tensor  # [B, R, classes, 6]
    mask_logits: tf.Tensor  # [B, R, classes, M]


class RPointNetInference(NamedTuple):
    """Instances of scenes of N points, each with M points of its own."""

    detections: Detections
    proposals: Proposals  # that they were made of
    semantic_logits: tf.Tensor  # [B, N, classes]
    region_points: tf.Tensor  # [B, D, M, 3]  metres
    region_masks: tf.Tensor  # [B, D, M]     probabilities


@keras.saving.register_keras_serializable("gspn_tf")
class RPointNet(LossModel):
    """Instances of a scene from the proposals of a frozen proposal network.

    Input: a batch (see gspn_tf.data.load). Output: RPointNetTraining in training, else
    RPointNetInference; `predict` gives Detections.
    """

    config_class = RPointNetConfig
    terms = monitored = ("class", "box", "mask")
    needs = SCENES
    class_layers = (
        "proposal_network.semantic_output",
        "box_head.class_output",
        "box_head.box_output",
        "mask_head.mask_output",
    )
    box_head_class = heads.BoxHead
    # Whether instances are exported with the scores of the release.
    constant_scores = False

    def __init__(self, config: RPointNetConfig | None = None, **kwargs: Any) -> None:
        from gspn_tf import models  # This file is part of it.

        super().__init__(config, **kwargs)
        c = self.config
        self.proposal_network = models.build(c.proposal)
        self.proposal_network.trainable = False
        self.boxes_per_seed = self.proposal_network.proposer.boxes_per_seed
        levels = c.region_features != "context"
        self.hypercolumns = heads.Hypercolumns(c) if levels else None
        self.probe = PointRoIAlign(1, c.region_margin)
        self.align = PointRoIAlign(c.num_region_points, c.region_margin)
        self.align_inference = PointRoIAlign(
            c.num_region_points_inference, c.region_margin_inference
        )
        self.box_head = self.box_head_class(c)
        self.mask_head = heads.MaskHead(c)
        self.seeds = keras.random.SeedGenerator(0)
        self.track(self.terms, c.proposal.backbone)

    def learn(self, batch: Batch, training: bool) -> RPointNetTraining:
        """Heads on regions sampled around the ground truth."""
        c = self.config
        # Proposals see what they see at test time: the scene, not the answer.
        scene = {key: value for key, value in batch.items() if key != "targets"}
        proposed = self.proposal_network(
            scene, training=False, num_seeds=c.num_seeds, whole_scene=True
        )
        seed = self.draw_seed(self.seeds, training)
        seeds = tf.random.experimental.stateless_split(seed, 2)
        chosen = self.choose_regions(batch, proposed.candidates, seeds[0])
        regions = _aligned(self.align, batch, chosen, seeds[1])
        targets = assignment.region_targets(regions, batch["targets"], c)
        # Said again, as Keras would hand on what the frozen network was called with.
        features = self.describe(batch, proposed, training)
        logits, deltas = self.box_head(features, regions, training=training)
        masks = self.mask_head(features, regions, training=training)
        return RPointNetTraining(proposed, regions, targets, logits, deltas, masks)

    def choose_regions(
        self, batch: Batch, proposals: Proposals, seed: tf.Tensor
    ) -> Proposals:
        """The best proposals that hold points, sampled around the ground truth."""
        c, truth = self.config, batch["targets"]
        seeds = tf.random.experimental.stateless_split(seed, 2)
        candidates = c.max_candidates * self.boxes_per_seed
        kept = suppression.select_proposals(
            proposals, candidates, c.max_proposals, c.proposal_iou
        )
        kept = assignment.add_truth(kept, truth, c.truth_copies, seeds[0])
        kept = kept._replace(valid=_aligned(self.probe, batch, kept, seeds[1]).valid)
        priority = self.shuffle(kept.valid, seeds[1])
        return assignment.sample_proposals(kept, truth, priority, c)

    def describe(
        self, batch: Batch, scene: GSPNOutputs, training: bool
    ) -> heads.PointFeatures:
        """Features of the points of a scene, as far as the heads see them (Table 6)."""
        levels = None
        if self.hypercolumns is not None:
            levels = self.hypercolumns(scene, batch["colors"], training=training)
            levels = append_image_features(levels, batch, self.config.image_features)
        # The predicted centres are part of the instance sensitive features.
        unseen = self.config.region_features == "semantic"
        return heads.PointFeatures(batch["points"], None if unseen else scene, levels)

    def shuffle(self, valid: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Random numbers [B, S] by which training proposals are chosen."""
        return uniform_like(valid, seed)

    def loss_terms(self, outputs: RPointNetTraining, batch: Batch) -> Terms:
        """Classification, box and mask (section 3.2), as in Mask R-CNN."""
        c, valid, targets = self.config, outputs.regions.valid, outputs.targets
        positive = valid & (targets.classes > 0)
        classification = losses.cross_entropy(outputs.class_logits, targets.classes)
        deltas = of_class(outputs.deltas, targets.classes)
        box = tf.reduce_sum(losses.smooth_l1(deltas - targets.deltas), -1)
        logits = of_class(outputs.mask_logits, targets.classes)  # [B, R, M]
        masks = tf.cast(targets.masks, tf.int32)
        mask = tf.reduce_mean(losses.binary_cross_entropy(logits, masks), -1)
        return {
            "class": c.class_weight * losses.masked_mean(classification, valid),
            "box": c.box_weight * losses.masked_mean(box, positive),
            "mask": c.mask_weight * losses.masked_mean(mask, positive),
        }

    def detect(self, batch: Batch) -> RPointNetInference:
        """Proposals, classified and refined; then masks of the refined boxes."""
        c = self.config
        proposed = self.proposal_network(batch, training=False)
        proposals = suppression.select_proposals(
            proposed.candidates,
            c.max_candidates_inference * self.boxes_per_seed,
            c.max_proposals_inference,
            c.proposal_iou,
        )
        seed = self.draw_seed(self.seeds, training=False)
        seeds = tf.random.experimental.stateless_split(seed, 2)
        regions = _aligned(self.align_inference, batch, proposals, seeds[0])
        support = scoring.support_of(proposed)
        features = self.describe(batch, proposed, training=False)
        logits, deltas = self.box_head(features, regions, training=False)
        found = scoring.refine(regions, logits, deltas, support, c)
        regions = _aligned(self.align_inference, batch, found, seeds[1])
        masks = self.mask_head(features, regions, training=False)
        masks = tf.sigmoid(of_class(masks, found.classes))  # [B, D, M]
        found = found._replace(valid=regions.valid)
        points = take(batch["points"], regions.indices)
        detections, order = self.finish(batch, found, points, masks, support)
        points, masks = take(points, order), take(masks, order)
        return RPointNetInference(
            detections, proposals, proposed.semantic_logits, points, masks
        )

    def finish(
        self,
        batch: Batch,
        found: RefinedBoxes,
        points: tf.Tensor,
        masks: tf.Tensor,
        support: Support,
    ) -> tuple[Detections, tf.Tensor]:
        """Detections with masks on all points, best first, and their former rows.

        Those whose masks are empty or repeat another are left out.

        Args:
          batch: the scenes.
          found: D boxes of instances.
          points: [B, D, M, 3] of their regions.
          masks: [B, D, M] probabilities of these points.
          support: of the points of the scenes.
        """
        c, count = self.config, batch["num_points"]
        inputs = batch["points"], points, masks, found.boxes
        soft = ops.nearest_assign(*inputs, num_points=count)  # [B, D, N]
        binary = soft > c.mask_threshold
        valid = found.valid & tf.reduce_any(binary, -1)
        rivals = found.classes * int(not c.class_agnostic)
        valid &= ~suppression.duplicate_masks(binary, rivals, c.mask_iou)
        scores, key = self.exported_scores(found, soft, support)
        detections = Detections(found.boxes, found.classes, scores, binary, valid)
        return scoring.best_first(detections, key)

    def exported_scores(
        self, found: RefinedBoxes, soft: tf.Tensor, support: Support
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Scores [B, D] as they leave the network, and the key [B, D] to sort by."""
        if self.constant_scores:
            return scoring.released_scores(found, soft, support)
        return found.scores, found.scores

    def project(
        self, found: RPointNetInference, points: tf.Tensor, nearest: tf.Tensor
    ) -> tf.Tensor:
        """Masks [D, P] of the first scene's instances on other points of it.

        Args:
          found: output of `detect`.
          points: [1, P, 3].
          nearest: unused, as masks are those of the regions' points.
        """
        keep = found.detections.valid[0]
        regions = found.region_points, found.region_masks, found.detections.boxes
        inputs = (tf.boolean_mask(x[0], keep)[None] for x in regions)
        soft = ops.nearest_assign(points, *inputs)[0]
        return soft > self.config.mask_threshold


def _aligned(
    align: PointRoIAlign, batch: Batch, boxes: Proposals | RefinedBoxes, seed: tf.Tensor
) -> Regions:
    """Draw points of the batch's scenes for their boxes."""
    points, count = batch["points"], batch["num_points"]
    return align(points, boxes.boxes, boxes.valid, count, seed)
