"""Average precision of instances after the protocol of the ScanNet benchmark."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gspn_tf.metrics.protocol import Matches, class_precision

# Average precision is the mean over all but the last; 0.25 stands alone.
OVERLAPS = np.append(np.arange(0.5, 0.95, 0.05), 0.25)
MIN_REGION_SIZE = 100  # points; smaller objects and predictions do not count


class InstancePredictions(NamedTuple):
    """What was found in one scene of V points; masks may overlap each other.

    A mask is either bool [V] or an integer array of the rows of its points, which keeps
    a large scan's masks small.
    """

    masks: Sequence[np.ndarray]  # D masks
    classes: np.ndarray  # [D] int, 1..C
    scores: np.ndarray  # [D] float, higher is surer


@dataclass(frozen=True, slots=True)
class APResult:
    """Average precision per class; NaN where the ground truth has no such object."""

    class_names: tuple[str, ...]  # C names, of classes 1..C
    class_ap: np.ndarray  # [C] mean over IoU 0.50, 0.55, ..., 0.90
    class_ap50: np.ndarray  # [C]
    class_ap25: np.ndarray  # [C]
    num_instances: np.ndarray  # [C] ground-truth objects that count

    @property
    def ap(self) -> float:
        """Mean AP over the classes that appear in the ground truth."""
        return _mean_of_present(self.class_ap)

    @property
    def ap50(self) -> float:
        """Mean AP at IoU 0.50 over the classes that appear."""
        return _mean_of_present(self.class_ap50)

    @property
    def ap25(self) -> float:
        """Mean AP at IoU 0.25 over the classes that appear."""
        return _mean_of_present(self.class_ap25)

    def rows(self) -> Iterator[tuple[str, float, float, float, int]]:
        """Name, AP, AP50, AP25 and number of objects of every class, then the mean."""
        columns = (self.class_ap, self.class_ap50, self.class_ap25)
        for row, name in enumerate(self.class_names):
            yield (
                name,
                *(float(c[row]) for c in columns),
                int(self.num_instances[row]),
            )
        yield ("mean", self.ap, self.ap50, self.ap25, int(self.num_instances.sum()))

    def table(self) -> str:
        """The rows as text; a dash where a class does not appear."""
        lines = [f"{'class':<16}{'AP':>8}{'AP50':>8}{'AP25':>8}{'objects':>9}"]
        for name, *values, count in self.rows():
            cells = "".join("       -" if np.isnan(v) else f"{v:8.3f}" for v in values)
            lines.append(f"{name:<16}{cells}{count:9d}")
        return "\n".join(lines)

    def as_dict(self) -> dict:
        """Plain values for JSON; None in place of NaN."""
        *classes, mean = (
            {
                "class": name,
                **{
                    key: None if np.isnan(value) else value
                    for key, value in zip(("ap", "ap50", "ap25"), values, strict=True)
                },
                "num_instances": count,
            }
            for name, *values, count in self.rows()
        )
        mean.pop("class")
        return {**mean, "classes": classes}


class InstanceEvaluator:
    """Collects scenes one at a time; keeps counts of shared points, never masks.

    Args:
        class_names: C names; class c of the labels is `class_names[c - 1]`.
        min_region_size: objects below this many points are ignored and predictions
            below it dropped.
    """

    def __init__(
        self, class_names: Sequence[str], *, min_region_size: int = MIN_REGION_SIZE
    ) -> None:
        if min_region_size < 1:
            raise ValueError(f"min_region_size must be positive, got {min_region_size}")
        self.class_names = tuple(class_names)
        self.min_region_size = min_region_size
        self._matches: list[list[Matches]] = [[] for _ in self.class_names]

    def update(
        self,
        predictions: InstancePredictions,
        semantic: np.ndarray,
        instance: np.ndarray,
    ) -> None:
        """Add one scene.

        Args:
            predictions: instances found in it.
            semantic: [V] int, class 1..C of every point; 0 is void.
            instance: [V] int, object of every point; negative is void. As in the
                benchmark, an object is a (class, instance) pair.

        Raises:
            ValueError: arrays that do not fit each other, or classes outside 1..C.
        """
        semantic, instance = self._checked_labels(semantic, instance)
        classes, scores = self._checked_predictions(predictions)
        truth = _Truth.of(semantic, instance)
        counts = np.zeros((len(classes), 1 + len(truth.sizes)), np.int64)
        for row, mask in enumerate(predictions.masks):
            rows = _mask_rows(row, mask, len(semantic))
            counts[row] = np.bincount(truth.rows[rows], minlength=counts.shape[1])
        sizes = counts.sum(axis=1)
        for label, matches in enumerate(self._matches, start=1):
            found = np.flatnonzero((classes == label) & (sizes >= self.min_region_size))
            there = np.flatnonzero(truth.classes == label)
            matches.append(
                Matches(
                    shared=counts[np.ix_(found, 1 + there)],
                    void=counts[found, 0],
                    sizes=sizes[found],
                    scores=scores[found],
                    true_sizes=truth.sizes[there],
                )
            )

    def result(self) -> APResult:
        """Average precision over all scenes added so far."""
        precision = np.array(
            [
                [class_precision(scenes, iou, self.min_region_size) for iou in OVERLAPS]
                for scenes in self._matches
            ]
        ).reshape(len(self.class_names), len(OVERLAPS))
        counts = [
            sum(int((m.true_sizes >= self.min_region_size).sum()) for m in scenes)
            for scenes in self._matches
        ]
        return APResult(
            class_names=self.class_names,
            class_ap=precision[:, :-1].mean(axis=1),
            class_ap50=precision[:, 0],
            class_ap25=precision[:, -1],
            num_instances=np.array(counts, np.int64),
        )

    def _checked_labels(self, semantic, instance) -> tuple[np.ndarray, np.ndarray]:
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
        self._check_range("semantic", semantic, lowest=0)
        return semantic.astype(np.int64), instance.astype(np.int64)

    def _checked_predictions(self, predictions) -> tuple[np.ndarray, np.ndarray]:
        classes = np.asarray(predictions.classes).reshape(-1)
        scores = np.asarray(predictions.scores, np.float64).reshape(-1)
        if not len(predictions.masks) == len(classes) == len(scores):
            raise ValueError(
                "predictions must hold as many masks, classes and scores, got "
                f"{len(predictions.masks)}, {len(classes)} and {len(scores)}"
            )
        if not np.isfinite(scores).all():
            raise ValueError("scores must be finite, got NaN or infinity")
        self._check_range("classes", classes, lowest=1)
        return classes, scores

    def _check_range(self, name: str, labels: np.ndarray, *, lowest: int) -> None:
        highest = len(self.class_names)
        if labels.size and not lowest <= labels.min() <= labels.max() <= highest:
            raise ValueError(
                f"{name} must lie in {lowest}..{highest}, got "
                f"{labels.min()}..{labels.max()}"
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


class _Truth(NamedTuple):
    """The objects of one scene."""

    rows: np.ndarray  # [V] 0 = void, 1 + object otherwise
    sizes: np.ndarray  # [G]
    classes: np.ndarray  # [G]

    @classmethod
    def of(cls, semantic: np.ndarray, instance: np.ndarray) -> "_Truth":
        counted = (semantic > 0) & (instance >= 0)
        base = 1 + int(instance.max(initial=0))
        keys = semantic[counted] * base + instance[counted]
        objects, inverse, sizes = np.unique(
            keys, return_inverse=True, return_counts=True
        )
        rows = np.zeros(len(semantic), np.int64)
        rows[counted] = 1 + inverse
        return cls(rows, sizes, objects // base)


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


def _mean_of_present(values: np.ndarray) -> float:
    present = values[~np.isnan(values)]
    return float(present.mean()) if len(present) else float("nan")
