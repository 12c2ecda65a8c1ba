"""From a code to a shape with a confidence at each point (section 3.1).

Here is also the plain design that Table 5 compares with.
"""

from typing import NamedTuple

import tensorflow as tf

from gspn_tf.config import GSPNConfig
from gspn_tf.models.centers import SeedFeatures, conditioned_width
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import losses
from gspn_tf.nn.convolution import TransposedConv
from gspn_tf.nn.mlp import BatchNorm, FloatLayer, SharedMLP, dense
from gspn_tf.nn.products import in_chunks
from gspn_tf.types import Gaussian, Terms


class GeneratedShapes(NamedTuple):
    """A shape for each seed."""

    points: tf.Tensor  # [B, S, P, 3]  metres
    confidence: tf.Tensor  # [B, S, P]  logits: is the point on the object?
    prior: Gaussian | None = None  # of a conditional VAE
    posterior: Gaussian | None = None  # of a conditional VAE that was given targets


class PointDecoder(FloatLayer):
    """Point set generation in two branches (section 3.1, Table 7).

    A deconvolution branch makes a 16 x 16 grid of points, a fully connected one
    `num_dense_points`; the cloud is their union.

    Args:
      config: widths of both.
      channels: of a code.
      width: 3 metres, and whatever else is to be known of a point.

    Input: codes [B, S, channels]. Output: [B, S, P, width].
    """

    def __init__(self, config: GSPNConfig, channels: int, width: int) -> None:
        super().__init__()
        first, second, third = config.grid_units
        self.grid = [
            TransposedConv(first, 3, 1, channels),
            TransposedConv(second, 3, 2, first),
            TransposedConv(third, 4, 2, second),
        ]
        self.grid_norms = [BatchNorm(units) for units in config.grid_units]
        self.grid_output = dense(width, third)
        self.dense = SharedMLP(config.dense_units, (channels,))
        outputs = width * config.num_dense_points
        self.dense_output = dense(outputs, config.dense_units[-1])
        self.width = width

    def call(self, codes: tf.Tensor, training: bool = False) -> tf.Tensor:
        rows = tf.reshape(codes, [-1, codes.shape[-1]])
        learning = training and self.trainable
        first, *others = zip(self.grid, self.grid_norms, strict=True)

        def activate(x: tf.Tensor, layer: TransposedConv, norm: BatchNorm) -> tf.Tensor:
            if learning:
                return tf.nn.relu(norm(layer(x)))
            scale, bias = norm.folded()
            return tf.nn.relu(layer(x, scale) + tf.cast(bias, layer.compute_dtype))

        def points(x: tf.Tensor) -> tf.Tensor:
            x = tf.reshape(x, [-1, *x.shape[-3:]])
            for each in others:
                x = activate(x, *each)
            return tf.reshape(self.grid_output(x), [1, -1, 16 * 16, self.width])

        x = activate(rows[:, None, None, :], *first)[None]
        row = tf.TensorSpec([16 * 16, self.width], tf.float32)
        grid = (points if learning else in_chunks(points, 128, row))(x)[0]
        free = self.dense_output(self.dense(rows))
        free = tf.reshape(free, [-1, free.shape[-1] // self.width, self.width])
        cloud = tf.concat([grid, free], axis=1)
        return tf.reshape(cloud, tf.concat([tf.shape(codes)[:2], cloud.shape[1:]], 0))


class ShapeGenerator(FloatLayer):
    """A generative design: a decoder of codes, and the losses of its shapes.

    Args:
      config: widths and losses.
      context: channels of the context features.

    Inputs: SeedFeatures. Output: GeneratedShapes around 0. Subclasses make the codes,
    and call `add_decoder` in their constructor.
    """

    terms: tuple[str, ...] = ("generation", "confidence")
    point_channels = 4  # coordinates and a confidence

    def __init__(self, config: GSPNConfig) -> None:
        super().__init__()
        self.config = config

    def add_decoder(self, channels: int) -> None:
        """Add a decoder of codes [B, S, channels]."""
        self.generator = PointDecoder(self.config, channels, self.point_channels)

    def decode(self, codes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Centred points [B, S, P, 3] of codes, and confidence logits [B, S, P]."""
        cloud = self.generator(codes)
        return cloud[..., :3], self.confidence_of(cloud)

    def confidence_of(self, cloud: tf.Tensor) -> tf.Tensor:
        """Confidence logits [B, S, P] of a decoded cloud [B, S, P, point_channels]."""
        return cloud[..., 3]

    def losses_of(
        self, found: GeneratedShapes, shapes: tf.Tensor, boxes: tf.Tensor
    ) -> Terms:
        """Losses [B, S] of generated shapes that are in the world.

        The unit is half the diagonal of the object's box, so that a lamp and a bed
        weigh the same. shapes [B, S, Q, 3] and boxes [B, S, 6] are those of the seeds'
        objects.
        """
        count, points = found.points.shape[2], shapes.shape[2]
        distance, squared = losses.chamfer(
            tf.reshape(found.points, [-1, count, 3]),
            tf.reshape(shapes, [-1, points, 3]),
        )
        seeds, unit = tf.shape(boxes)[:2], box_lib.half_diagonal(boxes) ** 2
        squared = tf.reshape(squared, tf.concat([seeds, [count]], 0))
        squared, radius = squared / unit[..., None], self.config.confidence_radius
        return {
            "generation": tf.reshape(distance, seeds) / unit,
            "confidence": losses.confidence_loss(found.confidence, squared, radius),
        }


class EncoderDecoder(ShapeGenerator):
    """A code of the context, and its shape (section 4.4).

    It is as wide as the conditional VAE; it sees nothing of the objects, and the
    decoder sees the code alone.
    """

    def __init__(self, config: GSPNConfig, context: int) -> None:
        super().__init__(config)
        c, channels = config, conditioned_width(config, context)
        self.encoder = SharedMLP(c.prior_units, (channels,))
        self.code = dense(c.latent_size, c.prior_units[-1])
        self.add_decoder(c.latent_size)

    def call(self, seeds: SeedFeatures) -> GeneratedShapes:
        return GeneratedShapes(*self.decode(self.code(self.encoder(seeds.conditions))))
