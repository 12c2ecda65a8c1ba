"""The ScanNet benchmark's average precision read literally: sets, loops, dictionaries.

Shares no code with the package and is thousands of times slower.
"""

import numpy as np

THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.25)


def sets_of(scene):
    """Objects {(class, number): points}, the points of none, and what was found."""
    (masks, classes, scores), semantic, instance = scene
    objects, void = {}, set()
    labels = zip(semantic.tolist(), instance.tolist(), strict=True)
    for point, (row, number) in enumerate(labels):
        if row > 0 and number >= 0:
            objects.setdefault((row, number), set()).add(point)
        else:
            void.add(point)
    rows = zip(masks, classes, scores, strict=True)
    found = [
        {
            "points": set(np.flatnonzero(mask) if mask.dtype == bool else mask),
            "label": label,
            "score": score,
        }
        for mask, label, score in rows
    ]
    return dict(sorted(objects.items())), void, found


def iou_of(a, b):
    return len(a & b) / (len(a) + len(b) - len(a & b))


def outcome(scene, label, iou, min_size):
    """(confidence, is right) of the class's predictions, and how many were missed."""
    objects, void, found = scene
    objects = [points for (own, _), points in objects.items() if own == label]
    found = [f for f in found if f["label"] == label and len(f["points"]) >= min_size]
    visited = [False] * len(found)
    examples, missed = [], 0
    for points in objects:
        if len(points) < min_size:
            continue
        score = None
        for row, prediction in enumerate(found):
            if visited[row] or not iou_of(points, prediction["points"]) > iou:
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
        if any(iou_of(points, mask) > iou for points in objects):
            continue
        ignored = len(mask & void)
        ignored += sum(len(mask & o) for o in objects if len(o) < min_size)
        if ignored / len(mask) <= iou:
            examples.append((prediction["score"], False))
    return examples, missed


def class_precision(scenes, label, iou, min_size):
    examples, missed = [], 0
    for scene in scenes:
        more, lost = outcome(scene, label, iou, min_size)
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
    recalls = [curve[0][0]] + [recall for recall, _ in curve] + [0.0]
    return sum(p * (recalls[i] - recalls[i + 2]) / 2 for i, (_, p) in enumerate(curve))


def table(scenes, labels, min_size):
    """Rows of AP, AP50, AP25, one a label, of scenes as `random_scene` gives them."""
    scenes, rows = [sets_of(scene) for scene in scenes], []
    for label in labels:
        values = [class_precision(scenes, label, iou, min_size) for iou in THRESHOLDS]
        rows.append((sum(values[:-1]) / 9, values[0], values[-1]))
    return rows
