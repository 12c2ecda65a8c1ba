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
    def narrow(cls) -> Self:
        """Make the config of a network that two cores train in minutes.

        It is at stride 4 too, with a seventh of the channels and no groups.
        """
        config = cls.torchvision()
        config.units, config.sizes = (16, 32, 48, 48, 32), (7, 5, 3, 3, 3)
        config.stride, config.padding, config.pooling_padded = 1, 3, True
        return config

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


@dc.dataclass(kw_only=True, slots=True)
class MaskRCNNConfig:
    """Mask R-CNN with a ResNet and a feature pyramid (FPN).

    The defaults are those of torchvision's `maskrcnn_resnet50_fpn`, by which its
    weights give its outputs.
    """

    kind: Literal["mask_rcnn"] = "mask_rcnn"  # The only one.
    num_classes: int = 91  # The background and the ids of COCO.
    # Of each channel of an image, 0..255, the colours first: their number is that of
    # the channels.
    mean: tuple[float, ...] = (123.675, 116.28, 103.53)
    deviation: tuple[float, ...] = (58.395, 57.12, 57.375)  # By which they are divided.
    # Pixels of an image's shorter side, to which it is resized; 0: it is not.
    min_side: int = 800
    max_side: int = 1333  # Pixels of its longer side, at most.
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)  # Of each stage; ResNet-50.
    width: int = 64  # Channels of the stem; stage i has 2^i times 4 times as many.
    # Which convolution of a stage's first block halves the image: that of 3 x 3 pixels,
    # or the first of 1 x 1, as in the paper of ResNet and matterport's network.
    stride_in: Literal["3x3", "1x1"] = "3x3"
    # Where zeros stand in the pooling of the stem: all around, or behind, as in
    # matterport's network (TensorFlow's SAME, of images with even sides).
    pooling_border: Literal["around", "behind"] = "around"
    pyramid_units: int = 256  # Channels of each level of the pyramid.
    proposal_units: int = 256  # Channels of the proposal network.
    # Pixels, sides of the square anchors of each level: strides 4, 8, 16, 32, 64.
    anchor_sizes: tuple[float, float, float, float, float] = (32, 64, 128, 256, 512)
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)  # Height over width.
    anchor_positive_iou: float = 0.7  # Least IoU of a positive anchor with an object.
    anchor_negative_iou: float = 0.3  # IoU below which an anchor is negative.
    num_anchors: int = 256  # Anchors of an image in the losses.
    anchor_positive_fraction: float = 0.5  # Greatest share of positive ones.
    # Proposals of a level with the best scores that are suppressed at all.
    max_candidates: int = 2000
    max_proposals: int = 2000  # Those that are kept of a training image.
    max_candidates_inference: int = 1000  # The first number at inference.
    max_proposals_inference: int = 1000  # The second number at inference.
    proposal_iou: float = 0.7  # IoU above which a proposal is suppressed.
    region_iou: float = 0.5  # Least IoU of a positive region with an object.
    num_regions: int = 512  # Regions of a training image.
    positive_fraction: float = 0.25  # Greatest share of positive ones.
    box_size: int = 7  # Pixels of a region's features for class and box.
    mask_size: int = 14  # Those for its mask, which has twice as many.
    head_units: int = 1024  # Widths of the two layers before class and box.
    mask_units: tuple[int, ...] = (256, 256, 256, 256)  # Widths before the mask.
    # Deviation of box deltas: of the centre, of the log size.
    box_deviation: tuple[float, float] = (0.1, 0.2)
    min_score: float = 0.05  # Class probability that a detection must be above.
    # IoU above which a detection is suppressed by another of its class.
    detection_iou: float = 0.5
    max_detections: int = 100  # Most instances of an image.
    mask_threshold: float = 0.5  # Probability that a mask's pixels must be above.
    shown_score: float = 0.5  # Least score of an instance that `gspn segment` shows.
    # Layers that training moves beside the pyramid and the heads: all; the stem alone;
    # the stages of the ResNet from the fourth on, or from the third on; or the last
    # three in turn, as in section 4.3 of the paper.
    trained: Literal["all", "stem", "4+", "3+", "in_turn"] = "all"

    num_classes_field = "num_classes"
    image_features_field = "image_features"
    image_features = 0  # It sees images, and no features beside them.

    def stages(self) -> "dict[str, MaskRCNNConfig]":
        """Networks that are trained, in this order: name -> config."""
        if self.trained != "in_turn":
            return {"mask_rcnn": self}
        return {
            "mask_rcnn_stem": dc.replace(self, trained="stem"),
            "mask_rcnn_4": dc.replace(self, trained="4+"),
            "mask_rcnn_3": dc.replace(self, trained="3+"),
        }

    @classmethod
    def matterport(cls) -> Self:
        """Make the config of `mask_rcnn_coco.h5` (github.com/matterport/Mask_RCNN).

        ResNet-101, of which ResNet-50 (`blocks=(3, 4, 6, 3)`) takes a part. Images are
        not resized; there they are padded to squares of 1024 pixels.
        """
        return cls(
            num_classes=81,
            mean=(123.7, 116.8, 103.9),
            deviation=(1.0, 1.0, 1.0),
            min_side=0,
            blocks=(3, 4, 23, 3),
            stride_in="1x1",
            pooling_border="behind",
            proposal_units=512,
            anchor_ratios=(2.0, 1.0, 0.5),
            num_regions=200,
            positive_fraction=0.33,
            min_score=0.7,
            detection_iou=0.3,
        )

    @property
    def num_channels(self) -> int:
        """Channels of an image."""
        return len(self.mean)
