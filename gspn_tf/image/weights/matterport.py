"""The weights of Mask R-CNN by their names in matterport's `mask_rcnn_coco.h5`.

That network has biases before its norms and norms in its heads, and computes the
anchors' classes as a softmax of two; all of it is rewritten here, with equal outputs,
in the weights of this one. Boxes are (y, x) there. What no weights can express: it
divides boxes by the image's size, rounds the level of a region, does not round anchors
to pixels, and takes one sample of a bin. So its outputs are only near, and the weights
are meant for fine-tuning. There is no copy of the file to compare with: the names and
layouts are those of mrcnn/model.py.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from gspn_tf.files import hdf5
from gspn_tf.image.convolution import NORM_EPSILON, Convolution, NormedConvolution
from gspn_tf.image.mask_rcnn import MaskRCNN
from gspn_tf.image.resnet import ResNet
from gspn_tf.image.weights.assigning import Weight, as_they_are

_EPSILON = 1e-3  # of its norms: Keras's default
_DEVIATION = np.array([0.1, 0.1, 0.2, 0.2], np.float32)  # of anchors' deltas; config.py
_FROM_YX = [1, 0, 3, 2]
_NORM = ("gamma", "beta", "moving_mean", "moving_variance")
# Arrays of the anchors, and of blocks that a deeper network has.
IGNORED = re.compile(r"(res|bn)[2-5][a-z]_branch|anchors/")


def read_layers(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of a file of Keras 2's `save_weights`, "conv1/kernel" and so on.

    Raises:
        ScanError: missing, damaged, or a file of another kind.
    """
    with hdf5.opened(path) as file:
        root = file
        if "layer_names" not in root.attrs and "model_weights" in root:
            root = root["model_weights"]  # a model that was saved whole
        if "layer_names" not in root.attrs:
            raise ValueError(
                "expected the weights of a Keras 2 model, with layer_names"
            )
        found = {}
        for layer in root.attrs["layer_names"]:
            group = root[_text(layer)]
            for name in map(_text, group.attrs["weight_names"]):
                found[name.removesuffix(":0")] = _numbers(group[name], name, path)
        return found


def _numbers(item: Any, name: str, path: str | Path) -> np.ndarray:
    """An array of numbers; ValueError where it is none, or says it is huge."""
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "iuf":
        raise ValueError(f"{name} is no array of numbers")
    if item.nbytes > Path(path).stat().st_size:  # Keras compresses nothing
        raise ValueError(f"{name} of {item.nbytes:,} bytes is larger than the file")
    return item[()]


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


def matterport_table(model: MaskRCNN) -> Iterator[Weight]:
    """Every weight of the network."""
    yield from _backbone(model.backbone)
    for i in range(len(model.pyramid.lateral)):
        yield from _plain(f"fpn_c{i + 2}p{i + 2}", model.pyramid.lateral[i])
        yield from _plain(f"fpn_p{i + 2}", model.pyramid.smooth[i])
    network, box, mask = model.proposal_network, model.box_head, model.mask_head
    yield from _plain("rpn_conv_shared", network.convolve)
    yield from _objectness("rpn_class_raw", network.object_output)
    yield from _anchor_deltas("rpn_bbox_pred", network.box_output)
    yield from _folded("mrcnn_class_conv1", "mrcnn_class_bn1", box.first)
    yield from _folded("mrcnn_class_conv2", "mrcnn_class_bn2", box.second)
    yield from _dense("mrcnn_class_logits", box.class_output, False)
    yield from _dense("mrcnn_bbox_fc", box.box_output, True)
    for i, layer in enumerate(mask.convolutions, start=1):
        yield from _folded(f"mrcnn_mask_conv{i}", f"mrcnn_mask_bn{i}", layer)
    for variable, part in (
        (mask.enlarge.kernel, "kernel"),
        (mask.enlarge_bias, "bias"),
    ):
        source = {f"mrcnn_mask_deconv/{part}": variable.shape}
        yield Weight(variable, source, as_they_are)
    yield from _plain("mrcnn_mask", mask.mask_output)


def _backbone(network: ResNet) -> Iterator[Weight]:
    yield from _normed("conv1", "bn_conv1", network.stem)
    for i, stage in enumerate(network.stages, start=2):
        for j, block in enumerate(stage.blocks):
            name = f"{i}{chr(ord('a') + j)}_branch"
            layers = {"2a": block.reduce, "2b": block.convolve, "2c": block.expand}
            if block.shortcut is not None:
                layers["1"] = block.shortcut
            for branch, layer in layers.items():
                at = f"{name}{branch}"
                yield from _normed(f"res{at}", f"bn{at}", layer)


def _normed(name: str, norm: str, layer: NormedConvolution) -> Iterator[Weight]:
    """A convolution whose bias goes into the mean of its norm."""
    (units,) = layer.scale.shape
    yield Weight(layer.kernel, {f"{name}/kernel": layer.kernel.shape}, as_they_are)
    yield Weight(layer.scale, {f"{norm}/gamma": (units,)}, as_they_are)
    yield Weight(layer.offset, {f"{norm}/beta": (units,)}, as_they_are)
    sources = {f"{norm}/moving_mean": (units,), f"{name}/bias": (units,)}
    yield Weight(layer.mean, sources, np.subtract)

    def with_epsilon(variance: np.ndarray) -> np.ndarray:
        return variance + np.float32(_EPSILON - NORM_EPSILON)

    yield Weight(layer.variance, {f"{norm}/moving_variance": (units,)}, with_epsilon)


def _plain(name: str, layer: Convolution) -> Iterator[Weight]:
    for part in ("kernel", "bias"):
        variable = getattr(layer, part)
        yield Weight(variable, {f"{name}/{part}": variable.shape}, as_they_are)


def _folded(name: str, norm: str, layer: Convolution) -> Iterator[Weight]:
    """A convolution that takes the norm after it in."""
    (units,) = layer.bias.shape
    moments = {f"{norm}/{part}": (units,) for part in _NORM}

    def fold_kernel(kernel: np.ndarray, *norm: np.ndarray) -> np.ndarray:
        gamma, _, _, variance = norm
        return kernel * (gamma / np.sqrt(variance + _EPSILON))

    def fold_bias(bias: np.ndarray, *norm: np.ndarray) -> np.ndarray:
        gamma, beta, mean, variance = norm
        return (bias - mean) * (gamma / np.sqrt(variance + _EPSILON)) + beta

    kernel = {f"{name}/kernel": layer.kernel.shape}
    yield Weight(layer.kernel, kernel | moments, fold_kernel)
    yield Weight(layer.bias, {f"{name}/bias": (units,)} | moments, fold_bias)


def _objectness(name: str, layer: Convolution) -> Iterator[Weight]:
    """Logits of an object: the difference of those of an object and of nothing."""
    for variable in (layer.kernel, layer.bias):

        def difference(pairs: np.ndarray) -> np.ndarray:
            return pairs[..., 1::2] - pairs[..., ::2]

        *shape, count = variable.shape
        part = "kernel" if shape else "bias"
        yield Weight(variable, {f"{name}/{part}": (*shape, 2 * count)}, difference)


def _anchor_deltas(name: str, layer: Convolution) -> Iterator[Weight]:
    """Deltas of anchors, without the deviation that they are multiplied by there."""

    def in_order(array: np.ndarray) -> np.ndarray:
        deltas = array.reshape(*array.shape[:-1], -1, 4) * _DEVIATION
        return deltas[..., _FROM_YX].reshape(array.shape)

    for part in ("kernel", "bias"):
        variable = getattr(layer, part)
        yield Weight(variable, {f"{name}/{part}": variable.shape}, in_order)


def _dense(name: str, layer: Convolution, is_box: bool) -> Iterator[Weight]:
    """A dense layer there, of one pixel, is a convolution here; perhaps of deltas."""

    def as_kernel(array: np.ndarray) -> np.ndarray:
        if is_box:
            deltas = array.reshape(*array.shape[:-1], -1, 4)
            array = deltas[..., _FROM_YX].reshape(array.shape)
        return array[None, None] if array.ndim == 2 else array

    for part in ("kernel", "bias"):
        variable = getattr(layer, part)
        shape = variable.shape[-2:] if part == "kernel" else variable.shape
        yield Weight(variable, {f"{name}/{part}": tuple(shape)}, as_kernel)
