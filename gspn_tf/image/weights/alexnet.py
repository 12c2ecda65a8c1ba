"""Published weights of AlexNet: `bvlc_alexnet.npy` and torchvision's `alexnet`.

`bvlc_alexnet.npy` is Caffe's model as Kratzert's and SGPN's code read it: a pickled
dict of layers, "conv1" to "fc8", each a list of a kernel [H, W, in, out] and a bias.
torchvision's file is a state_dict: "features.0.weight", [out, in, H, W], and so on.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from gspn_tf.config import AlexNetConfig
from gspn_tf.files.pickles import read_named_lists
from gspn_tf.files.torch_file import read_tensors
from gspn_tf.image.alexnet import AlexNet
from gspn_tf.image.weights.assigning import (
    Weight,
    as_they_are,
    assign,
    channels_first,
    from_channels_first,
)

_FEATURES = (0, 3, 6, 8, 10)  # torchvision's numbers of the convolutions


def read_alexnet(path: str | Path) -> AlexNet:
    """Make the network of a weights file; its weights are not trainable.

    Args:
        path: `bvlc_alexnet.npy`, or torchvision's `alexnet-owt-*.pth`. Fully connected
            layers are passed over.

    Raises:
        ScanError: It cannot be read, or is of another network. Nothing that it names is
            run.
    """
    if Path(path).suffix == ".npy":
        model = AlexNet(AlexNetConfig())
        layers = read_named_lists(path)
        arrays = {
            f"{name}[{i}]": array
            for name, pair in layers.items()
            for i, array in enumerate(pair)
        }
        assign(path, arrays, caffe_table(model), re.compile(r"fc[678]\[[01]\]$").match)
    else:
        model = AlexNet(AlexNetConfig.torchvision())
        dense = re.compile(r"classifier\.[146]\.(weight|bias)$").match
        assign(path, read_tensors(path), torch_table(model), dense)
    model.trainable = False
    return model


def caffe_table(model: AlexNet) -> Iterator[Weight]:
    """The weights by their names in `bvlc_alexnet.npy`."""
    for i, layer in enumerate(model.convolutions, start=1):
        for j, variable in enumerate((layer.kernel, layer.bias)):
            yield Weight(variable, {f"conv{i}[{j}]": variable.shape}, as_they_are)


def torch_table(model: AlexNet) -> Iterator[Weight]:
    """The weights by their names in torchvision's state_dict."""
    for number, layer in zip(_FEATURES, model.convolutions, strict=True):
        name = f"features.{number}"
        shape = channels_first(layer.kernel.shape)
        yield Weight(layer.kernel, {f"{name}.weight": shape}, from_channels_first)
        yield Weight(layer.bias, {f"{name}.bias": layer.bias.shape}, as_they_are)
