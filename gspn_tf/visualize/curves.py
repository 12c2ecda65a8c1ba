"""Precision-recall curves as drawings inside a page: SVG, in the page's own colours."""

import html
from collections.abc import Mapping, Sequence

import numpy as np

WIDTH, HEIGHT = 240, 200
LEFT, RIGHT, TOP, BOTTOM = 34, 10, 10, 34  # margins around the unit square
# Okabe and Ito's blue and vermilion, and dashes for who sees no colours.
STYLES = (("#0072b2", ""), ("#d55e00", "5 3"))
TICKS = (0.0, 0.5, 1.0)


def precision_recall(
    name: str, lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]
) -> str:
    """A drawing of lines label -> (recall [T], precision [T]), in any order.

    A line without a point is named in the legend and drawn nowhere. The drawing's
    title and description say in words what it shows.

    Raises:
        ValueError: more lines than there are styles, or values outside 0..1.
    """
    if len(lines) > len(STYLES):
        raise ValueError(f"lines must be at most {len(STYLES)}, got {len(lines)}")
    drawn = []
    for (label, (recall, precision)), style in zip(lines.items(), STYLES, strict=False):
        drawn.append(_line(label, np.asarray(recall), np.asarray(precision), *style))
    described = "; ".join(_words(label, *line) for label, line in lines.items())
    legend = "".join(
        f'<text x="{LEFT + 8}" y="{HEIGHT - BOTTOM - 8 - 14 * row}" fill="{color}">'
        f"{html.escape(_legend(label, line[0], dash))}</text>"
        for row, ((label, line), (color, dash)) in enumerate(
            zip(lines.items(), STYLES, strict=False)
        )
    )
    return (
        f'<svg role="img" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{html.escape(name)}: precision over recall</title>"
        f"<desc>{html.escape(described)}</desc>{_axes()}{''.join(drawn)}{legend}</svg>"
    )


def _axes() -> str:
    left, bottom = _place(0.0, 0.0)
    right, top = _place(1.0, 1.0)
    parts = [
        f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="currentColor"/>'
    ]
    for tick in TICKS:
        x, y = _place(tick, tick)
        parts.append(f'<text x="{x}" y="{bottom + 14}" {_CENTER}>{tick:g}</text>')
        parts.append(f'<text x="{left - 6}" y="{y + 4}" {_END}>{tick:g}</text>')
    middle = (left + right) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 4}" {_CENTER}>recall</text>')
    turned = f'transform="translate(10 {(top + bottom) / 2}) rotate(-90)"'
    parts.append(f"<text {turned} {_CENTER}>precision</text>")
    return "".join(parts)


_CENTER = 'text-anchor="middle" fill="currentColor"'
_END = 'text-anchor="end" fill="currentColor"'


def _line(
    label: str, recall: np.ndarray, precision: np.ndarray, color: str, dash: str
) -> str:
    values = np.concatenate([recall, precision])
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"recall and precision of {label!r} must lie in 0..1")
    if not len(recall):
        return ""
    order = np.lexsort((-precision, recall))
    x, y = _place(recall[order], precision[order])
    pixels = np.round(np.stack([x, y], axis=1), 1)
    fresh = np.append(True, np.any(np.diff(np.round(pixels), axis=0), axis=1))
    path = " ".join(f"{a:g},{b:g}" for a, b in pixels[fresh])
    dot = f'<circle cx="{x[-1]:g}" cy="{y[-1]:g}" r="2.5" fill="{color}"/>'
    return (
        f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2" '
        f'stroke-dasharray="{dash}"/>{dot}'
    )


def _place(recall, precision):
    x = LEFT + recall * (WIDTH - LEFT - RIGHT)
    return x, HEIGHT - BOTTOM - precision * (HEIGHT - TOP - BOTTOM)


def _legend(label: str, recall: Sequence[float], dash: str) -> str:
    if not len(recall):
        return f"{label}: nothing found"
    return f"{label} ({'dashed' if dash else 'solid'})"


def _words(label: str, recall: Sequence[float], precision: Sequence[float]) -> str:
    if not len(recall):
        return f"{label}: nothing found"
    most = int(np.argmax(recall))
    return (
        f"{label}: recall up to {recall[most]:.2f}, there at precision "
        f"{precision[most]:.2f}; best precision {np.max(precision):.2f}"
    )
