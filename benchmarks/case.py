"""One call of an op beside other libraries, timed in turns: medians count."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from benchmarks.machine import cores
from gspn_tf import ops

OURS = "gspn_tf"
TURNS, MOST = 5, 5  # runs that count in a turn
SECONDS = 0.1  # for each library and turn, unless one run takes more
SLOW = 2.0  # seconds


def equal(found: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Compare element by element: integers exactly, floats to 1e-5 (order of sums)."""
    if np.issubdtype(found.dtype, np.integer):
        return found == other
    return np.isclose(found, other, rtol=1e-5, atol=1e-5)


def share_of_equals(found: np.ndarray, other: np.ndarray) -> float:
    """Return 1 where all values are the same."""
    return float(equal(found, other).mean())


def first_output(outputs: Any) -> np.ndarray:
    """Take the first output of an op, without the axis of its one cloud."""
    return tf.nest.flatten(outputs)[0][0].numpy()


def batched(*arrays: np.ndarray) -> tuple[tf.Tensor, ...]:
    """Make tensors of one cloud each."""
    return tuple(tf.constant(array[None]) for array in arrays)


class Case(NamedTuple):
    """One call of an op, and the same work done by other libraries.

    call       runs the op.
    inputs     the arrays that the peers are given.
    peers      libraries by name, each a function of `inputs` that returns the function
               to time. That gives the array of `result`, or None for another kind.
    result     makes the array that is compared of the op's outputs.
    beginning  a cheaper call whose result is the first part of that array.
    same       the share of a peer's array that is right, given ours.
    """

    name: str
    call: Callable[[], Any]
    inputs: tuple = ()
    peers: Mapping[str, Callable] = {}
    result: Callable[[Any], np.ndarray] = first_output
    beginning: Callable[[], Any] | None = None
    same: Callable[[np.ndarray, np.ndarray], float] = share_of_equals


@dataclass(frozen=True)
class Timed:
    """One library's part of a case; `same` is the share of equal values."""

    library: str
    milliseconds: float
    same: float | None


@dataclass(frozen=True)
class Comparison:
    """A measured case; the first of `timed` is ours.

    steady: milliseconds of ours called again and again, no other library in between:
    threads that wait for the next call are awake.
    """

    name: str
    timed: list[Timed]
    steady: float


def wait(value: Any) -> Any:
    """Return the value, computed: ops on a GPU return before they are done."""
    if tf.config.list_logical_devices("GPU"):
        tf.test.experimental.sync_devices()
    return value


def uncompared(value: Any) -> None:
    """Finish a peer's value that is another kind of result."""
    wait(value)


def seconds(run: Callable[[], Any]) -> float:
    """Time one run; on one core CPU time, which other load disturbs less."""
    clock = time.process_time if cores() == 1 else time.perf_counter
    start = clock()
    wait(run())
    return clock() - start


def medians(runs: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Time each in turns, so that other load meets all alike: median milliseconds.

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


def checked(case: Case) -> np.ndarray:
    """Return our result; AssertionError unless the portable op gives the same."""
    found = case.result(wait(case.call()))
    with ops.portable():
        expected = case.result((case.beginning or case.call)())
    if not equal(found[: len(expected)], expected).all():
        raise AssertionError(f"{case.name}: not what the portable op gives")
    return found


def compare(case: Case) -> Comparison:
    """Check ours, then time it and every peer that is installed."""
    found = checked(case)
    runs, same = {OURS: case.call}, {OURS: 1.0}
    for name, peer in case.peers.items():
        try:
            run = peer(*case.inputs)
            other = run()
        except ImportError:
            continue
        runs[name] = run
        same[name] = None if other is None else case.same(found, other)
    times = medians(runs)
    timed = [Timed(name, times[name], same[name]) for name in runs]
    steady = medians({OURS: case.call})[OURS]
    return Comparison(case.name, timed, steady)
