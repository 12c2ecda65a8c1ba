"""The semantic network, a PointNet++ that gives each point a class (section 3.2).

It is trained by itself before the proposals, as in the paper, or with them, as in the
release.
"""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from gspn_tf.config import SemanticConfig
from gspn_tf.models.base import SCENES, LossModel, without_targets
from gspn_tf.models.pointnet2 import PointNet2
from gspn_tf.nn import losses
from gspn_tf.nn import pyramid as pyramid_lib
from gspn_tf.nn.mlp import SharedMLP, dense
from gspn_tf.nn.pyramid import Pyramid, take
from gspn_tf.nn.replicas import in_whole_batch
from gspn_tf.types import Batch, Terms

FLOOR_SHARE = 0.01  # of the points lie below the floor; VoteNet (ICCV 2019)
CHANNELS = {"colors": 3, "height": 1, "colors_and_height": 4}


class SemanticOutputs(NamedTuple):
    """Classes of Q points: the loss points in training, else all of the scene."""

    semantic_logits: tf.Tensor  # [B, Q, classes]
    queries: tf.Tensor | None  # [B, Q]  int32 rows of the points; None: all


class SemanticModel(LossModel):
    """A network that gives points classes, by itself or beside its proposals."""

    class_layers = ("semantic_output",)
    needs = SCENES

    def make_semantic_layers(self) -> None:
        """Make the PointNet++, the layer after it, and that of the classes."""
        c = self.config
        channels = CHANNELS[c.semantic_inputs]
        self.semantic_predictor = PointNet2(c.backbone, channels)
        width = self.semantic_predictor.width
        self.semantic_mlp = SharedMLP((width,), (width + c.image_features,))
        self.semantic_dropout = keras.layers.Dropout(c.semantic_dropout)
        self.semantic_output = dense(c.num_classes, width)

    @property
    def semantic_layers(self) -> list[keras.layers.Layer]:
        """The layers with weights, in the order in which they are called."""
        return [self.semantic_predictor, self.semantic_mlp, self.semantic_output]

    def semantic_features(
        self, batch: Batch, pyramid: Pyramid, queries: tf.Tensor | None
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Features [B, Q, C] of points, and those of each level."""
        inputs = semantic_inputs(batch, self.config.semantic_inputs)
        features, levels = self.semantic_predictor(pyramid, inputs, queries)
        features = append_image_features(
            features, batch, self.config.image_features, queries
        )
        return self.semantic_mlp(features), levels

    def classify(self, features: tf.Tensor) -> tf.Tensor:
        """Logits [B, Q, classes] of features [B, Q, C]."""
        return self.semantic_output(in_whole_batch(self.semantic_dropout, features))

    def semantic_loss(self, outputs: Any, batch: Batch) -> tf.Tensor:
        """Cross-entropy of `outputs.semantic_logits`, a mean over points of weight."""
        targets, queries = batch["targets"], outputs.queries
        labels, weights = targets["semantic"], targets["weights"]
        if queries is not None:  # they repeat row 0 where a scene is too small
            real = tf.sequence_mask(batch["num_points"], tf.shape(queries)[1])
            labels = take(labels, queries)
            weights = tf.where(real, take(weights, queries), 0.0)
        if power := self.config.semantic_balance:
            weights *= losses.rarity(labels, weights, self.config.num_classes, power)
        loss = losses.cross_entropy(outputs.semantic_logits, labels)
        return losses.masked_mean(weights * loss, weights > 0)


def append_image_features(
    features: tf.Tensor, batch: Batch, channels: int, rows: tf.Tensor | None = None
) -> tf.Tensor:
    """Let the features of the pixels of points follow theirs (section 4.3).

    Args:
        features: [B, Q, C] of the points, any float type.
        batch: With image_features [B, N, channels], unless `channels` is 0.
        channels: Those of the image features that the network sees.
        rows: [B, Q] rows of the points; None: all N.

    Returns:
        [B, Q, C + channels].

    Raises:
        ValueError: The batch has no image features, or of other channels.
    """
    if not channels:
        return features
    found = batch.get("image_features")
    if found is None or found.shape[-1] != channels:
        raise ValueError(
            f"the network sees image features: its batches need image_features [B, N, "
            f"{channels}], got {None if found is None else found.shape}; see "
            "gspn_tf.data.load"
        )
    if rows is not None:
        found = take(found, rows)
    return tf.concat([features, tf.cast(found, features.dtype)], axis=-1)


def semantic_inputs(batch: Batch, kind: str) -> tf.Tensor:
    """Give what the semantic network sees of points: [B, N, CHANNELS[kind]].

    Args:
        batch: points [B, N, 3] metres, z up, colors [B, N, 3] and num_points [B].
        kind: a key of CHANNELS.
    """
    inputs = []
    if "colors" in kind:
        inputs.append(batch["colors"])
    if "height" in kind:
        inputs.append(heights(batch["points"], batch["num_points"])[..., None])
    return tf.concat(inputs, axis=-1)


def heights(points: tf.Tensor, num_points: tf.Tensor) -> tf.Tensor:
    """Metres [B, N] of points [B, N, 3] above their scene's floor.

    The floor is where FLOOR_SHARE of the first num_points [B] are lower; the rest is
    padding, of any height.
    """
    z = points[..., 2]
    real = tf.sequence_mask(num_points, tf.shape(z)[1])
    highest = tf.reduce_max(z, axis=-1, keepdims=True)
    ascending = tf.sort(tf.where(real, z, highest), axis=-1)
    below = tf.cast(FLOOR_SHARE * tf.cast(num_points, tf.float32), tf.int32)
    floor = tf.gather(ascending, below, batch_dims=1)
    return z - floor[:, None]


@keras.saving.register_keras_serializable("gspn_tf")
class SemanticNetwork(SemanticModel):
    """The semantic network by itself: the stage before stage one.

    Input: a batch (see gspn_tf.data.load). Output: SemanticOutputs; `predict` gives the
    logits of all points.
    """

    config_class = SemanticConfig
    terms = monitored = ("semantic",)

    def __init__(self, config: SemanticConfig | None = None, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        self.make_semantic_layers()
        self.track(self.terms, self.config.backbone)

    def call(self, batch: Batch, training: bool = False) -> SemanticOutputs:
        c, queries = self.config, None
        pyramid = pyramid_lib.build_pyramid(
            batch["points"],
            batch["num_points"],
            c.backbone,
            c.num_semantic_points,
            batch.get("order"),
        )
        if training:
            queries = pyramid.order[:, : c.num_semantic_points]
        features, _ = self.semantic_features(batch, pyramid, queries)
        return SemanticOutputs(self.classify(features), queries)

    def predict_step(self, data: Any) -> tf.Tensor:
        """Return the logits of a batch (called by Keras)."""
        return self(without_targets(data), training=False).semantic_logits

    def loss_terms(self, outputs: SemanticOutputs, batch: Batch) -> Terms:
        """The classes of points."""
        return {"semantic": self.semantic_loss(outputs, batch)}
