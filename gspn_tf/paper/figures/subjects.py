"""Subjects of figures: labelled scenes of a prepared data folder."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from gspn_tf.data import Scene, manifest, shards


@dataclass(frozen=True, slots=True)
class Subject(Scene):
    """A Subject is a scene to draw."""

    kind: str = ""  # of data: "rooms", "parts", "scannet", ...
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
    path: str | Path, split: str, wanted: int | Sequence[str], images: bool = False
) -> list[Subject]:
    """Read labelled scenes of a data folder.

    Args:
        path: folder of `gspn prepare`.
        split: one of its splits.
        wanted: how many scenes from the split's start, or their names.
        images: whether they are read with their images.

    Raises:
        ValueError: a split without labels or images, or a name that it does not have.
    """
    if not manifest.is_labelled(path, split):
        raise ValueError(f"split {split} of {path} has no labels")
    kind = manifest.read_manifest(path).get("data", "")
    classes = manifest.read_classes(path).names
    names = None if isinstance(wanted, int) else wanted
    found: dict[str, Subject] = {}
    if images:
        shards.find_scenes(path, split).check_images()
    for scene in shards.read_scenes(path, split, images):
        if names is None or scene.name in names:
            values = {field.name: getattr(scene, field.name) for field in fields(Scene)}
            found[scene.name] = Subject(**values, kind=kind, classes=classes)
        if len(found) == (wanted if names is None else len(names)):
            break
    for name in names or ():
        if name not in found:
            raise ValueError(f"split {split} of {path} has no scene {name!r}")
    return [found[name] for name in names or found]
