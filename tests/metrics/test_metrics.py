"""ScanNet's average precision: a literal reading, and cases by hand."""

import naive_ap
import numpy as np
import pytest
from random_scenes import random_scene

from gspn_tf.metrics import (
    InstancePredictions,
    Judged,
    average_precision,
    evaluate_scenes,
)
from gspn_tf.metrics.average_precision import InstanceEvaluator

NAMES = ("chair", "table", "sofa")


def strip(*lengths):
    """Instance numbers of consecutive stretches of points: 0, 1, 2, ..."""
    return np.repeat(np.arange(len(lengths)), lengths)


def span(start, stop, length):
    mask = np.zeros(length, bool)
    mask[start:stop] = True
    return mask


def chairs(instance, *found):
    """One scene of chairs; found = (start, stop, score) each."""
    size = len(instance)
    predictions = InstancePredictions(
        [span(start, stop, size) for start, stop, _ in found],
        np.ones(len(found), int),
        np.array([score for *_, score in found], float),
    )
    return predictions, (instance >= 0).astype(int), instance


@pytest.mark.parametrize("seed", range(6))
def test_equals_the_literal_reading(seed):
    rng = np.random.default_rng(seed)
    scenes = [random_scene(rng) for _ in range(10)]
    min_size = 100 if seed else 30
    evaluator = InstanceEvaluator(NAMES, min_region_size=min_size)
    for scene in scenes:
        evaluator.update(*scene)
    for rows in (slice(3, 4), slice(None)):
        result = evaluator.result(rows)
        columns = np.stack(list(result.by_class.values()), axis=1)
        expected = naive_ap.table(scenes[rows], (1, 2, 3), min_size)
        np.testing.assert_allclose(columns, expected, rtol=0, atol=1e-12)
    means = [result.ap, result.ap50, result.ap25]
    np.testing.assert_allclose(means, np.nanmean(expected, axis=0), rtol=0, atol=1e-12)


def test_ground_truth_against_itself_is_perfect():
    semantic = np.repeat([1, 2, 3, 0], 200)
    instance = np.repeat([0, 1, 2, -1], 200)
    masks = instance == np.arange(3)[:, None]
    predictions = InstancePredictions(masks, np.array([1, 2, 3]), np.ones(3))
    result = average_precision([(predictions, semantic, instance)], NAMES)
    assert (result.ap, result.ap50, result.ap25) == (1.0, 1.0, 1.0)
    assert result.num_instances.tolist() == [1, 1, 1]


def test_one_right_one_wrong_one_missed():
    # Objects 0-199 and 200-399. Found: 0-160 (IoU 0.8, score 0.9)
    # and 300-560 (IoU 100/360, score 0.4).
    scene = chairs(strip(200, 200, 200), (0, 160, 0.9), (300, 560, 0.4))
    scene[1][400:] = 0  # the last 200 points are void
    result = average_precision([scene], NAMES[:1])
    # IoU 0.50: 160/260 of the second lies on void, more than half: it is forgiven.
    # Curve: (recall, precision) (1/2, 1) (0, 1); widths 1/4 and 1/4.
    assert result.ap50 == pytest.approx(0.5)
    # IoU 0.25: both are right. Curve (1, 1) (1/2, 1) (0, 1): widths 1/4, 1/2, 1/4.
    assert result.ap25 == pytest.approx(1.0)
    # 0.50..0.60 as above; 0.65..0.75 the second counts as wrong with 0.4 < 0.9: curve
    # (1/2, 1/2) (1/2, 1) (0, 1), widths 0, 1/4, 1/4; from 0.80 on nothing is right.
    assert result.ap == pytest.approx(6 * 0.5 / 9)


def test_a_duplicate_counts_as_wrong_with_the_lower_score():
    # Object 0 is found twice (0.3 first, then 0.9), object 1 once with 0.6.
    scene = chairs(strip(200, 200), (0, 200, 0.3), (0, 200, 0.9), (200, 400, 0.6))
    result = average_precision([scene], NAMES[:1])
    # right 0.9, 0.6; wrong 0.3: curve (1, 2/3) (1, 1) (1/2, 1) (0, 1),
    # widths 0, 1/4, 1/2, 1/4.
    assert result.ap50 == pytest.approx(1.0)
    reverse = chairs(strip(200, 200), (0, 200, 0.9), (0, 200, 0.8), (200, 400, 0.6))
    # right 0.9, 0.6; wrong 0.8: curve (1, 2/3) (1/2, 1/2) (1/2, 1) (0, 1),
    # widths 1/4, 1/4, 1/4, 1/4.
    expected = (2 / 3 + 1 / 2 + 1 + 1) / 4
    assert average_precision([reverse], NAMES[:1]).ap50 == pytest.approx(expected)


def test_absent_classes_are_nan_and_stay_out_of_the_mean():
    scene = chairs(strip(200), (0, 200, 0.9))
    result = average_precision([scene], NAMES)
    assert np.isnan(result.by_class["AP"][1:]).all() and result.ap == 1.0
    as_dict = result.as_dict()
    assert as_dict["AP50"] == 1.0 and np.isnan(as_dict["classes"][1]["AP"])
    assert " -" in result.table().splitlines()[2]


def test_nothing_found_and_nothing_there():
    nothing = InstancePredictions([], np.array([]), np.array([]))
    void = np.zeros(300, int)
    assert np.isnan(average_precision([(nothing, void, void - 1)], NAMES).ap)
    assert np.isnan(average_precision([], NAMES).ap)
    assert average_precision([(nothing, void + 1, void)], NAMES).ap == 0.0
    assert np.isnan(average_precision([], ()).ap50)
    with pytest.raises(ValueError, match="min_region_size"):
        InstanceEvaluator(NAMES, min_region_size=0)


BAD = {
    "masks": lambda p, s, i: (p._replace(masks=[np.ones(5, bool)]), s, i),
    "indices": lambda p, s, i: (p._replace(masks=[np.array([400])]), s, i),
    "as many masks": lambda p, s, i: (p._replace(scores=np.ones(2)), s, i),
    "scores must be finite": lambda p, s, i: (p._replace(scores=[np.nan]), s, i),
    "semantic must lie in 0..3": lambda p, s, i: (p, s + 3, i),
    "semantic must be integers": lambda p, s, i: (p, s.astype(float), i),
    r"instance must be integers \[200\]": lambda p, s, i: (p, s, i[:-1]),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_one_clear_error(message):
    scene = BAD[message](*chairs(strip(200), (0, 200, 0.9)))
    with pytest.raises(ValueError, match=message):
        InstanceEvaluator(NAMES).update(*scene)


def test_instances_that_are_shown_are_counted():
    instance = strip(200, 200, 200)
    scene = chairs(
        instance, (0, 200, 0.9), (0, 190, 0.8), (200, 350, 0.4), (390, 590, 0.2)
    )
    evaluator = InstanceEvaluator(NAMES)
    evaluator.update(*scene)
    counts = {score: evaluator.shown(score) for score in (0.0, 0.3, 0.85, 0.95)}
    assert [tuple(x)[1:] for x in counts.values()] == [
        (3, 1, 0), (2, 1, 1), (1, 0, 2), (0, 0, 3),
    ]  # fmt: skip
    assert counts[0.3].precision == counts[0.3].recall == pytest.approx(2 / 3)
    assert counts[0.85].f1 == pytest.approx(0.5)
    assert np.isnan(counts[0.95].precision) and counts[0.95].f1 == 0
    assert np.isnan(InstanceEvaluator(NAMES).shown(0.5).f1)


def test_intervals_are_those_of_draws_of_the_scenes():
    good, bad = chairs(strip(200), (0, 200, 0.9)), chairs(strip(200))
    for count in (0, 1, 6):
        scenes = [Judged(str(row), *good) for row in range(count)]
        within = evaluate_scenes(scenes, NAMES, resamples=20).intervals
        assert set(within.values()) == ({(1.0, 1.0)} if count else set())
    mixed = [Judged("good", *good), Judged("bad", *bad)] * 8
    assert evaluate_scenes(mixed, NAMES).intervals == {}
    evaluation = evaluate_scenes(mixed, NAMES, resamples=400)
    assert set(evaluation.intervals) == {"AP", "AP50", "AP25", "F1_25"}
    low, high = evaluation.intervals["AP25"]
    # Of 16 scenes, 8 of them good, a binomial number is: 4 to 12 in 95 % of draws.
    assert low == pytest.approx(4 / 16, abs=0.07)
    assert high == pytest.approx(12 / 16, abs=0.07)
