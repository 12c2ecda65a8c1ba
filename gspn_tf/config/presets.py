"""Networks that several files of `configs/` share."""

import dataclasses as dc
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from gspn_tf import config as c


def small_gspn() -> c.GSPNConfig:
    """The paper's network with fewer seeds, neighbours and channels: two cores.

    Centres come from the contexts (text of section 3.1): they train in minutes, where
    the PointNet++ of Table 7 takes hours.
    """
    return c.GSPNConfig(
        num_seeds=128,
        num_seeds_inference=768,
        backbone=c.BackboneConfig(
            num_centers=(1024, 256, 64, 16),
            num_neighbors=16,
            abstraction_units=(
                (16, 16, 32),
                (32, 32, 64),
                (64, 64, 128),
                (128, 128, 256),
            ),
            propagation_units=((128, 128), (128, 128), (128, 64), (64, 64, 64)),
            interpolation_power=2.0,
            norm_decay_steps=0,
        ),
        seed_sampling="farthest",
        num_context_points=2048,
        context_color_reference=1.0,
        context_neighbors=(48, 48, 96),
        context_units=(32, 64, 128),
        center_network="context",
        center_direction="raw",
        center_unit="half_diagonal",
        semantic_conditioning=True,
        latent_size=64,
        prior_units=(128, 256),
        shape_units=(32, 64, 128),
        shape_feature_units=64,
        grid_units=(64, 32, 16),
        dense_units=(256, 256),
        num_dense_points=128,
        objectness_units=(128, 64),
        semantic_dropout=0.0,
        confidence_radius=0.3,
        min_confidence=0.7,
        kl_warmup_steps=200,
        center_weight=3.0,
        generation_weight=30.0,
    )


def small_rpointnet() -> c.RPointNetConfig:
    """The second stage on `small_gspn`, with the truth among its training proposals."""
    return c.RPointNetConfig(
        proposal=small_gspn(),
        num_seeds=128,
        max_candidates=128,
        max_proposals=96,
        max_candidates_inference=768,
        max_proposals_inference=300,
        proposal_iou=0.8,
        region_iou=0.4,
        truth_copies=4,
        num_regions=48,
        positive_fraction=1 / 3,
        num_region_points=128,
        num_region_points_inference=128,
        level_units=32,
        region_units=(64, 128, 256),
        head_units=(128, 128),
        mask_local_units=(48, 48),
        mask_global_units=(48, 96, 192),
        mask_units=(96, 64),
        min_score=0.05,
        detection_iou=0.3,
        mask_iou=0.4,
    )


def small(
    *,
    num_points: int = 8192,
    epochs: tuple[int, int] = (10, 10),
    learning_rate: float = 1e-3,
    warmup_steps: int = 0,
    clip_norm: float = 5.0,
    **train: Any,
) -> c.Config:
    """The small network of both stages with its data and training: two cores.

    Args:
      num_points: points of a scene.
      epochs: of stage one and of stage two.
      learning_rate: after the warm-up, from which it falls along a cosine.
      warmup_steps: optimiser steps.
      clip_norm: of the gradients.
      **train: other fields of TrainConfig.
    """
    stages = [
        c.StageConfig(
            epochs=number,
            learning_rate=learning_rate,
            final_learning_rate=1e-5,
            schedule="cosine",
            warmup_steps=warmup_steps,
            clip_norm=clip_norm,
        )
        for number in epochs
    ]
    return c.Config(
        model=small_rpointnet(),
        data=c.DataConfig(
            num_points=num_points, num_points_inference=num_points, num_shape_points=256
        ),
        train=c.TrainConfig(batch_size=2, gspn=stages[0], rpointnet=stages[1], **train),
    )


def with_sgpn(config: c.Config, **fields: Any) -> c.Config:
    """SGPN on the backbone, the data and the training budget of an R-PointNet's config.

    Its epochs are those of all stages together. fields: of its SGPNConfig.
    """
    assert isinstance(config.model, c.RPointNetConfig)
    proposal, train = config.model.proposal, config.train
    model = c.SGPNConfig(
        num_classes=proposal.num_classes, backbone=proposal.backbone, **fields
    )
    epochs = (getattr(train, stage).epochs for stage in config.model.stages())
    stage = dc.replace(train.gspn, epochs=sum(epochs))
    return dc.replace(config, model=model, train=dc.replace(train, sgpn=stage))


def small_sgpn(config: c.Config) -> c.Config:
    """SGPN with fewer channels and points of pairs, and weights of its own.

    With those of `with_sgpn` two cores do not learn in minutes to keep the points of an
    object together: the margin of other classes and the weight of pairs of one class
    are what pushes them apart. Surer groups first: large ones hold several objects.
    """
    return with_sgpn(
        config,
        branch_units=(64,),
        similarity_size=32,
        num_similarity_points=1024,
        same_class_weight=(1.0, 1.0),
        other_class_margin=20.0,
        similarity_weight=0.1,
        confidence_similarity=5.0,
        min_group_points=40,
        min_confidence=0.2,
        max_group_iou=0.4,
        group_order="confidence",
    )


def seeing_images(config: c.Config) -> c.Config:
    """Change a config to that of a network that sees AlexNet's features; return it.

    `gspn train` takes the number of their channels from the data.
    """
    model = config.model
    seeing = model.proposal if isinstance(model, c.RPointNetConfig) else model
    seeing.image_features = c.AlexNetConfig().units[-1]
    return config


def _made_seeing(make: Callable[[], c.Config]) -> c.Config:
    return seeing_images(make())


def choice(
    of_images: Mapping[str, Callable[[], c.Config]] | None = None,
    **variants: Callable[[], c.Config],
) -> Callable[..., c.Config]:
    """The `get_config` of a file of `configs/`, whose first variant is the default.

    Beside its variants, of which `small` and `paper` must be two, there are `sgpn` and
    `sgpn_paper`: SGPN on the same data, for as many epochs as all stages of theirs.
    Where scenes are single frames, `of_images` are variants that see their images, and
    each of the others has one that sees image features too, such as `small_features`.
    """
    variants["sgpn"] = lambda: small_sgpn(variants["small"]())
    variants["sgpn_paper"] = lambda: with_sgpn(variants["paper"]())
    if of_images:
        for name, make in tuple(variants.items()):
            variants[f"{name}_features"] = partial(_made_seeing, make)
        variants |= of_images

    def get_config(variant: str = next(iter(variants))) -> c.Config:
        """The config called `variant`."""
        if variant not in variants:
            raise ValueError(f"no variant {variant!r}, has {list(variants)}")
        return variants[variant]()

    return get_config


def fit_to_shapes(config: c.Config, num_classes: int) -> c.Config:
    """Change a config to the parts of single shapes, one unit in radius; return it.

    Radii are smaller than a room's: contexts as large as a handle, a leg and a table
    top. Shapes stand upright, face one way and are centred: none is turned or moved.
    """
    assert isinstance(config.model, c.RPointNetConfig)
    proposal = config.model.proposal
    proposal.num_classes = num_classes
    proposal.backbone.radii = (0.1, 0.2, 0.4, 0.8)
    proposal.context_radii = (0.15, 0.4, 1.0)
    config.data.augmentation = c.AugmentationConfig(rotation=0.0, translation=0.0)
    return config


def released() -> c.RPointNetConfig:
    """The authors' code as they meant it to run (github.com/ericyi/GSPN)."""
    proposal = c.GSPNConfig(
        kind="released_gspn",
        num_seeds=256,
        num_seeds_inference=2048,
        backbone=c.BackboneConfig(interpolation_power=2.0),
        seed_sampling="farthest",
        center_direction="raw",
        semantic_conditioning=True,
        generator_context_units=256,
        center_unit="half_diagonal",
    )
    return c.RPointNetConfig(
        kind="released_rpointnet",
        proposal=proposal,
        num_seeds=256,
        positive_fraction=0.33,
        background_regions=0,
        min_score=0.7,
        support_power=1.0,
    )


def released_literal() -> c.RPointNetConfig:
    """The authors' code as it ran, without its numbers for the test (config.py:44).

    One object a scene, not all, makes a seed positive that overlaps it too little.
    """
    config = released()
    config.proposal.num_seeds_inference = 256
    config.proposal.kind = "released_literal_gspn"
    config.max_candidates_inference, config.max_proposals_inference = 192, 96
    config.num_region_points_inference = 256
    return config


Network = c.RPointNetConfig | c.SGPNConfig | c.MaskRCNNConfig

PRESETS: dict[str, Callable[[], Network]] = {
    "paper": c.RPointNetConfig,
    "small": small_rpointnet,
    "released": released,
    "released_literal": released_literal,
    "sgpn": c.SGPNConfig,
    "mask_rcnn": c.MaskRCNNConfig,
}


def nearest_preset(model: Network) -> tuple[str, list[str]]:
    """The preset that a model is nearest to, and the fields in which it differs."""
    found = {
        name: list(c.differences(dc.asdict(preset()), dc.asdict(model)))
        for name, preset in PRESETS.items()
        if isinstance(preset(), type(model))
    }
    return min(found.items(), key=lambda item: len(item[1]))
