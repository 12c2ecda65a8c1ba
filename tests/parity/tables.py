"""All comparisons of ours with what was recorded."""

from collections.abc import Iterator
from pathlib import Path

from parity import (
    dataset,
    detections,
    geometry,
    heads,
    infer,
    layers,
    losses,
    ops,
    regions,
    supervision,
    targets,
    train,
)
from parity.golden import Case, Golden, group_cases, name_of

GROUPS = ops.GROUPS | regions.GROUPS | targets.GROUPS
GROUPS |= layers.GROUPS | heads.GROUPS | losses.GROUPS
QUICK = (dataset, geometry, detections, supervision)
LONG = (infer, train)  # their cases run a network with the recorded weights


def quick_cases(path: Path) -> Iterator[Case]:
    """Cases of a file that compare parts, given what was recorded before them."""
    if name_of(path).startswith("ops"):
        yield from group_cases(Golden(path), GROUPS)
    yield from _cases(path, *QUICK)


def long_cases(path: Path) -> Iterator[Case]:
    """Cases of a file that compare what a whole network makes of a scene."""
    yield from _cases(path, *LONG)


def _cases(path: Path, *modules) -> Iterator[Case]:
    for module in modules:
        if name_of(path).startswith(module.FILES):
            yield from module.cases(Golden(path))
