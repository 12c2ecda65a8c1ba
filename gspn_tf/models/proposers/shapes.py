"""Proposals around generated shapes: those of GSPN (section 3.1)."""

import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.models.generators.cvae import ConditionalVAE
from gspn_tf.models.generators.encoder_decoder import EncoderDecoder
from gspn_tf.models.proposers.proposer import Proposer, SeedFeatures, SeedTruth
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn.pyramid import take
from gspn_tf.types import Proposals

GENERATORS = {"cvae": ConditionalVAE, "encoder_decoder": EncoderDecoder}


class ShapeProposer(Proposer):
    """The box of the confident points of a shape generated for each seed.

    Also gives the `shapes` [B, S, P, 3] in the world, their `confidence` logits
    [B, S, P] and, of the conditional VAE, `prior` and with targets `posterior`.
    """

    monitored = ("generation",)

    def __init__(self, config: GSPNConfig, context: int, **kwargs):
        super().__init__(config, **kwargs)
        self.objectness = self.objectness_of(context)
        design = GENERATORS[config.generator]
        self.vae = design(config, context, context + self.condition.width)
        self.terms = self.vae.terms
        self.built = True

    def call(self, seeds: SeedFeatures, targets=None, training=False):
        objectness = self.objectness(seeds.context, training=training)
        outputs = self.vae(
            seeds.context,
            self.condition(seeds.context, seeds.semantics),
            instance=take(targets["instance"], seeds.rows) if targets else None,
            targets=targets,
            training=training,
        )
        shapes = outputs["shapes"] + seeds.centers[:, :, None, :]
        confident = tf.sigmoid(outputs["confidence"]) > self.config.min_confidence
        proposals = Proposals(
            boxes=box_lib.bounding(tf.stop_gradient(shapes), confident),
            scores=self.objectness.score(objectness),
            valid=seeds.valid,
        )
        return outputs | {
            "objectness": objectness,
            "shapes": shapes,
            "proposals": proposals,
        }

    def losses_of(self, outputs, truth: SeedTruth) -> dict[str, tf.Tensor]:
        """Those of the generator."""
        return self.vae.losses_of(outputs, truth.shapes, truth.boxes)
