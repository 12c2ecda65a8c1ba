"""Average precision of PartNet's part instances, after the data set's own code.

Reference: `eval_utils.py` of PartNet's segmentation experiments. Of its predictions,
surest first, each takes the free part of its class that it overlaps most, if by more
than the threshold. Points of no part belong to the shape's "other" and are taken off
predictions. A curve is read at the recalls 0, 0.01, ..., 1 as the best precision at
that recall or above; at recall 0 that is 1, so any prediction of a class that is there
earns 1/101. Equal scores keep their order (the reference sorts them anyhow).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gspn_tf.metrics.overlaps import APResult, Curve, Evaluator, Overlaps

IOU = 0.5
RECALLS = np.arange(101) / 100


class Ranked(NamedTuple):
    """Predictions of one class, surest first, and how many parts there are."""

    scores: np.ndarray  # [P]
    right: np.ndarray  # [P] bool
    num_parts: int


class PartEvaluator(Evaluator):
    """Average precision by PartNet's protocol, shape by shape."""

    def result(self, scenes: slice = slice(None)) -> APResult:
        """Average precision over the shapes added so far, or over some of them.

        A measure's mean is over the parts of the category; `by_scene` is the mean over
        shapes, where a class that is found and not there counts as 0.
        """
        classes = [[rank(o) for o in shapes[scenes]] for shapes in self.classes]
        pooled = [_pool(shapes) for shapes in classes]
        areas = [mean_best_precision(r) if r.num_parts else np.nan for r in pooled]
        by_shape = (
            [mean_best_precision(r) for r in shape if r.num_parts or len(r.right)]
            for shape in zip(*classes, strict=True)
        )
        means = [np.mean(values) for values in by_shape if values]
        return APResult(
            class_names=self.class_names,
            by_class={"AP50": np.array(areas)},
            num_instances=np.array([r.num_parts for r in pooled], np.int64),
            curves={IOU: tuple(_curve(r) if r.num_parts else None for r in pooled)},
            by_scene={"AP50": float(np.mean(means)) if means else float("nan")},
        )


def rank(overlaps: Overlaps) -> Ranked:
    """Match the predictions of one class in one shape, surest first."""
    order = np.argsort(-overlaps.scores, kind="stable")
    cleaned = overlaps.sizes - overlaps.void
    union = cleaned[:, None] + overlaps.true_sizes[None] - overlaps.shared
    iou = np.pad(overlaps.shared / union, ((0, 0), (0, 1)))  # the last: no part
    right = np.zeros(len(order), bool)
    for place, row in enumerate(order):
        best = iou[row].argmax()
        right[place] = iou[row, best] > IOU
        if right[place]:
            iou[:, best] = 0  # taken
    return Ranked(overlaps.scores[order], right, len(overlaps.true_sizes))


def mean_best_precision(ranked: Ranked) -> float:
    """Average over `RECALLS` the best precision at that recall or above."""
    if not (ranked.num_parts and len(ranked.right)):
        return 0.0
    curve = _curve(ranked)
    best = np.maximum.accumulate(curve.precision)[::-1]
    best = np.concatenate([[1.0], best, [0.0]])
    # The reference compares in float32, where 7 of 100 parts reach a recall of 0.07.
    reached = np.array([0.0, *curve.recall[::-1]], np.float32)
    return float(best[np.searchsorted(reached, RECALLS.astype(np.float32))].mean())


def _curve(ranked: Ranked) -> Curve:
    hits = np.cumsum(ranked.right)
    kept = np.arange(1, len(hits) + 1)
    return Curve(
        ranked.scores[::-1], (hits / kept)[::-1], (hits / ranked.num_parts)[::-1]
    )


def _pool(shapes: Sequence[Ranked]) -> Ranked:
    """Put the predictions of one class in all shapes together, surest first."""
    scores = np.concatenate([np.zeros(0), *(ranked.scores for ranked in shapes)])
    right = np.concatenate([np.zeros(0, bool), *(r.right for r in shapes)])
    order = np.argsort(-scores, kind="stable")
    return Ranked(scores[order], right[order], sum(r.num_parts for r in shapes))
