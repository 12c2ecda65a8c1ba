"""Region-based PointNet (section 3.2): classify, refine and mask proposals."""

import keras
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.config import RPointNetConfig
from gspn_tf.models import scoring
from gspn_tf.models.base import LossModel
from gspn_tf.models.heads import (
    HYPERCOLUMNS,
    REGION_PARTS,
    BoxHead,
    MaskHead,
    PointFeatures,
)
from gspn_tf.models.scoring import Scored, Support, of_class
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import losses, matching
from gspn_tf.nn.layers import PointRoIAlign
from gspn_tf.nn.matching import RegionTargets
from gspn_tf.nn.pyramid import take
from gspn_tf.types import Detections, Proposals, Regions


@keras.saving.register_keras_serializable("gspn_tf")
class RPointNet(LossModel):
    """Instances of a scene from the proposals of a (frozen) proposal network.

    Input: a batch (see gspn_tf.data.load). With "targets" the output dict holds the
    heads' outputs on sampled regions and what they should be; without, `detections`,
    their `region_points` [B, D, M, 3] and `region_masks` [B, D, M] (probabilities).
    """

    config_class = RPointNetConfig
    terms = monitored = ("class", "box", "mask")

    def __init__(self, config: RPointNetConfig | None = None, **kwargs):
        c = config or RPointNetConfig()
        super().__init__(c, **kwargs)
        from gspn_tf import models  # which imports this module

        self.proposal_network = models.build(c.proposal)
        self.proposal_network.trainable = c.train_proposals
        levels = self.proposal_network.semantic_predictor.level_widths
        context = self.proposal_network.context_encoder.width
        self.hypercolumns = HYPERCOLUMNS[c.region_features](levels, c)
        parts = REGION_PARTS[c.region_features]
        widths = parts.widths(context, self.hypercolumns.width)
        self.align = PointRoIAlign(c.num_region_points, c.region_margin)
        self.probe = PointRoIAlign(1, c.region_margin)
        self.align_inference = PointRoIAlign(
            c.num_region_points_inference, c.region_margin_inference
        )
        self.box_head = BoxHead(c, widths)
        self.mask_head = MaskHead(c, widths)
        self.exported_scores = scoring.EXPORTED_SCORES[c.exported_score]
        self.fill_regions = matching.FILLERS[c.filler_regions]
        if c.flat_variance == "batch":
            flat = [level.mlp for level in getattr(self.hypercolumns, "levels", [])]
            layers = self.box_head.layers_of
            flat += [
                getattr(layers, x)
                for x in ("mlp", "class_mlp", "box_mlp")
                if hasattr(layers, x)
            ]
            for norm in (norm for mlp in flat for norm in mlp.norms):
                norm.batch_variance = True
        self.boxes_per_seed = self.proposal_network.proposer.boxes_per_seed
        self.seeds = keras.random.SeedGenerator(0)
        proposing = self.proposal_network.loss_names if c.train_proposals else ()
        self.track(self.terms + proposing)
        self.built = True

    def call(self, batch, training=False):
        if "targets" in batch:
            return self.learn(batch, training)
        return self.detect(batch)

    def learn(self, batch, training):
        """Heads on regions sampled around the ground truth."""
        c = self.config
        # Frozen proposals see what they see at test time: the scene, not the answer.
        scene = batch if c.train_proposals else _without_targets(batch)
        outputs = self.proposal_network(
            scene,
            training=training and c.train_proposals,
            num_seeds=c.num_seeds,
            whole_scene=True,
        )
        seeds = tf.random.experimental.stateless_split(self._seed(training), 3)
        targets = self.choose_regions(batch, outputs.candidates, seeds[0])
        regions = self.align(
            batch["points"],
            targets.boxes,
            targets.valid,
            batch["num_points"],
            seeds[1],
        )
        features = self.describe(batch, outputs.scene, training)
        logits, deltas = self.box_head(features, regions, training=training)
        masks = self.mask_head(features, regions, training=training)
        return {
            "proposed": outputs,
            "regions": regions,
            "region_targets": targets,
            "class_logits": logits,
            "deltas": deltas,
            "mask_logits": masks,
        }

    def choose_regions(self, batch, proposals: Proposals, seed) -> RegionTargets:
        """The best proposals that hold points, sampled around the ground truth."""
        c, seeds = self.config, tf.random.experimental.stateless_split(seed, 2)
        kept = matching.select_proposals(
            proposals,
            c.max_candidates * self.boxes_per_seed,
            c.max_proposals,
            c.proposal_iou,
        )
        kept = matching.add_truth(kept, batch["targets"], c.truth_copies, seeds[0])
        filled = self.probe(
            batch["points"], kept.boxes, kept.valid, batch["num_points"], seeds[1]
        )
        return matching.sample_regions(
            kept._replace(valid=filled.valid),
            batch["targets"],
            priority=self.shuffle(filled.valid, seeds[1]),
            num_regions=c.num_regions,
            positive_fraction=c.positive_fraction,
            positive_iou=c.region_iou,
            background_regions=c.background_regions,
            deviation=c.box_deviation,
            fill=self.fill_regions,
        )

    def describe(self, batch, scene, training) -> PointFeatures:
        """What the heads see of the points of a scene."""
        levels = self.hypercolumns(scene, batch["colors"], training=training)
        return PointFeatures(batch["points"], scene, levels)

    def shuffle(self, valid, seed) -> tf.Tensor:
        """Random numbers [B, S] by which training proposals are chosen."""
        return tf.random.stateless_uniform(tf.shape(valid), seed)

    def loss_terms(self, outputs, batch):
        """Classification, box and mask (section 3.2), as in Mask R-CNN."""
        c, regions, targets = self.config, outputs["regions"], outputs["region_targets"]
        positive = regions.valid & (targets.classes > 0)
        classification = losses.cross_entropy(outputs["class_logits"], targets.classes)
        deltas = of_class(outputs["deltas"], targets.classes)
        box = tf.reduce_sum(losses.smooth_l1(deltas - targets.deltas), -1)
        logits = of_class(outputs["mask_logits"], targets.classes)  # [B, R, M]
        inside = take(batch["targets"]["instance"], regions.indices)
        inside = tf.cast(inside == targets.instances[..., None], tf.int32)
        mask = tf.reduce_mean(losses.binary_cross_entropy(logits, inside), -1)
        terms = {
            "class": c.class_weight * losses.masked_mean(classification, regions.valid),
            "box": c.box_weight * losses.masked_mean(box, positive),
            "mask": c.mask_weight * losses.masked_mean(mask, positive),
        }
        if c.train_proposals:
            terms |= self.proposal_network.loss_terms(outputs["proposed"], batch)
        return terms

    def detect(self, batch):
        """Proposals, classified and refined; then masks of the refined boxes."""
        c, points, count = self.config, batch["points"], batch["num_points"]
        outputs = self.proposal_network(batch, training=False)
        proposals = matching.select_proposals(
            outputs.candidates,
            c.max_candidates_inference * self.boxes_per_seed,
            c.max_proposals_inference,
            c.proposal_iou,
        )
        seeds = tf.random.experimental.stateless_split(self._seed(False), 2)

        def align(boxes, valid, seed) -> Regions:
            return self.align_inference(points, boxes, valid, count, seed)

        regions = align(proposals.boxes, proposals.valid, seeds[0])
        scene = outputs.scene
        support = scoring.support_of(scene, outputs.proposals)
        features = self.describe(batch, scene, training=False)
        logits, deltas = self.box_head(features, regions, training=False)
        found, confidence = self.refine(regions, logits, deltas, support)
        regions = align(found.boxes, found.valid, seeds[1])
        masks = self.mask_head(features, regions, training=False)
        masks = tf.sigmoid(of_class(masks, found.classes))  # [B, D, M]
        return {
            **self.finish(batch, found, confidence, regions, masks, support),
            "semantic_logits": scene.semantic_logits,
            "proposals": proposals,
            "centers": scene.centers,
        }

    def refine(self, regions: Regions, logits, deltas, support: Support):
        """The best class's box of each region, after suppression class by class.

        Ranked by class probability times a power of the region's support. Returns
        detections without masks and their class probabilities [B, D].
        """
        c = self.config
        probabilities = tf.nn.softmax(logits)
        classes = tf.argmax(probabilities, -1, output_type=tf.int32)  # [B, R]
        confidence = tf.reduce_max(probabilities, -1)
        boxes = box_lib.decode(
            regions.boxes, of_class(deltas, classes), c.box_deviation
        )
        backing = scoring.of_regions(support, regions, classes)
        scores = confidence * backing**c.support_power
        keep = regions.valid & (classes > 0) & (confidence >= c.min_score)
        rows, valid = suppress_by_class(
            Proposals(boxes, scores, keep),
            classes,
            c.proposal.num_classes,
            c.detection_iou,
            c.max_detections,
        )
        boxes, classes, scores = (take(x, rows) for x in (boxes, classes, scores))
        boxes = box_lib.enlarge(boxes, c.detection_margin)
        no_masks = tf.zeros_like(valid)
        found = blank(Detections(boxes, classes, scores, no_masks, valid))
        return found, take(confidence, rows)

    def finish(self, batch, found: Detections, confidence, regions, masks, support):
        """Masks on all points, scores as exported, and the best first."""
        c, points = self.config, batch["points"]
        region_points = take(points, regions.indices)
        soft = ops.nearest_assign(
            points, region_points, masks, found.boxes, num_points=batch["num_points"]
        )
        binary = soft > c.mask_threshold
        valid = regions.valid & tf.reduce_any(binary, -1)
        valid &= ~matching.duplicate_masks(binary, found.classes, c.mask_iou)
        scores, key = self.exported_scores(
            Scored(found.scores, confidence, found.classes, soft), support
        )
        order = tf.argsort(tf.where(valid, -key, 1.0), axis=-1, stable=True)
        found = found._replace(scores=scores, masks=binary, valid=valid)
        found = Detections(*(take(value, order) for value in found))
        return {
            "detections": blank(found),
            "region_points": take(region_points, order),
            "region_masks": take(masks, order),
        }

    def project(self, found, points, nearest) -> tf.Tensor:
        """Masks [D, P] on points [1, P, 3] of the first scene, of what `detect` gave.

        nearest: unused, as masks are those of the regions' points.
        """
        keep = found["detections"].valid[0]
        samples, values, boxes = (
            tf.boolean_mask(x[0], keep)[None]
            for x in (
                found["region_points"],
                found["region_masks"],
                found["detections"].boxes,
            )
        )
        soft = ops.nearest_assign(points, samples, values, boxes)[0]
        return soft > self.config.mask_threshold

    def _seed(self, training):
        """Fresh in training; fixed outside, so that results repeat."""
        return (
            tf.cast(self.seeds.next(), tf.int32) if training else tf.zeros(2, "int32")
        )


def _without_targets(batch):
    return {key: value for key, value in batch.items() if key != "targets"}


def blank(found: Detections) -> Detections:
    """Zero where there is no instance."""
    valid = found.valid
    return found._replace(
        boxes=tf.where(valid[..., None], found.boxes, 0.0),
        classes=tf.where(valid, found.classes, 0),
        scores=tf.where(valid, found.scores, 0.0),
    )


def suppress_by_class(
    candidates: Proposals,
    classes: tf.Tensor,
    num_classes: int,
    iou_threshold: float,
    max_outputs: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Rows [B, max_outputs] of the best candidates [B, R], and which are real.

    Non-maximum suppression within each class, then the best scores of all.
    """
    batch, count = tf.unstack(tf.shape(classes))
    of_each = classes[:, None, :] == tf.range(1, num_classes)[None, :, None]
    shape = [batch * (num_classes - 1), count]

    def repeat(x):
        x = tf.repeat(x[:, None], num_classes - 1, axis=1)
        return tf.reshape(x, tf.concat([shape, tf.shape(x)[3:]], 0))

    rows, valid = ops.nms_3d(
        repeat(candidates.boxes),
        repeat(candidates.scores),
        repeat(candidates.valid) & tf.reshape(of_each, shape),
        iou_threshold=iou_threshold,
        max_outputs=max_outputs,
    )
    rows, valid = tf.reshape(rows, [batch, -1]), tf.reshape(valid, [batch, -1])
    scores = tf.where(valid, take(candidates.scores, rows), -1.0)
    _, best = tf.math.top_k(scores, max_outputs)
    return take(rows, best), take(valid, best)
