"""Still pictures of point clouds, with wire frames and dots over them.

Pictures are drawn at twice their size and averaged down.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from gspn_tf.visualize.raster import (
    OVERSAMPLING,
    PictureCamera,
    Raster,
    Viewpoint,
    rasterise,
)
from gspn_tf.visualize.surface import outward_directions, shown_rows, splat_sizes

MAX_POINTS = 250_000
FACING = 0.2  # cosine between an outer wall's direction and the camera's
BOX_INK = (213, 94, 0)
GROUND = (255, 255, 255)


class Dots(NamedTuple):
    """Dots are points that nothing hides: drawn over a picture, far to near."""

    points: np.ndarray  # [M, 3] metres
    color: tuple[int, ...] | np.ndarray  # of all, or [M, 3]
    radius: float = 0.006  # heights of the picture
    outline: tuple[int, ...] | None = None


class Panel(NamedTuple):
    """A Panel is one of several pictures that share points and camera."""

    title: str
    colors: np.ndarray  # [V, 3] uint8
    boxes: np.ndarray | None = None  # [R, 6] wire frames: centre, size
    points: np.ndarray | None = None  # [V, 3] drawn in place of the shared ones
    dots: Sequence[Dots] = ()


class PanelRow(NamedTuple):
    """A PanelRow is a cloud with the panels that show it, side by side."""

    title: str
    points: np.ndarray  # [V, 3] metres, z up; they frame every picture
    panels: Sequence[Panel]


def draw_panels(row: PanelRow, view: Viewpoint) -> list[Image.Image]:
    """Draw each panel of a row in the view's size; points that are not finite miss."""
    points = np.asarray(row.points, np.float64)
    finite = shown_rows(points, MAX_POINTS)
    camera = PictureCamera.framing(points[finite], view)
    shared = _points_by_pixel(points, camera, view)
    pictures = []
    for panel in row.panels:
        drawn = shared
        if panel.points is not None:
            own = np.asarray(panel.points, np.float64)
            drawn = _points_by_pixel(own, camera, view)
        picture = _painted(np.asarray(panel.colors), drawn)
        ink = ImageDraw.Draw(picture)
        for box in () if panel.boxes is None else np.asarray(panel.boxes):
            _draw_box(ink, camera, box)
        for dots in panel.dots:
            _draw_dots(ink, camera, dots)
        size = (view.width, view.height)
        pictures.append(picture.resize(size, Image.Resampling.BOX))
    return pictures


def _points_by_pixel(
    points: np.ndarray, camera: PictureCamera, view: Viewpoint
) -> Raster:
    """Rasterise points [V, 3]; owners are rows of them."""
    kept = shown_rows(points, MAX_POINTS)
    if view.open_walls:
        towards = (camera.eye - points[kept])[:, :2]
        towards /= np.linalg.norm(towards, axis=1, keepdims=True).clip(1e-9)
        facing = (outward_directions(points[kept]) * towards).sum(axis=1)
        kept = kept[facing < FACING]
    sizes = splat_sizes(points[kept]) * view.point_size
    raster = rasterise(camera, points[kept], sizes)
    return raster._replace(owners=np.append(kept, -1)[raster.owners])


def _painted(colors: np.ndarray, raster: Raster) -> Image.Image:
    pixels = np.full((*raster.owners.shape, 3), GROUND, np.uint8)
    covered = raster.owners >= 0
    shown = colors[raster.owners[covered]] * raster.light[covered, None]
    pixels[covered] = shown.round().astype(np.uint8)
    return Image.fromarray(pixels)


def _draw_box(ink: ImageDraw.ImageDraw, camera: PictureCamera, box: np.ndarray) -> None:
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    corners, _ = camera.project(box[:3] + signs * box[3:])
    for a in range(8):
        for b in (b for b in range(a) if (a ^ b) in (1, 2, 4)):
            line = [tuple(corners[a]), tuple(corners[b])]
            ink.line(line, fill=BOX_INK, width=OVERSAMPLING + 1)


def _draw_dots(ink: ImageDraw.ImageDraw, camera: PictureCamera, dots: Dots) -> None:
    pixels, depths = camera.project(np.asarray(dots.points))
    radius = dots.radius * camera.height
    colors = np.broadcast_to(dots.color, (len(pixels), 3)).tolist()
    for row in np.argsort(-depths):
        x, y = pixels[row]
        circle = (x - radius, y - radius, x + radius, y + radius)
        ink.ellipse(circle, tuple(colors[row]), dots.outline, OVERSAMPLING)
