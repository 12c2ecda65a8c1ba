"""Still pictures of point clouds: a depth buffer in NumPy, PNG through Pillow.

Pictures are drawn at twice their size and averaged down.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from gspn_tf.visualize.raster import OVERSAMPLING, Camera, Raster, View
from gspn_tf.visualize.sheet import GROUND, Caption, in_columns, in_rows, save
from gspn_tf.visualize.surface import outward_directions, splat_sizes

REDUCE = Image.Resampling.BOX
MAX_POINTS = 250_000
FACING = 0.2  # cosine between an outer wall's direction and the camera's
BOX_INK = (213, 94, 0)


class Dots(NamedTuple):
    """Points that nothing hides: drawn over a finished picture, far to near."""

    points: np.ndarray  # [M, 3] metres
    color: tuple[int, int, int]
    radius: float = 0.006  # heights of the picture
    outline: tuple[int, int, int] | None = None


class Panel(NamedTuple):
    """One picture of a row of pictures that share points and camera."""

    title: str
    colors: np.ndarray  # [V, 3] uint8
    boxes: np.ndarray | None = None  # [R, 6] wire frames: centre, size
    points: np.ndarray | None = None  # [V, 3] drawn in place of the row's
    dots: Sequence[Dots] = ()


class Row(NamedTuple):
    """Pictures side by side."""

    title: str
    points: np.ndarray  # [V, 3] metres, z up; they frame every picture
    panels: Sequence[Panel]


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
    pictures = _pictures(Row("", points, panels), view or View())
    save(path, in_columns(pictures, [panel.title for panel in panels], columns))


def render_rows(
    path: str | Path,
    rows: Sequence[Row],
    *,
    view: View | None = None,
    caption: Caption = Caption(),  # noqa: B008 - immutable
) -> None:
    """Write rows of pictures under the titles of the first row's, atomically.

    Args:
        path: PNG file to write.
        rows: at least one; all of the same number of panels.
        view: camera of every row, and the size of one panel.
        caption: what stands below.

    Raises:
        ValueError: as `render_panels`, or rows of different lengths.
    """
    lengths = {len(row.panels) for row in rows}
    if len(lengths) != 1:
        raise ValueError(f"rows must have one length, got {sorted(lengths)}")
    pictures = [_pictures(row, view or View()) for row in rows]
    titles = [panel.title for panel in rows[0].panels]
    save(path, in_rows(pictures, titles, [row.title for row in rows], caption))


def _pictures(row: Row, view: View) -> list[Image.Image]:
    """The row's panels, each in the view's size."""
    points = _checked(row.points)
    finite = np.isfinite(points).all(axis=1)
    if not finite.any():
        raise ValueError("points must hold at least one finite point, got none")
    camera = Camera.framing(points[_thinned(finite)], view)
    shared = None
    pictures = []
    for panel in row.panels:
        if panel.points is not None:
            drawn = _Drawn.of(_checked(panel.points), camera, view)
        else:
            drawn = shared = shared or _Drawn.of(points, camera, view)
        picture = _picture(panel, drawn)
        pictures.append(picture.resize((view.width, view.height), REDUCE))
    return pictures


class _Drawn(NamedTuple):
    """A cloud of V points on a raster."""

    count: int  # V
    kept: np.ndarray  # rows of the points that the raster knows
    raster: Raster

    @classmethod
    def of(cls, points: np.ndarray, camera: Camera, view: View) -> "_Drawn":
        kept = _thinned(np.isfinite(points).all(axis=1))
        if view.open_walls:
            kept = kept[_turned_away(camera, points[kept])]
        sizes = splat_sizes(points[kept]) * view.point_size
        return cls(len(points), kept, Raster.of(camera, points[kept], sizes))


def _picture(panel: Panel, drawn: _Drawn) -> Image.Image:
    """A panel's colours on the raster, its boxes and dots over them."""
    colors, raster = np.asarray(panel.colors), drawn.raster
    if colors.shape != (drawn.count, 3):
        raise ValueError(f"colors must be [{drawn.count}, 3], got {list(colors.shape)}")
    pixels = np.full((*raster.owners.shape, 3), GROUND, np.uint8)
    covered = raster.owners >= 0
    shown = colors[drawn.kept[raster.owners[covered]]] * raster.light[covered, None]
    pixels[covered] = shown.round().astype(np.uint8)
    picture = Image.fromarray(pixels)
    if panel.boxes is not None:
        _draw_boxes(picture, raster.camera, np.asarray(panel.boxes))
    for dots in panel.dots:
        _draw_dots(picture, raster.camera, dots)
    return picture


def _draw_boxes(picture: Image.Image, camera: Camera, boxes: np.ndarray) -> None:
    draw = ImageDraw.Draw(picture)
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    edges = [(a, b) for a in range(8) for b in range(a) if (a ^ b) in (1, 2, 4)]
    for box in boxes:
        corners, _ = camera.project(box[:3] + signs * box[3:])
        for a, b in edges:
            line = [tuple(corners[a]), tuple(corners[b])]
            draw.line(line, fill=BOX_INK, width=OVERSAMPLING + 1)


def _draw_dots(picture: Image.Image, camera: Camera, dots: Dots) -> None:
    draw = ImageDraw.Draw(picture)
    pixels, depths = camera.project(np.asarray(dots.points))
    radius = dots.radius * camera.height
    for x, y in pixels[np.argsort(-depths)]:
        circle = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(circle, dots.color, dots.outline, OVERSAMPLING)


def _checked(points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, np.float32)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"points must be [V, 3], got {points.shape}")
    return points


def _thinned(finite: np.ndarray) -> np.ndarray:
    """Rows that are finite, a random subset of them where they are too many."""
    kept = np.flatnonzero(finite)
    if len(kept) > MAX_POINTS:
        chosen = np.random.default_rng(0).choice(len(kept), MAX_POINTS, False)
        kept = kept[np.sort(chosen)]
    return kept


def _turned_away(camera: Camera, points: np.ndarray) -> np.ndarray:
    """Points that are not on an outer wall facing the camera: bool [V]."""
    towards = (camera.eye - points)[:, :2]
    towards = towards / np.linalg.norm(towards, axis=1, keepdims=True).clip(1e-9)
    return (outward_directions(points) * towards).sum(axis=1) < FACING
