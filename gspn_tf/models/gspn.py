"""Generative Shape Proposal Network (section 3.1): proposals by reconstruction.

Here are the feature backbone of the seeds, and the semantic network beside it. One of
`PROPOSERS` makes proposals of their features.
"""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.models import centers as center_lib
from gspn_tf.models.base import without_targets
from gspn_tf.models.centers import Centers, SeedContext, SeedFeatures
from gspn_tf.models.proposers.anchors import AnchorOutputs, BoxProposer
from gspn_tf.models.proposers.proposer import Proposer, SeedTruth
from gspn_tf.models.proposers.segments import SegmentOutputs, SegmentProposer
from gspn_tf.models.proposers.shapes import ShapeOutputs, ShapeProposer
from gspn_tf.models.semantics import SemanticModel
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import losses
from gspn_tf.nn import pyramid as pyramid_lib
from gspn_tf.nn.layers import ContextEncoder
from gspn_tf.nn.pyramid import Pyramid, first, take
from gspn_tf.types import Batch, Interpolation, Proposals, Terms

PROPOSERS = {"shapes": ShapeProposer, "boxes": BoxProposer, "segments": SegmentProposer}


class GSPNOutputs(NamedTuple):
    """The outputs of a GSPN, with semantic classes of Q points.

    In training these are the loss points, `queries`. Outside of it, or with
    `whole_scene`, they are all N points of the scene, and there is what a frozen
    proposal network knows of every point.
    """

    seeds: tf.Tensor  # [B, S]  int32 rows of the points
    centers: Centers
    context: tf.Tensor  # [B, S, C]  features of the seeds' surroundings
    proposed: ShapeOutputs | AnchorOutputs | SegmentOutputs
    semantic_logits: tf.Tensor  # [B, Q, classes]
    queries: tf.Tensor | None  # [B, Q]  int32 rows of the points
    to_seeds: Interpolation | None  # seeds -> points; None without whole scenes
    levels: tuple[tf.Tensor, ...]  # [B, n, C] of the semantic network, one a level
    pyramid: Pyramid

    @property
    def proposals(self) -> Proposals:
        """One proposal a seed."""
        return self.proposed.proposals

    @property
    def candidates(self) -> Proposals:
        """The proposals of which R-PointNet selects: more of anchors."""
        found = self.proposed
        return found.candidates if isinstance(found, AnchorOutputs) else self.proposals


def kl_weight_at(step: tf.Tensor, config: GSPNConfig) -> tf.Tensor:
    """Weight of the KL term: the staircase of the release, 1 - 0.7^k of the last one.

    k grows by one each quarter of `kl_warmup_steps` (there 27 500 steps of two
    scenes), so the first quarter trains without the term and after all of them 0.76
    of it counts. Without warm-up the weight is the last one throughout.
    """
    if config.kl_warmup_steps == 0:
        return tf.constant(config.kl_weight, tf.float32)
    stair = tf.cast(4 * step // config.kl_warmup_steps, tf.float64)
    return tf.cast(config.kl_weight * (1 - 0.7**stair), tf.float32)


@keras.saving.register_keras_serializable("gspn_tf")
class GSPN(SemanticModel):
    """Proposals at seed points, with the semantic network beside them.

    Input: a batch (see gspn_tf.data.load), perhaps with the farthest point "order"
    [B, N] of its points. Output: GSPNOutputs; `predict` gives Proposals. Training alone
    needs the semantic network at seeds and loss points only.
    """

    config_class = GSPNConfig

    def __init__(self, config: GSPNConfig | None = None, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        c = self.config
        self.center_predictor = center_lib.CENTER_NETWORKS[c.center_network](c)
        self.make_semantic_layers()
        self.context_encoder = ContextEncoder(len(c.context_radii), c.context_units)
        self.proposer = self.make_proposer(self.context_encoder.width)
        self.draws = keras.random.SeedGenerator(1)
        proposing = (*self.center_predictor.terms, *self.proposer.terms)
        semantic = () if c.semantic_stage else ("semantic",)
        for layer in self.semantic_layers:
            layer.trainable = not c.semantic_stage
        self.track((*proposing, "objectness", *semantic), c.backbone)
        self.monitored = self.proposer.monitored

    def make_proposer(self, context: int) -> Proposer:
        """The network of the proposals, on so many channels of context features."""
        return PROPOSERS[self.config.proposer](self.config, context)

    def call(
        self,
        batch: Batch,
        training: bool = False,
        num_seeds: int | None = None,
        whole_scene: bool | None = None,
    ) -> GSPNOutputs:
        c = self.config
        num_seeds = num_seeds or (c.num_seeds if training else c.num_seeds_inference)
        whole_scene = not training if whole_scene is None else whole_scene
        seeds = self.seed_context(batch, num_seeds, whole_scene, training)
        loss_points = first(seeds.pyramid.order, c.num_semantic_points)
        queries = None if whole_scene else tf.concat([seeds.rows, loss_points], 1)
        features, levels = self.semantic_features(batch, seeds.pyramid, queries)
        if whole_scene:
            at_seeds = take(features, seeds.rows)
        else:
            at_seeds, features = features[:, :num_seeds], features[:, num_seeds:]
        centers = self.center_predictor(seeds, at_seeds)
        context, proposed = self.propose(batch, seeds, at_seeds, centers)
        return GSPNOutputs(
            seeds=seeds.rows,
            centers=centers,
            context=context,
            proposed=proposed,
            semantic_logits=self.classify(features),
            queries=None if whole_scene else loss_points,
            to_seeds=seeds.to_seeds,
            levels=tuple(levels),
            pyramid=seeds.pyramid,
        )

    def predict_step(self, data: Any) -> Proposals:
        """Return the proposals of a batch, one a seed (called by Keras)."""
        return self(without_targets(data), training=False).proposals

    @property
    def kl_weight(self) -> tf.Tensor:
        """Weight of the KL term at this step."""
        return kl_weight_at(self.steps.value, self.config)

    def seed_context(
        self, batch: Batch, num_seeds: int, whole_scene: bool, training: bool
    ) -> SeedContext:
        """Geometry of the scenes and the surroundings of their seeds."""
        c, points, count = self.config, batch["points"], batch["num_points"]
        context, _ = pyramid_lib.context_count(count, c)
        num_ordered = tf.maximum(max(num_seeds, c.num_semantic_points), context)
        pyramid = pyramid_lib.build_pyramid(
            points, count, c.backbone, num_ordered, batch.get("order")
        )
        if c.seed_sampling == "random":
            draw = self.draw_seed(self.draws, training)
            rows = pyramid_lib.random_seeds(pyramid, num_seeds, draw)
        else:
            rows = first(pyramid.order, num_seeds)
        spheres = pyramid_lib.build_context(batch, pyramid, rows, c)
        table = None
        if whole_scene:
            real = tf.minimum(count, num_seeds)
            power = c.backbone.interpolation_power
            table = pyramid_lib.interpolation(spheres.seeds, points, real, power)
        return SeedContext(pyramid, rows, spheres, table)

    def propose(
        self, batch: Batch, seeds: SeedContext, semantics: tf.Tensor, found: Centers
    ) -> tuple[tf.Tensor, ShapeOutputs | AnchorOutputs | SegmentOutputs]:
        """Context features of the seeds whose centres were found, and proposals."""
        offset = tf.stop_gradient(found.direction * found.distance[..., None])
        centers = seeds.spheres.seeds + offset
        context = self.context_encoder(seeds.spheres, centers)
        features = SeedFeatures(
            seeds,
            valid=tf.sequence_mask(batch["num_points"], seeds.rows.shape[1]),
            centers=centers,
            context=context,
            conditions=center_lib.conditioned(self.config, context, semantics),
            targets=batch.get("targets"),
        )
        return context, self.proposer(features)

    def loss_terms(self, outputs: GSPNOutputs, batch: Batch) -> Terms:
        """The terms of the centres, the proposer, its objectness, and the classes."""
        c, truth = self.config, self.truth_of(outputs, batch)
        seeds = take(batch["points"], outputs.seeds)
        values = {
            **self.center_predictor.losses_of(outputs.centers, seeds, truth.boxes),
            **self.proposer.losses_of(outputs.proposed, truth),
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
            if name in self.loss_names
        }
        objectness = self.proposer.objectness_loss(outputs.proposed, truth)
        terms["objectness"] = c.objectness_weight * objectness
        if not c.semantic_stage:
            terms["semantic"] = c.semantic_weight * self.semantic_loss(outputs, batch)
        return terms

    def truth_of(self, outputs: GSPNOutputs, batch: Batch) -> SeedTruth:
        """The objects that the seeds are on."""
        targets = batch["targets"]
        instance = take(targets["instance"], outputs.seeds)  # [B, S]
        foreground = (instance >= 0) & outputs.proposals.valid
        instance = tf.maximum(instance, 0)
        shapes = take(targets["shapes"], instance)  # [B, S, P, 3]
        boxes = box_lib.bounding(shapes)
        return SeedTruth(targets, foreground, instance, shapes, boxes)
