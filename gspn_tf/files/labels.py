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

    Numbers of objects that are too large for that are counted anew, from 1 on.

    Raises:
        ValueError: values that are no integers, or too large for class ids.
    """
    wide = values.astype(np.float64)
    none = ~np.isfinite(wide) | np.isin(wide, _NONE)
    if values.dtype.newbyteorder("=") == np.uint16:
        none |= values == np.iinfo(np.uint16).max
    limits = np.iinfo(np.int32)
    none |= wide < limits.min  # as a NaN is that became an integer
    wide[none] = NONE
    if not (good := wide % 1 == 0).all():
        raise ValueError(f"{name} must be integers, got {values[~good][0]}")
    if (large := wide > limits.max).any():
        if name != "instance":
            raise ValueError(
                f"{name} must be at most {limits.max}, got {values[large][0]}"
            )
        _, ranks = np.unique(values, return_inverse=True)
        wide = np.where(wide > 0, ranks + 1, wide)
    return wide.astype(np.int32)
