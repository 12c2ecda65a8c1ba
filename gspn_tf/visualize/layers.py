"""What a page can show of its points: colours, labels with a list, boxes."""

import base64
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Entry(NamedTuple):
    """One line of a layer's list."""

    name: str
    color: np.ndarray | None = None  # [3] uint8
    num_points: int | None = None
    score: float | None = None  # 0..1
    box: Sequence[float] | None = None  # [6] centre, size; metres


class ColorLayer(NamedTuple):
    """Every point in a colour of its own."""

    label: str
    colors: np.ndarray  # [V, 3] uint8

    def check(self, count: int) -> None:
        """Raises ValueError unless the layer is of `count` points."""
        check_shape(f"colors of layer {self.label!r}", self.colors, (count, 3))

    def values(self, shown: np.ndarray) -> dict:
        """The layer as the page's script reads it, of the points `shown`."""
        colors = np.asarray(self.colors)[shown].astype("u1")
        return {"kind": "colors", "rows": [], "colors": encoded(colors)}


class LabelLayer(NamedTuple):
    """Points in the colours of the lines that they belong to."""

    label: str
    labels: np.ndarray  # [V] int, -1 = none, else row of `entries`
    entries: Sequence[Entry]
    noun: str = "instances"  # what they are

    def check(self, count: int) -> None:
        """Raises ValueError unless the layer is of `count` points."""
        name = f"labels of layer {self.label!r}"
        check_shape(name, self.labels, (count,))
        check_range(name, self.labels, -1, len(self.entries) - 1)

    def values(self, shown: np.ndarray) -> dict:
        """The layer as the page's script reads it: 0 is nothing, n is row n - 1."""
        return {
            "kind": "labels",
            "noun": self.noun,
            "rows": [_row(entry) for entry in self.entries],
            "labels": encoded((np.asarray(self.labels)[shown] + 1).astype("<u2")),
        }


class BoxLayer(NamedTuple):
    """Wire frames over the input."""

    label: str
    entries: Sequence[Entry]  # each with its box and score
    total: int | None = None  # how many there are, where these are the best of them

    def check(self, count: int) -> None:
        """Boxes stand beside the points."""

    def values(self, shown: np.ndarray) -> dict:
        """The layer as the page's script reads it."""
        rows = [_row(entry) for entry in self.entries]
        of = {} if self.total is None else {"of": self.total}
        return {"kind": "boxes", "rows": rows, **of}


Layer = ColorLayer | LabelLayer | BoxLayer


def encoded(values: np.ndarray) -> str:
    """The bytes of an array as base64."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def hex_color(color: np.ndarray) -> str:
    """Red, green, blue -> "#rrggbb"."""
    red, green, blue = (int(value) for value in color)
    return f"#{red:02x}{green:02x}{blue:02x}"


def check_shape(name: str, values: np.ndarray | None, shape: tuple[int, ...]) -> None:
    """Raises ValueError where `values` are there and have another shape."""
    if values is not None and np.shape(values) != shape:
        raise ValueError(f"{name} must be {list(shape)}, got {list(np.shape(values))}")


def check_range(name: str, labels: np.ndarray | None, low: int, high: int) -> None:
    """Raises ValueError where a label lies outside of low..high."""
    if labels is None or not len(labels):
        return
    lowest, highest = np.min(labels), np.max(labels)
    if lowest < low or highest > high:
        raise ValueError(f"{name} must lie in {low}..{high}, got {lowest}..{highest}")


def _row(entry: Entry) -> dict:
    row: dict = {"name": entry.name}
    if entry.color is not None:
        row["color"] = hex_color(entry.color)
    if entry.num_points is not None:
        row["points"] = int(entry.num_points)
    if entry.score is not None:
        row["score"] = round(float(entry.score), 4)
    if entry.box is not None:
        row["box"] = [round(float(value), 4) for value in entry.box]
    return row
