"""A network's view of a scan in which it found little, and what may be amiss there."""

import numpy as np

from gspn_tf.config import MaskRCNNConfig, RPointNetConfig, SGPNConfig
from gspn_tf.data.classes import ClassList
from gspn_tf.files.stray import extents
from gspn_tf.inference.segmenter import Segmentation
from gspn_tf.nn.boxes import pairwise_iou

AXES = "xyz"
SAME_OBJECT = 0.25  # IoU above which two boxes are of one object
COVERED = 0.5  # share of a box's points above which masks hold it
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
    found: Segmentation,
    config: RPointNetConfig | SGPNConfig | MaskRCNNConfig,
    classes: ClassList,
    points: np.ndarray,
    most: int = 5,
) -> list[tuple[np.ndarray, str]]:
    """Best boxes of objects that are not shown, and why each is not.

    Args:
        found: All that the network gave.
        config: The network's; it has the score from which instances are shown.
        classes: Those of the network.
        points: [V, 3] metres, those of the scan.
        most: Number of boxes at most.

    Returns:
        Boxes [6] in metres, in the scan's frame, none of which lies on another or on
        an instance that is shown.
    """
    least = config.shown_score
    low = np.flatnonzero(found.scores < least)
    taken = list(found.scored(least).boxes)
    chosen: list[tuple[np.ndarray, str]] = []
    for row, box in enumerate([*found.boxes[low], *found.proposals]):
        if len(chosen) == most:
            break
        if _iou(box, taken).max(initial=0) > SAME_OBJECT:
            continue
        taken.append(box)
        if row < len(low):
            told = f"{_named(found, low[row], classes)}, shown from {least:.2f}"
        else:
            assert isinstance(config, RPointNetConfig)  # others give no proposals
            score = found.proposal_scores[row - len(low)]
            reason = _why_no_instance(box, found, config, classes, points)
            told = f"proposed with {score:.2f}, {reason}"
        chosen.append((box, told))
    return chosen


def _named(found: Segmentation, row: int, classes: ClassList) -> str:
    """An instance as it is called: "chair, scored 0.30"."""
    return f"{classes.names[found.classes[row] - 1]}, scored {found.scores[row]:.2f}"


def _why_no_instance(
    box: np.ndarray,
    found: Segmentation,
    config: RPointNetConfig,
    classes: ClassList,
    points: np.ndarray,
) -> str:
    """Say why no instance came of a proposal, as far as the results can tell.

    The network drops a region without points; one whose class is the background or not
    sure enough; one that another of the same class suppresses; and all after the most
    instances that there may be.
    """
    center, size = box[:3], box[3:]
    inside = (np.abs(points - center) <= size / 2).all(axis=1)
    if not inside.any():
        return "but no point is in it"
    owners = found.labels()[inside]
    covered = float(np.mean(owners >= 0))
    if covered > COVERED:
        owner = int(np.bincount(owners[owners >= 0]).argmax())
        named = _named(found, owner, classes)
        return f"but {covered:.0%} of its points are in masks, most of the {named}"
    if len(found.scores) >= config.max_detections:
        return f"after the {len(found.scores)} best instances"
    if config.class_agnostic or config.region_classes == "objects":
        reason = f"but no class of an object reached {config.min_score:.2f}"
    else:
        reason = f"taken for background, or for a class below {config.min_score:.2f}"
    overlap = _iou(box, list(found.boxes))
    if overlap.any():
        owner = int(overlap.argmax())
        reason += f"; or suppressed by the {_named(found, owner, classes)} beside it"
    return reason


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
    found: Segmentation,
    config: RPointNetConfig | SGPNConfig | MaskRCNNConfig,
    classes: ClassList,
    points: np.ndarray,
) -> list[str]:
    """Say in lines what was seen: classes of points, boxes left out, a doubt of z."""
    shares = class_shares(found, classes).items()
    listed = ", ".join(f"{name} {share:.0%}" for name, share in shares if share > 0.005)
    lines = [f"little was found; points by class: {listed}"]
    for box, reason in rejected(found, config, classes, points):
        place = " ".join(f"{value:.2f}" for value in box[:3])
        size = " x ".join(f"{value:.2f}" for value in box[3:])
        lines.append(f"left out at {place}, {size} m: {reason}")
    return [*lines, *filter(None, [up_doubt(points)])]
