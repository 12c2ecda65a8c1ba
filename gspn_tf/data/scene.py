"""A labelled scene and the promises that its values keep; nothing but NumPy.

"No object" is written in one way: a point of no class has semantic 0, and a point of no
instance has instance -1 in arrays and tensors, where instances are rows 0..I-1, and
instance 0 in files, where objects are numbered from 1 with gaps. `number_instances` is
where one becomes the other; adding one is the way back.
"""

from dataclasses import dataclass

import numpy as np

from gspn_tf.data.rgbd_image import RgbdImage

GREY = 128
"""Level of the colours of points that have none, in data sets and at inference."""
SEVERAL = 0.1  # of an object's points, from which a second class is no slip
FIELDS = {"points": "<f4", "colors": "|u1", "semantic": "<i4", "instance": "<i4"}


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene with its labels.

    name      of the scan or the generated room
    points    [V, 3] float32, metres, z up, all finite
    colors    [V, 3] uint8
    semantic  [V] int32, 0 = background, else row 1..C of the class list
    instance  [V] int32, -1 = none, else 0..I-1, every number in use
    image     of a single frame, which has a point for each measured pixel, row by row
    """

    name: str
    points: np.ndarray
    colors: np.ndarray
    semantic: np.ndarray
    instance: np.ndarray
    image: RgbdImage | None = None

    def __post_init__(self) -> None:
        count = len(self.points)
        for field, kind in FIELDS.items():
            value = getattr(self, field)
            shape = (count, 3) if field in ("points", "colors") else (count,)
            if value.shape != shape or value.dtype != np.dtype(kind):
                raise ValueError(
                    f"{field} of scene {self.name!r} must be {np.dtype(kind)} "
                    f"{list(shape)}, got {value.dtype} {list(value.shape)}"
                )
        if self.image is not None and self.image.num_measured != count:
            raise ValueError(
                f"image of scene {self.name!r} must have {count} measured pixels, one "
                f"for each point, got {self.image.num_measured}"
            )

    @property
    def num_instances(self) -> int:
        """Number of instances I."""
        return int(self.instance.max(initial=-1)) + 1

    def instance_classes(self) -> np.ndarray:
        """Class row [I] of each instance, by the majority of its labelled points."""
        mine = self.instance >= 0
        votes = _votes(self.instance[mine], self.semantic[mine], self.num_instances)
        return votes[:, 1:].argmax(axis=1) + 1


def number_instances(raw: np.ndarray, semantic: np.ndarray) -> np.ndarray:
    """Object numbers of a file -> rows of instances.

    Args:
        raw: [V] integers, the object of each point; 0 or less = none.
        semantic: [V] class rows.

    Returns:
        [V] int32, 0..I-1 in the order of the raw numbers, -1 = none. Objects of which
        most points are background are dropped.
    """
    numbers, rows = np.unique(raw, return_inverse=True)
    classes = _votes(rows, semantic, len(numbers)).argmax(axis=1)
    kept = (numbers > 0) & (classes > 0)
    return np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)[rows]


def numbers_per_class(numbers: np.ndarray, semantic: np.ndarray) -> np.ndarray:
    """Object numbers that begin anew in each class -> numbers of a whole scene.

    Args:
        numbers: [V] integers, the object of each point in its class; 0 or less = none.
        semantic: [V] classes, 0 or more.

    Returns:
        [V] int64, distinct for each number and class; 0 = none.
    """
    step = int(semantic.max(initial=0)) + 1
    return np.where(numbers > 0, numbers.astype(np.int64) * step + semantic, 0)


def begin_anew(numbers: np.ndarray, classes: np.ndarray) -> bool:
    """Whether object numbers begin anew in each class: most of them have several.

    A number has several classes where two have a tenth of its points each, or none has
    half of them.

    Args:
        numbers: [V] integers, 0 or less = none.
        classes: [V] raw class ids, 0 or less = none.
    """
    known = (numbers > 0) & (classes > 0)
    if not known.any():
        return False
    distinct, rows = np.unique(numbers[known], return_inverse=True)
    _, columns = np.unique(classes[known], return_inverse=True)
    votes = _votes(rows, columns, len(distinct))
    *_, second, first = np.sort(votes / votes.sum(axis=1, keepdims=True), axis=1).T
    return bool(np.mean((second >= SEVERAL) | (first < 0.5)) > 0.5)


def _votes(rows: np.ndarray, semantic: np.ndarray, count: int) -> np.ndarray:
    """Points [count, C + 1] of each class that have each row."""
    votes = np.zeros((count, max(1, int(semantic.max(initial=0))) + 1), np.int64)
    np.add.at(votes, (rows, semantic), 1)
    return votes


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
