"""Conditional variational auto-encoder of shapes (section 3.1)."""

import keras
import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.models.centers import SeedFeatures, conditioned_width
from gspn_tf.models.generators.decoding import GeneratedShapes, ShapeGenerator
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import losses
from gspn_tf.nn.layers import GaussianMLP
from gspn_tf.nn.mlp import FloatLayer, SharedMLP
from gspn_tf.nn.pyramid import take
from gspn_tf.nn.replicas import in_whole_batch
from gspn_tf.types import Gaussian, Targets, Terms


class ReducedContext(FloatLayer):
    """Context features through a layer of the generator (model_rpointnet.py:399)."""

    def __init__(self, units: int, channels: int) -> None:
        super().__init__()
        self.mlp = SharedMLP((units,), (channels,))

    def call(self, context: tf.Tensor) -> tf.Tensor:
        return self.mlp(context)


class ConditionalVAE(ShapeGenerator):
    """Prior, recognition and generation networks of the seeds' objects.

    The shapes are those of the prior's mean, in training of a sample of the posterior.
    """

    terms = (*ShapeGenerator.terms, "kl")

    def __init__(self, config: GSPNConfig, context: int) -> None:
        super().__init__(config)
        c, size, reduced = config, config.latent_size, config.generator_context_units
        width = conditioned_width(c, context)
        self.prior = GaussianMLP(c.prior_units, size, width)
        self.shape_mlp = SharedMLP(c.shape_units, (3,))
        self.shape_output = SharedMLP((c.shape_feature_units,), (c.shape_units[-1],))
        recognized = width + c.shape_feature_units
        self.posterior = GaussianMLP(c.prior_units, size, recognized)
        self.context = ReducedContext(reduced, context) if reduced else None
        self.add_decoder(size + (reduced or context))
        self.noise = keras.random.SeedGenerator(0)

    def call(self, seeds: SeedFeatures, training: bool = False) -> GeneratedShapes:
        context, seen, targets = seeds.context, seeds.conditions, seeds.targets
        prior = self.prior(seen)
        posterior, latent = None, prior.mean
        if targets is not None:
            rows = take(targets["instance"], seeds.seeds.rows) + 1
            objects = take(self.recognize(targets), rows)
            posterior = self.posterior(tf.concat([seen, objects], -1))
            latent = self.sample(posterior) if training else latent
        if self.context is not None:
            context = self.context(context)
        latent = tf.cast(latent, context.dtype)
        decoded = self.decode(tf.concat([latent, context], axis=-1))
        return GeneratedShapes(*decoded, prior, posterior)

    def recognize(self, targets: Targets) -> tf.Tensor:
        """Return features [B, 1 + G, F] of the true shapes, the background first.

        The background of a scene has the shape of one point (model_rpointnet.py:358).
        """
        shapes = targets["shapes"]
        shapes -= box_lib.bounding(shapes)[:, :, None, :3]
        shapes = tf.pad(shapes, [[0, 0], [1, 0], [0, 0], [0, 0]])
        valid = tf.pad(targets["valid"], [[0, 0], [1, 0]], constant_values=True)
        real = tf.where(valid)  # padding must not reach the batch statistics
        points = self.shape_mlp(tf.gather_nd(shapes, real))
        features = self.shape_output(tf.reduce_max(points, 1))
        shape = tf.concat([tf.shape(valid), [features.shape[-1]]], 0)
        return tf.scatter_nd(real, features, tf.cast(shape, real.dtype))

    def sample(self, gaussian: Gaussian) -> tf.Tensor:
        """A latent code [B, S, Z] drawn from a Gaussian."""
        seed = tf.cast(self.noise.next(), tf.int32)
        noise = in_whole_batch(
            lambda mean: tf.random.stateless_normal(tf.shape(mean), seed), gaussian.mean
        )
        return gaussian.mean + tf.exp(gaussian.log_variance / 2) * noise

    def losses_of(
        self, found: GeneratedShapes, shapes: tf.Tensor, boxes: tf.Tensor
    ) -> Terms:
        """Each of `terms` [B, S], among them KL(prior || posterior): Eq. 2."""
        terms = super().losses_of(found, shapes, boxes)
        if found.prior is None or found.posterior is None:
            raise ValueError("the KL term needs outputs that were given targets")
        return terms | {"kl": losses.gaussian_kl(found.prior, found.posterior)}
