"""The folder that `gspn segment` leaves: a cloud, a list, masks and a page.

instances.ply    every point of the scan in its own coordinates, coloured by
                 instance; columns `scalar_semantic` (class id), `scalar_instance` (its
                 number in the list, 0 = none) and `scalar_score` (of the instance,
                 0 without one), named so that CloudCompare shows them
instances.las    or .laz, if wanted: the same points and columns, without `scalar_`, and
                 the class id as classification
instances.npz    arrays `semantic`, `instance` and `score`, as those columns: one value
                 a point, in the order of the scan
instances.json   number, class, score, box and points of each instance; what was
                 guessed of the scan, what of it was left out, and why
masks.npz        every mask in full, also where they overlap: see gspn_tf.masks
index.html       input, classes, instances and any proposals, to turn and to click; it
                 opens on the instances
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gspn_tf import files, masks
from gspn_tf.data.classes import ClassList
from gspn_tf.files.formats import ON_DEMAND
from gspn_tf.files.las import write_las
from gspn_tf.files.ply import write_ply
from gspn_tf.files.scans import Scan, not_upright
from gspn_tf.files.stray import extents
from gspn_tf.inference.segmenter import Segmentation
from gspn_tf.visualize.layers import Entry, Layer, class_layer, proposal_layer
from gspn_tf.visualize.page import write_page
from gspn_tf.visualize.palette import NOTHING, instance_colors
from gspn_tf.visualize.render import Panel, PanelRow
from gspn_tf.visualize.sheet import write_sheet

FILE_NAMES = (
    "instances.ply",
    "instances.npz",
    "masks.npz",
    "index.html",
    "instances.json",
)


class SegmentedScan(NamedTuple):
    """A scan with the instances found in it.

    The network works in metres near the origin with z up; `scale` (metres per unit of
    the file) and the scan's axis and offset lead back to the file's coordinates.
    """

    name: str
    scan: Scan
    scale: float
    classes: ClassList
    found: Segmentation
    remarks: tuple[str, ...] = ()  # lines on what was found

    def instances(self) -> list[dict[str, Any]]:
        """List one dict an instance, best first, boxes in the file's coordinates."""
        found = self.found
        rows = zip(found.classes, found.scores, found.boxes, found.masks, strict=True)
        return [
            {
                "instance": number,
                "class": self.classes.names[label - 1],
                "class_id": self.classes.raw_ids[label - 1],
                "score": round(float(score), 4),
                "box": self._box_in_file(box),
                "num_points": len(mask),
            }
            for number, (label, score, box, mask) in enumerate(rows, 1)
        ]

    def _box_in_file(self, box: np.ndarray) -> dict[str, list[float]]:
        """The centre and the size of a box [6], in unit and frame of the file."""
        center, size = not_upright(box.reshape(2, 3) / self.scale, self.scan.up)
        return {
            "center": _rounded(center + self.scan.offset),
            "size": _rounded(np.abs(size)),
        }

    def labels(self) -> dict[str, np.ndarray]:
        """Return class id, number of the instance and its score for each point [V]."""
        rows = self.found.labels()
        return {
            "semantic": self.classes.to_raw(self.found.semantic),
            "instance": (rows + 1).astype(np.int32),
            "score": np.append(self.found.scores, np.float32(0))[rows],
        }

    def write(self, directory: str | Path, formats: Collection[str] = ()) -> None:
        """Write the files; they are moved in place when all of them are whole.

        Args:
            directory: the folder, which is made where it is missing.
            formats: of `ON_DEMAND`, those that are wanted besides.
        """
        more = [f"instances.{name}" for name in ON_DEMAND if name in formats]
        with files.writing_together(directory, (*more, *FILE_NAMES)) as folder:
            labels = self.labels()
            colors = instance_colors(labels["instance"] - 1)
            points = self.scan.world()
            shown = {f"scalar_{name}": values for name, values in labels.items()}
            write_ply(folder / "instances.ply", points, colors, shown)
            for name in more:
                known = np.where(self.scan.stray[:, None], np.nan, points)
                write_las(folder / name, known, colors, labels)
            columns: dict[str, Any] = labels  # for NumPy's type hints
            np.savez_compressed(folder / "instances.npz", **columns)
            masks.write_masks(folder / "masks.npz", self.found.masks, len(points))
            self._write_page(folder / "index.html")
            files.write_json(folder / "instances.json", self._listed())

    def _listed(self) -> dict[str, Any]:
        """Return the content of `instances.json`."""
        scan, size = self.scan, extents(self.scan.metres(self.scale))
        return {
            "scan": self.name,
            "num_points": len(scan.points),
            "ignored_points": {
                "not_finite": int(np.count_nonzero(~scan.finite)),
                "stray": int(np.count_nonzero(scan.stray)),
            },
            "size": _rounded(size),  # metres along x, y and z, where z is up
            "has_colors": scan.colors is not None,
            "metres_per_unit": self.scale,
            "up": scan.up,
            "notes": [*scan.notes, *self.remarks],
            "instances": self.instances(),
        }

    def write_picture(self, path: str | Path) -> None:
        """Write the scan and its instances, seen from above at a slant, as a PNG."""
        count = len(self.scan.points)
        colors = self.scan.colors
        if colors is None:
            colors = np.full((count, 3), NOTHING, np.uint8)
        shown = instance_colors(self.found.labels())
        title = f"{len(self.found.masks)} instances"
        panels = [Panel(self.name, colors), Panel(title, shown)]
        row = PanelRow("", self.scan.metres(self.scale), panels)
        write_sheet(path, [row])

    def _write_page(self, path: Path) -> None:
        found = self.found
        colors = instance_colors(np.arange(len(found.masks)))
        entries = [
            Entry(row["class"], color, row["num_points"], row["score"], box)
            for row, color, box in zip(
                self.instances(), colors, found.boxes, strict=True
            )
        ]
        layers = [
            Layer("input", colors=self.scan.colors),
            class_layer("semantic", found.semantic, self.classes.names),
            Layer("instances", entries, found.labels()),
        ]
        if len(found.proposals):  # an SGPN has none
            layers.append(proposal_layer(found.proposals, found.proposal_scores))
        points = self.scan.metres(self.scale)
        write_page(path, points, layers, title=self.name, opens="instances")


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in values]
