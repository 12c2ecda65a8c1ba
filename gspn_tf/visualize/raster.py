"""A depth buffer in NumPy: which point of a cloud each pixel of a picture shows.

Points are discs as wide as the cloud is sparse, shaded by depth: a pixel darkens where
its neighbours are nearer (eye-dome lighting).
"""

from typing import NamedTuple

import numpy as np

OVERSAMPLING = 2
LARGEST = 16  # radius of a disc, pixels of the oversampled picture
FIELD_OF_VIEW = 0.6  # radians, vertical


class Viewpoint(NamedTuple):
    """A Viewpoint says where the camera stands and how large a picture it takes."""

    azimuth: float = 40.0  # degrees about z, of the side that the camera looks from
    elevation: float = 48.0  # degrees above the horizon
    width: int = 720
    height: int = 540
    point_size: float = 1.0  # times the size that just closes a surface
    open_walls: bool = True  # leave out the outer walls that face the camera


class PictureCamera(NamedTuple):
    """A PictureCamera is a pinhole camera in pixels of the oversampled picture."""

    eye: np.ndarray  # [3] metres
    axes: np.ndarray  # [3, 3] rows right, down, forward
    focal: float  # pixels
    width: int
    height: int

    @classmethod
    def framing(cls, points: np.ndarray, view: Viewpoint) -> "PictureCamera":
        """Return the camera at the view's angles that has all points in its picture."""
        azimuth, elevation = np.radians([view.azimuth, view.elevation])
        level = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
        forward = -np.cos(elevation) * level - np.array([0, 0, np.sin(elevation)])
        right = np.array([-level[1], level[0], 0.0])
        axes = np.stack([right, np.cross(forward, right), forward])
        width, height = view.width * OVERSAMPLING, view.height * OVERSAMPLING
        focal = height / 2 / np.tan(FIELD_OF_VIEW / 2)
        local = (points - points.mean(axis=0)) @ axes.T
        local = local[:: max(1, len(local) // 100_000)]
        reach = focal / (0.47 * np.array([width, height]))
        center, shift = np.zeros(2), np.zeros(2)
        for _ in range(5):  # the middle of a picture in perspective, by iteration
            center += shift
            offset = local[:, :2] - center
            back = (np.abs(offset) * reach - local[:, 2:]).max() + 1e-3
            flat = offset / (local[:, 2:] + back)
            shift = (flat.max(axis=0) + flat.min(axis=0)) / 2 * back
        eye = points.mean(axis=0) + np.array([*center, -back]) @ axes
        return cls(eye, axes, focal, width, height)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pixels [V, 2] and depths [V], metres, of points [V, 3]."""
        local = (points - self.eye) @ self.axes.T
        depths = np.maximum(local[:, 2], 1e-6)
        pixels = local[:, :2] * (self.focal / depths)[:, None]
        return pixels + np.array([self.width, self.height]) / 2, depths


class Raster(NamedTuple):
    """A Raster says which point each pixel shows, and how brightly."""

    owners: np.ndarray  # [H, W] row of the point, -1 = none
    light: np.ndarray  # [H, W] 0..1


def rasterise(camera: PictureCamera, points: np.ndarray, sizes: np.ndarray) -> Raster:
    """Draw discs at points [V, 3] of diameters [V], metres, through a depth buffer."""
    pixels, depths = camera.project(points)
    order = np.argsort(-depths)  # far to near: of equal pixels the last one stays
    pixels, depths = pixels[order], depths[order]
    radii = np.clip(0.5 * sizes[order] * camera.focal / depths, 1.0, LARGEST)
    size = np.array([camera.width, camera.height])
    nearest = np.full(size.prod(), np.inf)
    owners = np.full(size.prod(), -1)
    widest = int(radii.max(initial=0)) + 1
    reach = np.arange(-widest, widest + 1)
    for step in np.stack(np.meshgrid(reach, reach), axis=-1).reshape(-1, 2):
        rows = np.flatnonzero(radii > np.hypot(*step) - 1)
        cells = np.floor(pixels[rows]).astype(np.int64) + step
        away = np.square(cells + 0.5 - pixels[rows]).sum(axis=1)
        hits = (away <= radii[rows] ** 2) & ((cells >= 0) & (cells < size)).all(1)
        rows, at = rows[hits], cells[hits] @ [1, camera.width]
        closer = depths[rows] < nearest[at]
        rows, at = rows[closer], at[closer]
        nearest[at] = depths[rows]
        owners[at] = order[rows]
    shape = (camera.height, camera.width)
    return Raster(owners.reshape(shape), _light(nearest.reshape(shape)))


def _light(depths: np.ndarray) -> np.ndarray:
    """Return how bright each pixel of a depth image is, 0..1."""
    logs = np.log2(depths)
    nearer = np.zeros_like(logs)
    for reach in (1, 3):
        padded = np.pad(logs, reach, mode="edge")
        height, width = logs.shape
        for dy, dx in ((0, -1), (0, 1), (-1, 0), (1, 0)):
            top, left = reach * (1 + dy), reach * (1 + dx)
            with np.errstate(invalid="ignore"):  # beside nothing lies nothing
                step = logs - padded[top : top + height, left : left + width]
            nearer += np.clip(np.nan_to_num(step, posinf=0, neginf=0), 0, 0.05)
    return np.exp(-5.0 * nearer)
