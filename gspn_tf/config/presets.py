"""Networks that several files of `configs/` share."""

import dataclasses as dc

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
        detach_semantics=False,
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
    """The same of the second stage, with the truth among its training proposals."""
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


def with_sgpn(config: c.Config) -> c.Config:
    """SGPN on the backbone, the data and the training budget of an R-PointNet's config.

    Its epochs are those of both stages together.
    """
    proposal, train = config.model.proposal, config.train
    model = c.SGPNConfig(num_classes=proposal.num_classes, backbone=proposal.backbone)
    epochs = train.gspn.epochs + train.rpointnet.epochs
    stage = dc.replace(train.gspn, epochs=epochs)
    return dc.replace(config, model=model, train=dc.replace(train, sgpn=stage))


def small_sgpn(config: c.Config) -> c.Config:
    """The same with fewer channels and points of pairs, and weights of its own.

    With those of `with_sgpn` two cores do not learn in minutes to keep the points of an
    object together: the margin of other classes and the weight of pairs of one class
    are what pushes them apart. Surer groups first: large ones hold several objects.
    """
    config = with_sgpn(config)
    config.model.branch_units = (64,)
    config.model.similarity_size = 32
    config.model.num_similarity_points = 1024
    config.model.same_class_weight = (1.0, 1.0)
    config.model.other_class_margin = 20.0
    config.model.similarity_weight = 0.1
    config.model.confidence_similarity = 5.0
    config.model.min_group_points = 40
    config.model.min_confidence = 0.2
    config.model.max_group_iou = 0.4
    config.model.group_order = "confidence"
    return config


def fit_to_shapes(config: c.Config, num_classes: int) -> c.Config:
    """The same config for the parts of single shapes, one unit in radius.

    Radii are smaller than a room's: contexts as large as a handle, a leg and a table
    top. Shapes stand upright, face one way and are centred: none is turned or moved.
    """
    proposal = config.model.proposal
    proposal.num_classes = num_classes
    proposal.backbone.radii = (0.1, 0.2, 0.4, 0.8)
    proposal.context_radii = (0.15, 0.4, 1.0)
    config.data.rotate, config.data.translate_std = False, 0.0
    return config


def released() -> c.RPointNetConfig:
    """The authors' code as they meant it to run (github.com/ericyi/GSPN)."""
    proposal = c.GSPNConfig(
        num_seeds=256,
        num_seeds_inference=2048,
        backbone=c.BackboneConfig(interpolation_power=2.0),
        seed_sampling="farthest",
        center_direction="raw",
        semantic_conditioning=True,
        detach_semantics=False,
        generator_context_units=256,
        point_confidence=False,
        center_unit="half_diagonal",
        objectness_loss="softmax",
        best_seeds="all",
        flat_variance="batch",
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
    """The same as it ran: test.py never applies its own numbers (its config.py:44).

    One object a scene, not all, makes a seed positive that overlaps it too little.
    """
    config = released()
    config.proposal.num_seeds_inference = 256
    config.proposal.best_seeds = "first"
    config.max_candidates_inference, config.max_proposals_inference = 192, 96
    config.num_region_points_inference = 256
    return config


PRESETS = {
    "paper": c.RPointNetConfig,
    "small": small_rpointnet,
    "released": released,
    "released_literal": released_literal,
    "sgpn": c.SGPNConfig,
}


def nearest(model: c.RPointNetConfig | c.SGPNConfig) -> tuple[str, list[str]]:
    """The preset that a model is nearest to, and the fields in which it differs."""
    same = {name: make() for name, make in PRESETS.items()}
    same = {name: each for name, each in same.items() if type(each) is type(model)}
    changed = {name: _differing(each, model) for name, each in same.items()}
    return min(changed.items(), key=lambda item: len(item[1]))


def _differing(left, right, path: str = "") -> list[str]:
    if not dc.is_dataclass(left):
        return [] if left == right else [path.lstrip(".")]
    names = [field.name for field in dc.fields(left)]
    pairs = ((getattr(left, n), getattr(right, n), f"{path}.{n}") for n in names)
    return [field for pair in pairs for field in _differing(*pair)]
