"""Average precision of instances after the protocol of the ScanNet benchmark.

Reference: `evaluate_semantic_instance.py` of the ScanNet benchmark, whose decisions are
kept one by one: objects take predictions in order, duplicates are false positives with
the lower confidence, predictions on ignored points are forgiven.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gspn_tf.metrics.overlaps import (
    APResult,
    Curve,
    Evaluator,
    InstancePredictions,
    Overlaps,
)

MEASURES = {
    "AP": tuple(np.arange(0.5, 0.95, 0.05)),  # 0.50, 0.55, ..., 0.90
    "AP50": (0.5,),
    "AP25": (0.25,),
}
MIN_REGION_SIZE = 100  # points; smaller objects and predictions do not count


class Shown(NamedTuple):
    """How right a list of instances is that ends at a score, all classes together."""

    score: float  # least of the list
    right: int
    wrong: int
    missed: int  # objects that no instance of the list is

    @property
    def precision(self) -> float:
        """Share of the list that is right; NaN of an empty one."""
        return self.right / (self.right + self.wrong or float("nan"))

    @property
    def recall(self) -> float:
        """Share of the objects that are found; NaN without objects."""
        return self.right / (self.right + self.missed or float("nan"))

    @property
    def f1(self) -> float:
        """Harmonic mean of both; NaN without instances and objects."""
        whole = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / (whole or float("nan"))


class InstanceEvaluator(Evaluator):
    """Average precision by ScanNet's protocol, scene by scene.

    Args:
        class_names: C names; class c of the labels is `class_names[c - 1]`.
        min_region_size: Objects below this many points are ignored and predictions
            below it dropped.
    """

    measures: Mapping[str, Sequence[float]] = MEASURES

    def __init__(
        self, class_names: Sequence[str], min_region_size: int = MIN_REGION_SIZE
    ) -> None:
        if min_region_size < 1:
            raise ValueError(f"min_region_size must be positive, got {min_region_size}")
        super().__init__(class_names, min_region_size)

    def result(self, scenes: slice = slice(None)) -> APResult:
        """Average precision over the scenes added so far, or over some of them."""
        classes, size = [c[scenes] for c in self.classes], self.min_region_size
        curves = {
            iou: [precision_curve(overlaps, iou, size) for overlaps in classes]
            for iou in {iou for ious in self.measures.values() for iou in ious}
        }
        areas = {iou: [integral(curve) for curve in curves[iou]] for iou in curves}
        return APResult(
            class_names=self.class_names,
            by_class={
                name: np.stack([areas[iou] for iou in ious], axis=1).mean(axis=1)
                for name, ious in self.measures.items()
            },
            num_instances=np.array(
                [sum(np.sum(o.true_sizes >= size) for o in c) for c in classes],
                np.int64,
            ),
            curves={iou: tuple(curves[iou]) for iou in (0.5, 0.25) if iou in curves},
        )

    def shown(self, score: float, iou: float = 0.25) -> Shown:
        """Count what is right among instances of at least a score, at an IoU."""
        right, wrong, objects = 0, 0, 0
        for overlaps in itertools.chain.from_iterable(self.classes):
            listed = overlaps.scored(score)
            hits, misses, counted = match(listed, iou, self.min_region_size)
            right, wrong = right + len(hits), wrong + len(misses)
            objects += counted
        return Shown(score, right, wrong, objects - right)


class NYUv2Evaluator(InstanceEvaluator):
    """Average precision at the one IoU that the paper's Table 3 gives."""

    measures: Mapping[str, Sequence[float]] = {"AP25": (0.25,)}


def average_precision(
    scenes: Iterable[tuple[InstancePredictions, np.ndarray, np.ndarray]],
    class_names: Sequence[str],
    *,
    min_region_size: int = MIN_REGION_SIZE,
) -> APResult:
    """Average precision of (predictions, semantic [V], instance [V]) scenes.

    Scenes are read one by one and may come from a generator; see InstanceEvaluator.
    """
    evaluator = InstanceEvaluator(class_names, min_region_size=min_region_size)
    for predictions, semantic, instance in scenes:
        evaluator.update(predictions, semantic, instance)
    return evaluator.result()


def match(
    overlaps: Overlaps, iou: float, min_region_size: int
) -> tuple[list[float], list[float], int]:
    """Assign the predictions of one class at one IoU threshold, object by object.

    Returns:
        Confidences of right and of wrong predictions, and how many objects count.
    """
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
    return right, wrong, int(counted.sum())


def precision_curve(
    scenes: Sequence[Overlaps], iou: float, min_region_size: int
) -> Curve | None:
    """Curve of one class with a point per distinct confidence; None without truth."""
    matches = [match(scene, iou, min_region_size) for scene in scenes]
    right = np.sort([score for found, _, _ in matches for score in found])
    wrong = np.sort([score for _, stray, _ in matches for score in stray])
    positives = sum(count for _, _, count in matches)
    if not positives:
        return None
    scores = np.unique(np.concatenate([right, wrong]))
    hits = len(right) - np.searchsorted(right, scores)
    false_alarms = len(wrong) - np.searchsorted(wrong, scores)
    return Curve(scores, hits / (hits + false_alarms), hits / positives)


def integral(curve: Curve | None) -> float:
    """Area under a curve as the benchmark integrates it; NaN for None."""
    if curve is None:
        return float("nan")
    precision = np.append(curve.precision, 1.0)
    recall = np.append(curve.recall, 0.0)
    padded = np.concatenate([recall[:1], recall, [0.0]])
    return float(precision @ np.convolve(padded, [-0.5, 0.0, 0.5], "valid"))
