"""Lines over axes, drawn by matplotlib as SVG."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure as Canvas

# Okabe and Ito's blue and vermilion, and dashes for who sees no colours.
_LINES = ({"color": "#0072b2"}, {"color": "#d55e00", "linestyle": "--"})
_COLUMNS = 4
_INCHES = (2.5, 2.3)  # of one chart
_STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "svg.fonttype": "none",
    "svg.hashsalt": "gspn-tf",
}


class Series(NamedTuple):
    """A Series is one line; those of one label look the same and are named once."""

    label: str
    x: Sequence[float] | np.ndarray
    y: Sequence[float] | np.ndarray


def line_charts(
    charts: Mapping[str, Sequence[Series]], x_title: str, y_title: str
) -> Canvas:
    """Draw one chart or more of values from 0 up, each under its name, four in a row.

    A line without points is named in the legend alone.
    """
    columns = min(_COLUMNS, len(charts))
    rows = -(-len(charts) // columns)
    size = columns * _INCHES[0], rows * _INCHES[1]
    with matplotlib.rc_context(_STYLE):
        canvas = Canvas(figsize=size, layout="constrained")
        for number, (name, lines) in enumerate(charts.items(), start=1):
            axes = canvas.add_subplot(rows, columns, number)
            axes.set(title=name, xlabel=x_title, ylabel=y_title)
            looks: dict[str, dict[str, Any]] = {}
            for label, x, y in lines:
                shown = label if len(x) else f"{label}: nothing found"
                named = "" if label in looks else shown
                look = looks.setdefault(label, _LINES[len(looks) % len(_LINES)])
                axes.plot(x, y, label=named, **look)
            axes.set(xlim=(0, None), ylim=(0, None))
            axes.legend()
    return canvas


def as_svg(canvas: Canvas) -> bytes:
    """Return a drawing as SVG: the same bytes for the same drawing."""
    buffer = io.BytesIO()
    with matplotlib.rc_context(_STYLE):
        canvas.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
