"""What the predictions of one scene share with its objects: counts of points."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class InstancePredictions(NamedTuple):
    """What was found in one scene of V points; masks may overlap each other.

    A mask is either bool [V] or an integer array of the rows of its points, which keeps
    a large scan's masks small.
    """

    masks: Sequence[np.ndarray]  # D masks
    classes: np.ndarray  # [D] int, 1..C
    scores: np.ndarray  # [D] float, higher is surer


class Overlaps(NamedTuple):
    """Predictions and objects of one scene; objects ascend by class and instance."""

    shared: np.ndarray  # [P, G] points in both
    void: np.ndarray  # [P] points of the prediction on no object of any class
    sizes: np.ndarray  # [P]
    classes: np.ndarray  # [P]
    scores: np.ndarray  # [P]
    true_sizes: np.ndarray  # [G]
    true_classes: np.ndarray  # [G]

    def of_class(self, label: int, smallest: int = 0) -> "Overlaps":
        """One class's predictions of at least `smallest` points, and its objects."""
        found = (self.classes == label) & (self.sizes >= smallest)
        there = self.true_classes == label
        return Overlaps(
            self.shared[np.ix_(found, there)],
            *(values[found] for values in self[1:5]),
            *(values[there] for values in self[5:]),
        )


def count_overlaps(
    predictions: InstancePredictions,
    semantic: np.ndarray,
    instance: np.ndarray,
    num_classes: int,
) -> Overlaps:
    """Counts of one scene.

    Args:
        predictions: instances found in it.
        semantic: [V] int, class 1..C of every point; 0 is void.
        instance: [V] int, object of every point; negative is void. An object is a
            (class, instance) pair.
        num_classes: C.

    Raises:
        ValueError: arrays that do not fit each other, or classes outside 1..C.
    """
    semantic, instance = _checked_labels(semantic, instance, num_classes)
    classes, scores = _checked_predictions(predictions, num_classes)
    counted = np.flatnonzero((semantic > 0) & (instance >= 0))
    base = 1 + int(instance.max(initial=0))
    keys = semantic[counted] * base + instance[counted]
    objects, inverse, true_sizes = np.unique(
        keys, return_inverse=True, return_counts=True
    )
    columns = np.zeros(len(semantic), np.int64)  # 0 = void, 1 + object otherwise
    columns[counted] = 1 + inverse
    counts = np.zeros((len(classes), 1 + len(objects)), np.int64)
    for row, mask in enumerate(predictions.masks):
        points = _mask_rows(row, mask, len(semantic))
        counts[row] = np.bincount(columns[points], minlength=counts.shape[1])
    return Overlaps(
        shared=counts[:, 1:],
        void=counts[:, 0],
        sizes=counts.sum(axis=1),
        classes=classes,
        scores=scores,
        true_sizes=true_sizes,
        true_classes=objects // base,
    )


def _checked_labels(semantic, instance, num_classes) -> tuple[np.ndarray, np.ndarray]:
    semantic, instance = np.asarray(semantic), np.asarray(instance)
    for name, labels in (("semantic", semantic), ("instance", instance)):
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise ValueError(
                f"{name} must be an integer array [V], got {labels.dtype} "
                f"{labels.shape}"
            )
    if semantic.shape != instance.shape:
        raise ValueError(
            f"instance must have a label for each of {len(semantic)} points, got "
            f"{len(instance)}"
        )
    _check_range("semantic", semantic, 0, num_classes)
    return semantic.astype(np.int64), instance.astype(np.int64)


def _checked_predictions(predictions, num_classes) -> tuple[np.ndarray, np.ndarray]:
    classes = np.asarray(predictions.classes).reshape(-1)
    scores = np.asarray(predictions.scores, np.float64).reshape(-1)
    if not len(predictions.masks) == len(classes) == len(scores):
        raise ValueError(
            "predictions must hold as many masks, classes and scores, got "
            f"{len(predictions.masks)}, {len(classes)} and {len(scores)}"
        )
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite, got NaN or infinity")
    _check_range("classes", classes, 1, num_classes)
    return classes, scores


def _check_range(name: str, labels: np.ndarray, lowest: int, highest: int) -> None:
    if labels.size and not lowest <= labels.min() <= labels.max() <= highest:
        raise ValueError(
            f"{name} must lie in {lowest}..{highest}, got "
            f"{labels.min()}..{labels.max()}"
        )


def _mask_rows(row: int, mask: np.ndarray, num_points: int) -> np.ndarray:
    """Rows of the points that one mask holds, each once."""
    mask = np.asarray(mask)
    if mask.dtype == bool and mask.shape == (num_points,):
        return np.flatnonzero(mask)
    if mask.dtype.kind in "iu" and mask.ndim == 1:
        rows = np.unique(mask)
        if not len(rows) or (rows[0] >= 0 and rows[-1] < num_points):
            return rows
    raise ValueError(
        f"masks[{row}] must be bool [{num_points}] or indices below {num_points}, got "
        f"{mask.dtype} {mask.shape}"
    )
