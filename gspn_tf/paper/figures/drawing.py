"""A figure as it is written: a picture and its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gspn_tf import files
from gspn_tf.visualize.raster import Viewpoint
from gspn_tf.visualize.render import PanelRow
from gspn_tf.visualize.sheet import Legend, write_sheet

SHAPES, VIEWS = ("parts", "partnet"), ("views", "nyuv2")  # kinds of data


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A Drawing is one figure, before it is written."""

    rows: Sequence[PanelRow]  # of the picture
    view: Viewpoint
    caption: str = ""
    legend: Legend = ()
    numbers: dict[str, Any] = field(default_factory=dict)  # what was measured

    def write(self, output: Path, about: dict[str, Any]) -> None:
        """Write OUTPUT.png and .json.

        Args:
            output: path without suffix.
            about: what the figure was made of, kept with its numbers.
        """
        write_sheet(f"{output}.png", self.rows, self.view, self.caption, self.legend)
        numbers = about | {"caption": self.caption} | self.numbers
        files.write_json(f"{output}.json", numbers)


def view_of(kind: str, width: int, ratio: float = 0.75) -> Viewpoint:
    """Return how to look at a kind of data: into rooms, at shapes, along a view."""
    size = (width, round(ratio * width))
    if kind in SHAPES:
        return Viewpoint(50.0, 25.0, *size, point_size=1.1, open_walls=False)
    if kind in VIEWS:  # the camera stands above the origin and looks along y
        return Viewpoint(-80.0, 25.0, *size, open_walls=False)
    return Viewpoint(40.0, 48.0, *size, point_size=1.2)
