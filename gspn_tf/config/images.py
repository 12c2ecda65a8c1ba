"""Every number of the networks on images, typed, with its unit and its source.

Sources: SGPN's release (github.com/laughtervv/SGPN, models/alexnet.py) for AlexNet;
torchvision's `alexnet`; torchvision's `maskrcnn_resnet50_fpn` for Mask R-CNN, whose
numbers are those of its paper (He et al., ICCV 2017) where that has them.
"""

import dataclasses as dc
from typing import Literal, Self


@dc.dataclass(kw_only=True, slots=True)
class AlexNetConfig:
    """AlexNet (Krizhevsky et al., 2012) up to its fifth convolution.

    The defaults are those of SGPN's release: `bvlc_alexnet` at stride 4.
    """

    units: tuple[int, int, int, int, int] = (96, 256, 384, 384, 256)  # Of each layer.
    sizes: tuple[int, int, int, int, int] = (11, 5, 3, 3, 3)  # Pixels, of each kernel.
    # Parts of each layer's channels that are convolved apart.
    groups: tuple[int, int, int, int, int] = (1, 2, 1, 2, 2)
    stride: int = 1  # Of the first convolution; 4 in the network for ImageNet.
    padding: int = 5  # Pixels around the image for it; 5 keeps its size.
    # Whether local response normalisation follows the first two convolutions.
    normalized: bool = True
    # Whether poolings see half a window beyond the borders, as TensorFlow's SAME.
    pooling_padded: bool = True
    color_order: Literal["rgb", "bgr"] = (
        "bgr"  # Of the channels that it was trained on.
    )
    # Of each such channel, 0..255; bvlc_alexnet's means in Kratzert's code.
    mean: tuple[float, float, float] = (104.0, 117.0, 124.0)
    deviation: tuple[float, float, float] = (
        1.0,
        1.0,
        1.0,
    )  # By which they are divided.

    @classmethod
    def torchvision(cls) -> Self:
        """Make the config of torchvision's network, at stride 16."""
        return cls(
            units=(64, 192, 384, 256, 256),
            groups=(1, 1, 1, 1, 1),
            stride=4,
            padding=2,
            normalized=False,
            pooling_padded=False,
            color_order="rgb",
            mean=(123.675, 116.28, 103.53),
            deviation=(58.395, 57.12, 57.375),
        )
