"""Which variable of the released model is which weight of ours.

The release (github.com/ericyi/GSPN) names variables by layer: `weights` and `biases`,
and `bn/gamma`, `bn/beta`, `bn/moving_mean`, `bn/moving_variance` where the layer is
normalised. A normalised layer of ours has no bias: that of the release is taken off
the moving mean, which gives the same function and the same training.

`PROPOSALS` and `HEADS` are the whole correspondence.
"""

import re
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, NamedTuple

import keras
import numpy as np

from gspn_tf import models, presets
from gspn_tf.config import RPointNetConfig
from gspn_tf.layers import BatchNorm, SharedMLP, TransposedConv

Arrange = Callable[[np.ndarray, keras.layers.Layer], np.ndarray]
LAYER = ("weights", "biases")
TRANSPOSED = ("conv2d_transpose/kernel", "conv2d_transpose/bias")


def as_it_is(values: np.ndarray, layer: keras.layers.Layer) -> np.ndarray:
    """The same numbers in the same order."""
    return values


def transpose(values: np.ndarray, layer: keras.layers.Layer) -> np.ndarray:
    """A transposed 1x1 convolution's kernel [out, in] as that of a dense layer."""
    return values.T


def mirror_deltas(values: np.ndarray, layer: keras.layers.Layer) -> np.ndarray:
    """Columns (dz, dy, dx, dh, dw, dl) of each class as (dx, dy, dz, dl, dw, dh)."""
    halves = values.reshape(*values.shape[:-1], -1, 3)
    return halves[..., ::-1].reshape(values.shape)


def local_first(values: np.ndarray, layer: SharedMLP) -> np.ndarray:
    """Rows of the global, then of the local features, the other way round."""
    return np.roll(values, layer.parts[0], axis=0)


class Row(NamedTuple):
    """One layer, one MLP or one list of them."""

    ours: str  # attributes of a GSPN or RPointNet; [k] runs over a list
    release: str  # {k} counts from 0, {n} from 1; layers of an MLP: {i} from 0, {j} 2
    names: tuple[str, str] = LAYER  # of the kernel and of the bias
    arrange: Arrange = as_it_is  # the kernel and the bias of the release -> ours


PROPOSALS = (
    Row("center_predictor.backbone.abstractions[k].mlp", "shift_predictor/layer{n}/conv{i}"),
    Row("center_predictor.backbone.propagations[k].mlp", "shift_predictor/fa_layer{n}/conv_{i}"),
    Row("center_predictor.output_layer", "shift_predictor/conv_shift_pred"),
    Row("semantic_predictor.abstractions[k].mlp", "sem_predictor/layer{n}/conv{i}"),
    Row("semantic_predictor.propagations[k].mlp", "sem_predictor/fa_layer{n}/conv_{i}"),
    Row("semantic_mlp", "sem_predictor/fc1"),
    Row("semantic_output", "sem_predictor/fc2"),
    Row("context_encoder.scales[k]", "context_encoder/conv_prev_{k}_{i}"),
    Row("objectness.mlp", "fb_logits/conv{i}"),
    Row("objectness.output_layer", "fb_logits/conv2"),
    Row("vae.prior.mlp", "mu_sigma_c/conv{i}"),
    Row("vae.prior.output_layer", "mu_sigma_c/conv2"),
    Row("vae.posterior.mlp", "mu_sigma_x/conv{i}"),
    Row("vae.posterior.output_layer", "mu_sigma_x/conv2"),
    Row("vae.shape_mlp", "instance_encoder/conv{i}"),
    Row("vae.shape_output", "instance_encoder/fc0"),
    Row("vae.context.mlp", "dec_fc"),
    Row("vae.generator.grid[k]", "decoder/upconv{n}", TRANSPOSED),
    Row("vae.generator.grid_norms[k]", "decoder/upconv{n}", TRANSPOSED),
    Row("vae.generator.grid_output", "decoder/upconv4", TRANSPOSED, transpose),
    Row("vae.generator.dense", "decoder/de_fc{j}"),
    Row("vae.generator.dense_output", "decoder/de_fc4"),
)  # fmt: skip
HEADS = (
    Row("hypercolumns.levels[k].mlp", "fpn{n}"),
    Row("box_head.point_mlp", "classification_head/conv_prev_{i}"),
    Row("box_head.layers_of.mlp", "classification_head/conv_post_{i}"),
    Row("box_head.class_output", "classification_head/conv_classify"),
    Row("box_head.box_output", "classification_head/conv_bbox_regress", LAYER, mirror_deltas),
    Row("mask_head.local_mlp", "segmentation_head/conv_prev_{i}"),
    Row("mask_head.global_mlp", "segmentation_head/conv_{i}"),
    Row("mask_head.mask_mlp", "segmentation_head/conv_post_{i}", LAYER, local_first),
    Row("mask_head.mask_output", "segmentation_head/conv_seg"),
)  # fmt: skip
SCOPE = "shape_proposal_net/"  # of all rows of PROPOSALS
OF_HEADS = re.compile(r"(fpn\d|classification_head|segmentation_head)/")

# Kernels that the release makes and never uses (tf_util.py:229); what its optimiser
# and TensorFlow keep beside the weights.
IGNORED = re.compile(
    rf"{SCOPE}decoder/upconv\d/weights(/.*)?"
    r"|(.*/)?(Adam|Momentum|beta1_power|beta2_power|global_step|Variable)(_\d+)?"
    r"|_CHECKPOINTABLE_OBJECT_GRAPH"
)

# Options that decide which layers there are; they must be those of the release.
LAYERS = {
    "proposal": (
        "center_network",
        "context_color",
        "semantic_conditioning",
        "generator_context_units",
        "point_confidence",
        "objectness_loss",
    ),
    "heads": ("head_layers",),
}


class Weight(NamedTuple):
    """One of our variables and what the release has in its place."""

    variable: keras.Variable
    name: str
    shape: tuple[int, ...]  # in the release, but for leading ones
    arrange: Callable[[np.ndarray], np.ndarray]  # from that shape to the variable's
    bias: str | None = None  # what a moving mean of ours is smaller by

    def names(self) -> tuple[str, ...]:
        """The variables of the release that this one takes."""
        return (self.name, self.bias) if self.bias else (self.name,)


def weights(model: models.GSPN | models.RPointNet) -> list[Weight]:
    """Every weight of a model whose layers are the release's."""
    if isinstance(model, models.GSPN):
        return [weight for row in PROPOSALS for weight in _of_row(model, row, SCOPE)]
    heads = [weight for row in HEADS for weight in _of_row(model, row, "")]
    return weights(model.proposal_network) + heads


def unfit_options(config: RPointNetConfig, heads: bool) -> list[str]:
    """What of a config gives other layers than the release has; in words."""
    release = presets.released()
    parts = [("proposal.", config.proposal, release.proposal, LAYERS["proposal"])]
    if heads:
        parts.append(("", config, release, LAYERS["heads"]))
    return [
        f"config.model.{prefix}{name} must be {getattr(theirs, name)!r}, "
        f"got {getattr(ours, name)!r}"
        for prefix, ours, theirs, names in parts
        for name in names
        if getattr(ours, name) != getattr(theirs, name)
    ]


def _of_row(model: keras.Model, row: Row, scope: str) -> Iterator[Weight]:
    head, _, tail = row.ours.partition("[k]")
    found: Any = attrgetter(head)(model)
    layers = found if isinstance(found, list) else [found]
    for k, layer in enumerate(layers):
        layer = attrgetter(tail[1:])(layer) if tail else layer
        numbers = {"k": k, "n": k + 1, "i": "{i}", "j": "{j}"}
        place = scope + row.release.format(**numbers)
        yield from _of_layer(layer, row._replace(release=place))


def _of_layer(layer: keras.layers.Layer, row: Row) -> Iterator[Weight]:
    scope, (kernel, bias) = row.release, row.names
    if isinstance(layer, SharedMLP):
        for i, (variable, norm) in enumerate(zip(layer.kernels, layer.norms, strict=True)):
            inner = scope.format(i=i, j=i + 2)
            arrange = row.arrange if i == 0 else as_it_is
            yield _weight(variable, f"{inner}/{kernel}", layer, arrange)
            yield from _of_layer(norm, row._replace(release=inner))
    elif isinstance(layer, BatchNorm):
        for name in ("gamma", "beta", "moving_variance", "moving_mean"):
            weight = _weight(getattr(layer, name), f"{scope}/bn/{name}", layer, as_it_is)
            yield weight
        yield weight
    else:
        yield _weight(layer.kernel, f"{scope}/{kernel}", layer, row.arrange)
        if not isinstance(layer, TransposedConv):
            yield _weight(layer.bias, f"{scope}/{bias}", layer, row.arrange)
