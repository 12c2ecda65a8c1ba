"""Instance masks over the points of a scan, in memory and in a compact file.

The file is a compressed NumPy archive (.npz) of two arrays:

    num_points  int64 scalar, V
    bits        uint8 [D, ceil(V / 8)], one row a mask; point p is bit p % 8 (counted
                from the lowest) of byte p // 8; the bits after point V - 1 are zero

so that any NumPy reads it without this package:

    file = np.load("masks.npz")
    masks = np.unpackbits(
        file["bits"], axis=1, count=file["num_points"], bitorder="little"
    ).astype(bool)
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gspn_tf.files import npz, replacing
from gspn_tf.files.errors import ScanError, check_shape


def write_masks(path: str | Path, masks: Sequence[np.ndarray], num_points: int) -> None:
    """Write D masks over `num_points` points, atomically.

    Args:
        path: file to write, ending in .npz.
        masks: D masks, each bool [V] or an integer array of the rows of its points.
        num_points: V.

    Raises:
        ValueError: a mask that does not fit V points.
    """
    bits = np.zeros((len(masks), -(-num_points // 8)), np.uint8)
    for row, mask in enumerate(masks):
        inside = np.zeros(num_points, bool)
        inside[rows_in_mask(mask, num_points, f"masks[{row}]")] = True
        bits[row] = np.packbits(inside, bitorder="little")
    if Path(path).suffix != ".npz":
        raise ValueError(f"path must end in .npz, got {path}")
    with replacing(path) as beside:
        np.savez_compressed(beside, num_points=np.int64(num_points), bits=bits)


def read_masks(path: str | Path) -> np.ndarray:
    """Read what write_masks wrote: bool [D, V].

    Raises:
        ScanError: no file, or one that is not such an archive, or not a whole one.
    """
    with npz.open_archive(path) as file:
        number, bits = file["num_points"], file["bits"]
    check_shape(f"{path}: num_points", number, ())
    num_points = int(number)
    width = -(-num_points // 8)
    if bits.dtype != np.uint8 or bits.ndim != 2 or bits.shape[1] != width:
        raise ScanError(
            f"{path}: bits must be uint8 [D, {width}], got {bits.dtype} {bits.shape}"
        )
    return np.unpackbits(bits, axis=1, count=num_points, bitorder="little").astype(bool)


def rows_in_mask(mask: np.ndarray, num_points: int, name: str) -> np.ndarray:
    """Rows of the points that a mask holds, ascending, each once.

    Args:
        mask: bool [V], or an integer array of rows.
        num_points: V.
        name: What an error calls the mask.

    Raises:
        ValueError: a mask that does not fit V points.
    """
    mask = np.asarray(mask)
    if mask.dtype == bool and mask.shape == (num_points,):
        return np.flatnonzero(mask)
    if mask.dtype.kind in "iu" and mask.ndim == 1:
        rows = np.unique(mask)
        if not len(rows) or (rows[0] >= 0 and rows[-1] < num_points):
            return rows
    raise ValueError(
        f"{name} must be bool [{num_points}] or indices below {num_points}, got "
        f"{mask.dtype} {mask.shape}"
    )
