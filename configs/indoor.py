r"""The network that ships as the preset `indoor`: furnished rooms, scanned virtually.

Aim      objects of ScanNet's classes in real rooms, without a real scan in training
Command  gspn prepare homes --furniture F --homes sweethome3d.jar \
             --output datasets/homes --train 320 --val 24 --test 0
         gspn train --config=configs/indoor.py:indoor --data datasets/homes \
             --run runs/indoor
Hardware two CPU cores, 6 GB
Time     see docs/indoor.md
Result   see docs/indoor.md
"""

import dataclasses as dc

from gspn_tf import config as c
from gspn_tf.config import presets


def indoor() -> c.Config:
    """`small` with half more channels and seeds, at a density, augmented.

    Its semantic network comes first, by itself, as in section 3.3.
    """
    config = presets.small(
        num_points=4096,
        epochs=(70, 26),
        learning_rate=3e-3,
        warmup_steps=100,
        validation_every=2,
    )
    assert isinstance(config.model, c.RPointNetConfig)
    widen(config.model.proposal)
    config.model.num_seeds, config.model.num_regions = 64, 32
    config.model.region_classes, config.model.semantic_power = "objects", 1.0
    config.model.mask_iou = 0.2
    config.train.batch_size = 4
    config.train.semantic = dc.replace(config.train.gspn, epochs=20)
    config.data.density, config.data.num_points_inference = 160.0, 40_960
    config.data.augmentation = c.AugmentationConfig(
        flip=0.5,
        scale=0.1,
        shear=0.02,
        elastic=0.015,
        crumple=0.03,
        jitter=0.01,
        crop=1.0,
        point_dropout=0.2,
        color_jitter=0.1,
        color_drop=0.4,
        auto_contrast=0.3,
    )
    return config


def widen(network: c.GSPNConfig) -> None:
    """Give `small`'s proposal network more of everything; the spacing follows scans."""
    network.num_seeds, network.num_seeds_inference = 96, 1024
    network.context_neighbors, network.context_units = (64, 64, 128), (48, 96, 192)
    network.num_context_points, network.context_share = 10_240, 1 / 4
    network.semantic_stage, network.num_semantic_points = True, 2048
    network.semantic_inputs, network.semantic_balance = "colors_and_height", 0.5
    network.prior_units, network.dense_units = (192, 384), (384, 384)
    network.shape_units, network.shape_feature_units = (48, 96, 192), 96
    backbone = network.backbone
    backbone.offset_unit = "radius"
    backbone.num_centers = (8192, 2048, 512, 128)
    backbone.center_shares = (1 / 8, 1 / 32, 1 / 128, 1 / 512)
    backbone.abstraction_units = (
        (24, 24, 48),
        (48, 48, 96),
        (96, 96, 192),
        (192, 192, 384),
    )
    backbone.propagation_units = ((192, 192), (192, 192), (192, 96), (96, 96, 96))


# `small` is what `sgpn` is made of; paper: Tables 7 and 8.
get_config = presets.choice(indoor=indoor, small=indoor, paper=c.Config)
