"""Elements of the XML files of Sweet Home 3D, whose lengths are centimetres."""

import math
from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np

from gspn_tf.synthetic.homes.layout.outlines import Wall

_PIECES = ("pieceOfFurniture", "doorOrWindow", "light")
_ARC = math.radians(10)


def metres(e: ElementTree.Element, key: str, default: float | None = None) -> float:
    """Return an attribute of centimetres in metres.

    Raises:
        ValueError: it is not a finite number, or lacks and has no default.
    """
    text = e.get(key, default)
    if text is None:
        raise ValueError(f"<{e.tag}> lacks {key}")
    value = float(text) / 100
    if not math.isfinite(value):
        raise ValueError(f"<{e.tag}> has {key} {text}")
    return value


def point(e: ElementTree.Element, x: str = "x", y: str = "y") -> np.ndarray:
    """Return a point [2], metres; plans of Sweet Home 3D have y downwards."""
    return np.array([metres(e, x), -metres(e, y)])


def leaves(
    element: ElementTree.Element, level: str
) -> Iterator[tuple[ElementTree.Element, str | None]]:
    """Yield visible pieces, also those in groups, with their levels."""
    for child in element:
        if child.get("visible") == "false":
            continue
        own = child.get("level", level)
        if child.tag == "furnitureGroup":
            yield from leaves(child, own)
        elif child.tag in _PIECES:
            yield child, own or None


def walls_of(
    e: ElementTree.Element, height: float
) -> Iterator[tuple[Wall, str | None]]:
    """Yield a wall and its level; a round wall comes in straight parts.

    Args:
        e: a <wall>.
        height: of walls that say nothing of it, metres.
    """
    start, end = point(e, "xStart", "yStart"), point(e, "xEnd", "yEnd")
    thickness, tall = metres(e, "thickness"), metres(e, "height", height * 100)
    stops = _arc(start, end, -float(e.get("arcExtent", 0.0)))
    for first, second in zip(stops[:-1], stops[1:], strict=True):
        yield Wall(first, second, thickness, tall), e.get("level")


def _arc(start: np.ndarray, end: np.ndarray, extent: float) -> np.ndarray:
    """Return points [N, 2] on the arc between two points; 0 radians = straight."""
    if abs(extent) < 0.01:
        return np.stack([start, end])
    chord = end - start
    across = np.array([-chord[1], chord[0]]) / 2
    middle = (start + end) / 2 + across / math.tan(extent / 2)
    turns = np.linspace(0, extent, math.ceil(abs(extent) / _ARC) + 1)
    cos, sin = np.cos(turns)[:, None], np.sin(turns)[:, None]
    x, y = start - middle
    return middle + np.concatenate([cos * x - sin * y, sin * x + cos * y], axis=1)
