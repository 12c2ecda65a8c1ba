"""A figure as it is written: a picture, a page to turn it, and its numbers."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gspn_tf import files
from gspn_tf.visualize import Caption, PageContent, Row, View, render_rows, write_page

SHAPES, VIEWS = ("parts", "partnet"), ("views", "nyuv2")  # kinds of data


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What one figure shows."""

    title: str
    rows: Sequence[Row]  # of the picture
    view: View
    content: PageContent  # of the page
    caption: Caption = Caption()
    numbers: dict[str, Any] = field(default_factory=dict)  # what was measured


def write(drawing: Drawing, output: str | Path, about: dict[str, Any]) -> list[Path]:
    """OUTPUT.png, .html and .json, moved in place when all of them are whole.

    about: what the figure was made of, kept with its numbers.
    """
    output = Path(output)
    names = [f"{output.name}{suffix}" for suffix in (".png", ".html", ".json")]
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".figure-", dir=output.parent) as scratch:
        picture, page, numbers = (Path(scratch) / name for name in names)
        render_rows(picture, drawing.rows, view=drawing.view, caption=drawing.caption)
        write_page(page, drawing.content, title=drawing.title)
        files.write_json(
            numbers,
            {"title": drawing.title, "caption": drawing.caption.text}
            | about
            | drawing.numbers,
        )
        for name in names:
            os.replace(Path(scratch) / name, output.parent / name)
    return [output.parent / name for name in names]


def view_of(kind: str, width: int, height: int) -> View:
    """How to look at a kind of data: into rooms, at shapes, along a camera's view."""
    if kind in SHAPES:
        return View(50.0, 25.0, width, height, point_size=1.1, open_walls=False)
    if kind in VIEWS:  # the camera stands above the origin and looks along y
        return View(-80.0, 25.0, width, height, open_walls=False)
    return View(width=width, height=height, point_size=1.2)


def apart(clouds: Sequence[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Clouds [V, 3] side by side in about a square, and how far each moved [T, 3]."""
    columns = int(np.ceil(np.sqrt(len(clouds))))
    low = np.array([cloud.min(axis=0) for cloud in clouds], np.float64)
    size = (np.array([cloud.max(axis=0) for cloud in clouds]) - low).max(axis=0)
    pitch = 1.15 * size + 0.02
    cells = np.array([[i % columns, -(i // columns), 0] for i in range(len(clouds))])
    moves = cells * pitch - low
    moves[:, 2] = 0
    return [cloud + move for cloud, move in zip(clouds, moves, strict=True)], moves
