"""Average precision of instances after the protocol of the ScanNet benchmark."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from gspn_tf.metrics.matching import area, class_curve
from gspn_tf.metrics.overlaps import InstancePredictions, Overlaps, count_overlaps
from gspn_tf.metrics.results import APResult

MEASURES = {
    "AP": tuple(np.arange(0.5, 0.95, 0.05)),  # 0.50, 0.55, ..., 0.90
    "AP50": (0.5,),
    "AP25": (0.25,),
}
MIN_REGION_SIZE = 100  # points; smaller objects and predictions do not count


class InstanceEvaluator:
    """Collects scenes one at a time; keeps counts of shared points, never masks.

    Args:
        class_names: C names; class c of the labels is `class_names[c - 1]`.
        measures: name -> IoU thresholds to average over.
        min_region_size: objects below this many points are ignored and predictions
            below it dropped.
    """

    def __init__(
        self,
        class_names: Sequence[str],
        *,
        measures: Mapping[str, Sequence[float]] = MEASURES,
        min_region_size: int = MIN_REGION_SIZE,
    ) -> None:
        if min_region_size < 1:
            raise ValueError(f"min_region_size must be positive, got {min_region_size}")
        self.class_names = tuple(class_names)
        self.measures = dict(measures)
        self.min_region_size = min_region_size
        self._classes: list[list[Overlaps]] = [[] for _ in self.class_names]

    def update(
        self,
        predictions: InstancePredictions,
        semantic: np.ndarray,
        instance: np.ndarray,
    ) -> None:
        """Add one scene; arguments and errors as of `count_overlaps`."""
        overlaps = count_overlaps(
            predictions, semantic, instance, len(self.class_names)
        )
        for label, scenes in enumerate(self._classes, start=1):
            scenes.append(overlaps.of_class(label, self.min_region_size))

    def result(self, scenes: slice = slice(None)) -> APResult:
        """Average precision over the scenes added so far, or over some of them."""
        classes, size = [c[scenes] for c in self._classes], self.min_region_size
        curves = {
            iou: [class_curve(overlaps, iou, size) for overlaps in classes]
            for iou in {iou for ious in self.measures.values() for iou in ious}
        }
        areas = {iou: [area(curve) for curve in curves[iou]] for iou in curves}
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
