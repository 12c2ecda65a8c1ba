"""Similarity Group Proposal Network (Wang et al., CVPR 2018), to compare with.

Sections are of that paper. Points of one object have features that are close together,
so that instances are the groups of similar points.
"""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from gspn_tf.config import SGPNConfig
from gspn_tf.models import grouping, scoring
from gspn_tf.models.base import SCENES, LossModel
from gspn_tf.models.pointnet2 import PointNet2
from gspn_tf.models.semantics import append_image_features
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import losses
from gspn_tf.nn.mlp import FloatLayer, SharedMLP, dense
from gspn_tf.nn.pyramid import build_pyramid, take
from gspn_tf.nn.replicas import uniform_like
from gspn_tf.types import Batch, Detections, Proposals, Terms


class PointOutputs(NamedTuple):
    """Outputs of the three branches at every point (section 3.1)."""

    similarity: tf.Tensor  # [B, N, F]  features; their distances are similarities
    confidence: tf.Tensor  # [B, N]     logits: IoU of the point's group, section 3.2
    semantic: tf.Tensor  # [B, N, classes]  logits


class SGPNTraining(NamedTuple):
    """Outputs for the loss."""

    points: PointOutputs
    rows: tf.Tensor  # [B, M]  points that the pairs of the loss are made of
    same_class_weight: tf.Tensor  # scalar, weight of pairs of one class


class SGPNInference(NamedTuple):
    """Instances of scenes of N points."""

    detections: Detections
    proposals: Proposals  # none: the network makes none
    semantic_logits: tf.Tensor  # [B, N, classes]


class Branch(FloatLayer):
    """Hidden layers and an output at every point.

    Inputs: features [B, N, channels], places [B, N, 3]. Output [B, N, size].
    """

    def __init__(self, units: tuple[int, ...], size: int, channels: int) -> None:
        super().__init__()
        self.mlp = SharedMLP(units, (channels, 3))
        self.output_layer = dense(size, units[-1])

    def call(
        self, features: tf.Tensor, places: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        x = self.mlp.project(features, 0) + self.mlp.project(places, 1)
        return self.output_layer(self.mlp.activate(x, training))


@keras.saving.register_keras_serializable("gspn_tf")
class SGPN(LossModel):
    """Instances of a scene from the similarities of its points.

    Input: a batch (see gspn_tf.data.load). Output: SGPNTraining in training, else
    SGPNInference; `predict` gives Detections.
    """

    config_class = SGPNConfig
    terms = ("same_instance", "same_class", "other_class", "confidence", "semantic")
    monitored = terms
    class_layers = ("semantic.output_layer",)
    needs = SCENES
    proposal_network = None
    # Whether all instances are exported with the score 1, as by the release.
    constant_scores = False

    def __init__(self, config: SGPNConfig | None = None, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        c = self.config
        self.backbone = PointNet2(c.backbone, channels=3)
        width, units = self.backbone.width + c.image_features, c.branch_units
        self.similarity = Branch(units, c.similarity_size, width)
        self.confidence = Branch(units, 1, width)
        self.semantic = Branch(units, c.num_classes, width)
        self.draws = keras.random.SeedGenerator(0)
        self.track(self.terms, c.backbone)

    def learn(self, batch: Batch, training: bool) -> SGPNTraining:
        """Branches at all points, and the points of which pairs are made."""
        c, points = self.config, self.describe(batch)
        # Outside of training the last weight and the same pairs: losses compare.
        last, seed = c.same_class_weight[1], self.draw_seed(self.draws, training)
        weight = self.same_class_weight() if training else tf.constant(last, tf.float32)
        on_object = batch["targets"]["instance"] >= 0
        rows = random_rows(on_object, c.num_similarity_points, seed)
        return SGPNTraining(points, rows, weight)

    def same_class_weight(self) -> tf.Tensor:
        """Alpha of section 3.2 at this step."""
        first, last = self.config.same_class_weight
        warmup = max(self.config.same_class_warmup_steps, 1)
        progress = tf.cast(self.steps.value, tf.float32) / warmup
        return first + (last - first) * tf.minimum(progress, 1.0)

    def describe(self, batch: Batch) -> PointOutputs:
        """Backbone and branches at every point.

        The branches also see where in its scene a point is, in metres: the backbone
        alone could not tell twins in two places apart.
        """
        points, count = batch["points"], batch["num_points"]
        real = tf.sequence_mask(count, tf.shape(points)[1])
        middle = box_lib.bounding(points, real)[:, None, :3]
        pyramid = build_pyramid(points, count, self.config.backbone, 0)
        features, _ = self.backbone(pyramid, batch["colors"])
        features = append_image_features(features, batch, self.config.image_features)
        inputs = features, points - middle
        return PointOutputs(
            self.similarity(*inputs),
            self.confidence(*inputs)[..., 0],
            self.semantic(*inputs),
        )

    def loss_terms(self, outputs: SGPNTraining, batch: Batch) -> Terms:
        """The three losses of section 3.2; that of the similarity has three parts."""
        c, targets = self.config, batch["targets"]
        points, rows, same_class_weight = outputs
        instance = take(targets["instance"], rows)  # [B, M]
        features = take(points.similarity, rows)
        similarity = grouping.similarity(features, features, c.similarity_scale)
        same, near, far = losses.double_hinge(
            similarity,
            instance,
            take(targets["classes"], tf.maximum(instance, 0)),
            (c.same_class_margin, c.other_class_margin),
        )
        iou = losses.group_iou(similarity < c.confidence_similarity, instance)
        confidence = tf.sigmoid(points.confidence)
        error = tf.square(take(confidence, rows) - iou)
        real = targets["weights"] > 0
        background = losses.masked_mean(
            tf.square(confidence), real & (targets["instance"] < 0)
        )
        semantic = losses.cross_entropy(points.semantic, targets["semantic"])
        return {
            "same_instance": c.similarity_weight * same,
            "same_class": c.similarity_weight * same_class_weight * near,
            "other_class": c.similarity_weight * far,
            "confidence": c.confidence_weight
            * (losses.masked_mean(error, instance >= 0) + background),
            "semantic": c.semantic_weight
            * losses.masked_mean(targets["weights"] * semantic, real),
        }

    def detect(self, batch: Batch) -> SGPNInference:
        """Groups of similar points, their boxes, classes and scores, best first."""
        points = self.describe(batch)
        real = tf.sequence_mask(batch["num_points"], tf.shape(batch["points"])[1])
        classes = tf.argmax(points.semantic, -1, output_type=tf.int32)
        owner = tf.map_fn(
            lambda scene: self.group(*scene),
            (points.similarity, tf.sigmoid(points.confidence), real & (classes > 0)),
            fn_output_signature=tf.int32,
            parallel_iterations=1,
        )
        found, nothing = self.finish(batch, points, owner), [tf.shape(real)[0], 0]
        scores, valid = tf.zeros(nothing), tf.zeros(nothing, tf.bool)
        proposals = Proposals(tf.zeros([*nothing, 6]), scores, valid)
        return SGPNInference(found, proposals, points.semantic)

    def group(
        self, features: tf.Tensor, confidence: tf.Tensor, foreground: tf.Tensor
    ) -> tf.Tensor:
        """Instances [N] of one scene, -1 for none, of its foreground points alone."""
        rows = tf.where(foreground)
        owner = grouping.merge_groups(
            tf.gather_nd(features, rows), tf.gather_nd(confidence, rows), self.config
        )
        nobody = tf.fill(tf.shape(foreground), -1)
        return tf.tensor_scatter_nd_update(nobody, rows, owner)

    def finish(
        self, batch: Batch, points: PointOutputs, owner: tf.Tensor
    ) -> Detections:
        """Detections of the groups `owner` [B, N], with the class of most points.

        The score, of which the paper says nothing, is the mean confidence of its
        points times their mean probability of the class.
        """
        c = self.config
        masks = owner[:, None] == tf.range(c.max_detections)[:, None]  # [B, D, N]
        share = tf.cast(masks, tf.float32)
        share = tf.math.divide_no_nan(share, tf.reduce_sum(share, -1, keepdims=True))
        winners = tf.argmax(points.semantic, -1)
        votes = tf.matmul(share, tf.one_hot(winners, c.num_classes))
        classes = tf.argmax(votes, -1, output_type=tf.int32)  # [B, D]
        probability = tf.matmul(share, tf.nn.softmax(points.semantic))
        scores = tf.linalg.matvec(share, tf.sigmoid(points.confidence))
        scores *= scoring.of_class(probability, classes)
        exported = tf.ones_like(scores) if self.constant_scores else scores
        boxes = box_lib.bounding(batch["points"][:, None], masks)
        valid = tf.reduce_any(masks, -1)
        found = Detections(boxes, classes, exported, masks, valid)
        return scoring.best_first(found, scores)[0]

    def project(
        self, found: SGPNInference, points: tf.Tensor, nearest: tf.Tensor
    ) -> tf.Tensor:
        """Masks [D, P] of the first scene's instances on other points of it.

        Args:
          found: output of `detect`.
          points: unused, as a point takes the instance of the nearest one.
          nearest: [P] row of the scene's point that is nearest to each.
        """
        detections = found.detections
        masks = tf.boolean_mask(detections.masks[0], detections.valid[0])
        return tf.gather(masks, nearest, axis=1)


def random_rows(mask: tf.Tensor, count: int, seed: tf.Tensor) -> tf.Tensor:
    """Rows [B, M <= count] where mask [B, N] holds, at random; then any others."""
    noise = uniform_like(mask, seed)
    noise = tf.where(mask, noise + 1.0, noise)
    return tf.math.top_k(noise, tf.minimum(count, tf.shape(mask)[1])).indices
