"""Pictures in rows, under titles and beside names, with a caption: by matplotlib."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch

from gspn_tf.files import replacing
from gspn_tf.visualize.layers import hex_color
from gspn_tf.visualize.raster import Viewpoint
from gspn_tf.visualize.render import PanelRow, draw_panels

DPI = 100
GAP = 12  # pixels between pictures
_STYLE: dict[Any, Any] = {"text.color": "#1b1f24", "axes.labelcolor": "#1b1f24"}

Legend = Sequence[tuple[str, np.ndarray | Sequence[int]]]  # names and their colours


def write_sheet(
    path: str | Path,
    rows: Sequence[PanelRow],
    view: Viewpoint = Viewpoint(),  # noqa: B008 - immutable
    caption: str = "",
    legend: Legend = (),
) -> None:
    """Write rows of pictures as one PNG, atomically: the same bytes for the same rows.

    Args:
        path: file to write.
        rows: at least one, of the same number of panels; the titles of the first one's
            panels stand above.
        view: camera of every row, and the size of one picture.
        caption: a sentence below the pictures.
        legend: colours and their names, above the caption.
    """
    with matplotlib.rc_context(_STYLE), replacing(path) as beside:
        _sheet(rows, view, caption, legend).savefig(beside, format="png", dpi=DPI)


def _sheet(
    rows: Sequence[PanelRow], view: Viewpoint, caption: str, legend: Legend
) -> Canvas:
    line = max(14, round(0.075 * view.height))  # pixels of a line of text
    letter: dict[str, Any] = {"fontsize": 0.55 * line * 72 / DPI}
    titles = [panel.title for panel in rows[0].panels]
    left, above = line * any(row.title for row in rows), line * any(titles)
    width = left + len(titles) * (view.width + GAP) - GAP
    longest = max((len(name) for name, _ in legend), default=1)
    a_line = max(1, int(width / ((0.35 * longest + 2) * line)))  # names of the legend
    legend_lines = -(-len(legend) // a_line)
    below = GAP * bool(legend or caption) + line * (legend_lines + bool(caption))
    height = above + len(rows) * (view.height + GAP) - GAP + below

    canvas = Canvas(figsize=(width / DPI, height / DPI))
    margins = {"left": left / width, "right": 1, "bottom": below / height}
    gaps = {"wspace": GAP / view.width, "hspace": GAP / view.height}
    grid = margins | gaps | {"top": 1 - above / height}
    places = canvas.subplots(len(rows), len(titles), squeeze=False, gridspec_kw=grid)
    for places_of_row, row in zip(places, rows, strict=True):
        pictures = draw_panels(row, view)
        for axes, picture in zip(places_of_row, pictures, strict=True):
            axes.imshow(picture, aspect="auto", interpolation="none")
            axes.set(xticks=[], yticks=[], frame_on=False)
        places_of_row[0].set_ylabel(row.title, **letter)
    for axes, title in zip(places[0], titles, strict=True):
        axes.set_title(title, **letter, pad=letter["fontsize"] / 3)
    if legend:
        patches = [Patch(color=hex_color(color), label=name) for name, color in legend]
        anchor = (0.5, line * bool(caption) / height)
        look: dict[str, Any] = {"loc": "lower center", "frameon": False, "borderpad": 0}
        canvas.legend(
            handles=patches, bbox_to_anchor=anchor, ncols=a_line, **look, **letter
        )
    canvas.text(0.5, 0.3 * line / height, caption, ha="center", **letter)
    return canvas
