"""Mask R-CNN on frames of a depth camera, which files of `configs/` share."""

import dataclasses as dc
from collections.abc import Callable

from gspn_tf import config as c

# Of HHA images of NYUv2's training frames (github.com/shelhamer/fcn.berkeleyvision.org,
# nyud_layers.py); their deviation is about that of colours.
HHA_MEAN = (132.431, 94.076, 118.477)
HHA_DEVIATION = 58.0


def variants(num_classes: int) -> dict[str, Callable[[], c.Config]]:
    """Make the variants of a data set of frames.

    `mask_rcnn` is for torchvision's weights, `mask_rcnn_matterport` for matterport's,
    `mask_rcnn_small` for random ones and two cores; each of colours alone (MRCNN of the
    paper's Table 3), or of colours and HHA, then with `_hha` behind (MRCNN*).
    """
    makers = {
        "mask_rcnn": whole_mask_rcnn,
        "mask_rcnn_matterport": matterport,
        "mask_rcnn_small": small_mask_rcnn,
    }

    def of(make: Callable[[], c.Config], with_hha: bool) -> Callable[[], c.Config]:
        def config() -> c.Config:
            made = make()
            assert isinstance(made.model, c.MaskRCNNConfig)
            made.model.num_classes = num_classes
            return see_hha(made) if with_hha else made

        return config

    alone = {name: of(make, False) for name, make in makers.items()}
    return alone | {f"{name}_hha": of(make, True) for name, make in makers.items()}


def see_hha(config: c.Config) -> c.Config:
    """Add the three channels of HHA to those of colours; return the config."""
    model = config.model
    assert isinstance(model, c.MaskRCNNConfig)
    model.mean += HHA_MEAN
    one = model.deviation == (1.0, 1.0, 1.0)  # of matterport's network
    model.deviation += (1.0 if one else HHA_DEVIATION,) * 3
    return config


def whole_mask_rcnn() -> c.Config:
    """ResNet-50 and the training of section 4.3.

    A frozen backbone first, then stages 4 and 5 of it, then stage 3 as well. The paper
    follows matterport's guide: SGD, clipped; there an epoch is of 1000 steps whatever
    the data, here it shows each image once.
    """
    stage = c.StageConfig(
        epochs=20,
        learning_rate=1e-3,
        final_learning_rate=1e-3,  # it does not fall
        clip_norm=5.0,
        optimizer="sgd",
        weight_decay=0.01,
    )
    slow, slower = (
        dc.replace(stage, epochs=15, learning_rate=rate, final_learning_rate=rate)
        for rate in (1e-4, 1e-5)
    )
    return c.Config(
        model=c.MaskRCNNConfig(trained="in_turn"),
        train=c.TrainConfig(
            mask_rcnn_stem=stage,
            mask_rcnn_4=slow,
            mask_rcnn_3=slower,
            validation_every=1,
        ),
    )


def matterport() -> c.Config:
    """`resnet50` on matterport's weights, of whose ResNet-101 this is a part."""
    model = dc.replace(
        c.MaskRCNNConfig.matterport(),
        blocks=(3, 4, 6, 3),
        min_side=800,
        max_side=1024,
        shown_score=0.7,
        trained="in_turn",
    )
    return dc.replace(whole_mask_rcnn(), model=model)


def small_mask_rcnn() -> c.Config:
    """A narrow ResNet on images of 240 x 320 pixels, from random weights: two cores."""
    model = c.MaskRCNNConfig(
        min_side=0,
        blocks=(1, 2, 2, 1),
        width=16,
        pyramid_units=48,
        proposal_units=48,
        anchor_sizes=(16, 32, 64, 128, 256),
        num_anchors=128,
        max_candidates=300,
        max_proposals=300,
        max_candidates_inference=300,
        max_proposals_inference=200,
        num_regions=64,
        head_units=192,
        mask_units=(48, 48),
    )
    stage = c.StageConfig(
        epochs=16,
        learning_rate=1e-3,
        final_learning_rate=1e-5,
        schedule="cosine",
        warmup_steps=100,
        clip_norm=5.0,
    )
    return c.Config(
        model=model,
        data=c.DataConfig(cache=True),
        train=c.TrainConfig(mask_rcnn=stage, validation_every=4),
    )
