"""Published weights of Mask R-CNN: torchvision's and matterport's files."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from gspn_tf.files.torch_file import read_tensors
from gspn_tf.image.mask_rcnn import MaskRCNN
from gspn_tf.image.weights import matterport, torchvision
from gspn_tf.image.weights.assigning import assign


def load_mask_rcnn(
    model: MaskRCNN,
    path: str | Path,
    skipped: Collection[Literal["stem", "classes"]] = (),
) -> None:
    """Give a network the weights of a file.

    Args:
        model: Of the file's config: `MaskRCNNConfig()` with the file's number of
            classes, or `MaskRCNNConfig.matterport()`, perhaps of fewer blocks.
        path: torchvision's `maskrcnn_resnet50_fpn_*.pth`, or matterport's
            `mask_rcnn_*.h5`.
        skipped: Parts that keep their weights: the kernel of the first convolution,
            where images have other channels, and the outputs of the heads, where there
            are other classes.

    Raises:
        ValueError: There is no such part to skip.
        ScanError: It cannot be read, or is of another network; no weight was changed.
            Nothing that it names is run.
    """
    head, mask = model.box_head, model.mask_head
    outputs = (head.class_output, head.box_output, mask.mask_output)
    parts = {
        "stem": [model.backbone.stem.kernel],
        "classes": [x for layer in outputs for x in layer.weights],
    }
    if unknown := sorted(set(skipped) - set(parts)):
        raise ValueError(f"skipped must be some of {sorted(parts)}, got {unknown}")
    left = {id(variable) for part in skipped for variable in parts[part]}
    if Path(path).suffix in (".h5", ".hdf5"):
        arrays, ignored = matterport.read_layers(path), matterport.IGNORED
        table = list(matterport.matterport_table(model))
    else:
        arrays, ignored = torchvision.renamed(read_tensors(path)), torchvision.IGNORED
        table = list(torchvision.torchvision_table(model))
    ours = [weight for weight in table if id(weight.variable) not in left]
    others = {x for weight in table for x in weight.sources}
    assign(path, arrays, ours, lambda name: name in others or ignored.match(name))
