"""Names of the released model's variables, beside the weights of ours.

The release (github.com/ericyi/GSPN) names variables by layer: `weights` and `biases`,
and `bn/gamma`, `bn/beta`, `bn/moving_mean`, `bn/moving_variance` where the layer is
normalised. A normalised layer of ours has no bias: that of the release is taken off
the moving mean, which gives the same function and the same training.
"""

import re
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import NamedTuple

import keras
import numpy as np

from gspn_tf import models
from gspn_tf.nn.convolution import TransposedConv
from gspn_tf.nn.mlp import BatchNorm, SharedMLP

# Attributes of GSPN, where [k] runs over a list, and scopes of the release. {k} counts
# from 0, {n} from 1; the layers of an MLP count from 0 as {i} and from 2 as {j}.
PROPOSALS = """
center_predictor.backbone.abstractions[k].mlp  shift_predictor/layer{n}/conv{i}
center_predictor.backbone.propagations[k].mlp  shift_predictor/fa_layer{n}/conv_{i}
center_predictor.output_layer                  shift_predictor/conv_shift_pred
semantic_predictor.abstractions[k].mlp         sem_predictor/layer{n}/conv{i}
semantic_predictor.propagations[k].mlp         sem_predictor/fa_layer{n}/conv_{i}
semantic_mlp                                   sem_predictor/fc1
semantic_output                                sem_predictor/fc2
context_encoder.scales[k]                      context_encoder/conv_prev_{k}_{i}
proposer.objectness.mlp                        fb_logits/conv{i}
proposer.objectness.output_layer               fb_logits/conv2
proposer.vae.prior.mlp                         mu_sigma_c/conv{i}
proposer.vae.prior.output_layer                mu_sigma_c/conv2
proposer.vae.posterior.mlp                     mu_sigma_x/conv{i}
proposer.vae.posterior.output_layer            mu_sigma_x/conv2
proposer.vae.shape_mlp                         instance_encoder/conv{i}
proposer.vae.shape_output                      instance_encoder/fc0
proposer.vae.context.mlp                       dec_fc
proposer.vae.generator.grid[k]                 decoder/upconv{n}
proposer.vae.generator.grid_norms[k]           decoder/upconv{n}
proposer.vae.generator.grid_output             decoder/upconv4
proposer.vae.generator.dense                   decoder/de_fc{j}
proposer.vae.generator.dense_output            decoder/de_fc4
"""
# Attributes of RPointNet besides its proposal network, likewise.
HEADS = """
hypercolumns.levels[k].mlp  fpn{n}
box_head.point_mlp          classification_head/conv_prev_{i}
box_head.layers_of.mlp      classification_head/conv_post_{i}
box_head.class_output       classification_head/conv_classify
box_head.box_output         classification_head/conv_bbox_regress
mask_head.local_mlp         segmentation_head/conv_prev_{i}
mask_head.global_mlp        segmentation_head/conv_{i}
mask_head.mask_mlp          segmentation_head/conv_post_{i}
mask_head.mask_output       segmentation_head/conv_seg
"""
OF_PROPOSALS = "shape_proposal_net/"  # what all names of the first table begin with
OF_HEADS = re.compile(r"(fpn\d|classification_head|segmentation_head)/")
OF_RELEASE = re.compile(rf"{OF_PROPOSALS}|{OF_HEADS.pattern}")

# Kernels that the release makes and never uses (tf_util.py:229); what its optimiser
# and TensorFlow keep beside the weights.
IGNORED = re.compile(
    rf"{OF_PROPOSALS}decoder/upconv\d/weights(/.*)?"
    r"|(.*/)?(Adam|Momentum|beta1_power|beta2_power|global_step|Variable)(_\d+)?"
    r"|_CHECKPOINTABLE_OBJECT_GRAPH"
)
GIVE = "give --config=configs/scannet.py:released"


def as_it_is(values: np.ndarray, layer: keras.layers.Layer) -> np.ndarray:
    """Leave the numbers in their order."""
    return values


def transpose(values: np.ndarray, layer: keras.layers.Layer) -> np.ndarray:
    """Turn a transposed 1x1 convolution's kernel [out, in] into a dense layer's."""
    return values.T


def mirror_deltas(values: np.ndarray, layer: keras.layers.Layer) -> np.ndarray:
    """Turn columns (dz, dy, dx, dh, dw, dl) of each class into (dx, ..., dw, dh)."""
    halves = values.reshape(*values.shape[:-1], -1, 3)
    return halves[..., ::-1].reshape(values.shape)


def local_first(values: np.ndarray, layer: SharedMLP) -> np.ndarray:
    """Put the rows of the local features before those of the global ones."""
    return np.roll(values, layer.parts[0], axis=0)


# Layers whose kernel (of an MLP, the first) and bias hold their numbers in another
# order.
Arrange = Callable[[np.ndarray, keras.layers.Layer], np.ndarray]
ARRANGED: dict[str, Arrange] = {
    "proposer.vae.generator.grid_output": transpose,
    "box_head.box_output": mirror_deltas,
    "mask_head.mask_mlp": local_first,
}


class CheckpointError(ValueError):
    """An error that says, line by line, everything that is wrong with a checkpoint."""


class ReleasedWeight(NamedTuple):
    """One of our variables and the release's in its place."""

    variable: keras.Variable
    name: str
    shape: tuple[int, ...]  # in the release, but for leading ones
    arrange: Callable[[np.ndarray], np.ndarray]  # from that shape to the variable's
    bias: str = ""  # the one that a moving mean of the release includes

    def names(self) -> tuple[str, ...]:
        """Name the variables of the release that it is made of."""
        return (self.name, self.bias) if self.bias else (self.name,)


def weights(model: models.GSPN | models.RPointNet) -> list[ReleasedWeight]:
    """List the weights of a model; the release must have all of them.

    Raises:
        CheckpointError: the model has other layers than the release.
    """
    whole = isinstance(model, models.RPointNet)
    tables = [(model.proposal_network if whole else model, PROPOSALS, OF_PROPOSALS)]
    tables += [(model, HEADS, "")] if whole else []
    found = [weight for table in tables for weight in _of_table(*table)]
    named = {id(weight.variable) for weight in found}
    named |= {id(network.steps) for network, *_ in tables}
    if others := [v.path for v in model.weights if id(v) not in named]:
        raise CheckpointError(
            f"the config has layers that the release lacks: {', '.join(others)}; {GIVE}"
        )
    return found


def _of_table(
    network: keras.Model, table: str, prefix: str
) -> Iterator[ReleasedWeight]:
    for line in table.split("\n")[1:-1]:
        path, scope = line.split()
        arrange = ARRANGED.get(path, as_it_is)
        path, _, rest = path.partition("[k]")
        try:
            found = attrgetter(path)(network)
        except AttributeError as error:
            raise CheckpointError(
                f"the config lacks layers of the release: {path}; {GIVE}"
            ) from error
        for k, layer in enumerate(found if isinstance(found, list) else [found]):
            layer = attrgetter(rest[1:])(layer) if rest else layer
            here = scope.replace("{k}", str(k)).replace("{n}", str(k + 1))
            yield from _of_layer(layer, prefix + here, arrange)


def _of_layer(
    layer: keras.layers.Layer, scope: str, arrange: Arrange
) -> Iterator[ReleasedWeight]:
    kernel, bias = f"{scope}/weights", f"{scope}/biases"
    if "/upconv" in scope:
        kernel, bias = (f"{scope}/conv2d_transpose/{x}" for x in ("kernel", "bias"))
    if isinstance(layer, SharedMLP):
        pairs = zip(layer.kernels, layer.norms, strict=True)
        for i, (variable, norm) in enumerate(pairs):
            inner = scope.format(i=i, j=i + 2)
            order = arrange if i == 0 else as_it_is
            yield _weight(variable, f"{inner}/weights", layer, order)
            yield from _of_layer(norm, inner, as_it_is)
    elif isinstance(layer, BatchNorm):
        for name in ("gamma", "beta", "moving_mean", "moving_variance"):
            weight = _weight(getattr(layer, name), f"{scope}/bn/{name}", layer)
            yield weight._replace(bias=bias) if name == "moving_mean" else weight
    else:
        yield _weight(layer.kernel, kernel, layer, arrange)
        if not isinstance(layer, TransposedConv):
            yield _weight(layer.bias, bias, layer, arrange)


def _weight(
    variable: keras.Variable,
    name: str,
    layer: keras.layers.Layer,
    arrange: Arrange = as_it_is,
) -> ReleasedWeight:
    shape = arrange(np.empty(variable.shape, np.bool_), layer).shape
    return ReleasedWeight(variable, name, shape, lambda values: arrange(values, layer))
