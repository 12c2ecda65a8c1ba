"""The ScanNet benchmark's matching and its precision-recall curve, class by class.

Reference: `evaluate_semantic_instance.py` of the ScanNet benchmark, whose decisions are
kept one by one: objects take predictions in order, duplicates are false positives with
the lower confidence, predictions on ignored points are forgiven.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gspn_tf.metrics.overlaps import Overlaps
from gspn_tf.metrics.results import Curve


class Outcome(NamedTuple):
    """Confidences of what was right and wrong, and how many objects were missed."""

    right: list[float]
    wrong: list[float]
    missed: int


def match(overlaps: Overlaps, iou: float, min_region_size: int) -> Outcome:
    """Greedy assignment of one class at one IoU threshold, object by object."""
    shared, sizes, scores = overlaps.shared, overlaps.sizes, overlaps.scores
    union = sizes[:, None] + overlaps.true_sizes[None] - shared
    fits = shared / union > iou  # [P, G]
    counted = overlaps.true_sizes >= min_region_size  # [G]
    right: list[float] = []
    wrong: list[float] = []
    taken = np.zeros(len(sizes), bool)
    for column in np.flatnonzero(counted):
        rivals = np.flatnonzero(fits[:, column] & ~taken)
        if len(rivals):
            taken[rivals[0]] = True  # the benchmark marks the first one alone
            *losers, best = np.sort(scores[rivals]).tolist()
            right.append(best)
            wrong.extend(losers)
    ignored = overlaps.void + shared[:, ~counted].sum(axis=1)
    stray = ~fits.any(axis=1) & (ignored / sizes <= iou)
    wrong.extend(scores[stray].tolist())
    return Outcome(right, wrong, int(counted.sum()) - len(right))


def class_curve(
    scenes: Sequence[Overlaps], iou: float, min_region_size: int
) -> Curve | None:
    """One point per distinct confidence; None without ground truth."""
    outcomes = [match(scene, iou, min_region_size) for scene in scenes]
    right = np.sort([score for outcome in outcomes for score in outcome.right])
    wrong = np.sort([score for outcome in outcomes for score in outcome.wrong])
    positives = len(right) + sum(outcome.missed for outcome in outcomes)
    if not positives:
        return None
    scores = np.unique(np.concatenate([right, wrong]))
    hits = len(right) - np.searchsorted(right, scores)
    false_alarms = len(wrong) - np.searchsorted(wrong, scores)
    return Curve(scores, hits / (hits + false_alarms), hits / positives)


def area(curve: Curve | None) -> float:
    """The benchmark's integral of a curve; NaN for None."""
    if curve is None:
        return float("nan")
    precision = np.append(curve.precision, 1.0)
    recall = np.append(curve.recall, 0.0)
    padded = np.concatenate([recall[:1], recall, [0.0]])
    return float(precision @ np.convolve(padded, [-0.5, 0.0, 0.5], "valid"))
