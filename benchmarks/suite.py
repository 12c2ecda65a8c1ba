"""All benchmarks, in this process, with the cores that it may use."""

from dataclasses import dataclass
from importlib import import_module

from benchmarks.case import Measured, cores, measure
from benchmarks.floors import floors
from benchmarks.scaling import Scaling
from benchmarks.scaling import measure as measure_scaling
from benchmarks.scaling import memory as measure_memory


@dataclass(frozen=True)
class Results:
    """What one process measured."""

    cores: int
    floors: dict[str, float]
    cases: list[Measured]


def compare(names: list[str], scan: str | None) -> Results:
    """Ours beside the other libraries."""
    modules = [import_module(f"benchmarks.{name}") for name in names]
    cases = [measure(case) for module in modules for case in module.cases(scan)]
    return Results(cores(), floors(), cases)


def memory(name: str) -> tuple[float, float]:
    """Megabytes of ours at a million points, and how many times what it must hold."""
    return measure_memory(import_module(f"benchmarks.{name}").scaled)


def scale(names: list[str]) -> list[Scaling]:
    """Time of ours up to a million points."""
    modules = [import_module(f"benchmarks.{name}") for name in names]
    return [
        measure_scaling(name, module.scaled)
        for name, module in zip(names, modules, strict=True)
    ]
