"""All benchmarks of the ops, in this process, with the cores that it may use."""

import ctypes
import gc
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case, Comparison, compare, medians, wait
from benchmarks.machine import cores

NAMES = (
    *("farthest_point_sample", "ball_query", "three_nn", "nn_distance", "nms_3d"),
    *("sample_in_boxes", "nearest_assign", "group_points", "three_interpolate"),
)
COUNTS = (10_000, 30_000, 100_000, 300_000, inputs.LARGEST)


@dataclass(frozen=True)
class Results:
    """The comparisons of one process."""

    cores: int
    cases: list[Comparison]


@dataclass(frozen=True)
class Growth:
    """Times of an op at each of `COUNTS`; the exponent is p of the fit c N^p."""

    name: str
    milliseconds: list[float]
    exponent: float


def module(name: str) -> ModuleType:
    """Import the benchmark of an op."""
    return import_module(f"benchmarks.{name}")


def cases(scan: str | None) -> list[Case]:
    """Collect the cases of all ops."""
    return [case for name in NAMES for case in module(name).cases(scan)]


def comparisons(scan: str | None) -> Results:
    """Measure ours beside the other libraries."""
    return Results(cores(), [compare(case) for case in cases(scan)])


def growth() -> list[Growth]:
    """Time ours up to a million points."""
    found = []
    for name in NAMES:
        times = []
        for count in COUNTS:
            arrays, run = module(name).scaled(count)
            wait(run(*arrays))  # the system hands out memory first: seconds
            times += medians({name: lambda a=arrays, r=run: r(*a)}).values()
        exponent = float(np.polyfit(np.log(COUNTS), np.log(times), 1)[0])
        found.append(Growth(name, times, exponent))
    return found


def memory(name: str) -> tuple[float, float]:
    """Megabytes of inputs, outputs and what the op holds besides at a million points.

    The second value is that divided by inputs and outputs alone. To be called in a
    process that has done nothing else.
    """
    arrays, run = module(name).scaled(COUNTS[0])
    wait(run(*arrays))  # loads the library, starts the threads
    arrays, run = module(name).scaled(COUNTS[-1])
    for _ in range(3):  # TensorFlow frees the sources of its constants late
        wait(tf.constant(np.zeros(9)) + 1)
        gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # memory freed before must not serve unseen
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
    before = _held("VmRSS")
    found = wait(run(*arrays))
    total = _size(arrays) + _held("VmHWM") - before
    return total / 1e6, total / (_size(arrays) + _size(found))


def _held(field: str) -> int:
    """Bytes: VmRSS now, VmHWM at most since the mark was last reset."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split(field + ":")[1].split()[0])


def _size(tensors: Any) -> int:
    return sum(t.dtype.size * int(tf.size(t)) for t in tf.nest.flatten(tensors))
