"""How time and memory of the ops grow up to a million points."""

import ctypes
import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import medians, wait

COUNTS = (10_000, 30_000, 100_000, 300_000, inputs.LARGEST)


@dataclass(frozen=True)
class Scaling:
    """Times of an op.

    exponent  p of the fit time = c N^p.
    """

    name: str
    milliseconds: list[float]
    exponent: float


def _held(field: str) -> int:
    """Bytes: VmRSS now, VmHWM at most since the mark was last reset."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split(field + ":")[1].split()[0])


def _size(tensors: Any) -> int:
    return sum(t.dtype.size * int(tf.size(t)) for t in tf.nest.flatten(tensors))


def memory(scaled: Callable) -> tuple[float, float]:
    """Megabytes of inputs, outputs and what the op held besides at the largest count.

    The second value is that divided by inputs and outputs alone. To be called in a
    process that has done nothing else.
    """
    arrays, run = scaled(COUNTS[0])
    wait(run(*arrays))  # loads the library, starts the threads
    arrays, run = scaled(COUNTS[-1])
    for _ in range(3):  # TensorFlow frees the sources of its constants late
        wait(tf.constant(np.zeros(9)) + 1)
        gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # memory freed before must not serve unseen
    Path("/proc/self/clear_refs").write_text("5")  # the mark
    before = _held("VmRSS")
    found = wait(run(*arrays))
    total = _size(arrays) + _held("VmHWM") - before
    return total / 1e6, total / (_size(arrays) + _size(found))


def measure(name: str, scaled: Callable) -> Scaling:
    """Every count in turn."""
    times = []
    for count in COUNTS:
        arrays, run = scaled(count)
        wait(run(*arrays))  # the system hands out memory for the first time: seconds
        times.append(medians({name: lambda a=arrays, r=run: r(*a)})[name])
    exponent = float(np.polyfit(np.log(COUNTS), np.log(times), 1)[0])
    return Scaling(name, times, exponent)
