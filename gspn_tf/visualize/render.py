"""Still pictures of point clouds: a depth buffer in NumPy, PNG through Pillow.

Points are drawn as discs as wide as the cloud is sparse and shaded by depth: a pixel
darkens where its neighbours are nearer (eye-dome lighting). Pictures are drawn at twice
their size and averaged down.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gspn_tf.files import replacing
from gspn_tf.visualize.surface import outward_directions, splat_sizes

OVERSAMPLING = 2
REDUCE = Image.Resampling.BOX
LARGEST = 16  # radius of a disc, pixels of the oversampled picture
FIELD_OF_VIEW = 0.6  # radians, vertical
MAX_POINTS = 250_000
FACING = 0.2  # cosine between an outer wall's direction and the camera's
INK = (27, 31, 36)
GROUND = (255, 255, 255)
BOX_INK = np.array([213, 94, 0])


class View(NamedTuple):
    """Where the camera stands and how large a picture it takes."""

    azimuth: float = 40.0  # degrees about z, of the side that the camera looks from
    elevation: float = 48.0  # degrees above the horizon
    width: int = 720
    height: int = 540
    point_size: float = 1.0  # times what just closes a surface
    open_walls: bool = True  # leave out the outer walls that face the camera


class Panel(NamedTuple):
    """One picture of a row of pictures that share points and camera."""

    title: str
    colors: np.ndarray  # [V, 3] uint8
    boxes: np.ndarray | None = None  # [R, 6] wire frames: centre, size


def render_png(
    path: str | Path,
    points: np.ndarray,
    colors: np.ndarray,
    *,
    boxes: np.ndarray | None = None,
    view: View | None = None,
) -> None:
    """Write one picture of points [V, 3] (metres, z up) with colors [V, 3] uint8."""
    render_panels(path, points, [Panel("", colors, boxes)], view=view)


def render_panels(
    path: str | Path,
    points: np.ndarray,
    panels: Sequence[Panel],
    *,
    view: View | None = None,
    columns: int | None = None,
) -> None:
    """Write one picture a panel side by side, under their titles, atomically.

    Args:
        path: PNG file to write.
        points: [V, 3] metres, z up; those that are not finite are left out.
        panels: what to show; at least one.
        view: camera of every panel, and the size of one.
        columns: panels in a row; all of them by default.

    Raises:
        ValueError: colours that are not one per point, or no point to draw.
    """
    view = view or View()
    points = np.asarray(points, np.float32)
    kept = _kept_rows(points)
    camera = _Camera.framing(points[kept], view)
    if view.open_walls:
        kept = kept[_turned_away(camera, points[kept])]
    sizes = splat_sizes(points[kept]) * view.point_size
    raster = _Raster.of(camera, points[kept], sizes)
    pictures = [_picture(panel, points.shape, kept, raster) for panel in panels]
    pictures = [p.resize((view.width, view.height), REDUCE) for p in pictures]
    sheet = _sheet(pictures, [panel.title for panel in panels], columns)
    with replacing(path) as beside:
        sheet.save(beside, format="PNG", optimize=True)


class _Camera(NamedTuple):
    """A pinhole camera in pixels of the oversampled picture."""

    eye: np.ndarray  # [3]
    axes: np.ndarray  # [3, 3] rows right, down, forward
    focal: float  # pixels
    width: int
    height: int

    @classmethod
    def framing(cls, points: np.ndarray, view: View) -> "_Camera":
        """The camera at the view's angles that has all points in the picture."""
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
        center = np.zeros(2)
        for _ in range(4):  # the middle of a picture in perspective, by iteration
            offset = local[:, :2] - center
            back = (np.abs(offset) * reach - local[:, 2:]).max() + 1e-3
            flat = offset / (local[:, 2:] + back)
            center += (flat.max(axis=0) + flat.min(axis=0)) / 2 * back
        offset = local[:, :2] - center
        back = (np.abs(offset) * reach - local[:, 2:]).max() + 1e-3
        eye = points.mean(axis=0) + np.array([*center, -back]) @ axes
        return cls(eye, axes, focal, width, height)

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """World [V, 3] -> pixels [V, 2] and depths [V] in metres."""
        local = (points - self.eye) @ self.axes.T
        depths = np.maximum(local[:, 2], 1e-6)
        pixels = local[:, :2] * (self.focal / depths)[:, None]
        return pixels + np.array([self.width, self.height]) / 2, depths


class _Raster(NamedTuple):
    """Which point each pixel shows, and how brightly."""

    camera: _Camera
    owners: np.ndarray  # [H, W] row of the point, -1 = none
    light: np.ndarray  # [H, W] 0..1

    @classmethod
    def of(cls, camera: _Camera, points: np.ndarray, sizes: np.ndarray) -> "_Raster":
        """Discs at points [V, 3] of diameters [V], metres, through a depth buffer."""
        pixels, depths = camera.project(points)
        order = np.argsort(-depths)  # far to near: of equal pixels the last one stays
        pixels, depths = pixels[order], depths[order]
        radii = np.clip(0.5 * sizes[order] * camera.focal / depths, 1.0, LARGEST)
        size = np.array([camera.width, camera.height])
        nearest = np.full(size.prod(), np.inf)
        owners = np.full(size.prod(), -1)
        reach = np.arange(-LARGEST, LARGEST + 1)
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
        return cls(camera, owners.reshape(shape), _light(nearest.reshape(shape)))


def _picture(
    panel: Panel, shape: tuple[int, int], kept: np.ndarray, raster: _Raster
) -> Image.Image:
    """A panel's colours on the raster, its boxes over them."""
    colors = np.asarray(panel.colors)
    if colors.shape != shape:
        raise ValueError(f"colors must be {list(shape)}, got {list(colors.shape)}")
    pixels = np.full((*raster.owners.shape, 3), GROUND, np.uint8)
    drawn = raster.owners >= 0
    shown = colors[kept[raster.owners[drawn]]] * raster.light[drawn, None]
    pixels[drawn] = shown.round().astype(np.uint8)
    picture = Image.fromarray(pixels)
    if panel.boxes is not None:
        _draw_boxes(picture, raster.camera, np.asarray(panel.boxes))
    return picture


def _light(depths: np.ndarray) -> np.ndarray:
    """How bright each pixel of a depth image is, 0..1."""
    with np.errstate(invalid="ignore"):
        logs = np.log2(depths)
        nearer = np.zeros_like(logs)
        for reach in (1, 3):
            padded = np.pad(logs, reach, mode="edge")
            height, width = logs.shape
            for dy, dx in ((0, -1), (0, 1), (-1, 0), (1, 0)):
                top, left = reach * (1 + dy), reach * (1 + dx)
                step = logs - padded[top : top + height, left : left + width]
                nearer += np.clip(np.nan_to_num(step, posinf=0, neginf=0), 0, 0.05)
    return np.exp(-5.0 * nearer)


def _draw_boxes(picture: Image.Image, camera: _Camera, boxes: np.ndarray) -> None:
    draw = ImageDraw.Draw(picture)
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    edges = [(a, b) for a in range(8) for b in range(a) if (a ^ b) in (1, 2, 4)]
    for box in boxes:
        corners, _ = camera.project(box[:3] + signs * box[3:])
        for a, b in edges:
            line = [tuple(corners[a]), tuple(corners[b])]
            draw.line(line, fill=tuple(BOX_INK.tolist()), width=OVERSAMPLING + 1)


def _sheet(
    pictures: list[Image.Image], titles: list[str], columns: int | None
) -> Image.Image:
    """Pictures in rows of `columns`, a title above each when there is any."""
    columns = columns or len(pictures)
    width, height = pictures[0].size
    band = round(0.075 * height) if any(titles) else 0
    gap = 12 if len(pictures) > 1 else 0
    rows = -(-len(pictures) // columns)
    size = (columns * (width + gap) - gap, rows * (height + band + gap) - gap)
    sheet = Image.new("RGB", size, GROUND)
    font = ImageFont.load_default(size=max(10, 0.55 * band))
    for number, (picture, title) in enumerate(zip(pictures, titles, strict=True)):
        left = (number % columns) * (width + gap)
        top = (number // columns) * (height + band + gap)
        sheet.paste(picture, (left, top + band))
        middle = (left + width / 2, top + band / 2)
        ImageDraw.Draw(sheet).text(middle, title, fill=INK, font=font, anchor="mm")
    return sheet


def _kept_rows(points: np.ndarray) -> np.ndarray:
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"points must be [V, 3], got {points.shape}")
    kept = np.flatnonzero(np.isfinite(points).all(axis=1))
    if not len(kept):
        raise ValueError("points must hold at least one finite point, got none")
    if len(kept) > MAX_POINTS:
        chosen = np.random.default_rng(0).choice(len(kept), MAX_POINTS, False)
        kept = kept[np.sort(chosen)]
    return kept


def _turned_away(camera: _Camera, points: np.ndarray) -> np.ndarray:
    """Points that are not on an outer wall facing the camera: bool [V]."""
    towards = (camera.eye - points)[:, :2]
    towards = towards / np.linalg.norm(towards, axis=1, keepdims=True).clip(1e-9)
    return (outward_directions(points) * towards).sum(axis=1) < FACING
