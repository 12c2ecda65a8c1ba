"""Depth images -> points of a room: published intrinsics, z up.

Camera frame  x to the right, y down, z forward (the optical axis), metres.
Room frame    x to the right, y forward, z up, the camera at the origin.
              One is the other turned by 90 degrees about x. The tilt of the camera is
              not known, so a floor seen from above rises or falls with the distance.
"""

from typing import NamedTuple

import numpy as np

ROOM_FROM_CAMERA = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], np.float64)


class Intrinsics(NamedTuple):
    """A pinhole camera; pixel (0, 0) is the middle of the upper left one."""

    focal: tuple[float, float]  # (fx, fy) pixels
    center: tuple[float, float]  # (cx, cy) pixels


NYUV2_CAMERA = Intrinsics((518.857901, 519.469611), (325.582449, 253.736166))
"""The colour camera of NYUv2, to which its depth is aligned (camera_params.m)."""


def measured(depth: np.ndarray) -> np.ndarray:
    """Pixels [H, W] whose depth was measured: finite and above zero."""
    return np.isfinite(depth) & (depth > 0)


def lift(depth: np.ndarray, where: np.ndarray, camera: Intrinsics) -> np.ndarray:
    """Points [V, 3] float64 in the camera frame of the pixels `where`, row by row.

    depth  [H, W] metres along the optical axis     where  [H, W] bool
    """
    rows, columns = np.nonzero(where)
    pixels = np.stack([columns, rows], axis=1).astype(np.float64)
    z = depth[where][:, None].astype(np.float64)
    xy = (pixels - np.array(camera.center)) * (z / np.array(camera.focal))
    return np.concatenate([xy, z], axis=1)
