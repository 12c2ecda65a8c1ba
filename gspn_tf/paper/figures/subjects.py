"""What a figure is of: scenes of a prepared data folder, or scans of users."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gspn_tf.data import Scene, manifest, shards
from gspn_tf.data.classes import ClassList
from gspn_tf.files import scans as scan_io

NEUTRAL = 190  # grey of a scan without colours


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One scene; semantic and instance are None where there is no truth.

    name      of the scene or of the file
    kind      of data: "rooms", "parts", "scannet", ...; "" of a scan
    points    [V, 3] float32 metres, z up, all finite
    colors    [V, 3] uint8, or None
    semantic  [V] int, 0 = background, else row 1..C of `classes`
    instance  [V] int, -1 = none
    """

    name: str
    points: np.ndarray
    colors: np.ndarray | None = None
    semantic: np.ndarray | None = None
    instance: np.ndarray | None = None
    kind: str = ""
    classes: tuple[str, ...] = ()

    @property
    def labelled(self) -> bool:
        """Whether there is truth."""
        return self.instance is not None

    def shades(self) -> np.ndarray:
        """Colours to draw the points in, [V, 3] uint8."""
        if self.colors is None:
            return np.full(self.points.shape, NEUTRAL, np.uint8)
        return self.colors

    def class_of(self, instance: int) -> str:
        """The class of most points of an instance."""
        votes = np.bincount(self.semantic[self.instance == instance])
        number = int(votes.argmax())
        return self.classes[number - 1] if number else "background"

    def box_of(self, instance: int) -> np.ndarray:
        """Axis-aligned box [6] of an instance: centre, size; metres."""
        inside = self.points[self.instance == instance].astype(np.float64)
        low, high = inside.min(axis=0), inside.max(axis=0)
        return np.concatenate([(low + high) / 2, high - low])


def read_subjects(
    path: str | Path, split: str, wanted: int | Sequence[str], scale: float = 1.0
) -> list[Subject]:
    """The scenes of a data folder, or the one scan of a file.

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
    colors = None if scan.colors is None else scan.colors[scan.finite]
    points = scan.points[scan.finite] * np.float32(scale)
    return [Subject(name=path.stem, points=points, colors=colors)]


def _scenes(path: Path, split: str, wanted: int | Sequence[str]) -> list[Subject]:
    classes, found = manifest.read_classes(path), {}
    about = manifest.read_manifest(path).get("data", ""), classes
    labelled, names = manifest.is_labelled(path, split), []
    for scene in shards.read_scenes(path, split):
        if isinstance(wanted, int) and len(found) == wanted:
            break
        names.append(scene.name)
        if isinstance(wanted, int) or scene.name in wanted:
            found[scene.name] = _subject(scene, labelled, *about)
    if isinstance(wanted, int):
        return list(found.values())
    absent = [name for name in wanted if name not in found]
    if absent:
        raise ValueError(
            f"split {split} of {path} has no scene {absent[0]!r}, has "
            f"{', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"
        )
    return [found[name] for name in wanted]


def _subject(scene: Scene, labelled: bool, kind: str, classes: ClassList) -> Subject:
    return Subject(
        name=scene.name,
        points=scene.points,
        colors=scene.colors,
        semantic=scene.semantic if labelled else None,
        instance=scene.instance if labelled else None,
        kind=kind,
        classes=classes.names,
    )
