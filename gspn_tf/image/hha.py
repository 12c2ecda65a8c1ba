"""HHA: a depth image as three channels that a network for colours can see.

Horizontal disparity, height above the floor and angle of the surface with gravity
(Gupta et al., ECCV 2014), as rcnn-depth computes them: saveHHA.m, processDepthImage.m,
computeNormalsSquareSupport.m, getYDir.m. All lengths are centimetres, as there. The
camera frame has x to the right, y down and z forward.
"""

import numpy as np
from scipy import ndimage

from gspn_tf.files.depth import NYUV2_CAMERA, Intrinsics, measured
from gspn_tf.files.errors import check_shape

_DOWN = np.array([0.0, 1.0, 0.0])
_NORMAL_RADIUS = 3  # pixels, of the windows of the normals whose angles are taken
_GRAVITY_RADIUS = 10  # pixels, of those that gravity is found by
_GRAVITY_STEPS = ((45.0, 5), (15.0, 5))  # degrees of tolerance, and iterations with it
_LEAST_TURN = 0.1  # degrees; a camera that is turned by less is level
# Where the lowest point is not that far under the camera, no floor is in sight, and the
# camera is taken to be at the second height.
_FLOOR_IN_SIGHT, _CAMERA_HEIGHT = 90.0, 130.0
_DISPARITY, _NEAREST = 31_000.0, 100.0  # disparity is the first over the depth
_ANGLE_OFFSET = 128.0 - 90.0  # so that a wall has 128
# A window has no normal if its pixels are on a line, where the published programs give
# what rounding makes of 0 / 0; the least determinant, of the matrix divided by the
# number of pixels. That of three pixels in a corner is 1e-12.
_LEAST_DETERMINANT = 1e-14


def hha(
    depth: np.ndarray,
    camera: Intrinsics = NYUV2_CAMERA,
    raw: np.ndarray | None = None,
) -> np.ndarray:
    """Compute the HHA image of a depth image.

    Args:
        depth: [H, W] metres along the optical axis, its holes filled. A pixel that has
            none all the same counts as at the camera, as in the published code.
        camera: Its intrinsics. Pixels are counted from 1, as in the published code.
        raw: [H, W] the depth as it was measured, 0 where it was not: such pixels are
            in no normal. By default, those of `depth`.

    Returns:
        [H, W, 3] uint8: disparity (31000 / cm, 255 at 1.2 m), height above the lowest
        point (cm), angle with gravity (degrees + 38: 38 the floor, 128 a wall).

    Raises:
        ScanError: an array has another shape.
    """
    check_shape("depth", depth, ("H", "W"))
    raw = depth if raw is None else raw
    check_shape("raw", raw, depth.shape)
    points = _points(np.where(measured(depth), depth, 0.0), camera)
    there = measured(raw) & measured(depth)
    down = gravity(_normals(points, there, _GRAVITY_RADIUS))
    cosine = _normals(points, there, _NORMAL_RADIUS) @ down
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    channels = (
        _DISPARITY / np.maximum(points[..., 2], _NEAREST),
        _heights(points, down),
        np.where(np.isnan(angle), 180.0, angle) + _ANGLE_OFFSET,
    )
    return np.clip(np.rint(np.stack(channels, -1)), 0, 255).astype(np.uint8)


def _points(depth: np.ndarray, camera: Intrinsics) -> np.ndarray:
    """Points [H, W, 3] in cm of all pixels, which are counted from 1."""
    height, width = depth.shape
    z = 100.0 * depth.astype(np.float64)
    x = (np.arange(1, width + 1) - camera.center[0]) * z / camera.focal[0]
    y = (np.arange(1, height + 1)[:, None] - camera.center[1]) * z / camera.focal[1]
    return np.stack([x, y, z], axis=-1)


def _normals(points: np.ndarray, there: np.ndarray, radius: int) -> np.ndarray:
    """Unit normals [H, W, 3] of planes through the windows around pixels.

    The plane n . P = 1 is fitted to the points P of a window as if depths had one error
    in their inverses: n . P / z = 1 / z. Normals point away from the camera; where
    there is none they are NaN.

    Args:
        points: [H, W, 3] in cm.
        there: [H, W] pixels that count.
        radius: of a window of 2 * radius + 1 pixels; it ends at the image's borders.
    """
    z = np.where(there, points[..., 2], 1.0)
    x, y, inverse = points[..., 0] / z, points[..., 1] / z, 1.0 / z
    one = np.ones_like(z)
    rows = (x * x, x * y, x, y * y, y, one, x * inverse, y * inverse, inverse)
    sums = np.stack(rows, -1) * there[..., None]
    for axis in (0, 1):
        window = np.ones(2 * radius + 1)
        sums = ndimage.convolve1d(sums, window, axis, mode="constant")
    count = np.maximum(sums[..., 5:6], 1.0)
    a, b, c, d, e, f, *right = np.moveaxis(sums / count, -1, 0)
    adjugate = (
        (d * f - e * e, c * e - b * f, b * e - c * d),
        (c * e - b * f, a * f - c * c, b * c - a * e),
        (b * e - c * d, b * c - a * e, a * d - b * b),
    )
    determinant = sum(p * q for p, q in zip((a, b, c), adjugate[0], strict=True))
    found = np.stack(
        [sum(p * q for p, q in zip(row, right, strict=True)) for row in adjugate], -1
    )
    length = np.linalg.norm(found, axis=-1)
    flat = (determinant > _LEAST_DETERMINANT) & (length > 0)
    found = (
        np.where(flat[..., None], found, np.nan) / np.where(flat, length, 1)[..., None]
    )
    found *= np.where(found[..., 2:] < 0, -1.0, 1.0)
    side = (found * points).sum(-1, keepdims=True)
    return found * np.where(side < 0, -1.0, 1.0)


def gravity(directions: np.ndarray) -> np.ndarray:
    """Direction of gravity [3], a unit vector, by normals [H, W, 3].

    That which is most along the normals of what is nearly level, and across those of
    what is nearly upright; found anew with what it makes level, from the camera's y.
    """
    down, directions = _DOWN, directions[~np.isnan(directions[..., 0])]
    for tolerance, steps in _GRAVITY_STEPS:
        for _ in range(steps):
            along = np.abs(directions @ down)
            level = directions[along > np.cos(np.radians(tolerance))]
            upright = directions[along < np.sin(np.radians(tolerance))]
            moments = upright.T @ upright - level.T @ level
            if not moments.any():
                return down
            _, vectors = np.linalg.eigh(moments)
            down = vectors[:, 0] * (-1.0 if vectors[:, 0] @ down < 0 else 1.0)
    return down


def _heights(points: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Heights [H, W] in cm of points [H, W, 3] above the lowest, or the floor's guess.

    The published code turns the points so that gravity is y; a turn of less than 0.1
    degrees it leaves out.
    """
    turned = np.degrees(np.arccos(np.clip(_DOWN @ down, -1, 1))) > _LEAST_TURN
    height = -points @ (down if turned else _DOWN)
    lowest = height.min()
    return height - (-_CAMERA_HEIGHT if lowest > -_FLOOR_IN_SIGHT else lowest)
