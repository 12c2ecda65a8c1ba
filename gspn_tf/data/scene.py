"""A labelled scene and the promises that its values keep; nothing but NumPy."""

from dataclasses import dataclass

import numpy as np

FIELDS = {"points": "<f4", "colors": "|u1", "semantic": "<i4", "instance": "<i4"}


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene with its labels.

    name      of the scan or the generated room
    points    [V, 3] float32, metres, z up, all finite
    colors    [V, 3] uint8
    semantic  [V] int32, 0 = background, else row 1..C of the class list
    instance  [V] int32, -1 = none, else 0..I-1, every number in use
    """

    name: str
    points: np.ndarray
    colors: np.ndarray
    semantic: np.ndarray
    instance: np.ndarray

    def __post_init__(self):
        count = len(self.points)
        for field, kind in FIELDS.items():
            value = getattr(self, field)
            shape = (count, 3) if field in ("points", "colors") else (count,)
            if value.shape != shape or value.dtype != np.dtype(kind):
                raise ValueError(
                    f"{field} of scene {self.name!r} must be {np.dtype(kind)} "
                    f"{list(shape)}, got {value.dtype} {list(value.shape)}"
                )

    @property
    def num_instances(self) -> int:
        """Number of instances I."""
        return int(self.instance.max(initial=-1)) + 1


def check_scene(scene: Scene, num_classes: int) -> None:
    """Raises ValueError unless the values of a scene keep the promises of `Scene`."""
    if not len(scene.points):
        raise ValueError(f"scene {scene.name!r} has no points")
    if not np.isfinite(scene.points).all():
        raise ValueError(f"points of scene {scene.name!r} are not all finite")
    low, high = int(scene.semantic.min()), int(scene.semantic.max())
    if low < 0 or high > num_classes:
        raise ValueError(
            f"semantic of scene {scene.name!r} must lie in 0..{num_classes}, "
            f"got {low}..{high}"
        )
    rows = np.unique(scene.instance)
    rows = rows[rows != -1]
    if not np.array_equal(rows, np.arange(len(rows))):
        raise ValueError(
            f"instance of scene {scene.name!r} must be -1 or number its instances "
            f"0..I-1 without gaps, got {rows[:20].tolist()}"
        )
