"""What a benchmark is, and how it is measured: all libraries in turns, medians."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

OURS = "gspn_tf"
TURNS, MOST = 5, 5  # runs that count in a turn
SECONDS = 0.1  # for each library and turn, unless one run takes more
SLOW = 2.0  # seconds


@dataclass(frozen=True)
class Target:
    """So many times the speed of the fastest of some libraries.

    against: the beginning of their names, or "any", or "the same result".
    """

    times: float
    against: str


def equal(found: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Where both are the same: integers exactly, floats to 1e-5 (order of sums)."""
    if np.issubdtype(found.dtype, np.integer):
        return found == other
    return np.isclose(found, other, rtol=1e-5, atol=1e-5)


def share_of_equals(found: np.ndarray, other: np.ndarray) -> float:
    """1 where all values are the same."""
    return float(equal(found, other).mean())


class Case(NamedTuple):
    """One call of an op, and the same work done by other libraries.

    ours       runs the op.
    result     the part of what it gives that is compared, as an array.
    expected   the naive reference: pairs of (rows of that array, what they must be).
    peers      each is a function of `inputs` that returns what is to be timed, whose
               value is the array again, or None where it gives something else.
    same       the share of a peer's array that is right, given ours.
    """

    name: str
    ours: Callable[[], Any]
    result: Callable[[Any], np.ndarray]
    expected: Callable[[], list[tuple[Any, np.ndarray]]]
    inputs: tuple = ()
    peers: tuple[Callable, ...] = ()
    targets: tuple[Target, ...] = ()
    same: Callable[[np.ndarray, np.ndarray], float] = share_of_equals


@dataclass(frozen=True)
class Timed:
    """One library's part of a case; `same` is the share of equal values."""

    library: str
    milliseconds: float
    same: float | None


@dataclass(frozen=True)
class Measured:
    """A case; the first of `timed` is ours.

    steady: milliseconds of ours called again and again, no other library in between:
    threads that wait for the next call are awake.
    """

    name: str
    timed: list[Timed]
    steady: float
    targets: tuple[Target, ...]


def cores() -> int:
    """The cores that this process may use: how many threads a library is given."""
    return len(os.sched_getaffinity(0))


def wait(value: Any) -> Any:
    """The value, computed: ops on a GPU return before they are done."""
    if tf.config.list_logical_devices("GPU"):
        tf.test.experimental.sync_devices()
    return value


def uncompared(value: Any) -> None:
    """Of a peer: the value is computed, but it is another kind of result."""
    wait(value)


def seconds(run: Callable[[], Any]) -> float:
    """Time of one run; on one core CPU time, which other load disturbs less."""
    clock = time.process_time if cores() == 1 else time.perf_counter
    start = clock()
    wait(run())
    return clock() - start


def medians(runs: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Median milliseconds of each, in turns: other load meets all alike.

    A turn is some runs after one that does not count, which finds the caches full of
    another library's data. Of a slow library the first run is all.
    """
    first = {name: seconds(run) for name, run in runs.items()}
    times = {name: [took] if took > SLOW else [] for name, took in first.items()}
    for _ in range(TURNS):
        for name, run in runs.items():
            if first[name] > SLOW:
                continue
            wait(run())
            count = min(MOST, 1 + int(SECONDS / first[name]))
            times[name] += [seconds(run) for _ in range(count)]
    return {name: 1e3 * statistics.median(taken) for name, taken in times.items()}


def check(case: Case) -> np.ndarray:
    """The result of ours, after a comparison with the naive reference."""
    found = case.result(wait(case.ours()))
    for rows, expected in case.expected():
        if not equal(found[rows], expected).all():
            raise AssertionError(f"{case.name}: not what the reference gives")
    return found


def measure(case: Case) -> Measured:
    """Checks ours, then times it and every peer that is installed."""
    found = check(case)
    runs, same = {OURS: case.ours}, {OURS: 1.0}
    for peer in case.peers:
        name = peer.__doc__.split(".")[0]
        try:
            runs[name] = peer(*case.inputs)
        except ImportError:
            continue
        other = runs[name]()
        same[name] = None if other is None else case.same(found, other)
    times = medians(runs)
    timed = [Timed(name, times[name], same[name]) for name in runs]
    steady = medians({OURS: case.ours})[OURS]
    return Measured(case.name, timed, steady, case.targets)
