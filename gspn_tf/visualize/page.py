"""One HTML page to look at a scan and what was found in it; needs no network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gspn_tf.files import write_text
from gspn_tf.visualize.layers import Layer, encoded, hex_color
from gspn_tf.visualize.palette import NOTHING
from gspn_tf.visualize.surface import outward_directions, shown_rows, splat_sizes
from gspn_tf.visualize.templates import fill

MAX_POINTS = 120_000


class PageContent(NamedTuple):
    """A PageContent is a cloud of V points and the layers in which a page shows it."""

    points: np.ndarray  # [V, 3] metres, z up
    layers: Sequence[Layer]  # at least one; the page opens with the first
    groups: np.ndarray | None = None  # [V] clouds that stand apart, walls of their own


def write_page(path: str | Path, content: PageContent, *, title: str) -> None:
    """Write the page, atomically.

    Points that are not finite are left out. Of a scan of more than `MAX_POINTS` points
    a random subset is shown, the same each time; the page says so. Where WebGL or
    JavaScript is missing the page says that as well.
    """
    points = np.asarray(content.points, np.float64)
    groups = np.zeros(len(points)) if content.groups is None else content.groups
    shown = shown_rows(points, MAX_POINTS)
    scene = {
        "total": len(points),
        "cloud": _cloud(points[shown], groups[shown]),
        "nothing": hex_color(NOTHING),
        "layers": [layer.picked(shown).values() for layer in content.layers],
    }
    write_text(path, fill("page.html", title=title, scene=scene))


def _cloud(points: np.ndarray, groups: np.ndarray) -> dict[str, Any]:
    """Return positions in 65536 steps along the longest side, and shapes of points.

    A shape is a diameter and where an outer wall faces (x, y; 128 is zero).
    """
    low = points.min(axis=0) if len(points) else np.zeros(3)
    size = np.ptp(points, axis=0) if len(points) else np.zeros(3)
    step = (float(size.max()) or 1.0) / 65535
    diameters = splat_sizes(points)
    largest = float(diameters.max(initial=0.0)) or 1.0
    outward = np.zeros((len(points), 2))
    for group in np.unique(groups):
        inside = groups == group
        outward[inside] = outward_directions(points[inside])
    widths = np.ceil(diameters[:, None] * (255 / largest))
    return {
        "low": low.tolist(),
        "size": size.tolist(),
        "step": step,
        "positions": encoded(np.round((points - low) / step), "<u2"),
        "largest": largest,
        "shapes": encoded(np.hstack([widths, np.round(127 * outward) + 128]), "u1"),
    }
