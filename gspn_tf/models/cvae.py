"""Conditional variational auto-encoder of shapes (section 3.1)."""

import keras
import tensorflow as tf

from gspn_tf import boxes as box_lib
from gspn_tf import losses
from gspn_tf.config import GSPNConfig
from gspn_tf.layers import GaussianMLP, PointDecoder, SharedMLP
from gspn_tf.models.conditioning import generator_context
from gspn_tf.pyramid import take
from gspn_tf.types import Gaussian


class PointConfidence(keras.layers.Layer):
    """How likely each generated point is on the object: one more output channel."""

    terms = ("confidence",)
    channels = 1

    def __init__(self, radius: float, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.radius = radius

    def call(self, extra):
        """Logits [..., P] of what the decoder gave beside coordinates [..., P, 1]."""
        return extra[..., 0]

    def loss(self, logits, squared_distance, boxes):
        """L_e [B, S] of logits and squared metres to the object, both [B, S, P]."""
        scale = box_lib.UNITS["half_diagonal"](boxes)[..., None]
        distance = squared_distance / scale**2
        return {"confidence": losses.confidence_loss(logits, distance, self.radius)}


class NoConfidence(keras.layers.Layer):
    """Every generated point is certain (release)."""

    terms = ()
    channels = 0

    def call(self, extra):
        """Infinite logits [..., P]."""
        return tf.fill(tf.shape(extra)[:-1], float("inf"))

    def loss(self, logits, squared_distance, boxes):
        """No term."""
        return {}


KL = {
    "prior_posterior": lambda prior, posterior: (prior, posterior),
    "posterior_prior": lambda prior, posterior: (posterior, prior),
}
REDUCTIONS = {"mean": tf.reduce_mean, "sum": tf.reduce_sum}


class ConditionalVAE(keras.layers.Layer):
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
        self.confidence = (
            PointConfidence(c.confidence_radius)
            if c.point_confidence
            else NoConfidence()
        )
        self.generator = PointDecoder(
            c.grid_units,
            c.dense_units,
            c.num_dense_points,
            channels=size + self.context.width,
            width=3 + self.confidence.channels,
        )
        self.unit = box_lib.UNITS[c.generation_unit]
        self.order, self.reduce = KL[c.kl_divergence], REDUCTIONS[c.kl_reduction]
        self.terms = ("generation", *self.confidence.terms, "kl")
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
        inputs = tf.concat([latent, reduced], axis=-1)  # [B, S, Z + C]
        rows = tf.reshape(inputs, [-1, inputs.shape[-1]])
        cloud = self.generator(rows, training=training)
        shape = tf.concat([tf.shape(inputs)[:2], cloud.shape[1:]], 0)
        cloud = tf.reshape(cloud, shape)
        return cloud[..., :3], self.confidence(cloud[..., 3:])

    def losses_of(self, outputs, shapes, boxes) -> dict[str, tf.Tensor]:
        """Each of `terms` [B, S], of outputs whose shapes are in the world.

        shapes [B, S, Q, 3] and their boxes [B, S, 6]: of the seeds' objects.
        """
        generated = outputs["shapes"]
        count, points = generated.shape[2], shapes.shape[2]
        distance, squared = losses.chamfer(
            tf.reshape(generated, [-1, count, 3]), tf.reshape(shapes, [-1, points, 3])
        )
        seeds = tf.shape(boxes)[:2]
        distance = tf.reshape(distance, seeds)
        squared = tf.reshape(squared, tf.concat([seeds, [count]], 0))
        pair = self.order(outputs["prior"], outputs["posterior"])
        return {
            "generation": distance / self.unit(boxes) ** 2,
            **self.confidence.loss(outputs["confidence"], squared, boxes),
            "kl": losses.gaussian_kl(*pair, reduce=self.reduce),
        }
