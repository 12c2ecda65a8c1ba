"""Subjects of figures: scenes of a prepared data folder, or scans of users."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gspn_tf.data import Scene, manifest, shards
from gspn_tf.data.scene import GREY
from gspn_tf.files import scans as scan_io


@dataclass(frozen=True, slots=True)
class Subject(Scene):
    """A Subject is a scene to draw; without truth all of it is background."""

    labelled: bool = True  # whether there is truth
    kind: str = ""  # of data: "rooms", "parts", "scannet", ...; "" of a scan
    classes: tuple[str, ...] = ()  # 1..C

    def class_of(self, instance: int) -> str:
        """Return the class of most points of an instance."""
        votes = np.bincount(self.semantic[self.instance == instance])
        number = int(votes.argmax())
        return self.classes[number - 1] if number else "background"

    def box_of(self, instance: int) -> np.ndarray:
        """Return the axis-aligned box [6] of an instance: centre, size; metres."""
        inside = self.points[self.instance == instance].astype(np.float64)
        low, high = inside.min(axis=0), inside.max(axis=0)
        return np.concatenate([(low + high) / 2, high - low])


def read_subjects(
    path: str | Path, split: str, wanted: int | Sequence[str], scale: float = 1.0
) -> list[Subject]:
    """Read the scenes of a data folder, or the one scan of a file.

    Args:
        path: folder of `gspn prepare`, or a PLY or npz file.
        split: of a folder.
        wanted: of a folder: how many scenes from the split's start, or their names.
        scale: metres per unit of a file.

    Raises:
        FileNotFoundError: neither folder nor file.
        ValueError: a name that the split does not have, or what reading raises.
    """
    path = Path(path)
    if path.is_dir():
        return _scenes(path, split, wanted)
    if not path.is_file():
        raise FileNotFoundError(f"no data folder or scan {path}")
    scan = scan_io.read_scan(path)
    points = scan.points[scan.finite] * np.float32(scale)
    colors = np.full(points.shape, GREY, np.uint8)
    if scan.colors is not None:
        colors = scan.colors[scan.finite]
    background = np.zeros(len(points), np.int32)
    return [Subject(path.stem, points, colors, background, background - 1, False)]


def _scenes(path: Path, split: str, wanted: int | Sequence[str]) -> list[Subject]:
    labelled, kind = manifest.is_labelled(path, split), manifest.read_manifest(path)
    about = (labelled, kind.get("data", ""), manifest.read_classes(path).names)
    names = None if isinstance(wanted, int) else wanted
    found: dict[str, Subject] = {}
    for scene in shards.read_scenes(path, split):
        if names is None or scene.name in names:
            values = (scene.points, scene.colors, scene.semantic, scene.instance)
            found[scene.name] = Subject(scene.name, *values, *about)
        if len(found) == (wanted if names is None else len(names)):
            break
    for name in names or ():
        if name not in found:
            raise ValueError(f"split {split} of {path} has no scene {name!r}")
    return [found[name] for name in names or found]
