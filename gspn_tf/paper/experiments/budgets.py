"""How much data and which network each `--budget` means."""

import dataclasses as dc
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gspn_tf.config import BackboneConfig, Config, GSPNConfig


class Budget(NamedTuple):
    """What every row of an experiment has alike."""

    name: str
    variant: str  # of the data set's config file
    sgpn: str  # the same of SGPN
    scenes: Mapping[str, Mapping[str, int]]  # generated data set -> split -> scenes


def _scenes(**counts: tuple[int, int, int]) -> dict[str, dict[str, int]]:
    splits = ("train", "val", "test")
    return {name: dict(zip(splits, each, strict=True)) for name, each in counts.items()}


_FEW = (4, 1, 2)
BUDGETS = {
    budget.name: budget
    for budget in (
        Budget("smoke", "small", "sgpn", _scenes(rooms=_FEW, parts=_FEW, views=_FEW)),
        Budget(
            "small",
            "small",
            "sgpn",
            _scenes(rooms=(300, 8, 48), parts=(400, 16, 60), views=(400, 16, 48)),
        ),
        Budget(
            "full",
            "paper",
            "sgpn_paper",
            _scenes(rooms=(1200, 60, 120), parts=(1200, 60, 240), views=(795, 60, 240)),
        ),
    )
}


def reduced(config: Config) -> Config:
    """The same kind of network, of next to no size: what `smoke` trains."""
    config = dc.replace(
        config,
        data=dc.replace(
            config.data, num_points=1024, num_points_inference=1024, num_shape_points=64
        ),
        train=_short(config.train),
    )
    for part in _parts(config.model):
        if isinstance(part, BackboneConfig):
            part.num_centers, part.radii = (128, 32), part.radii[1:3]
            part.abstraction_units = part.abstraction_units[:2]
            part.propagation_units = part.propagation_units[-2:]
        elif isinstance(part, GSPNConfig):
            part.num_seeds, part.num_seeds_inference = 32, 64
            part.num_context_points = 256
    return config


def _short(train: Any) -> Any:
    """Every stage for two epochs."""
    stages = {
        name: dc.replace(stage, epochs=2, warmup_steps=0)
        for name, stage in ((f.name, getattr(train, f.name)) for f in dc.fields(train))
        if dc.is_dataclass(stage)
    }
    return dc.replace(train, scene_repeats=1, validation_every=1, **stages)


def _parts(config: Any) -> Iterator[Any]:
    """A config dataclass and those inside it."""
    yield config
    for field in dc.fields(config):
        if dc.is_dataclass(value := getattr(config, field.name)):
            yield from _parts(value)
