"""Generative Shape Proposal Network (section 3.1): proposals by reconstruction."""

from typing import NamedTuple

import keras
import tensorflow as tf

from gspn_tf import boxes as box_lib
from gspn_tf import losses, matching
from gspn_tf.config import GSPNConfig
from gspn_tf.layers import SharedMLP, dense
from gspn_tf.models.base import LossModel
from gspn_tf.models.centers import CENTER_NETWORKS, Centers, Look, context_encoder
from gspn_tf.models.conditioning import SPHERES, condition
from gspn_tf.models.cvae import ConditionalVAE
from gspn_tf.models.objectness import OBJECTNESS
from gspn_tf.models.pointnet2 import PointNet2
from gspn_tf.pyramid import SEEDS, build_context, build_pyramid, interpolation, take
from gspn_tf.types import Interpolation, Proposals


class SceneFeatures(NamedTuple):
    """What a frozen proposal network knows of every point of a scene."""

    semantic_logits: tf.Tensor  # [B, N, classes]
    centers: tf.Tensor  # [B, N, 3]  predicted centre of the point's object, metres
    context: tf.Tensor  # [B, S, C]  instance sensitive features of the seeds
    to_seeds: Interpolation  # seeds -> points
    levels: tuple[tf.Tensor, ...]  # [B, n, C] hypercolumns, one a level
    to_levels: tuple[Interpolation, ...]  # level -> points


@keras.saving.register_keras_serializable("gspn_tf")
class GSPN(LossModel):
    """Conditional VAE over shapes at seed points, with the semantic network beside it.

    Input: a batch (see gspn_tf.data.load); with "targets" the recognition branch runs
    too. Output dict: `seeds` [B, S] rows of the points, `proposals`, generated `shapes`
    [B, S, P, 3] and `confidence` logits [B, S, P], `direction` [B, S, 3] and
    `distance` [B, S] to the centre, `context` features [B, S, C], `objectness` logits
    [B, S, 1 or 2], `prior`, `posterior`. Training alone needs the semantic network at
    seeds and loss points: `semantic_logits` [B, Q, classes] at `queries` [B, Q].
    Outside of it, or with `whole_scene`, they are at all N points, and there is
    `scene` (SceneFeatures).
    """

    config_class = GSPNConfig
    monitored = ("generation",)
    terms = ("center", "generation", "confidence", "kl", "objectness", "semantic")

    def __init__(self, config: GSPNConfig | None = None, **kwargs):
        c = config or GSPNConfig()
        super().__init__(c, **kwargs)
        self.center_predictor = CENTER_NETWORKS[c.center_network](c)
        self.center_unit = box_lib.UNITS[c.center_unit]
        self.semantic_predictor = PointNet2(c.backbone, channels=3)
        width = self.semantic_predictor.width
        self.semantic_mlp = SharedMLP((width,), (width,), c.flat_variance)
        self.semantic_dropout = keras.layers.Dropout(c.semantic_dropout)
        self.semantic_output = dense(c.num_classes, width)

        self.spheres = SPHERES[c.context_spheres]
        self.context_encoder = context_encoder(c)
        context = self.context_encoder.width
        self.objectness = OBJECTNESS[c.objectness_loss](c, context)
        self.best_seeds = matching.BEST_SEEDS[c.best_seeds]
        self.condition = condition(c)
        self.vae = ConditionalVAE(c, context, context + self.condition.width)
        self.kl_weight = self.add_weight(
            name="kl_weight", initializer="zeros", trainable=False
        )
        self.draw_seeds = SEEDS[c.seed_sampling]
        self.draws = keras.random.SeedGenerator(1)
        self.track(("center", *self.vae.terms, "objectness", "semantic"))
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
        )
        return outputs | {"scene": scene}

    def look(self, batch, num_seeds: int, whole_scene: bool, training: bool) -> Look:
        """Geometry of the scenes and the surroundings of their seeds."""
        c, points, count = self.config, batch["points"], batch["num_points"]
        num_ordered = max(num_seeds, c.num_semantic_points, c.num_context_points)
        pyramid = build_pyramid(points, count, c.backbone, num_ordered)
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
        """Shapes, boxes and objectness at the seeds, whose centres were found."""
        offset = tf.stop_gradient(found.direction * found.distance[..., None])
        centers = look.context.seeds + offset
        spheres = self.spheres(batch, look, centers, self.config)
        context = self.context_encoder(spheres, centers, training=training)
        objectness = self.objectness(context, training=training)
        targets = batch.get("targets")
        outputs = self.vae(
            context,
            self.condition(context, look.semantics),
            instance=take(targets["instance"], look.rows) if targets else None,
            targets=targets,
            training=training,
        )
        shapes = outputs["shapes"] + centers[:, :, None, :]
        confident = tf.sigmoid(outputs["confidence"]) > self.config.min_confidence
        proposals = Proposals(
            boxes=box_lib.bounding(tf.stop_gradient(shapes), confident),
            scores=self.objectness.score(objectness),
            valid=tf.sequence_mask(batch["num_points"], look.rows.shape[1]),
        )
        return outputs | {
            "context": context,
            "objectness": objectness,
            "shapes": shapes,
            "proposals": proposals,
        }

    def loss_terms(self, outputs, batch):
        """The five losses of section 3.1 and the semantic one."""
        c, targets, rows = self.config, batch["targets"], outputs["seeds"]
        proposals, mean = outputs["proposals"], losses.masked_mean
        instance = take(targets["instance"], rows)  # [B, S]
        foreground = (instance >= 0) & proposals.valid
        instance = tf.maximum(instance, 0)
        shapes = take(targets["shapes"], instance)  # [B, S, P, 3]
        boxes = box_lib.bounding(shapes)  # [B, S, 6]
        values = {
            "center": losses.center_loss(
                outputs["direction"],
                outputs["distance"],
                boxes[..., :3] - take(batch["points"], rows),
                self.center_unit(boxes),
            ),
            **self.vae.losses_of(outputs, shapes, boxes),
        }
        weights = {
            "center": c.center_weight,
            "generation": c.generation_weight,
            "confidence": c.confidence_weight,
            "kl": self.kl_weight,
        }
        terms = {
            name: weights[name] * mean(x, foreground) for name, x in values.items()
        }
        return terms | {
            "objectness": c.objectness_weight
            * self._objectness_term(outputs, targets, foreground),
            "semantic": c.semantic_weight * self._semantic_term(outputs, batch),
        }

    def _objectness_term(self, outputs, targets, foreground):
        proposals = outputs["proposals"]
        iou = matching.iou_with_truth(
            proposals.boxes, targets["boxes"], targets["valid"]
        )
        labels = matching.objectness_labels(
            iou,
            foreground,
            self.config.positive_iou,
            self.best_seeds(iou, foreground),
        )
        loss = self.objectness.loss(outputs["objectness"], labels)
        return losses.masked_mean(loss, (labels >= 0) & proposals.valid)

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
