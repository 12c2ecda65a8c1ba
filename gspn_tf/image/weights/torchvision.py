"""The weights of Mask R-CNN by their names in torchvision's state_dict.

`maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth` was written before some layers were renamed;
both names are known. Kernels are [out, in, H, W] there.
"""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from gspn_tf.image.convolution import Convolution, NormedConvolution
from gspn_tf.image.mask_rcnn import MaskRCNN
from gspn_tf.image.resnet import ResNet
from gspn_tf.image.weights.assigning import (
    Weight,
    as_they_are,
    channels_first,
    from_channels_first,
)

_RENAMED = (
    (r"^(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$", r"\1.0.\2"),
    (r"^rpn\.head\.conv\.(weight|bias)$", r"rpn.head.conv.0.0.\1"),
)
_OLD_MASK = re.compile(r"^roi_heads\.mask_head\.mask_fcn(\d)\.(weight|bias)$")
_NORM = {
    "scale": "weight",
    "offset": "bias",
    "mean": "running_mean",
    "variance": "running_var",
}
IGNORED = re.compile(r".*\.num_batches_tracked$")  # what no frozen norm has


def renamed(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The tensors by their names since torchvision 0.13."""
    found = {}
    for name, tensor in tensors.items():
        for old, new in _RENAMED:
            name = re.sub(old, new, name)
        if match := _OLD_MASK.match(name):
            name = f"roi_heads.mask_head.{int(match[1]) - 1}.0.{match[2]}"
        found[name] = tensor
    return found


def torchvision_table(model: MaskRCNN) -> Iterator[Weight]:
    """Every weight of the network."""
    yield from _backbone(model.backbone)
    for i in range(len(model.pyramid.lateral)):
        blocks = "backbone.fpn.inner_blocks", "backbone.fpn.layer_blocks"
        layers = model.pyramid.lateral[i], model.pyramid.smooth[i]
        for name, layer in zip(blocks, layers, strict=True):
            yield from _convolution(f"{name}.{i}.0", layer)
    network, box, mask = model.proposal_network, model.box_head, model.mask_head
    yield from _convolution("rpn.head.conv.0.0", network.convolve)
    yield from _convolution("rpn.head.cls_logits", network.object_output)
    yield from _convolution("rpn.head.bbox_pred", network.box_output)
    yield from _dense("roi_heads.box_head.fc6", box.first)
    yield from _dense("roi_heads.box_head.fc7", box.second)
    yield from _dense("roi_heads.box_predictor.cls_score", box.class_output)
    yield from _dense("roi_heads.box_predictor.bbox_pred", box.box_output)
    for i, layer in enumerate(mask.convolutions):
        yield from _convolution(f"roi_heads.mask_head.{i}.0", layer)
    name, (high, wide, units, width) = "conv5_mask", mask.enlarge.kernel.shape
    name = f"roi_heads.mask_predictor.{name}"
    shape = (width, units, high, wide)
    yield Weight(mask.enlarge.kernel, {f"{name}.weight": shape}, from_channels_first)
    yield Weight(mask.enlarge_bias, {f"{name}.bias": (units,)}, as_they_are)
    yield from _convolution(
        "roi_heads.mask_predictor.mask_fcn_logits", mask.mask_output
    )


def _backbone(network: ResNet) -> Iterator[Weight]:
    body = "backbone.body"
    yield from _normed(f"{body}.conv1", f"{body}.bn1", network.stem)
    for i, stage in enumerate(network.stages, start=1):
        for j, block in enumerate(stage.blocks):
            name = f"{body}.layer{i}.{j}"
            layers = (block.reduce, block.convolve, block.expand)
            for k, layer in enumerate(layers, start=1):
                yield from _normed(f"{name}.conv{k}", f"{name}.bn{k}", layer)
            if block.shortcut is not None:
                short = f"{name}.downsample"
                yield from _normed(f"{short}.0", f"{short}.1", block.shortcut)


def _normed(name: str, norm: str, layer: NormedConvolution) -> Iterator[Weight]:
    shape = channels_first(layer.kernel.shape)
    yield Weight(layer.kernel, {f"{name}.weight": shape}, from_channels_first)
    for own, theirs in _NORM.items():
        variable = getattr(layer, own)
        yield Weight(variable, {f"{norm}.{theirs}": variable.shape}, as_they_are)


def _convolution(name: str, layer: Convolution) -> Iterator[Weight]:
    shape = channels_first(layer.kernel.shape)
    yield Weight(layer.kernel, {f"{name}.weight": shape}, from_channels_first)
    yield Weight(layer.bias, {f"{name}.bias": layer.bias.shape}, as_they_are)


def _dense(name: str, layer: Convolution) -> Iterator[Weight]:
    """A dense layer there, on features [C, H, W] in one row, is a convolution here."""
    units, channels, height, width = channels_first(layer.kernel.shape)

    def from_row(array: np.ndarray) -> np.ndarray:
        return from_channels_first(array.reshape(units, channels, height, width))

    shape = (units, channels * height * width)
    yield Weight(layer.kernel, {f"{name}.weight": shape}, from_row)
    yield Weight(layer.bias, {f"{name}.bias": layer.bias.shape}, as_they_are)
