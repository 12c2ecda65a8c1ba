"""The heads of R-PointNet on regions of a scene (appendix A).

A region's point is described by the instance sensitive features of its seeds, the
hypercolumns of the semantic network, its predicted centre and its own position, both
in the frame of the box; Table 6 leaves some of them out. The first dense layer acts on
the scene's points, before they are gathered into regions: there are far more of the
latter.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.config import BackboneConfig, RPointNetConfig
from gspn_tf.models.gspn import SceneFeatures
from gspn_tf.models.pointnet2 import PointNet2Encoder
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn.layers import FeaturePropagation, SharedMLP, dense
from gspn_tf.nn.pyramid import interpolate, take
from gspn_tf.types import Regions


class RegionParts(NamedTuple):
    """What describes the points of a region."""

    # Which features: (mlp, PointFeatures, part of the mlp) -> product [B, N, units].
    features: tuple[Callable, ...]
    # Which positions in the box's frame: PointFeatures -> [B, N, 3].
    places: tuple[Callable, ...]

    def widths(self, context: int, levels: int) -> tuple[int, ...]:
        """Channels of each, of so many of context features and hypercolumns."""
        known = {of_context: context, of_levels: levels}
        return *(known[part] for part in self.features), *(3 for _ in self.places)


def of_context(mlp: SharedMLP, features: "PointFeatures", part: int) -> tf.Tensor:
    """The product of the seeds' instance sensitive features, at every point."""
    scene = features.scene
    return interpolate(mlp.project(scene.context, part), scene.to_seeds)


def of_levels(mlp: SharedMLP, features: "PointFeatures", part: int) -> tf.Tensor:
    """The product of the hypercolumns."""
    return mlp.project(features.levels, part)


def centers(features: "PointFeatures") -> tf.Tensor:
    """The predicted centre of each point's object."""
    return features.scene.centers


def positions(features: "PointFeatures") -> tf.Tensor:
    """The points themselves."""
    return features.points


# "semantic": without f_c, which the predicted centre is part of (section 3.2).
REGION_PARTS = {
    "both": RegionParts((of_context, of_levels), (centers, positions)),
    "semantic": RegionParts((of_levels,), (positions,)),
    "context": RegionParts((of_context,), (centers, positions)),
}


class PointFeatures(NamedTuple):
    """The feature backbone of section 3.2."""

    points: tf.Tensor  # [B, N, 3]
    scene: SceneFeatures
    levels: tf.Tensor | None  # [B, N, C]  hypercolumns, where they are used


class PretrainedLevels(keras.layers.Layer):
    """The levels of the semantic network that was trained with the proposals."""

    def __init__(self, config: BackboneConfig, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.built = True

    def call(self, scene: SceneFeatures, colors, training=False):
        return scene.levels


class OwnLevels(keras.layers.Layer):
    """Those of another network, which the losses of the heads train (Table 6)."""

    def __init__(self, config: BackboneConfig, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.encoder = PointNet2Encoder(config, channels=3)
        self.built = True

    def call(self, scene: SceneFeatures, colors, training=False):
        return self.encoder(scene.pyramid, colors, training=training)


SEMANTIC_TRAINING = {"pretrained": PretrainedLevels, "end_to_end": OwnLevels}


class Hypercolumns(keras.layers.Layer):
    """Each level of the semantic network at every point, reduced and concatenated.

    Inputs: scene features, colors [B, N, 3]. Output [B, N, levels * units].
    """

    def __init__(self, widths: tuple[int, ...], config: RPointNetConfig, **kwargs):
        super().__init__(autocast=False, **kwargs)
        units = (config.level_units,)
        self.levels = [FeaturePropagation(units, width, 3) for width in widths]
        self.source = SEMANTIC_TRAINING[config.semantic_training](
            config.proposal.backbone
        )
        self.width = len(widths) * config.level_units
        self.built = True

    def call(self, scene: SceneFeatures, colors, training=False):
        levels = self.source(scene, colors, training=training)
        columns = [
            layer(features, table, skip=colors, training=training)
            for layer, features, table in zip(
                self.levels, levels, scene.to_levels, strict=True
            )
        ]
        return tf.concat(columns, axis=-1)


class NoHypercolumns(keras.layers.Layer):
    """Nothing, in their place."""

    width = 0

    def __init__(self, widths: tuple[int, ...], config: RPointNetConfig, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.built = True

    def call(self, scene: SceneFeatures, colors, training=False):
        return None


HYPERCOLUMNS = {
    "both": Hypercolumns,
    "semantic": Hypercolumns,
    "context": NoHypercolumns,
}


def region_features(
    parts: RegionParts,
    mlp: SharedMLP,
    features: PointFeatures,
    regions: Regions,
    training,
) -> tf.Tensor:
    """`mlp` on the points of regions, of which it sees `parts`: [B, R, M, units]."""
    projected = [part(mlp, features, k) for k, part in enumerate(parts.features)]
    projected = tf.add_n(projected)  # [B, N, U]
    gathered = ops.group_points(projected, regions.indices)  # [B, R, M, U]
    for k, place in enumerate(parts.places, len(parts.features)):
        near = take(place(features), regions.indices)
        gathered += mlp.project(box_lib.normalize(near, regions.boxes), k)
    return mlp.activate(gathered, training)


class SeparateLayers(keras.layers.Layer):
    """Class and box features [B, R, units[-1]] of x [B, R, C], layers for each."""

    def __init__(self, units, channels, variance, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.class_mlp = SharedMLP(units, (channels,))
        self.box_mlp = SharedMLP(units, (channels,))
        self.built = True

    def call(self, x, training=False):
        classes = self.class_mlp(x, training=training)
        return classes, self.box_mlp(x, training=training)


class SharedLayers(keras.layers.Layer):
    """The same features for both."""

    def __init__(self, units, channels, variance, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.mlp = SharedMLP(units, (channels,))
        self.built = True

    def call(self, x, training=False):
        features = self.mlp(x, training=training)
        return features, features


HEAD_LAYERS = {"separate": SeparateLayers, "shared": SharedLayers}


class BoxHead(keras.layers.Layer):
    """Class and refined box: an MLP per point, maximum, two small stacks.

    Outputs class logits [B, R, C] and deltas [B, R, C, 6].
    """

    def __init__(self, config: RPointNetConfig, widths: tuple[int, ...], **kwargs):
        super().__init__(autocast=False, **kwargs)
        c, classes = config, config.proposal.num_classes
        self.parts = REGION_PARTS[c.region_features]
        self.point_mlp = SharedMLP(c.region_units, widths)
        self.layers_of = HEAD_LAYERS[c.head_layers](
            c.head_units, c.region_units[-1], c.flat_variance
        )
        self.class_output = dense(classes, c.head_units[-1])
        self.box_output = dense(6 * classes, c.head_units[-1])
        self.num_classes = classes
        self.built = True

    def call(self, features: PointFeatures, regions: Regions, training=False):
        x = region_features(self.parts, self.point_mlp, features, regions, training)
        for_class, for_box = self.layers_of(tf.reduce_max(x, axis=2), training=training)
        deltas = self.box_output(for_box)
        shape = tf.concat([tf.shape(deltas)[:2], [self.num_classes, 6]], 0)
        return self.class_output(for_class), tf.reshape(deltas, shape)


class MaskHead(keras.layers.Layer):
    """A mask per class: a small PointNet segmentation network.

    Output logits [B, R, C, M].
    """

    def __init__(self, config: RPointNetConfig, widths: tuple[int, ...], **kwargs):
        super().__init__(autocast=False, **kwargs)
        local, whole = config.mask_local_units, config.mask_global_units
        self.parts = REGION_PARTS[config.region_features]
        self.local_mlp = SharedMLP(local, widths)
        self.global_mlp = SharedMLP(whole, (local[-1],))
        self.mask_mlp = SharedMLP(config.mask_units, (local[-1], whole[-1]))
        self.mask_output = dense(config.proposal.num_classes, config.mask_units[-1])
        self.built = True

    def call(self, features: PointFeatures, regions: Regions, training=False):
        local = region_features(self.parts, self.local_mlp, features, regions, training)
        whole = tf.reduce_max(self.global_mlp(local, training=training), axis=2)
        mlp = self.mask_mlp
        x = mlp.project(local, 0) + mlp.project(whole, 1)[:, :, None, :]
        logits = self.mask_output(mlp.activate(x, training))  # [B, R, M, C]
        return tf.transpose(logits, [0, 1, 3, 2])
