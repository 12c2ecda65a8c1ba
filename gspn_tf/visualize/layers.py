"""Layers: the ways in which a page colours its points, each with a list."""

import base64
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from gspn_tf.visualize.palette import NOTHING, class_colors

MAX_PROPOSALS = 300


class Entry(NamedTuple):
    """An Entry is one line of a layer's list."""

    name: str
    color: np.ndarray | None = None  # [3] uint8; default: grey
    num_points: int | None = None
    score: float | None = None  # 0..1
    box: np.ndarray | None = None  # [6] centre, size; metres


class Layer(NamedTuple):
    """A Layer shows each of V points in a colour of its own or in that of an entry.

    The boxes of entries are drawn as wire frames where there are no labels.
    """

    name: str  # of its button and, with hyphens, in the page's address
    entries: Sequence[Entry] = ()
    labels: np.ndarray | None = None  # [V] int, -1 = none, else row of `entries`
    colors: np.ndarray | None = None  # [V, 3] uint8, in place of labels
    noun: str = "instances"  # what the entries are

    def point_colors(self, count: int) -> np.ndarray:
        """Return the colour of each of `count` points, uint8 [V, 3]."""
        if self.colors is not None:
            return np.asarray(self.colors, np.uint8)
        colors = [NOTHING if e.color is None else e.color for e in self.entries]
        table = np.array([*colors, NOTHING], np.uint8)
        return table[np.full(count, -1) if self.labels is None else self.labels]

    def picked(self, rows: np.ndarray) -> "Layer":
        """Return the layer of some of its points."""
        labels = None if self.labels is None else np.asarray(self.labels)[rows]
        colors = None if self.colors is None else np.asarray(self.colors)[rows]
        return self._replace(labels=labels, colors=colors)

    def values(self) -> dict[str, Any]:
        """Return the layer as the page's script reads it.

        Label 0 is nothing, label n is row n - 1.
        """
        listed = sum(entry.num_points != 0 for entry in self.entries)
        values: dict[str, Any] = {
            "id": layer_id(self.name),
            "label": self.name[:1].upper() + self.name[1:],
            "heading": f"{listed:,} {self.noun}" if self.entries else "",
            "rows": [_row(entry) for entry in self.entries],
        }
        if self.labels is not None:
            values["labels"] = encoded(self.labels + 1, "<u2")
        elif self.colors is not None:
            values["colors"] = encoded(self.colors, "u1")
        return values


def layer_id(name: str) -> str:
    """Return how a page's address calls the layer of a name."""
    return name.replace(" ", "-")


def class_layer(name: str, semantic: np.ndarray, class_names: Sequence[str]) -> Layer:
    """Return a layer of classes [V]: 0 = background, else 1..C of `class_names`."""
    counts = np.bincount(semantic, minlength=1 + len(class_names))[1:]
    colors = class_colors(np.arange(1, 1 + len(class_names)))
    entries = list(map(Entry, class_names, colors, counts))
    return Layer(name, entries, np.asarray(semantic, np.int64) - 1, noun="classes")


def proposal_layer(boxes: np.ndarray, scores: np.ndarray) -> Layer:
    """Return a layer of the 300 best of boxes [R, 6] with scores [R], 0..1."""
    best = np.argsort(-np.asarray(scores), kind="stable")[:MAX_PROPOSALS]
    entries = [
        Entry(f"proposal {rank}", score=scores[row], box=boxes[row])
        for rank, row in enumerate(best, start=1)
    ]
    return Layer("proposals", entries, noun=f"best of {len(boxes):,} proposals")


def encoded(values: np.ndarray, kind: str) -> str:
    """Return the bytes of an array of numbers of a kind as base64."""
    return base64.b64encode(values.astype(kind).tobytes()).decode()


def hex_color(color: np.ndarray | Sequence[int]) -> str:
    """Return red, green and blue as "#rrggbb"."""
    return "#" + bytes(int(value) for value in color).hex()


def _row(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {"name": entry.name}
    if entry.color is not None:
        row["color"] = hex_color(entry.color)
    if entry.num_points is not None:
        row["points"] = int(entry.num_points)
    if entry.score is not None:
        row["score"] = round(float(entry.score), 4)
    if entry.box is not None:
        row["box"] = [round(float(value), 4) for value in entry.box]
    return row
