"""Errors of a structured-light depth camera, such as ScanNet's Structure sensor.

The noise is that of Kinect-like cameras (Nguyen et al., 3DIMPVT 2012): it grows with
the square of the depth. Depth comes from a disparity in eighths of a pixel.
"""

import numpy as np

_BASELINE = 0.075  # metres
_FOCAL = 577.87  # pixels of the camera's own 640 columns
_GRAZING = 0.25  # cosine below which rays are lost
NEAREST = 0.4  # metres


def measured_depth(
    rng: np.random.Generator,
    depth: np.ndarray,
    cosine: np.ndarray,
    loses: np.ndarray,
    farthest: float,
) -> np.ndarray:
    """Return depth images as the camera gives them.

    Args:
        rng: draws noise and gaps.
        depth: [N, H, W] true depth along the optical axis, metres; inf = nothing.
        cosine: [N, H, W] of the angle between ray and normal.
        loses: [N, H, W] chance that the surface gives no answer.
        farthest: range, metres.

    Returns:
        Depth [N, H, W] float32, 0 where there is none.
    """
    true = np.where(np.isfinite(depth), depth, 0.0)
    sigma = 0.0012 + 0.0019 * np.maximum(true - NEAREST, 0) ** 2
    noisy = true + sigma * rng.standard_normal(true.shape, np.float32)
    scale = 8 * _BASELINE * _FOCAL
    noisy = scale / np.maximum(np.round(scale / np.maximum(noisy, 0.1)), 1)
    lost = (true < NEAREST) | (true > farthest)
    chance = np.maximum(np.clip(1 - cosine / _GRAZING, 0, 1), loses)
    chance = np.maximum(chance, 0.6 * _edges(true))
    lost |= rng.random(true.shape, np.float32) < chance
    return np.where(lost, 0, noisy).astype(np.float32)


def _edges(depth: np.ndarray) -> np.ndarray:
    """Mark the pixels [N, H, W] beside a step in depth."""
    step = 0.05 * np.maximum(depth, 0.1)
    edge = np.zeros(depth.shape, bool)
    for axis in (1, 2):
        jump = np.abs(np.diff(depth, axis=axis))
        first = [slice(None)] * 3
        second = [slice(None)] * 3
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        jump = jump > step[tuple(first)]
        edge[tuple(first)] |= jump
        edge[tuple(second)] |= jump
    return edge
