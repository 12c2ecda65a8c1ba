"""Average precision against a naive reading of the benchmark's rules, and by hand."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from gspn_tf.metrics import (
    InstanceEvaluator,
    InstancePredictions,
    average_precision,
    chamfer_distance,
    paired_box_iou,
    proposal_miou,
)

NAMES = ("chair", "table", "sofa")
THRESHOLDS = [0.5 + 0.05 * i for i in range(9)] + [0.25]


# ---- the naive reference: dictionaries and loops over points' sets ----------------


def naive_scene(predictions, semantic, instance, min_size):
    """Predictions and objects as sets of points, linked by what they share."""
    objects = {}
    void = set()
    for point, (label, number) in enumerate(zip(semantic, instance, strict=True)):
        if label > 0 and number >= 0:
            objects.setdefault((label, number), set()).add(point)
        else:
            void.add(point)
    found = []
    for mask, label, score in zip(*predictions, strict=True):
        points = set(np.flatnonzero(mask).tolist())
        if len(points) >= min_size:
            found.append({"points": points, "class": int(label), "score": float(score)})
    return dict(sorted(objects.items())), void, found


def naive_iou(a, b):
    return len(a & b) / (len(a) + len(b) - len(a & b))


def naive_scene_outcome(scene, label, iou, min_size):
    """(confidence, is right) of the class's predictions, and how many were missed."""
    objects, void, found = scene
    objects = [points for (c, _), points in objects.items() if c == label]
    found = [p for p in found if p["class"] == label]
    visited = [False] * len(found)
    examples, missed = [], 0
    for points in objects:
        if len(points) < min_size:
            continue
        score = None
        for row, prediction in enumerate(found):
            if visited[row] or not naive_iou(points, prediction["points"]) > iou:
                continue
            if score is None:
                score = prediction["score"]
                visited[row] = True
            else:
                examples.append((min(score, prediction["score"]), False))
                score = max(score, prediction["score"])
        if score is None:
            missed += 1
        else:
            examples.append((score, True))
    for prediction in found:
        mask = prediction["points"]
        if any(naive_iou(points, mask) > iou for points in objects):
            continue
        ignored = len(mask & void)
        ignored += sum(len(mask & o) for o in objects if len(o) < min_size)
        if ignored / len(mask) <= iou:
            examples.append((prediction["score"], False))
    return examples, missed


def naive_class_ap(scenes, label, iou, min_size):
    examples, missed = [], 0
    for scene in scenes:
        more, lost = naive_scene_outcome(scene, label, iou, min_size)
        examples += more
        missed += lost
    positives = sum(right for _, right in examples) + missed
    if not positives:
        return float("nan")
    curve = []  # (recall, precision) from the lowest threshold up
    for threshold in sorted({score for score, _ in examples}):
        kept = [right for score, right in examples if score >= threshold]
        curve.append((sum(kept) / positives, sum(kept) / len(kept)))
    curve.append((0.0, 1.0))
    recalls = [curve[0][0]] + [r for r, _ in curve] + [0.0]
    return sum(p * (recalls[i] - recalls[i + 2]) / 2 for i, (_, p) in enumerate(curve))


def naive_table(scenes, num_classes, min_size):
    scenes = [naive_scene(*scene, min_size) for scene in scenes]
    return np.array(
        [
            [naive_class_ap(scenes, label, iou, min_size) for iou in THRESHOLDS]
            for label in range(1, num_classes + 1)
        ]
    )


# ---- random scenes ----------------------------------------------------------------


def random_scene(rng, num_points=160):
    """Blocks of points with void, tiny objects, mixed classes, copies and ties."""
    blocks = np.sort(rng.integers(0, 12, num_points))
    semantic = rng.integers(0, len(NAMES) + 1, 12)[blocks]
    instance = (rng.permutation(12) - 2)[blocks]  # two blocks belong to nothing
    semantic[rng.random(num_points) < 0.05] = rng.integers(0, len(NAMES) + 1)
    masks, classes = [], []
    for _ in range(rng.integers(0, 14)):
        block = rng.integers(0, 12)
        mask = (blocks == block) ^ (rng.random(num_points) < rng.choice([0, 0.02, 0.1]))
        mask |= (blocks == block + 1) & (rng.random() < 0.3)
        masks.append(mask & (rng.random() > 0.05))
        classes.append(max(1, semantic[blocks == block].max(initial=1)))
    for row in rng.integers(0, len(masks), 2) if masks else ():
        masks.append(masks[row])
        classes.append(classes[row])
    scores = rng.choice([0.2, 0.5, 0.50001, 0.9], len(masks))
    return (
        InstancePredictions(masks, np.array(classes, int), scores),
        semantic,
        instance,
    )


@pytest.mark.parametrize("seed", range(40))
def test_equals_the_naive_reading_of_the_protocol(seed):
    rng = np.random.default_rng(seed)
    scenes = [random_scene(rng) for _ in range(rng.integers(1, 5))]
    expected = naive_table(scenes, len(NAMES), 8)
    result = average_precision(iter(scenes), NAMES, min_region_size=8)
    np.testing.assert_allclose(result.by_class["AP"], expected[:, :-1].mean(1), atol=1e-12)
    np.testing.assert_allclose(result.by_class["AP50"], expected[:, 0], atol=1e-12)
    np.testing.assert_allclose(result.by_class["AP25"], expected[:, -1], atol=1e-12)


def test_index_masks_equal_boolean_masks():
    rng = np.random.default_rng(3)
    predictions, semantic, instance = random_scene(rng)
    indexed = predictions._replace(
        masks=[rng.permutation(np.flatnonzero(m)) for m in predictions.masks]
    )
    first = average_precision([(predictions, semantic, instance)], NAMES)
    second = average_precision([(indexed, semantic, instance)], NAMES)
    assert first.table() == second.table()


# ---- by hand ----------------------------------------------------------------------


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


def test_small_objects_and_predictions_do_not_count():
    scene = chairs(strip(200, 99), (0, 200, 0.5), (200, 299, 0.9))
    result = average_precision([scene], NAMES[:1])
    assert result.ap == 1.0 and result.num_instances.tolist() == [1]
    # A prediction that is large enough but matches the small object is forgiven too.
    scene = chairs(strip(200, 99, 100), (0, 200, 0.5), (200, 310, 0.9))
    scene[1][299:] = 0
    assert average_precision([scene], NAMES[:1]).ap == 1.0


def test_only_the_sharing_class_matches():
    predictions, semantic, instance = chairs(strip(200, 200), (0, 200, 0.9))
    semantic[200:] = 2
    result = average_precision([(predictions, semantic, instance)], NAMES)
    np.testing.assert_array_equal(result.by_class["AP50"], [1.0, 0.0, np.nan])
    assert result.ap50 == 0.5


def test_absent_classes_are_nan_and_stay_out_of_the_mean():
    scene = chairs(strip(200), (0, 200, 0.9))
    result = average_precision([scene], NAMES)
    assert np.isnan(result.by_class["AP"][1:]).all() and result.ap == 1.0
    as_dict = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert as_dict["AP50"] == 1.0 and as_dict["classes"][1]["AP"] is None
    assert " -" in result.table().splitlines()[2]


def test_nothing_found_and_nothing_there():
    nothing = InstancePredictions([], np.array([]), np.array([]))
    void = np.zeros(300, int)
    assert np.isnan(average_precision([(nothing, void, void - 1)], NAMES).ap)
    assert np.isnan(average_precision([], NAMES).ap)
    assert average_precision([(nothing, void + 1, void)], NAMES).ap == 0.0
    assert np.isnan(average_precision([], ()).ap50)


def test_evaluator_adds_scenes():
    good = chairs(strip(200), (0, 200, 0.9))
    bad = chairs(strip(200), (0, 90, 0.5))
    evaluator = InstanceEvaluator(NAMES[:1])
    evaluator.update(*good)
    assert evaluator.result().ap50 == 1.0
    evaluator.update(*bad)
    assert evaluator.result().ap50 == 0.5


BAD = {
    "masks": lambda p, s, i: (p._replace(masks=[np.ones(5, bool)]), s, i),
    "indices": lambda p, s, i: (p._replace(masks=[np.array([400])]), s, i),
    "as many masks": lambda p, s, i: (p._replace(scores=np.ones(2)), s, i),
    "scores must be finite": lambda p, s, i: (p._replace(scores=[np.nan]), s, i),
    "classes must lie in 1..3": lambda p, s, i: (p._replace(classes=[4]), s, i),
    "semantic must lie in 0..3": lambda p, s, i: (p, s + 3, i),
    "semantic must be an integer": lambda p, s, i: (p, s.astype(float), i),
    "instance must have a label": lambda p, s, i: (p, s, i[:-1]),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_one_clear_error(message):
    scene = BAD[message](*chairs(strip(200), (0, 200, 0.9)))
    with pytest.raises(ValueError, match=message):
        InstanceEvaluator(NAMES).update(*scene)


def test_region_size_must_be_positive():
    with pytest.raises(ValueError, match="min_region_size"):
        InstanceEvaluator(NAMES, min_region_size=0)


def test_real_ground_truth_against_itself():
    root = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("GSPN_TF_DATA", root)) / "scannet_eval" / "gt"
    files = sorted(folder.glob("*.txt.gz"))[:2]
    if not files:
        pytest.skip(f"no ScanNet ground truth under {folder}")
    raw = (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 24, 28, 33, 34, 36, 39)
    evaluator = InstanceEvaluator([str(number) for number in raw])
    for file in files:
        ids = np.loadtxt(file, dtype=int)
        rows = np.zeros(1 + ids.max() // 1000, int)
        known = [number for number in raw if number < len(rows)]
        rows[known] = [1 + raw.index(number) for number in known]
        semantic = rows[ids // 1000]
        objects = [o for o in np.unique(ids) if rows[o // 1000]]
        masks = [np.flatnonzero(ids == o) for o in objects]
        classes = np.array([rows[o // 1000] for o in objects])
        found = InstancePredictions(masks, classes, np.linspace(0, 1, len(masks)))
        evaluator.update(found, semantic, ids)
    assert evaluator.result().ap == 1.0


# ---- boxes and shapes -------------------------------------------------------------


def test_paired_box_iou_by_hand():
    boxes = [[0, 0, 0, 2, 2, 2], [0, 0, 0, 2, 2, 2], [0, 0, 0, 2, 2, 2], [0] * 6]
    other = [[0, 0, 0, 2, 2, 2], [1, 0, 0, 2, 2, 2], [5, 0, 0, 2, 2, 2], [0] * 6]
    iou = paired_box_iou(np.array(boxes), np.array(other))
    np.testing.assert_allclose(iou, [1.0, 4 / 12, 0.0, 0.0])
    assert proposal_miou(np.array(boxes), np.array(other)) == pytest.approx(1 / 3)
    assert np.isnan(proposal_miou(np.zeros((0, 6)), np.zeros((0, 6))))
    with pytest.raises(ValueError, match="pair"):
        paired_box_iou(np.array(boxes), np.array(other)[:2])
    with pytest.raises(ValueError, match=r"\[S, 6\]"):
        paired_box_iou(np.zeros((2, 3)), np.zeros((2, 3)))


def test_chamfer_distance_by_hand():
    points = np.array([[0.0, 0, 0], [3, 0, 0]])
    other = np.array([[0.0, 4, 0]])
    # Forth: 4 and 5, mean 4.5; back: 4.
    assert chamfer_distance(points, other) == pytest.approx(8.5)
    assert chamfer_distance(points, points) == 0.0
    with pytest.raises(ValueError, match="other must hold"):
        chamfer_distance(points, np.zeros((0, 3)))
