"""Layers with a few recorded weights against ops.npz.

The release keeps a bias before each batch normalisation; ours is taken off the moving
mean: the same function.
"""

import numpy as np
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.nn import convolution, layers, mlp
from gspn_tf.nn.pyramid import Context, Level, interpolation, take
from parity.golden import Check, Golden


def matrix(g: Golden, scope: str) -> np.ndarray:
    """The weights of a 1x1 convolution or a dense layer: [inputs, outputs]."""
    weights = g[f"var:{scope}/weights"]
    return weights.reshape(weights.shape[-2:])


def load_norm(norm: layers.BatchNorm, g: Golden, scope: str, bias=0.0) -> None:
    norm.gamma.assign(g[f"var:{scope}/gamma"])
    norm.beta.assign(g[f"var:{scope}/beta"])
    norm.moving_mean.assign(g[f"var:{scope}/moving_mean"] - bias)
    norm.moving_variance.assign(g[f"var:{scope}/moving_variance"])


def load_mlp(mlp: layers.SharedMLP, g: Golden, *scopes: str) -> layers.SharedMLP:
    for kernel, norm, scope in zip(mlp.kernels, mlp.norms, scopes, strict=True):
        kernel.assign(matrix(g, scope))
        load_norm(norm, g, f"{scope}/bn", g[f"var:{scope}/biases"])
    return mlp


def load_dense(layer, g: Golden, scope: str) -> None:
    layer.kernel.assign(matrix(g, scope))
    layer.bias.assign(g[f"var:{scope}/biases"])


def shared_mlp(g: Golden, parts: tuple[int, ...], *scopes: str) -> layers.SharedMLP:
    """An MLP of the recorded weights."""
    units = tuple(matrix(g, scope).shape[1] for scope in scopes)
    return load_mlp(layers.SharedMLP(units, parts), g, *scopes)


def abstraction(g: Golden, check: Check) -> None:
    """The radius was not recorded: it is the least one that has the neighbours."""
    points, near = g["in0"], g["out2"]
    features = g["in1"] if "in1" in g else None
    order = ops.farthest_point_sample(points, near.shape[1])
    centers = take(points, order)
    check.same("centres", g["out0"], centers)
    offsets = take(points, near) - centers[:, :, None]
    farthest = np.sqrt(np.sum(np.square(offsets), -1, dtype=np.float32).max())
    found, _ = ops.ball_query(
        points,
        centers,
        radius=float(np.nextafter(farthest, np.float32(9))),
        num_neighbors=near.shape[2],
    )
    check.same("neighbours", near, found)
    channels = 0 if features is None else features.shape[-1]
    layer = layers.SetAbstraction((6, 7), channels)
    load_mlp(layer.mlp, g, "sa/conv0", "sa/conv1")
    level = Level(centers, tf.fill([len(points)], near.shape[1]), found)
    check.same("features", g["out1"], layer(points, level, features=features))


def propagation(g: Golden, check: Check) -> None:
    features, skip = tf.constant(g["in3"]), g["in2"]
    count = tf.fill([features.shape[0]], features.shape[1])
    table = interpolation(g["in1"], g["in0"], count, power=2.0)
    layer = layers.FeaturePropagation((6, 7), features.shape[-1], skip.shape[-1])
    load_mlp(layer.mlp, g, "fp/conv_0", "fp/conv_1")
    check.same("out0", g["out0"], layer(features, table, skip=skip))


def interpolated(g: Golden, check: Check) -> None:
    features = g["in2"]
    count = tf.fill([len(features)], features.shape[1])
    table = interpolation(g["in1"], g["in0"], count, power=2.0)
    ours = ops.three_interpolate(features, table.indices, table.weights)
    check.same("out0", g["out0"], ours)


def context(g: Golden, check: Check) -> None:
    """Two scales of 8 points within 0.3 m and 10 within 0.6 m, of other widths."""
    points, seeds = g["in0"], take(g["in0"], g["in3"])
    check.same("seeds", g["out0"], seeds)
    near, counts = zip(
        ops.ball_query(points, seeds, radius=0.3, num_neighbors=8),
        ops.ball_query(points, seeds, radius=0.6, num_neighbors=10),
        strict=True,
    )
    encoder = layers.ContextEncoder(2, (5, 6))
    parts = (g["in1"].shape[-1] + 3,)
    encoder.scales = [
        shared_mlp(g, parts, f"ctx/conv_prev_{k}_0", f"ctx/conv_prev_{k}_1")
        for k in range(2)
    ]
    nothing = np.zeros_like(take(g["in1"], g["in3"]))
    around = Context(points, seeds, g["in1"], nothing, near, counts, rows=None)
    check.same("features", g["out1"], encoder(around, seeds + g["in2"]))


def recognition(g: Golden, check: Check) -> None:
    """A PointNet and a layer on its maximum, as in the conditional auto-encoder."""
    features = shared_mlp(g, (3,), "enc/conv0", "enc/conv1")(g["in0"])
    ours = shared_mlp(g, (8,), "enc/fc0")(tf.reduce_max(features, 1))
    check.same("out0", g["out0"], ours)


def plain_output(g: Golden, check: Check) -> None:
    """An MLP whose last layer is linear, as of the Gaussians and the objectness."""
    hidden = shared_mlp(g, (7,), "ft/conv0", "ft/conv1")
    output = mlp.dense(5, 8)
    load_dense(output, g, "ft/conv2")
    check.same("out0", g["out0"], output(hidden(g["in0"])))


def normalisation(of_batch: bool, training: bool):
    """A step of batch normalisation at the decay 0.6 of the recording."""

    def compare(g: Golden, check: Check) -> None:
        inputs = g["in0"]
        norm = layers.BatchNorm(inputs.shape[-1], momentum=0.6)
        norm.batch_variance = of_batch
        load_norm(norm, g, "bn")
        check.same("out0", g["out0"], norm(inputs, training=training))
        for key in ("moving_mean", "moving_variance"):
            check.same(key, g[f"after:bn/{key}"], getattr(norm, key))

    return compare


def transposed(g: Golden, check: Check) -> None:
    kernel, bias = (g[f"var:up/conv2d_transpose/{key}"] for key in ("kernel", "bias"))
    size, _, units, channels = kernel.shape
    height, width = g["in0"].shape[1], g["out0"].shape[1]
    stride = (width - size) // max(height - 1, 1) or 1
    layer = convolution.TransposedConv(units, size, stride, channels)
    layer.kernel.assign(kernel)
    check.same("out0", g["out0"], layer(g["in0"]) + bias)


GROUPS = {
    "sa_module_*": abstraction,
    "fp_module_skip": propagation,
    "fp_module_noskip_nomlp": interpolated,
    "multi_encoding_net": context,
    "single_encoding_net": recognition,
    "fea_trans_net": plain_output,
    "batch_norm_rank[24]_train": normalisation(False, True),
    "batch_norm_rank3_train": normalisation(True, True),
    "batch_norm_rank[24]_eval": normalisation(False, False),
    "batch_norm_rank3_eval": normalisation(True, False),
    "conv2d_transpose_*": transposed,
}
