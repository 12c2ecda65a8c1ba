"""A figure as it is written: a picture, a page to turn it, and its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gspn_tf import files
from gspn_tf.paper.figures.designs import SHAPES, VIEWS
from gspn_tf.visualize.layers import Entry, Layer
from gspn_tf.visualize.page import PageContent, write_page
from gspn_tf.visualize.raster import Viewpoint
from gspn_tf.visualize.render import Panel, PanelRow
from gspn_tf.visualize.sheet import Legend, write_sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A Drawing is one figure, before it is written."""

    rows: Sequence[PanelRow]  # of the picture
    view: Viewpoint
    content: PageContent  # of the page
    caption: str = ""
    legend: Legend = ()
    numbers: dict[str, Any] = field(default_factory=dict)  # what was measured
    told: Sequence[str] = ()  # the same in sentences

    def write(self, output: Path, title: str, about: dict[str, Any]) -> list[Path]:
        """Write OUTPUT.png, .html and .json, in place when all of them are whole.

        Args:
            output: path without suffix.
            title: of the page.
            about: what the figure was made of, kept with its numbers.
        """
        names = [f"{output.name}{suffix}" for suffix in (".png", ".html", ".json")]
        with files.writing_together(output.parent, names) as folder:
            picture, page, numbers = (folder / name for name in names)
            write_sheet(picture, self.rows, self.view, self.caption, self.legend)
            write_page(page, self.content, title=title)
            head = {"title": title, "caption": self.caption}
            files.write_json(numbers, head | about | self.numbers)
        return [output.parent / name for name in names]


def view_of(kind: str, width: int, ratio: float = 0.75) -> Viewpoint:
    """Return how to look at a kind of data: into rooms, at shapes, along a view."""
    size = (width, round(ratio * width))
    if kind in SHAPES:
        return Viewpoint(50.0, 25.0, *size, point_size=1.1, open_walls=False)
    if kind in VIEWS:  # the camera stands above the origin and looks along y
        return Viewpoint(-80.0, 25.0, *size, open_walls=False)
    return Viewpoint(40.0, 48.0, *size, point_size=1.2)


def panels_of(content: PageContent) -> list[Panel]:
    """Return a panel for each layer."""
    count = len(content.points)
    return [Panel(layer.name, layer.point_colors(count)) for layer in content.layers]


def places_apart(clouds: Sequence[np.ndarray]) -> np.ndarray:
    """Return how far to move each of T clouds [V, 3] to stand in a square: [T, 3]."""
    columns = int(np.ceil(np.sqrt(len(clouds))))
    low = np.array([cloud.min(axis=0) for cloud in clouds], np.float64)
    size = (np.array([cloud.max(axis=0) for cloud in clouds]) - low).max(axis=0)
    cells = np.array([[i % columns, -(i // columns), 0] for i in range(len(clouds))])
    return (cells * (1.15 * size + 0.02) - low) * [1, 1, 0]


def side_by_side(contents: Sequence[PageContent], names: Sequence[str]) -> PageContent:
    """Join clouds with the same layers into one page.

    Args:
        contents: clouds of any sizes, each with the same number of layers.
        names: of the clouds; entries begin with them unless they are empty.
    """
    moves = places_apart([content.points for content in contents])
    points, groups = [], []
    for number, (content, move) in enumerate(zip(contents, moves, strict=True)):
        points.append(content.points + move)
        own = np.zeros(len(points[-1])) if content.groups is None else content.groups
        groups.append(own + 2 * number)  # a content has two groups at most
    columns = zip(*(content.layers for content in contents), strict=True)
    layers = [_joined(column, names, moves) for column in columns]
    return PageContent(np.concatenate(points), layers, np.concatenate(groups))


def _joined(layers: Sequence[Layer], names: Sequence[str], moves: np.ndarray) -> Layer:
    """Join one layer of several clouds: their colours, or their entries and labels."""
    entries: list[Entry] = []
    labels, colors = [], []
    for layer, name, move in zip(layers, names, moves, strict=True):
        if layer.colors is not None:
            colors.append(layer.colors)
        if layer.labels is not None:
            labels.append(np.where(layer.labels < 0, -1, layer.labels + len(entries)))
        for entry in layer.entries:
            box = None if entry.box is None else entry.box + [*move, 0, 0, 0]
            title = f"{name}: {entry.name}" if name else entry.name
            entries.append(entry._replace(name=title, box=box))
    return layers[0]._replace(
        entries=entries,
        labels=np.concatenate(labels) if labels else None,
        colors=np.concatenate(colors) if colors else None,
    )
