"""PartNet's and NYUv2's average precision: a literal reading, and cases by hand."""

import math

import numpy as np
import pytest
from naive_ap import iou_of, sets_of
from random_scenes import random_scene

from gspn_tf.metrics import PROTOCOLS, InstancePredictions, Judged, evaluate_scenes
from gspn_tf.metrics.part_precision import PartEvaluator

NAMES = ("leg", "seat", "back")


# The literal reading, in whole numbers where that can be


def ranked(shape, label):
    """[(score, is right), ...] of a class in a shape, surest first, and its parts."""
    objects, other, listed = sets_of(shape)
    free = {number: part for (row, number), part in objects.items() if row == label}
    num_parts, found = len(free), []
    listed = [each for each in listed if each["label"] == label]
    for each in sorted(listed, key=lambda each: -each["score"]):
        mask = each["points"] - other
        best, best_iou = None, 0
        for number, part in free.items():
            iou = iou_of(part, mask)
            if iou > best_iou:
                best, best_iou = number, iou
        if best_iou > 0.5:
            del free[best]
        found.append((each["score"], best_iou > 0.5))
    return found, num_parts


def naive_area(found, num_parts):
    """Over the recalls of 0, 1, ..., 100 per cent."""
    curve = [(0, 1.0)]  # right ones so far, precision
    for kept in range(1, len(found) + 1):
        hits = sum(right for _, right in found[:kept])
        curve.append((hits, hits / kept))
    reached = [
        [precision for hits, precision in curve if 100 * hits >= percent * num_parts]
        for percent in range(101)
    ]
    return sum(max(values, default=0.0) for values in reached) / 101


def naive_by_class(shapes, label):
    found = [ranked(shape, label) for shape in shapes]
    pooled = sorted((item for f, _ in found for item in f), key=lambda item: -item[0])
    total = sum(count for _, count in found)
    if not total:
        return math.nan
    return naive_area(pooled, total) if pooled else 0.0


def naive_by_shape(shapes):
    means = []
    for shape in shapes:
        found = [ranked(shape, label) for label in range(1, len(NAMES) + 1)]
        values = [
            naive_area(f, count) if f and count else 0.0
            for f, count in found
            if f or count
        ]
        if values:
            means.append(sum(values) / len(values))
    return sum(means) / len(means) if means else math.nan


@pytest.mark.parametrize("seed", range(8))
def test_equals_the_literal_reading(seed):
    rng = np.random.default_rng(seed)
    shapes = [random_scene(rng) for _ in range(8)]
    evaluator = PartEvaluator(NAMES)
    for shape in shapes:
        evaluator.update(*shape)
    result = evaluator.result()
    expected = [naive_by_class(shapes, label) for label in range(1, len(NAMES) + 1)]
    np.testing.assert_allclose(result.by_class["AP50"], expected, rtol=0, atol=1e-12)
    assert result.ap50 == pytest.approx(np.nanmean(expected), abs=1e-12)
    assert result.by_scene["AP50"] == pytest.approx(naive_by_shape(shapes), abs=1e-12)
    alone = evaluator.result(slice(5, 6))
    assert alone.by_scene["AP50"] == pytest.approx(naive_by_shape(shapes[5:6]))


# By hand


def one_class(lengths, *found):
    """A shape of legs of these lengths; found = (start, stop, score) each."""
    instance = np.repeat(np.arange(len(lengths)), lengths)
    rows = np.arange(len(instance))
    masks = [(rows >= start) & (rows < stop) for start, stop, _ in found]
    scores = np.array([score for *_, score in found], float)
    predictions = InstancePredictions(masks, np.ones(len(found), int), scores)
    return predictions, np.ones(len(instance), int), instance


def ap50(*shapes):
    evaluator = PartEvaluator(NAMES[:1])
    for shape in shapes:
        evaluator.update(*shape)
    return evaluator.result().ap50


def test_the_surest_takes_the_part_and_a_copy_is_wrong():
    # Right 0.9, wrong 0.8 (a copy), right 0.7: recall 1/2 at precision 1, recall 1 at
    # precision 2/3. Recalls 0..0.50 read 1 (51 of them), 0.51..1 read 2/3 (50).
    shape = one_class([20, 20], (0, 20, 0.9), (0, 19, 0.8), (20, 40, 0.7))
    assert ap50(shape) == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_wrong_prediction_of_a_class_that_is_there_earns_one_in_101():
    assert ap50(one_class([20, 20], (10, 30, 0.5))) == pytest.approx(1 / 101)
    assert ap50(one_class([20, 20])) == 0.0


def test_a_share_of_the_parts_is_a_recall_without_rounding():
    # 7 of 100 parts: recalls 0, 0.01, ..., 0.07 are reached, eight of them.
    shape = one_class([2] * 100, *((2 * i, 2 * i + 2, 0.5) for i in range(7)))
    assert ap50(shape) == pytest.approx(8 / 101)


def test_classes_that_are_not_there_count_by_shape_alone():
    predictions, semantic, instance = one_class([20], (0, 20, 0.5), (0, 20, 0.4))
    predictions = predictions._replace(classes=np.array([1, 2]))
    evaluator = PartEvaluator(NAMES)
    evaluator.update(predictions, semantic, instance)
    result = evaluator.result()
    np.testing.assert_array_equal(result.by_class["AP50"], [1, np.nan, np.nan])
    assert result.ap50 == 1.0 and result.by_scene == {"AP50": 0.5}
    assert result.as_dict()["AP50_by_scene"] == 0.5
    assert "mean over scenes of each scene's: 0.500" in result.table()


def test_nyuv2_is_one_iou():
    # 150 of 400 points: an IoU of 0.375.
    scene = Judged("a", *one_class([400], (0, 150, 0.5)))
    result = evaluate_scenes([scene], NAMES, "nyuv2").result
    assert list(result.by_class) == ["AP25"] and list(result.curves) == [0.25]
    assert result.ap25 == 1.0
    assert set(PROTOCOLS) == {"scannet", "partnet", "nyuv2"}
