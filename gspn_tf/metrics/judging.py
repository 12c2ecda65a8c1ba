"""Metrics of scenes with what was found in them, under one of the protocols."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gspn_tf.metrics.average_precision import (
    InstanceEvaluator,
    NYUv2Evaluator,
    Shown,
)
from gspn_tf.metrics.overlaps import APResult, Evaluator, InstancePredictions
from gspn_tf.metrics.part_precision import PartEvaluator

PROTOCOLS: Mapping[str, type[Evaluator]] = {
    "scannet": InstanceEvaluator,
    "partnet": PartEvaluator,
    "nyuv2": NYUv2Evaluator,
}
# All confidences that the release writes.
RELEASED_SCORES = np.array([1.0, 0.97], np.float32)


class Judged(NamedTuple):
    """A scene of V points: what was found in it, and what is there."""

    name: str
    found: InstancePredictions
    semantic: np.ndarray  # [V] 0 = void, 1..C
    instance: np.ndarray  # [V] negative = void


def constant_scores(scenes: Iterable[Judged]) -> Iterator[Judged]:
    """Make every confidence 1, as the release writes them.

    A scene that has none but 1.0 and 0.97 is as the release wrote it, and stays: its
    network alone can tell which instances it doubts.
    """
    for judged in scenes:
        scores = np.asarray(judged.found.scores, np.float32)
        if not np.isin(scores, RELEASED_SCORES).all():
            found = judged.found._replace(scores=np.ones(len(scores)))
            judged = judged._replace(found=found)
        yield judged


def as_objects(scenes: Iterable[Judged]) -> Iterator[Judged]:
    """Make the class of every instance and object the first one."""
    for judged in scenes:
        classes = np.ones_like(judged.found.classes)
        found = judged.found._replace(classes=classes)
        yield judged._replace(found=found, semantic=np.minimum(judged.semantic, 1))


class Evaluation(NamedTuple):
    """Metrics of all scenes together, and of each alone."""

    result: APResult
    scenes: list[tuple[str, APResult]]  # in their order
    shown: Shown | None = None  # of instances that are shown; ScanNet's protocol alone
    min_region_size: int = 0  # points of the smallest object that counts
    num_smaller: int = 0  # objects that do not count, as they have fewer points
    # Of each measure of `result`, and of the F1 of `shown`: see `intervals`.
    intervals: Mapping[str, tuple[float, float]] = {}


def evaluate_scenes(
    scenes: Iterable[Judged],
    class_names: Sequence[str],
    protocol: str = "scannet",
    shown_score: float = 0.0,
    resamples: int = 0,
    min_region_size: int | None = None,
) -> Evaluation:
    """Go through the scenes once, keeping only counts.

    Args:
        scenes: What was found, and what is there.
        class_names: Of classes 1..C.
        protocol: One of `PROTOCOLS`.
        shown_score: Least score of an instance that users are shown.
        resamples: Number of draws for `intervals`; 0: there are none.
        min_region_size: As of `InstanceEvaluator`; None: what the protocol says.

    Raises:
        ValueError: Of `count_overlaps`, with the scene's name; or a size that is not
            positive, or for a protocol in which objects of all sizes count.
    """
    evaluator = PROTOCOLS[protocol](class_names)
    if min_region_size is not None:
        if not isinstance(evaluator, InstanceEvaluator):
            raise ValueError(f"by the {protocol} protocol objects of all sizes count")
        evaluator = type(evaluator)(class_names, min_region_size)
    each: list[tuple[str, APResult]] = []
    for row, judged in enumerate(scenes):
        try:
            evaluator.update(judged.found, judged.semantic, judged.instance)
        except ValueError as error:
            raise ValueError(f"scene {judged.name}: {error}") from error
        each.append((judged.name, evaluator.result(slice(row, row + 1))))
    shown = None
    if isinstance(evaluator, InstanceEvaluator):
        shown = evaluator.shown(shown_score)
    within = intervals(evaluator, len(each), shown_score, resamples)
    size = evaluator.min_region_size
    smaller = sum(
        int((overlaps.true_sizes < size).sum())
        for overlaps in itertools.chain.from_iterable(evaluator.classes)
    )
    return Evaluation(evaluator.result(), each, shown, size, smaller, within)


def intervals(
    evaluator: Evaluator, scenes: int, shown_score: float, resamples: int
) -> dict[str, tuple[float, float]]:
    """Where each figure lies in 95 % of draws of as many scenes, with replacement.

    This is the percentile bootstrap (Efron, 1979), with a fixed seed.

    Args:
        evaluator: It has seen the scenes.
        scenes: Their number.
        shown_score: As of `evaluate_scenes`.
        resamples: Number of draws.
    """
    draws: dict[str, list[float]] = defaultdict(list)
    generator = np.random.default_rng(0)
    for _ in range(resamples if scenes else 0):
        drawn = evaluator.of_scenes(generator.integers(0, scenes, scenes))
        result = drawn.result()
        for measure in result.by_class:
            draws[measure].append(result.mean(measure))
        if isinstance(drawn, InstanceEvaluator):
            draws["F1_25"].append(drawn.shown(shown_score).f1)
    return {
        name: tuple(np.nanpercentile(values, (2.5, 97.5)).tolist())
        for name, values in draws.items()
        if not np.all(np.isnan(values))
    }
