"""Slips of the authors' release (github.com/ericyi/GSPN), each where it is reproduced.

The networks are those of the paper; `models.build` takes these for the kinds that are
called released.
"""

from typing import Any

import keras
import tensorflow as tf

from gspn_tf.config import RPointNetConfig
from gspn_tf.models.heads import BoxHead
from gspn_tf.models.rpointnet import RPointNet
from gspn_tf.nn.layers import MOVING_SHARES, SharedMLP
from gspn_tf.types import Proposals


def keep_batch_variance(*mlps: SharedMLP) -> None:
    """Let the norms of MLPs keep the variance of the batch (n), not the sample (n - 1).

    TensorFlow 1 does so where the release runs a layer as a 1D convolution.
    """
    for mlp in mlps:
        for norm in mlp.norms:
            norm.moving_share = MOVING_SHARES["batch"]


class CommonLayers(keras.layers.Layer):
    """Features [B, R, units[-1]] of x [B, R, C] that class and box have in common."""

    def __init__(self, units: tuple[int, ...], channels: int, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.mlp = SharedMLP(units, (channels,))
        self.built = True

    def call(self, x: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        features = self.mlp(x, training=training)
        return features, features


class ReleasedBoxHead(BoxHead):
    """Class and box have their layers in common; in appendix A each has its own."""

    layers_class = CommonLayers


@keras.saving.register_keras_serializable("gspn_tf")
class ReleasedRPointNet(RPointNet):
    """R-PointNet as in the release."""

    box_head_class = ReleasedBoxHead
    constant_scores = True

    def __init__(self, config: RPointNetConfig | None = None, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        keep_batch_variance(self.box_head.layers_of.mlp)
        if self.hypercolumns is not None:
            keep_batch_variance(*(layer.mlp for layer in self.hypercolumns.levels))

    def choose_regions(
        self, batch: dict[str, Any], proposals: Proposals, seed: tf.Tensor
    ) -> Proposals:
        """Boxes at 0 take the places of missing regions in the batch statistics."""
        chosen = super().choose_regions(batch, proposals, seed)
        boxes = tf.where(chosen.valid[..., None], chosen.boxes, 0.0)
        return chosen._replace(boxes=boxes)
