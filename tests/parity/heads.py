"""The heads with a few recorded weights against ops.npz."""

import numpy as np
import tensorflow as tf

from gspn_tf.config import BackboneConfig, GSPNConfig, RPointNetConfig
from gspn_tf.models.centers import Centers
from gspn_tf.models.gspn import GSPNOutputs
from gspn_tf.models.heads import MaskHead, PointFeatures
from gspn_tf.models.released import ReleasedBoxHead
from gspn_tf.types import Interpolation, Regions
from parity.golden import Check, Golden
from parity.layers import load_dense, load_mlp, load_norm, matrix


def config_of(channels: int) -> RPointNetConfig:
    """Heads of the recorded widths, on one level of so many channels."""
    backbone = BackboneConfig(abstraction_units=((1,),))
    proposal = GSPNConfig(
        num_classes=4, context_radii=(1.0,), context_units=(1,), backbone=backbone
    )
    return RPointNetConfig(
        proposal=proposal,
        level_units=channels,
        region_units=(6, 8),
        head_units=(7, 5),
        mask_local_units=(6, 6),
        mask_global_units=(7, 9),
        mask_units=(8, 5),
    )


def scene_of(g: Golden) -> tuple[PointFeatures, Regions, RPointNetConfig]:
    """The recorded region points as a scene whose boxes are unit cubes at 0.

    The recorded parts of a point's features are the hypercolumns and the position;
    context and predicted centre are nothing.
    """
    position, features = g["in0"], g["in1"]
    batch, regions, samples, channels = features.shape
    count = regions * samples
    points = tf.reshape(position, [batch, count, 3])
    nowhere = Interpolation(
        tf.zeros([batch, count, 3], tf.int32), tf.zeros([batch, count, 3])
    )
    nothing = tf.zeros([batch, 1, 1])
    centers = Centers(None, None, points)
    scene = GSPNOutputs(None, centers, nothing, None, None, None, nowhere, (), None)
    rows = tf.reshape(tf.range(count), [1, regions, samples])
    cube = tf.constant([0.0, 0, 0, 1, 1, 1])
    return (
        PointFeatures(points, scene, tf.reshape(features, [batch, count, channels])),
        Regions(
            tf.tile(cube[None, None], [batch, regions, 1]),
            tf.tile(rows, [batch, 1, 1]),
            tf.fill([batch, regions], True),
        ),
        config_of(channels),
    )


def load_point_mlp(mlp, g: Golden, *scopes: str) -> None:
    """The first layer has recorded weights for two of its four parts."""
    first, *others = scopes
    weights = matrix(g, first)
    features, position = np.split(weights, [-3])
    nothing = [np.zeros([size, weights.shape[1]]) for size in (1, 3)]
    mlp.kernels[0].assign(np.concatenate([nothing[0], features, nothing[1], position]))
    load_norm(mlp.norms[0], g, f"{first}/bn", g[f"var:{first}/biases"])
    for kernel, norm, scope in zip(mlp.kernels[1:], mlp.norms[1:], others, strict=True):
        kernel.assign(matrix(g, scope))
        load_norm(norm, g, f"{scope}/bn", g[f"var:{scope}/biases"])


def classes_and_boxes(g: Golden, check: Check) -> None:
    features, regions, config = scene_of(g)
    head = ReleasedBoxHead(config)
    load_point_mlp(head.point_mlp, g, "ch/conv_prev_0", "ch/conv_prev_1")
    load_mlp(head.layers_of.mlp, g, "ch/conv_post_0", "ch/conv_post_1")
    load_dense(head.class_output, g, "ch/conv_classify")
    load_dense(head.box_output, g, "ch/conv_bbox_regress")
    logits, deltas = head(features, regions)
    check.same("logits", g["out0"], logits)
    check.same("probabilities", g["out1"], tf.nn.softmax(logits))
    check.same("deltas", g["out2"], deltas)


def masks(g: Golden, check: Check) -> None:
    features, regions, config = scene_of(g)
    head = MaskHead(config)
    load_point_mlp(head.local_mlp, g, "sh/conv_prev_0", "sh/conv_prev_1")
    load_mlp(head.global_mlp, g, "sh/conv_0", "sh/conv_1")
    whole, local = np.split(matrix(g, "sh/conv_post_0"), [9])
    load_mlp(head.mask_mlp, g, "sh/conv_post_0", "sh/conv_post_1")
    head.mask_mlp.kernels[0].assign(np.concatenate([local, whole]))
    load_dense(head.mask_output, g, "sh/conv_seg")
    logits = np.moveaxis(head(features, regions), 2, -1)
    check.same("out0", g["out0"], logits)


GROUPS = {"classification_head": classes_and_boxes, "segmentation_head": masks}
