"""Conditional variational auto-encoder of shapes (section 3.1)."""

import keras
import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.models.conditioning import generator_context
from gspn_tf.models.generators.decoding import ShapeGenerator
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import losses
from gspn_tf.nn.layers import GaussianMLP, SharedMLP
from gspn_tf.nn.pyramid import take
from gspn_tf.types import Gaussian

KL = {
    "prior_posterior": lambda prior, posterior: (prior, posterior),
    "posterior_prior": lambda prior, posterior: (posterior, prior),
}
REDUCTIONS = {"mean": tf.reduce_mean, "sum": tf.reduce_sum}


class ConditionalVAE(ShapeGenerator):
    """Prior, recognition and generation networks of the seeds' objects.

    Args:
      config: widths and losses.
      context, conditioned: channels of the two inputs.

    Inputs: context [B, S, C]; conditioned [B, S, C'], which prior and posterior see;
    instance [B, S] and targets as in a batch, or None for the prior's mean. Outputs:
    a dict of `shapes` [B, S, P, 3] around 0, `confidence` logits [B, S, P], `prior`
    and, with targets, `posterior`, which is sampled in training.
    """

    def __init__(self, config: GSPNConfig, context: int, conditioned: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        c = config
        size, flat = c.latent_size, c.flat_variance
        self.prior = GaussianMLP(c.prior_units, size, conditioned, flat)
        self.shape_mlp = SharedMLP(c.shape_units, (3,))
        self.shape_output = SharedMLP((c.shape_feature_units,), (c.shape_units[-1],))
        recognized = conditioned + c.shape_feature_units
        self.posterior = GaussianMLP(c.prior_units, size, recognized, flat)
        self.context = generator_context(c, context)
        self.add_decoder(c, size + self.context.width)
        self.order, self.reduce = KL[c.kl_divergence], REDUCTIONS[c.kl_reduction]
        self.terms += ("kl",)
        self.noise = keras.random.SeedGenerator(0)
        self.built = True

    def call(self, context, conditioned, instance=None, targets=None, training=False):
        prior = self.prior(conditioned, training=training)
        outputs, latent = {"prior": prior}, prior.mean
        if targets is not None:
            objects = take(self.recognize(targets, training), instance + 1)
            posterior = self.posterior(
                tf.concat([conditioned, objects], -1), training=training
            )
            outputs["posterior"] = posterior
            latent = self.sample(posterior) if training else latent
        shapes, confidence = self.generate(latent, context, training)
        return outputs | {"shapes": shapes, "confidence": confidence}

    def recognize(self, targets, training):
        """Features [B, 1 + G, F] of the true shapes; first that of the background.

        The background of a scene has the shape of one point (model_rpointnet.py:358).
        """
        shapes = targets["shapes"]
        shapes -= box_lib.bounding(shapes)[:, :, None, :3]
        shapes = tf.pad(shapes, [[0, 0], [1, 0], [0, 0], [0, 0]])
        valid = tf.pad(targets["valid"], [[0, 0], [1, 0]], constant_values=True)
        real = tf.where(valid)  # padding must not reach the batch statistics
        points = self.shape_mlp(tf.gather_nd(shapes, real), training=training)
        features = self.shape_output(tf.reduce_max(points, 1), training=training)
        shape = tf.concat([tf.shape(valid), [features.shape[-1]]], 0)
        return tf.scatter_nd(real, features, tf.cast(shape, real.dtype))

    def sample(self, gaussian: Gaussian) -> tf.Tensor:
        """A latent code [B, S, Z] drawn from a Gaussian."""
        seed = tf.cast(self.noise.next(), tf.int32)
        noise = tf.random.stateless_normal(tf.shape(gaussian.mean), seed)
        return gaussian.mean + tf.exp(gaussian.log_variance / 2) * noise

    def generate(self, latent, context, training):
        """Centred points [B, S, P, 3] and their confidence logits [B, S, P]."""
        reduced = self.context(context, training=training)
        return self.decode(tf.concat([latent, reduced], axis=-1), training)

    def losses_of(self, outputs, shapes, boxes) -> dict[str, tf.Tensor]:
        """Each of `terms` [B, S], of outputs whose shapes are in the world.

        shapes [B, S, Q, 3] and their boxes [B, S, 6]: of the seeds' objects.
        """
        pair = self.order(outputs["prior"], outputs["posterior"])
        return super().losses_of(outputs, shapes, boxes) | {
            "kl": losses.gaussian_kl(*pair, reduce=self.reduce),
        }
