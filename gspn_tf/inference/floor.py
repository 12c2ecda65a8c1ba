"""Which axis of a scan points up: the one at whose low end a floor lies."""

import numpy as np

_LAYER = 0.05  # metres; a floor is within two layers
_END = 0.25  # of an axis, in which its lowest and highest layers are looked for
_STRAY = 0.002  # share of the points at each end that are passed over
_SURE = 0.1  # share of the points that a clear floor has
_TIMES = 3  # as much of it as at the low end of another axis
_ENOUGH = 200_000  # points


def find_up(points: np.ndarray, expected: str) -> tuple[str, str]:
    """Find which axis points up, "y" or "z", and say why.

    Rooms have walls on both sides, and scanners see more of a floor than of what is
    above. The axis is another than expected only where that one's floor has a tenth of
    all points, and three times as many as the expected one's.

    Args:
        points: [V, 3] in metres, in the frame of the file, all finite.
        expected: the axis by the format of the file.
    """
    other = "y" if expected == "z" else "z"
    some = points[:: 1 + len(points) // _ENOUGH]
    shares = {
        axis: _floor_share(some[:, "xyz".index(axis)]) for axis in (expected, other)
    }
    if shares[other] > max(_SURE, _TIMES * shares[expected]):
        return other, f"the floor lies at its low end; else --up {expected}"
    if shares[expected] > _SURE:
        return expected, "the floor lies at its low end"
    told = "by its format" if expected == "y" else "by default"
    return expected, f"{told}, as no floor is clear; else --up {other}"


def _floor_share(heights: np.ndarray) -> float:
    """The share of points in the fullest low layer, less that in the fullest high one.

    Args:
        heights: [V] along an axis.
    """
    low, high = np.quantile(heights, [_STRAY, 1 - _STRAY])
    inside = heights[(heights >= low) & (heights <= high)]
    width = max(_LAYER, (high - low) / 1000)
    counts = np.bincount(((inside - low) / width).astype(np.int64))
    layers = counts[:-1] + counts[1:] if len(counts) > 1 else counts
    end = max(1, round(_END * len(layers)))
    return float(layers[:end].max() - layers[-end:].max()) / len(heights)
