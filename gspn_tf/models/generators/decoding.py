"""From a code to a shape with a confidence at each point (section 3.1)."""

import keras
import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import losses
from gspn_tf.nn.layers import PointDecoder


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
        scale = box_lib.half_diagonal(boxes)[..., None]
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


class ShapeGenerator(keras.layers.Layer):
    """What all generative designs have: a decoder of codes, and how shapes are judged.

    Subclasses make the codes, and call `add_decoder` in their constructor.
    """

    def add_decoder(self, config: GSPNConfig, channels: int) -> None:
        """A decoder of codes [B, S, channels]."""
        c = config
        self.confidence = (
            PointConfidence(c.confidence_radius)
            if c.point_confidence
            else NoConfidence()
        )
        self.generator = PointDecoder(
            c.grid_units,
            c.dense_units,
            c.num_dense_points,
            channels=channels,
            width=3 + self.confidence.channels,
        )
        metre = c.generation_unit == "metre"
        self.unit = lambda x: (
            tf.ones_like(x[..., 0]) if metre else box_lib.half_diagonal(x)
        )
        self.terms = ("generation", *self.confidence.terms)

    def decode(self, code, training):
        """Centred points [B, S, P, 3] and their confidence logits [B, S, P]."""
        rows = tf.reshape(code, [-1, code.shape[-1]])
        cloud = self.generator(rows, training=training)
        shape = tf.concat([tf.shape(code)[:2], cloud.shape[1:]], 0)
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
        return {
            "generation": distance / self.unit(boxes) ** 2,
            **self.confidence.loss(outputs["confidence"], squared, boxes),
        }
