"""Average precision as it is reported, whatever the protocol."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


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
        """Plain values for JSON; None in place of NaN."""
        names = ("class", *self.by_class, "num_instances")
        *classes, mean = (
            dict(zip(names, map(_without_nan, row), strict=True)) for row in self.rows()
        )
        mean.pop("class")
        by_scene = {f"{m}_by_scene": _without_nan(v) for m, v in self.by_scene.items()}
        return {**mean, **by_scene, "classes": classes}


def _without_nan(value: Any) -> Any:
    return None if isinstance(value, float) and np.isnan(value) else value
