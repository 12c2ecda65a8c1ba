"""Generative Shape Proposal Network (section 3.1): proposals by reconstruction.

The feature backbone of the seeds, and the semantic network beside it. What makes
proposals of their features is one of `PROPOSERS`.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.models.base import LossModel
from gspn_tf.models.centers import CENTER_NETWORKS, Centers, Look, context_encoder
from gspn_tf.models.conditioning import SPHERES
from gspn_tf.models.pointnet2 import PointNet2
from gspn_tf.models.proposers.anchors import BoxProposer
from gspn_tf.models.proposers.proposer import SeedFeatures, SeedTruth
from gspn_tf.models.proposers.segments import SegmentProposer
from gspn_tf.models.proposers.shapes import ShapeProposer
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import losses
from gspn_tf.nn.layers import SharedMLP, dense
from gspn_tf.nn.pyramid import (
    SEEDS,
    Pyramid,
    build_context,
    build_pyramid,
    interpolation,
    take,
)
from gspn_tf.types import Interpolation

PROPOSERS = {"shapes": ShapeProposer, "boxes": BoxProposer, "segments": SegmentProposer}


class SceneFeatures(NamedTuple):
    """What a frozen proposal network knows of every point of a scene."""

    semantic_logits: tf.Tensor  # [B, N, classes]
    centers: tf.Tensor  # [B, N, 3]  predicted centre of the point's object, metres
    context: tf.Tensor  # [B, S, C]  instance sensitive features of the seeds
    to_seeds: Interpolation  # seeds -> points
    levels: tuple[tf.Tensor, ...]  # [B, n, C] hypercolumns, one a level
    to_levels: tuple[Interpolation, ...]  # level -> points
    pyramid: Pyramid


@keras.saving.register_keras_serializable("gspn_tf")
class GSPN(LossModel):
    """Proposals at seed points, with the semantic network beside them.

    Input: a batch (see gspn_tf.data.load), perhaps with the farthest point "order"
    [B, N] of its points. Output dict: `seeds` [B, S] rows of the points, `proposals`,
    one a seed, and `candidates`, of which R-PointNet selects (the same, but for
    anchors), `objectness` logits [B, S, ...], `direction` [B, S, 3] and `distance`
    [B, S] to the centre, `context` features [B, S, C], and what the proposer adds: see
    `ShapeProposer`, `BoxProposer`, `SegmentProposer`. Training alone needs the semantic
    network at seeds and loss points: `semantic_logits` [B, Q, classes] at `queries`
    [B, Q]. Outside of it, or with `whole_scene`, they are at all N points, and there is
    `scene` (SceneFeatures).
    """

    config_class = GSPNConfig

    def __init__(self, config: GSPNConfig | None = None, **kwargs):
        c = config or GSPNConfig()
        super().__init__(c, **kwargs)
        self.center_predictor = CENTER_NETWORKS[c.center_network](c)
        self.semantic_predictor = PointNet2(c.backbone, channels=3)
        width = self.semantic_predictor.width
        self.semantic_mlp = SharedMLP((width,), (width,), c.flat_variance)
        self.semantic_dropout = keras.layers.Dropout(c.semantic_dropout)
        self.semantic_output = dense(c.num_classes, width)

        self.spheres = SPHERES[c.context_spheres]
        self.context_encoder = context_encoder(c)
        self.proposer = PROPOSERS[c.proposer](c, self.context_encoder.width)
        self.kl_weight = self.add_weight(
            name="kl_weight", initializer="zeros", trainable=False
        )
        self.draw_seeds = SEEDS[c.seed_sampling]
        self.draws = keras.random.SeedGenerator(1)
        proposing = (*self.center_predictor.terms, *self.proposer.terms)
        self.track((*proposing, "objectness", "semantic"))
        self.monitored = self.proposer.monitored
        self.built = True

    def call(self, batch, training=False, num_seeds=None, whole_scene=None):
        c = self.config
        num_seeds = num_seeds or (c.num_seeds if training else c.num_seeds_inference)
        whole_scene = not training if whole_scene is None else whole_scene
        look = self.look(batch, num_seeds, whole_scene, training)
        loss_points = look.pyramid.order[:, : c.num_semantic_points]
        queries = None if whole_scene else tf.concat([look.rows, loss_points], 1)
        features, levels = self.semantic_predictor(
            look.pyramid, batch["colors"], queries, training=training
        )
        features = self.semantic_mlp(features, training=training)
        if whole_scene:
            at_seeds = take(features, look.rows)
        else:
            at_seeds, features = features[:, :num_seeds], features[:, num_seeds:]
        features = self.semantic_dropout(features, training=training)
        logits = self.semantic_output(features)
        look = look._replace(semantics=at_seeds)
        centers = self.center_predictor(look, training=training)
        outputs = self.propose(batch, look, centers, training)
        outputs |= {
            "seeds": look.rows,
            "direction": centers.direction,
            "distance": centers.distance,
            "semantic_logits": logits,
        }
        if not whole_scene:
            return outputs | {"queries": loss_points}
        scene = SceneFeatures(
            semantic_logits=logits,
            centers=centers.everywhere,
            context=outputs["context"],
            to_seeds=look.to_seeds,
            levels=tuple(levels),
            to_levels=look.pyramid.to_points,
            pyramid=look.pyramid,
        )
        return outputs | {"scene": scene}

    def look(self, batch, num_seeds: int, whole_scene: bool, training: bool) -> Look:
        """Geometry of the scenes and the surroundings of their seeds."""
        c, points, count = self.config, batch["points"], batch["num_points"]
        num_ordered = max(num_seeds, c.num_semantic_points, c.num_context_points)
        known = batch.get("order")
        pyramid = build_pyramid(points, count, c.backbone, num_ordered, known)
        # Fresh seeds in training; the same outside of it, so that results repeat.
        draw = self.draws.next() if training else tf.zeros(2)
        rows = self.draw_seeds(pyramid, num_seeds, tf.cast(draw, tf.int32))
        context = build_context(batch, pyramid, rows, c)
        table = None
        if whole_scene:
            real = tf.minimum(count, num_seeds)
            power = c.backbone.interpolation_power
            table = interpolation(context.seeds, points, real, power)
        return Look(pyramid, rows, context, None, table)

    def propose(self, batch, look: Look, found: Centers, training):
        """Boxes and objectness at the seeds, whose centres were found."""
        offset = tf.stop_gradient(found.direction * found.distance[..., None])
        centers = look.context.seeds + offset
        spheres = self.spheres(batch, look, centers, self.config)
        context = self.context_encoder(spheres, centers, training=training)
        seeds = SeedFeatures(
            rows=look.rows,
            valid=tf.sequence_mask(batch["num_points"], look.rows.shape[1]),
            centers=centers,
            spheres=spheres,
            context=context,
            semantics=look.semantics,
        )
        outputs = self.proposer(seeds, batch.get("targets"), training=training)
        return {"candidates": outputs["proposals"], "context": context} | outputs

    def loss_terms(self, outputs, batch):
        """Those of the centres, the proposer, its objectness, and the semantic one."""
        c, truth = self.config, self.truth_of(outputs, batch)
        seeds = take(batch["points"], outputs["seeds"])
        values = {
            **self.center_predictor.losses_of(outputs, seeds, truth.boxes),
            **self.proposer.losses_of(outputs, truth),
        }
        weights = {
            "center": c.center_weight,
            "generation": c.generation_weight,
            "confidence": c.confidence_weight,
            "kl": self.kl_weight,
        }
        terms = {
            name: weights.get(name, 1.0) * losses.masked_mean(x, truth.foreground)
            for name, x in values.items()
        }
        return terms | {
            "objectness": c.objectness_weight
            * self.proposer.objectness_loss(outputs, truth),
            "semantic": c.semantic_weight * self._semantic_term(outputs, batch),
        }

    def truth_of(self, outputs, batch) -> SeedTruth:
        """What the seeds are on."""
        targets = batch["targets"]
        instance = take(targets["instance"], outputs["seeds"])  # [B, S]
        foreground = (instance >= 0) & outputs["proposals"].valid
        instance = tf.maximum(instance, 0)
        shapes = take(targets["shapes"], instance)  # [B, S, P, 3]
        boxes = box_lib.bounding(shapes)
        return SeedTruth(targets, foreground, instance, shapes, boxes)

    def _semantic_term(self, outputs, batch):
        logits, targets = outputs["semantic_logits"], batch["targets"]
        labels, weights = targets["semantic"], targets["weights"]
        if "queries" in outputs:
            queries = outputs["queries"]  # repeats row 0 where a scene is too small
            real = tf.sequence_mask(batch["num_points"], tf.shape(queries)[1])
            labels = take(labels, queries)
            weights = tf.where(real, take(weights, queries), 0.0)
        loss = losses.cross_entropy(logits, labels)
        return losses.masked_mean(weights * loss, weights > 0)
