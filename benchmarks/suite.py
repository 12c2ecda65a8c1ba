"""All benchmarks of the ops, in this process, with the cores that it may use."""

from dataclasses import dataclass
from importlib import import_module

from benchmarks.case import Case, Comparison, compare
from benchmarks.machine import cores

NAMES = (
    *("farthest_point_sample", "ball_query", "three_nn", "nn_distance", "nms_3d"),
    *("sample_in_boxes", "nearest_assign", "group_points", "three_interpolate"),
)


@dataclass(frozen=True)
class Results:
    """The comparisons of one process."""

    cores: int
    cases: list[Comparison]


def cases(scan: str | None) -> list[Case]:
    """Collect the cases of all ops."""
    return [
        case
        for name in NAMES
        for case in import_module(f"benchmarks.{name}").cases(scan)
    ]


def comparisons(scan: str | None) -> Results:
    """Measure ours beside the other libraries."""
    return Results(cores(), [compare(case) for case in cases(scan)])
