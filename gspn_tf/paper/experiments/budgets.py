"""How much data and which network each `--budget` means."""

from collections.abc import Mapping
from typing import NamedTuple

from gspn_tf.config import Config, RPointNetConfig

SPLITS = ("train", "val", "test")


class Budget(NamedTuple):
    """The variants of a data set's config file, and how many scenes are generated."""

    name: str
    base: str  # variant of the R-PointNet
    sgpn: str  # variant of the SGPN
    scenes: Mapping[str, tuple[int, int, int]]  # generated data set -> scenes a split

    def counts(self, data: str) -> dict[str, int]:
        """Return the scenes of each split of a generated data set."""
        return dict(zip(SPLITS, self.scenes[data], strict=True))


BUDGETS = {
    "smoke": Budget(
        "smoke", "small", "sgpn", dict.fromkeys(("rooms", "parts", "views"), (4, 1, 2))
    ),
    "small": Budget(
        "small",
        "small",
        "sgpn",
        {"rooms": (300, 8, 48), "parts": (400, 16, 60), "views": (400, 16, 48)},
    ),
    "full": Budget(
        "full",
        "paper",
        "sgpn_paper",
        {"rooms": (1200, 60, 120), "parts": (1200, 60, 240), "views": (795, 60, 240)},
    ),
}


def reduce_to_smoke(config: Config) -> None:
    """Leave next to nothing of a network, its data and its epochs."""
    data, train, model = config.data, config.train, config.model
    data.num_points = data.num_points_inference = 1024
    data.num_shape_points = 64
    train.scene_repeats = train.validation_every = 1
    for stage in (train.gspn, train.rpointnet, train.sgpn):
        stage.epochs, stage.warmup_steps = 2, 0
    if isinstance(model, RPointNetConfig):
        proposal, backbone = model.proposal, model.proposal.backbone
        proposal.num_seeds, proposal.num_seeds_inference = 32, 64
        proposal.num_context_points = 256
    else:
        backbone = model.backbone
    backbone.num_centers, backbone.radii = (128, 32), backbone.radii[1:3]
    backbone.abstraction_units = backbone.abstraction_units[:2]
    backbone.propagation_units = backbone.propagation_units[-2:]
