"""One HTML page to look at a scan and what was found in it; needs no network."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gspn_tf.files import write_text
from gspn_tf.visualize.layers import Layer, encoded, hex_color, layer_id
from gspn_tf.visualize.palette import NOTHING
from gspn_tf.visualize.raster import Viewpoint
from gspn_tf.visualize.render import Panel, PanelRow, draw_panels
from gspn_tf.visualize.surface import outward_directions, shown_rows, splat_sizes
from gspn_tf.visualize.templates import fill

MAX_POINTS = 120_000
STILL_POINTS = 30_000
STILL = Viewpoint(width=560, height=420, point_size=1.2)


def write_page(
    path: str | Path,
    points: np.ndarray,
    layers: Sequence[Layer],
    *,
    title: str,
    opens: str = "",
) -> None:
    """Write a page of points [V, 3], metres, z up, atomically.

    There is at least one layer; the page opens with the one of the name `opens`, or
    with the first.
    Points that are not finite, or far from all others, are left out. Of a scan of more
    than `MAX_POINTS` points a random subset is shown, the same each time; the page says
    so. Where WebGL or JavaScript is missing the page shows a picture of the last layer
    with labels.
    """
    points = np.asarray(points, np.float64)
    shown = shown_rows(points, MAX_POINTS)
    scene = {
        "cloud": _cloud(points[shown]),
        "nothing": hex_color(NOTHING),
        "opens": layer_id(opens),
        "layers": [layer.picked(shown).values() for layer in layers],
    }
    still = _still(points, layers) if len(shown) else None
    counts = {"shown": len(shown), "total": len(points)}
    text = fill("page.html", title=title, scene=scene, still=still, **counts)
    write_text(path, text)


def _cloud(points: np.ndarray) -> dict[str, Any]:
    """Return positions in 65536 steps along the longest side, and shapes of points.

    A shape is a diameter and where an outer wall faces (x, y; 128 is zero).
    """
    low = points.min(axis=0) if len(points) else np.zeros(3)
    size = np.ptp(points, axis=0) if len(points) else np.zeros(3)
    step = (float(size.max()) or 1.0) / 65535
    diameters = splat_sizes(points)
    largest = float(diameters.max(initial=0.0)) or 1.0
    outward = outward_directions(points)
    widths = np.ceil(diameters[:, None] * (255 / largest))
    return {
        "low": low.tolist(),
        "size": size.tolist(),
        "step": step,
        "positions": encoded(np.round((points - low) / step), "<u2"),
        "largest": largest,
        "shapes": encoded(np.hstack([widths, np.round(127 * outward) + 128]), "u1"),
    }


def _still(points: np.ndarray, layers: Sequence[Layer]) -> bytes:
    """Draw a picture for who has no WebGL."""
    labelled = [layer for layer in layers if layer.labels is not None]
    layer = labelled[-1] if labelled else layers[0]
    rows = shown_rows(points, STILL_POINTS)
    colors = layer.point_colors(len(points))[rows]
    row = PanelRow("", points[rows], [Panel("", colors)])
    buffer = io.BytesIO()
    draw_panels(row, STILL)[0].save(buffer, format="JPEG", quality=85)
    return buffer.getvalue()
