"""Classes and objects of points, as this and other programs write them."""

from collections.abc import Iterable

import numpy as np

NAMES = {"semantic": ("semantic", "label"), "instance": ("instance",)}
"""Names of columns of labels, the best first; CloudCompare puts `scalar_` before."""
NONE = -1
_NONE = (2**32 - 1, 2**32, 2**64 - 1)  # -1 as uint32, as float32 has that, as uint64


def label_column(names: Iterable[str], kind: str) -> str | None:
    """The name of the column of labels of a kind, "semantic" or "instance"."""
    plain = {name.lower(): name for name in names}
    wanted = NAMES[kind]
    for name in (*wanted, *(f"scalar_{each}" for each in wanted)):
        if name in plain:
            return plain[name]
    return None


def as_labels(values: np.ndarray, name: str) -> np.ndarray:
    """Labels [V] int32 of numbers [V]; `NONE` where they are NaN or say that.

    Raises:
        ValueError: values that are no integers of 32 bits.
    """
    wide = values.astype(np.float64)
    none = ~np.isfinite(wide) | np.isin(wide, _NONE)
    if values.dtype.newbyteorder("=") == np.uint16:
        none |= values == np.iinfo(np.uint16).max
    wide[none] = NONE
    limits = np.iinfo(np.int32)
    good = (wide >= limits.min) & (wide <= limits.max) & (wide % 1 == 0)
    if not good.all():
        raise ValueError(f"{name} must be integers, got {values[~good][0]}")
    return wide.astype(np.int32)
