"""Generative Shape Proposal Network (section 3.1): proposals by reconstruction."""

from typing import NamedTuple

import keras
import tensorflow as tf

from gspn_tf import boxes as box_lib
from gspn_tf import losses, matching
from gspn_tf.config import GSPNConfig
from gspn_tf.layers import ContextEncoder, Gaussian, PointDecoder, SharedMLP, dense
from gspn_tf.models.base import LossModel
from gspn_tf.models.centers import CENTER_NETWORKS, Centers, Look, condition
from gspn_tf.models.pointnet2 import PointNet2
from gspn_tf.pyramid import (
    Pyramid,
    build_context,
    build_pyramid,
    interpolation,
    take,
)
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
    `distance` [B, S] to the centre, `prior`, `posterior`, `semantic_logits`
    [B, Q, classes] at `queries` [B, Q] in training; outside of it, or with
    `whole_scene`, at all N points, and `scene` (SceneFeatures).
    """

    config_class = GSPNConfig
    terms = ("center", "generation", "confidence", "kl", "objectness", "semantic")

    def __init__(self, config: GSPNConfig | None = None, **kwargs):
        c = config or GSPNConfig()
        super().__init__(c, self.terms, **kwargs)
        self.center_predictor = CENTER_NETWORKS[c.center_network](c)
        self.semantic_predictor = PointNet2(c.backbone, channels=3)
        width = self.semantic_predictor.width
        self.semantic_mlp = SharedMLP((width,), (width,))
        self.semantic_dropout = keras.layers.Dropout(c.semantic_dropout)
        self.semantic_output = dense(c.num_classes, width)

        self.context_encoder = ContextEncoder(len(c.context_radii), c.context_units)
        context = self.context_encoder.width
        self.objectness_mlp = SharedMLP(c.objectness_units, (context,))
        self.objectness_output = dense(1, c.objectness_units[-1])

        self.condition = condition(c)
        conditioned = context + self.condition.width
        self.prior = Gaussian(c.prior_units, c.latent_size, conditioned)
        self.shape_mlp = SharedMLP(c.shape_units, (3,))
        self.shape_output = SharedMLP((c.shape_feature_units,), (c.shape_units[-1],))
        self.posterior = Gaussian(
            c.prior_units, c.latent_size, conditioned + c.shape_feature_units
        )
        self.generator_context = SharedMLP((c.generator_context_units,), (context,))
        self.generator = PointDecoder(
            c.grid_units,
            c.dense_units,
            c.num_dense_points,
            c.latent_size + c.generator_context_units,
        )
        self.kl_weight = self.add_weight(
            name="kl_weight", initializer="zeros", trainable=False
        )
        self.noise = keras.random.SeedGenerator(0)
        self.built = True

    def call(self, batch, training=False, num_seeds=None, whole_scene=False):
        c = self.config
        num_seeds = num_seeds or (c.num_seeds if training else c.num_seeds_inference)
        # Training alone needs centres and semantics at seeds and loss points only.
        whole_scene = whole_scene or not training
        look = self.look(batch, num_seeds, whole_scene)
        num_queries = max(num_seeds, c.num_semantic_points)
        queries = None if whole_scene else look.pyramid.order[:, :num_queries]
        logits, features, levels = self.predict_semantics(
            look.pyramid, batch["colors"], queries, training
        )
        at_seeds = take(features, look.rows) if whole_scene else features[:, :num_seeds]
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
            return outputs | {"queries": queries}
        scene = SceneFeatures(
            semantic_logits=logits,
            centers=centers.everywhere,
            context=outputs["context"],
            to_seeds=look.to_seeds,
            levels=tuple(levels),
            to_levels=look.pyramid.to_points,
        )
        return outputs | {"scene": scene}

    def look(self, batch, num_seeds: int, whole_scene: bool) -> Look:
        """Geometry of the scenes and the surroundings of their seeds."""
        c, points, count = self.config, batch["points"], batch["num_points"]
        num_ordered = max(num_seeds, c.num_semantic_points, c.num_context_points)
        pyramid = build_pyramid(points, count, c.backbone, num_ordered)
        rows = pyramid.order[:, :num_seeds]
        context = build_context(batch, pyramid, rows, c)
        table = None
        if whole_scene:
            real = tf.minimum(count, num_seeds)
            table = interpolation(context.seeds, points, real)
        return Look(pyramid, rows, context, None, table)

    def propose(self, batch, look: Look, found: Centers, training):
        """Shapes, boxes and objectness at the seeds, whose centres were found."""
        offset = tf.stop_gradient(found.direction * found.distance[..., None])
        centers = look.context.seeds + offset
        context = self.context_encoder(look.context, centers, training=training)
        objectness = self.objectness_mlp(context, training=training)
        objectness = self.objectness_output(objectness)[..., 0]
        conditioned = self.condition(context, look.semantics)
        prior = self.prior(conditioned, training=training)
        outputs = {"context": context, "prior": prior}
        latent = prior[0]
        if "targets" in batch:
            targets = batch["targets"]
            posterior = self.recognize(conditioned, look.rows, targets, training)
            outputs["posterior"] = posterior
            latent = self.sample(posterior) if training else latent
        shapes, confidence = self.generate(latent, context, training)
        shapes += centers[:, :, None, :]
        confident = tf.sigmoid(confidence) > self.config.min_confidence
        proposals = Proposals(
            boxes=box_lib.bounding(tf.stop_gradient(shapes), confident),
            scores=objectness,
            valid=tf.sequence_mask(batch["num_points"], look.rows.shape[1]),
        )
        return outputs | {
            "shapes": shapes,
            "confidence": confidence,
            "proposals": proposals,
        }

    def predict_semantics(self, pyramid: Pyramid, colors, queries, training):
        """Class logits [B, Q, classes], features [B, Q, C] and those of each level."""
        features, levels = self.semantic_predictor(
            pyramid, features=colors, queries=queries, training=training
        )
        features = self.semantic_mlp(features, training=training)
        kept = self.semantic_dropout(features, training=training)
        return self.semantic_output(kept), features, levels

    def recognize(self, context, rows, targets, training):
        """Posterior over the latent code, given the true shape of the seed's object."""
        shapes = targets["shapes"] - targets["boxes"][:, :, None, :3]
        features = tf.reduce_max(self.shape_mlp(shapes, training=training), axis=2)
        features = self.shape_output(features, training=training)  # [B, G, F]
        instance = tf.maximum(take(targets["instance"], rows), 0)
        inputs = tf.concat([context, take(features, instance)], axis=-1)
        return self.posterior(inputs, training=training)

    def sample(self, gaussian):
        """A latent code drawn from (mean, log variance) [B, S, Z]."""
        mean, log_variance = gaussian
        seed = tf.cast(self.noise.next(), tf.int32)
        noise = tf.random.stateless_normal(tf.shape(mean), seed)
        return mean + tf.exp(log_variance / 2) * noise

    def generate(self, latent, context, training):
        """Centred points [B, S, P, 3] and their confidence logits [B, S, P]."""
        reduced = self.generator_context(context, training=training)
        inputs = tf.concat([latent, reduced], axis=-1)  # [B, S, Z + C]
        lead, count = tf.shape(inputs)[:2], self.generator.num_points
        rows = tf.reshape(inputs, [-1, inputs.shape[-1]])
        points, confidence = self.generator(rows, training=training)
        points = tf.reshape(points, tf.concat([lead, [count, 3]], 0))
        return points, tf.reshape(confidence, tf.concat([lead, [count]], 0))

    def loss_terms(self, outputs, batch):
        """The five losses of section 3.1 and the semantic one."""
        c, targets, rows = self.config, batch["targets"], outputs["seeds"]
        proposals = outputs["proposals"]
        instance = take(targets["instance"], rows)  # [B, S]
        foreground = (instance >= 0) & proposals.valid
        instance = tf.maximum(instance, 0)
        boxes = take(targets["boxes"], instance)  # [B, S, 6]
        scale = tf.where(foreground, box_lib.half_diagonal(boxes) + 1e-3, 1.0)

        offset = boxes[..., :3] - take(batch["points"], rows)
        center = losses.center_loss(
            outputs["direction"], outputs["distance"], offset, scale
        )
        generation, confidence = self._generation_terms(
            outputs, take(targets["shapes"], instance), scale
        )
        kl = losses.gaussian_kl(*outputs["prior"], *outputs["posterior"])
        iou = matching.iou_with_truth(
            proposals.boxes, targets["boxes"], targets["valid"]
        )
        labels = matching.objectness_labels(iou, foreground, c.positive_iou)
        objectness = losses.binary_cross_entropy(proposals.scores, labels)
        mean = losses.masked_mean
        return {
            "center": c.center_weight * mean(center, foreground),
            "generation": c.generation_weight * mean(generation, foreground),
            "confidence": c.confidence_weight * mean(confidence, foreground),
            "kl": self.kl_weight * mean(kl, foreground),
            "objectness": c.objectness_weight
            * mean(objectness, (labels >= 0) & proposals.valid),
            "semantic": c.semantic_weight * self._semantic_term(outputs, batch),
        }

    def _generation_terms(self, outputs, shapes, scale):
        generated, logits = outputs["shapes"], outputs["confidence"]
        count, points = generated.shape[2], shapes.shape[2]
        loss, squared = losses.chamfer(
            tf.reshape(generated, [-1, count, 3]),
            tf.reshape(shapes, [-1, points, 3]),
            tf.reshape(scale, [-1]),
        )
        confidence = losses.confidence_loss(
            tf.reshape(logits, [-1, count]), squared, self.config.confidence_radius
        )
        shape = tf.shape(scale)
        return tf.reshape(loss, shape), tf.reshape(confidence, shape)

    def _semantic_term(self, outputs, batch):
        logits, labels = outputs["semantic_logits"], batch["targets"]["semantic"]
        if "queries" in outputs:
            labels = take(labels, outputs["queries"])
        real = tf.sequence_mask(batch["num_points"], tf.shape(labels)[1])
        return losses.masked_mean(losses.cross_entropy(logits, labels), real)
