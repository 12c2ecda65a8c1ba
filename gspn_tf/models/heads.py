"""The heads of R-PointNet on regions of a scene (appendix A).

A region's point is described by the instance sensitive features of its seeds, the
hypercolumns of the semantic network, its predicted centre and its own position, both
in the frame of the box; Table 6 leaves some of them out. The first dense layer acts on
the scene's points, before they are gathered into regions: there are far more of the
latter.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.config import BackboneConfig, RPointNetConfig
from gspn_tf.models.gspn import GSPNOutputs
from gspn_tf.models.pointnet2 import PointNet2Encoder
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn.layers import FeaturePropagation
from gspn_tf.nn.mlp import FloatLayer, SharedMLP, dense
from gspn_tf.nn.products import in_chunks
from gspn_tf.nn.pyramid import Pyramid, interpolate
from gspn_tf.types import Regions


class PointFeatures(NamedTuple):
    """Features of the N points of a scene; those that are left out are None."""

    points: tf.Tensor  # [B, N, 3]
    scene: GSPNOutputs | None  # instance sensitive features and predicted centres
    levels: tf.Tensor | None  # [B, N, C]  hypercolumns, perhaps image features too


class OwnLevels(FloatLayer):
    """Levels of another semantic network, which the losses of the heads train.

    Inputs: pyramid, colors [B, N, 3]. Output: the list of each level's features
    [B, n, C].
    """

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.encoder = PointNet2Encoder(config, channels=3)

    def call(self, pyramid: Pyramid, colors: tf.Tensor) -> list[tf.Tensor]:
        return self.encoder(pyramid, colors)


class Hypercolumns(FloatLayer):
    """Each level of the semantic network at every point, reduced and concatenated.

    The network is the one that was trained with the proposals, or one of the heads'
    own (Table 6). Inputs: scene features, colors [B, N, 3]. Output
    [B, N, levels * units].
    """

    def __init__(self, config: RPointNetConfig) -> None:
        super().__init__()
        backbone = config.proposal.backbone
        self.levels = [
            FeaturePropagation((config.level_units,), units[-1], 3)
            for units in backbone.abstraction_units
        ]
        own = config.semantic_training == "end_to_end"
        self.source = OwnLevels(backbone) if own else None

    def call(self, scene: GSPNOutputs, colors: tf.Tensor) -> tf.Tensor:
        levels = scene.levels
        if self.source is not None:
            levels = self.source(scene.pyramid, colors)
        tables = scene.pyramid.to_points
        columns = [
            layer(features, table, skip=colors)
            for layer, features, table in zip(self.levels, levels, tables, strict=True)
        ]
        return tf.concat(columns, axis=-1)


def region_widths(config: RPointNetConfig) -> tuple[int, ...]:
    """Channels of the parts that `region_features` multiplies, in its order."""
    proposal = config.proposal
    context = len(proposal.context_radii) * proposal.context_units[-1]
    levels = len(proposal.backbone.abstraction_units) * config.level_units
    levels += config.image_features
    if config.region_features == "semantic":
        return levels, 3
    if config.region_features == "context":
        return context, 3, 3
    return context, levels, 3, 3


def region_features(
    mlp: SharedMLP,
    features: PointFeatures,
    regions: Regions,
    training: bool,
    rest: Callable[[tf.Tensor], tf.Tensor],
    row: tf.TensorSpec,
) -> tf.Tensor:
    """Output [B, R, ...] of `rest` on the product of `mlp`, [B, R, M, units].

    `row` is the specification of the output of a region [...].
    The parts of the product are the instance sensitive features, the hypercolumns, the
    predicted centres and the positions, as far as they are there.
    """
    scene, levels = features.scene, features.levels
    products, places = [], [features.points]
    if scene is not None:
        assert scene.to_seeds is not None  # of a whole scene
        products.append(interpolate(mlp.project(scene.context, 0), scene.to_seeds))
        places.insert(0, scene.centers.everywhere)
    if levels is not None:
        products.append(mlp.project(levels, len(products)))
    product = tf.add_n(products)  # [B, N, U]
    there = tf.concat(places, -1)  # [B, N, 3 or 6]

    def describe(boxes: tf.Tensor, indices: tf.Tensor) -> tf.Tensor:
        gathered = ops.group_points(product, indices)  # [B, R, M, U]
        near = tf.split(ops.group_points(there, indices), len(places), -1)
        near = tf.concat([box_lib.normalize(place, boxes) for place in near], -1)
        return rest(gathered + mlp.project(near, len(products), len(places)))

    if not training:
        describe = in_chunks(describe, regions.indices.shape[-1], row)
    return describe(regions.boxes, regions.indices)


class SeparateLayers(FloatLayer):
    """Class and box features [B, R, units[-1]] of x [B, R, C], layers for each."""

    def __init__(self, units: tuple[int, ...], channels: int) -> None:
        super().__init__()
        self.class_mlp = SharedMLP(units, (channels,))
        self.box_mlp = SharedMLP(units, (channels,))

    def call(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return self.class_mlp(x), self.box_mlp(x)


class BoxHead(FloatLayer):
    """Class and refined box: an MLP per point, maximum, two small stacks.

    Inputs: PointFeatures, Regions. Outputs: logits [B, R, classes], and the encoded
    shift [B, R, classes, 6] if it is of that class.
    """

    layers_class: type[keras.layers.Layer] = SeparateLayers

    def __init__(self, config: RPointNetConfig) -> None:
        super().__init__()
        c, classes = config, config.proposal.num_classes
        self.point_mlp = SharedMLP(c.region_units, region_widths(c))
        self.layers_of = self.layers_class(c.head_units, c.region_units[-1])
        self.class_output = dense(classes, c.head_units[-1])
        self.box_output = dense(6 * classes, c.head_units[-1])
        self.num_classes = classes

    def call(
        self, features: PointFeatures, regions: Regions, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        mlp = self.point_mlp
        pooled = functools.partial(mlp.activate, training=training, pooled=True)
        row = tf.TensorSpec([mlp.width], self.compute_dtype)
        x = region_features(mlp, features, regions, training, pooled, row)
        for_class, for_box = self.layers_of(x)
        deltas = self.box_output(for_box)
        shape = tf.concat([tf.shape(deltas)[:2], [self.num_classes, 6]], 0)
        return self.class_output(for_class), tf.reshape(deltas, shape)


class MaskHead(FloatLayer):
    """A mask per class: a small PointNet segmentation network.

    Inputs: PointFeatures, Regions. Output: logits [B, R, classes, M].
    """

    def __init__(self, config: RPointNetConfig) -> None:
        super().__init__()
        local, whole = config.mask_local_units, config.mask_global_units
        self.local_mlp = SharedMLP(local, region_widths(config))
        self.global_mlp = SharedMLP(whole, (local[-1],))
        self.mask_mlp = SharedMLP(config.mask_units, (local[-1], whole[-1]))
        self.mask_output = dense(config.proposal.num_classes, config.mask_units[-1])

    def call(
        self, features: PointFeatures, regions: Regions, training: bool = False
    ) -> tf.Tensor:
        def masks(gathered: tf.Tensor) -> tf.Tensor:
            local = self.local_mlp.activate(gathered, training)
            whole = self.global_mlp(local, training=training, pooled=True)
            mlp = self.mask_mlp
            x = mlp.project(local, 0) + mlp.project(whole, 1)[:, :, None, :]
            logits = self.mask_output(mlp.activate(x, training))  # [B, R, M, C]
            return tf.transpose(logits, [0, 1, 3, 2])

        mlp, size = self.local_mlp, regions.indices.shape[-1]
        row = tf.TensorSpec([self.mask_output.units, size], tf.float32)
        return region_features(mlp, features, regions, training, masks, row)
