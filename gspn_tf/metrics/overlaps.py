"""Points that predictions share with objects, and the metrics that come of them."""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np

from gspn_tf.masks import rows_in_mask


class Curve(NamedTuple):
    """Precision and recall of one class, one point a threshold of the scores."""

    scores: np.ndarray  # [T] ascending: predictions of at least this score are kept
    precision: np.ndarray  # [T]
    recall: np.ndarray  # [T] descending


@dataclass(frozen=True, slots=True)
class APResult:
    """Average precision per class; NaN where the ground truth has no such object.

    class_names    C names, of classes 1..C
    by_class       measure ("AP", "AP50", "AP25") -> [C], in the order of the protocol
    num_instances  [C] ground-truth objects that count
    curves         IoU -> C curves, None for an absent class; at 0.50 and 0.25 where
                   the protocol has them
    by_scene       measure -> mean over scenes of a scene's mean over its classes
    """

    class_names: tuple[str, ...]
    by_class: Mapping[str, np.ndarray]
    num_instances: np.ndarray
    curves: Mapping[float, tuple[Curve | None, ...]]
    by_scene: Mapping[str, float] = field(default_factory=dict)

    def mean(self, measure: str) -> float:
        """Mean of a measure over the classes that appear in the ground truth."""
        values = self.by_class[measure]
        present = values[~np.isnan(values)]
        return float(present.mean()) if len(present) else float("nan")

    @property
    def ap(self) -> float:
        """Mean over IoU 0.50, 0.55, ..., 0.90 and the classes that appear."""
        return self.mean("AP")

    @property
    def ap50(self) -> float:
        """Mean AP at IoU 0.50 over the classes that appear."""
        return self.mean("AP50")

    @property
    def ap25(self) -> float:
        """Mean AP at IoU 0.25 over the classes that appear."""
        return self.mean("AP25")

    def rows(self) -> Iterator[tuple]:
        """Name, every measure and number of objects of each class, then the mean."""
        for row, name in enumerate(self.class_names):
            values = (float(column[row]) for column in self.by_class.values())
            yield (name, *values, int(self.num_instances[row]))
        means = (self.mean(measure) for measure in self.by_class)
        yield ("mean", *means, int(self.num_instances.sum()))

    def table(self) -> str:
        """The rows as text; a dash where a class does not appear."""
        width = max(16, *(len(name) + 1 for name in ("", *self.class_names)))
        titles = "".join(f"{measure:>8}" for measure in self.by_class)
        lines = [f"{'class':<{width}}{titles}{'objects':>9}"]
        for name, *values, count in self.rows():
            cells = "".join("       -" if np.isnan(v) else f"{v:8.3f}" for v in values)
            lines.append(f"{name:<{width}}{cells}{count:9d}")
        for measure, value in self.by_scene.items():
            lines.append(f"{measure}, mean over scenes of each scene's: {value:.3f}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Plain values: the means, and the rows of the classes."""
        names = ("class", *self.by_class, "num_instances")
        *classes, mean = (dict(zip(names, row, strict=True)) for row in self.rows())
        mean.pop("class")
        by_scene = {f"{m}_by_scene": value for m, value in self.by_scene.items()}
        return {**mean, **by_scene, "classes": classes}


class InstancePredictions(NamedTuple):
    """Instances found in one scene of V points; masks may overlap each other.

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
        """Select a class: its predictions of `smallest` or more points, its objects."""
        found = (self.classes == label) & (self.sizes >= smallest)
        return self._part(found, self.true_classes == label)

    def scored(self, score: float) -> "Overlaps":
        """Select the predictions of at least a score, and all objects."""
        return self._part(self.scores >= score, np.ones(len(self.true_sizes), bool))

    def _part(self, found: np.ndarray, there: np.ndarray) -> "Overlaps":
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
    """Count the points of one scene that predictions and objects share.

    Args:
        predictions: Instances found in it.
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
        points = rows_in_mask(mask, len(semantic), f"masks[{row}]")
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


def _checked_labels(
    semantic: np.ndarray, instance: np.ndarray, num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    semantic, instance = np.asarray(semantic), np.asarray(instance)
    for name, labels in (("semantic", semantic), ("instance", instance)):
        if labels.shape != (semantic.size,) or labels.dtype.kind not in "iu":
            raise ValueError(
                f"{name} must be integers [{semantic.size}], one a point, got "
                f"{labels.dtype} {list(labels.shape)}"
            )
    _require_within("semantic", semantic, 0, num_classes)
    return semantic.astype(np.int64), instance.astype(np.int64)


def _checked_predictions(
    predictions: InstancePredictions, num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    classes = np.asarray(predictions.classes)
    scores = np.asarray(predictions.scores, np.float64)
    if not len(predictions.masks) == len(classes) == len(scores):
        raise ValueError(
            "predictions must hold as many masks, classes and scores, got "
            f"{len(predictions.masks)}, {len(classes)} and {len(scores)}"
        )
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite, got NaN or infinity")
    _require_within("classes", classes, 1, num_classes)
    return classes, scores


def _require_within(name: str, labels: np.ndarray, lowest: int, highest: int) -> None:
    if labels.size and not lowest <= labels.min() <= labels.max() <= highest:
        raise ValueError(
            f"{name} must lie in {lowest}..{highest}, got "
            f"{labels.min()}..{labels.max()}"
        )


class Evaluator:
    """Collects scenes one at a time; keeps counts of shared points, never masks.

    Args:
        class_names: C names; class c of the labels is `class_names[c - 1]`.
        min_region_size: Predictions below this many points are dropped.
    """

    def __init__(self, class_names: Sequence[str], min_region_size: int = 0) -> None:
        self.class_names = tuple(class_names)
        self.min_region_size = min_region_size
        self.classes: list[list[Overlaps]] = [[] for _ in self.class_names]

    def update(
        self,
        predictions: InstancePredictions,
        semantic: np.ndarray,
        instance: np.ndarray,
    ) -> None:
        """Add one scene; arguments and errors are those of `count_overlaps`."""
        overlaps = count_overlaps(
            predictions, semantic, instance, len(self.class_names)
        )
        for label, scenes in enumerate(self.classes, start=1):
            scenes.append(overlaps.of_class(label, self.min_region_size))

    def of_scenes(self, rows: Iterable[int]) -> Self:
        """Make one of some of the scenes added so far, each as often as it is named."""
        rows, other = list(rows), copy.copy(self)
        other.classes = [[scenes[row] for row in rows] for scenes in self.classes]
        return other

    def result(self, scenes: slice = slice(None)) -> APResult:
        """Average precision over the scenes added so far, or over some of them."""
        raise NotImplementedError
