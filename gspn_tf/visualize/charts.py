"""Lines over epochs as drawings inside a page: SVG, in the page's own colours."""

import html
from collections.abc import Sequence
from typing import NamedTuple

from gspn_tf.visualize.curves import STYLES

WIDTH, HEIGHT = 260, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 10, 34


class Line(NamedTuple):
    """One line; those of one label look the same and are named once."""

    label: str
    x: Sequence[float]
    y: Sequence[float]


def line_chart(name: str, x_title: str, lines: Sequence[Line]) -> str:
    """A drawing of lines above zero; the drawing's description says their ends.

    Raises:
        ValueError: no line, an empty one, or more labels than there are styles.
    """
    labels = list(dict.fromkeys(line.label for line in lines))
    if not lines or not all(len(line.x) for line in lines):
        raise ValueError(f"{name}: every line needs a point, and there must be one")
    if len(labels) > len(STYLES):
        raise ValueError(f"labels must be at most {len(STYLES)}, got {labels}")
    style = dict(zip(labels, STYLES, strict=False))
    right = max(max(line.x) for line in lines)
    top = max(max(line.y) for line in lines) or 1.0
    drawn = "".join(_line(line, right, top, *style[line.label]) for line in lines)
    legend = "".join(
        f'<text x="{WIDTH - RIGHT - 4}" y="{TOP + 12 + 14 * row}" fill="{color}" '
        f'text-anchor="end">{html.escape(label)} ({"dashed" if dash else "solid"})'
        "</text>"
        for row, (label, (color, dash)) in enumerate(style.items())
    )
    ends = "; ".join(f"{line.label} ends at {line.y[-1]:.3g}" for line in lines)
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{html.escape(name)}</title><desc>{html.escape(ends)}</desc>"
        f"{_axes(x_title, right, top)}{drawn}{legend}</svg>"
    )


def _place(x: float, y: float, right: float, top: float) -> tuple[float, float]:
    across, up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    return round(LEFT + across * x / right, 1), round(HEIGHT - BOTTOM - up * y / top, 1)


def _line(line: Line, right: float, top: float, color: str, dash: str) -> str:
    pairs = zip(line.x, line.y, strict=True)
    places = [_place(x, max(y, 0.0), right, top) for x, y in pairs]
    path = " ".join(f"{x:g},{y:g}" for x, y in places)
    x, y = places[-1]
    return (
        f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5" '
        f'stroke-dasharray="{dash}"/><circle cx="{x:g}" cy="{y:g}" r="2" '
        f'fill="{color}"/>'
    )


def _axes(x_title: str, right: float, top: float) -> str:
    low, high = HEIGHT - BOTTOM, TOP
    middle = (LEFT + WIDTH - RIGHT) / 2
    text = 'fill="currentColor" text-anchor='
    return (
        f'<path d="M{LEFT} {high}V{low}H{WIDTH - RIGHT}" fill="none" '
        f'stroke="currentColor"/>'
        f'<text x="{LEFT - 6}" y="{low + 4}" {text}"end">0</text>'
        f'<text x="{LEFT - 6}" y="{high + 8}" {text}"end">{top:.2g}</text>'
        f'<text x="{WIDTH - RIGHT}" y="{low + 14}" {text}"end">{right:g}</text>'
        f'<text x="{middle}" y="{HEIGHT - 4}" {text}"middle">{html.escape(x_title)}'
        "</text>"
    )
