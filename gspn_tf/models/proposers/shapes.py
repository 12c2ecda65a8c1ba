"""Proposals around generated shapes: those of GSPN (section 3.1)."""

from typing import NamedTuple

import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.models.centers import SeedFeatures
from gspn_tf.models.generators.cvae import ConditionalVAE
from gspn_tf.models.generators.decoding import (
    EncoderDecoder,
    GeneratedShapes,
    ShapeGenerator,
)
from gspn_tf.models.proposers.proposer import Proposer, SeedTruth
from gspn_tf.nn import boxes as box_lib
from gspn_tf.types import Proposals, Terms


class ShapeOutputs(NamedTuple):
    """The outputs of a ShapeProposer."""

    proposals: Proposals
    objectness: tf.Tensor  # [B, S, width]  logits
    generated: GeneratedShapes  # in the world


class ShapeProposer(Proposer):
    """The box of the confident points of a shape generated for each seed."""

    monitored = ("generation",)

    def __init__(self, config: GSPNConfig, context: int) -> None:
        super().__init__(config)
        self.objectness = self.objectness_class(config, context)
        self.vae = self.make_generator(context)
        self.terms = self.vae.terms

    def make_generator(self, context: int) -> ShapeGenerator:
        """The generative network, on so many channels of context features."""
        vae = self.config.generator == "cvae"
        return (ConditionalVAE if vae else EncoderDecoder)(self.config, context)

    def call(self, seeds: SeedFeatures) -> ShapeOutputs:
        objectness = self.objectness(seeds.context)
        generated = self.vae(seeds)
        points = generated.points + seeds.centers[:, :, None, :]
        confident = tf.sigmoid(generated.confidence) > self.config.min_confidence
        proposals = Proposals(
            boxes=box_lib.bounding(tf.stop_gradient(points), confident),
            scores=self.objectness.score(objectness),
            valid=seeds.valid,
        )
        return ShapeOutputs(proposals, objectness, generated._replace(points=points))

    def losses_of(self, found: ShapeOutputs, truth: SeedTruth) -> Terms:
        """The losses of the generator."""
        return self.vae.losses_of(found.generated, truth.shapes, truth.boxes)
