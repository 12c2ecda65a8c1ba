"""One call of an op beside other libraries."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.commands.timings import timed_runs

OURS = "gspn_tf"


def first_output(outputs: Any) -> np.ndarray:
    """Take the first output of an op, without the axis of its one cloud."""
    return tf.nest.flatten(outputs)[0][0].numpy()


def batched(*arrays: np.ndarray) -> tuple[tf.Tensor, ...]:
    """Make tensors of one cloud each."""
    return tuple(tf.constant(array[None]) for array in arrays)


class Case(NamedTuple):
    """One call of an op, and the same work done by other libraries.

    call    runs the op.
    inputs  the arrays that the peers are given.
    peers   libraries by name, each a function of `inputs` that returns the function
            to time. That gives the array of `result`, or None for another kind.
    result  makes the array that is compared of the op's outputs.
    """

    name: str
    call: Callable[[], Any]
    inputs: tuple
    peers: Mapping[str, Callable]
    result: Callable[[Any], np.ndarray] = first_output


class Timed(NamedTuple):
    """One library's part of a case; `same` is the share of values equal to ours."""

    case: str
    library: str
    milliseconds: float
    same: float | None


def equal(found: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Compare element by element: integers exactly, floats to 1e-5 (order of sums)."""
    if np.issubdtype(found.dtype, np.integer):
        return found == other
    return np.isclose(found, other, rtol=1e-5, atol=1e-5)


def checked(case: Case) -> np.ndarray:
    """Return our result; AssertionError unless the portable op gives the same."""
    found = case.result(case.call())
    with ops.portable():
        expected = case.result(case.call())
    if not equal(found, expected).all():
        raise AssertionError(f"{case.name}: not what the portable op gives")
    return found


def compare(case: Case, repeats: int) -> list[Timed]:
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
        same[name] = None if other is None else float(equal(found, other).mean())
    return [
        Timed(case.name, name, timed_runs(name, run, repeats).median_ms, same[name])
        for name, run in runs.items()
    ]
