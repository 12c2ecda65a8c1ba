"""The ScanNet benchmark's matching and its precision-recall curve, class by class.

Reference: `evaluate_semantic_instance.py` of the ScanNet benchmark, whose decisions are
kept one by one: objects take predictions in order, duplicates are false positives with
the lower confidence, predictions on ignored points are forgiven.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Matches(NamedTuple):
    """Predictions and objects of one class in one scene."""

    shared: np.ndarray  # [P, G] points in both
    void: np.ndarray  # [P] points of the prediction on void
    sizes: np.ndarray  # [P]
    scores: np.ndarray  # [P]
    true_sizes: np.ndarray  # [G]


class Outcome(NamedTuple):
    """Confidences of what was right and wrong, and how many objects were missed."""

    right: list[float]
    wrong: list[float]
    missed: int


def match(matches: Matches, iou: float, min_region_size: int) -> Outcome:
    """Greedy assignment at one IoU threshold, object by object."""
    union = matches.sizes[:, None] + matches.true_sizes[None] - matches.shared
    overlaps = matches.shared / union > iou  # [P, G]
    counted = matches.true_sizes >= min_region_size  # [G]
    right: list[float] = []
    wrong: list[float] = []
    taken = np.zeros(len(matches.sizes), bool)
    for column in np.flatnonzero(counted):
        rivals = np.flatnonzero(overlaps[:, column] & ~taken)
        if len(rivals):
            taken[rivals[0]] = True  # the benchmark marks the first one alone
            *losers, best = np.sort(matches.scores[rivals]).tolist()
            right.append(best)
            wrong.extend(losers)
    ignored = matches.void + matches.shared[:, ~counted].sum(axis=1)
    stray = ~overlaps.any(axis=1) & (ignored / matches.sizes <= iou)
    wrong.extend(matches.scores[stray].tolist())
    return Outcome(right, wrong, int(counted.sum()) - len(right))


def class_precision(
    scenes: Sequence[Matches], iou: float, min_region_size: int
) -> float:
    """Average precision of one class; NaN without ground truth."""
    outcomes = [match(m, iou, min_region_size) for m in scenes]
    right = np.array([s for o in outcomes for s in o.right])
    wrong = np.array([s for o in outcomes for s in o.wrong])
    missed = sum(o.missed for o in outcomes)
    if not len(right) + missed:
        return float("nan")
    return _integrate(right, wrong, missed)


def _integrate(right: np.ndarray, wrong: np.ndarray, missed: int) -> float:
    """Area under the precision-recall curve, one point per distinct confidence."""
    thresholds = np.unique(np.concatenate([right, wrong]))
    hits = len(right) - np.searchsorted(np.sort(right), thresholds)
    false_alarms = len(wrong) - np.searchsorted(np.sort(wrong), thresholds)
    precision = np.append(hits / (hits + false_alarms), 1.0)
    recall = np.append(hits / (len(right) + missed), 0.0)
    padded = np.concatenate([recall[:1], recall, [0.0]])
    return float(precision @ np.convolve(padded, [-0.5, 0.0, 0.5], "valid"))
