"""The point of a scene at which figure 7 looks."""

from collections.abc import Sequence

import numpy as np

from gspn_tf.paper.figures.subjects import Subject

CHAIR = "chair"
FAR = 0.1  # of the scene's diagonal: farther from all points a place is no seed
FEW = 8  # seeds on an object from which it is seen well enough
NEAR = 0.1  # of an object's diagonal: so near its box others stand close


def with_a_chair(subjects: Sequence[Subject]) -> Subject:
    """Return the first scene with a chair, as the paper's has, else the first scene."""
    for subject in subjects:
        if subject.labelled:
            if CHAIR in (entry.name for entry in subject.instance_layer().entries):
                return subject
    return subjects[0]


def seed_place(subject: Subject, wanted: str | None, rows: np.ndarray) -> np.ndarray:
    """Return where to look [3]: at a point's number, at "x,y,z", or at a leg.

    Args:
        subject: scene to look at.
        wanted: number or place; default: a leg among `rows`.
        rows: [S] points of the scene that are seeds.

    Raises:
        ValueError: no such point, nothing near that place, or no truth to choose by.
    """
    if not wanted:
        return subject.points[_leg(subject, rows)]
    try:
        numbers = [float(part) for part in wanted.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 3) or not np.isfinite(numbers).all():
        raise ValueError(f"seed_point must be a number or x,y,z, got {wanted!r}")
    if len(numbers) == 1:
        last = len(subject.points) - 1
        if numbers[0] not in range(last + 1):
            raise ValueError(f"{subject.name} has no point {wanted}, has 0..{last}")
        return subject.points[int(numbers[0])]
    nearest = np.linalg.norm(subject.points - numbers, axis=1).min()
    reach = FAR * np.linalg.norm(np.ptp(subject.points, axis=0))
    if nearest > reach:
        raise ValueError(
            f"seed_point {wanted}: the nearest point of {subject.name} is "
            f"{nearest:.2f} m away, expected one within {reach:.2f} m"
        )
    return np.array(numbers, np.float32)


def _leg(subject: Subject, rows: np.ndarray) -> int:
    """Choose a seed as the paper's: low and far out on the chair most crowded round."""
    if not subject.labelled:
        raise ValueError(
            f"{subject.name} has no truth to choose a seed by: give seed_point"
        )
    owner = subject.instance[rows]
    numbers, counts = np.unique(owner[owner >= 0], return_counts=True)
    if not len(numbers):
        raise ValueError(f"no seed in {subject.name} lies on an object")
    numbers = numbers[counts >= min(FEW, counts.max())]
    chairs = [n for n in numbers if subject.class_of(n) == CHAIR]
    chosen = max(chairs or numbers, key=lambda number: _crowding(subject, number))
    own = rows[owner == chosen]
    box = subject.box_of(chosen)
    height = (subject.points[own, 2] - box[2]) / max(box[5], 1e-6) + 0.5
    low = own[(height > 0.05) & (height < 0.4)]
    own = low if len(low) else own
    out = np.linalg.norm(subject.points[own, :2] - box[:2], axis=1)
    return int(own[out.argmax()])


def _crowding(subject: Subject, number: int) -> int:
    """Count the points of other objects that lie in or near an object's box."""
    box = subject.box_of(number)
    reach = box[3:] / 2 + NEAR * np.linalg.norm(box[3:])
    near = (np.abs(subject.points - box[:3]) <= reach).all(axis=1)
    return int((near & (subject.instance >= 0) & (subject.instance != number)).sum())
