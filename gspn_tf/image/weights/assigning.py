"""Giving a network the arrays of a file: all that it needs, and nothing unknown."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from gspn_tf.files.errors import ScanError

_LISTED = 6  # names of a list that an error shows


class Weight(NamedTuple):
    """A variable of the network, and how it is made of a file's arrays."""

    variable: keras.Variable
    sources: Mapping[str, tuple[int, ...]]  # names in the file, and their shapes there
    make: Callable[..., np.ndarray]  # of those arrays, in this order


def as_they_are(array: np.ndarray) -> np.ndarray:
    """An array that needs no change."""
    return array


def from_channels_first(array: np.ndarray) -> np.ndarray:
    """A kernel [out, in, H, W] of torch as [H, W, in, out]."""
    return array.transpose(2, 3, 1, 0)


def channels_first(shape: Iterable[int]) -> tuple[int, ...]:
    """The shape in torch of a kernel of shape [H, W, in, out]."""
    height, width, channels, units = shape
    return units, channels, height, width


def assign(
    path: str | Path,
    arrays: Mapping[str, np.ndarray],
    weights: Iterable[Weight],
    ignored: Callable[[str], object],
) -> None:
    """Give variables their values; none is changed where one does not fit.

    Args:
        path: The file, for messages.
        arrays: What it holds.
        weights: What the network needs.
        ignored: Says of the name of an array that the network needs none of it.

    Raises:
        ScanError: An array is missing, of another shape, not finite, or unknown; one
            line lists them.
    """
    weights = list(weights)
    wanted = {name: shape for x in weights for name, shape in x.sources.items()}
    shapes = {
        name: f"{name} {list(arrays[name].shape)} for {list(shape)}"
        for name, shape in wanted.items()
        if name in arrays and arrays[name].shape != tuple(shape)
    }
    kept = [name for name in wanted if name in arrays and name not in shapes]
    faults = {
        "missing": [name for name in wanted if name not in arrays],
        "of another shape": list(shapes.values()),
        "not finite": [x for x in kept if not np.isfinite(arrays[x]).all()],
        "unknown": [x for x in arrays if x not in wanted and not ignored(x)],
    }
    said = [f"{kind}: {_listed(names)}" for kind, names in faults.items() if names]
    if said:
        raise ScanError(f"{path} does not fit the network: {'; '.join(said)}")
    for variable, sources, make in weights:
        value = make(*(arrays[name] for name in sources))
        variable.assign(np.ascontiguousarray(value, np.float32))


def _listed(names: list[str]) -> str:
    more = len(names) - _LISTED
    shown = ", ".join(name[:100] for name in names[:_LISTED])
    return f"{shown} and {more} more" if more > 0 else shown
