"""A network's view of a scan in which it found little, and what may be amiss there."""

from collections.abc import Iterator

import numpy as np

from gspn_tf.data.classes import ClassList
from gspn_tf.files.stray import extents
from gspn_tf.inference.segmenter import Segmentation
from gspn_tf.nn.boxes import pairwise_iou

AXES = "xyz"
SAME_OBJECT = 0.25  # IoU above which two boxes are of one object
FEW_INSTANCES, SMALL_SHARE = 3, 0.05


def is_little(found: Segmentation) -> bool:
    """Whether instances are few, or hold next to nothing of the scan."""
    share = np.mean(found.labels() >= 0)
    return len(found.classes) < FEW_INSTANCES or bool(share < SMALL_SHARE)


def class_shares(found: Segmentation, classes: ClassList) -> dict[str, float]:
    """Share of the scan's points by the class of each point, greatest first."""
    counts = np.bincount(found.semantic, minlength=len(classes.names) + 1)
    names = ("background", *classes.names)
    order = np.argsort(-counts, kind="stable")
    total = len(found.semantic)
    return {names[row]: float(counts[row] / total) for row in order if counts[row]}


def rejected(
    found: Segmentation, least: float, classes: ClassList, most: int = 5
) -> list[tuple[np.ndarray, str]]:
    """Best boxes of objects that are not shown, and why each is not.

    Args:
        found: All that the network gave.
        least: Score from which instances are shown.
        classes: Those of the network.
        most: Number of boxes at most.

    Returns:
        Boxes [6] in metres, in the scan's frame, none of which lies on another or on
        an instance that is shown.
    """
    taken = list(found.scored(least).boxes)
    chosen: list[tuple[np.ndarray, str]] = []
    for box, reason in _candidates(found, least, classes):
        if len(chosen) == most:
            break
        if _iou(box, taken).max(initial=0) <= SAME_OBJECT:
            taken.append(box)
            chosen.append((box, reason))
    return chosen


def _candidates(
    found: Segmentation, least: float, classes: ClassList
) -> Iterator[tuple[np.ndarray, str]]:
    """Instances of too low a score, then proposals of which no instance came."""
    scores = found.scores
    for row in np.flatnonzero(scores < least):
        name = classes.names[found.classes[row] - 1]
        reason = f"{name}, scored {scores[row]:.2f}, shown from {least:.2f}"
        yield found.boxes[row], reason
    for box, score in zip(found.proposals, found.proposal_scores, strict=True):
        yield box, f"proposed with {score:.2f}, taken for background"


def _iou(box: np.ndarray, others: list[np.ndarray]) -> np.ndarray:
    if not others:
        return np.zeros(0, np.float32)
    return pairwise_iou(box[None], np.stack(others)).numpy()[0]


def unit_doubt(points: np.ndarray) -> str:
    """Doubt in a line that points [V, 3] are in metres, or ""."""
    extent = float(extents(points).max())
    if len(points) < 2 or 0.3 <= extent <= 200:
        return ""
    guess = "millimetres: --scale 0.001" if extent > 200 else "another unit: --scale"
    return f"the scan is {extent:,.3g} m across; perhaps it is in {guess}"


def up_doubt(points: np.ndarray) -> str:
    """Doubt in a line that z is up in points [V, 3], or "".

    Rooms are lower than wide, so an extent much smaller than z's may be the height.
    """
    sides = extents(points)
    least = int(sides.argmin())
    if sides[least] >= 0.7 * sides[2]:
        return ""
    option = ": --up y" if AXES[least] == "y" else ""
    return (
        f"the scan is {sides[2]:.3g} m high along z and {sides[least]:.3g} m "
        f"along {AXES[least]}; perhaps {AXES[least]} is up, where z should be{option}"
    )


def report(
    found: Segmentation, least: float, classes: ClassList, points: np.ndarray
) -> list[str]:
    """Say in lines what was seen: classes of points, boxes left out, a doubt of z."""
    shares = class_shares(found, classes).items()
    listed = ", ".join(f"{name} {share:.0%}" for name, share in shares if share > 0.005)
    lines = [f"little was found; points by class: {listed}"]
    for box, reason in rejected(found, least, classes):
        place = " ".join(f"{value:.2f}" for value in box[:3])
        size = " x ".join(f"{value:.2f}" for value in box[3:])
        lines.append(f"left out at {place}, {size} m: {reason}")
    return [*lines, *filter(None, [up_doubt(points)])]
