"""The ScanNet benchmark's average precision read literally: sets, loops, dictionaries.

Shares no code with the package and is thousands of times slower.
"""

THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.25)
LABELS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 24, 28, 33, 34, 36, 39)


def read_scene(predictions, truth):
    """A scene of two files in the benchmark's format: objects, void, found.

    objects  {(label, id): points}, void: points of no object of a benchmark class
    found    [{"points", "label", "score"}, ...] of benchmark classes
    """
    objects, void = {}, set()
    for vertex, line in enumerate(truth.read_text().split()):
        label = int(line) // 1000
        if label in LABELS:
            objects.setdefault((label, int(line)), set()).add(vertex)
        else:
            void.add(vertex)
    listed = {}
    for line in predictions.read_text().splitlines():
        mask, label, score = line.split(" ")
        listed[mask] = int(label), float(score)
    found = []
    for mask, (label, score) in listed.items():
        lines = (predictions.parent / mask).read_text().split()
        points = {vertex for vertex, line in enumerate(lines) if int(line) != 0}
        if label in LABELS:
            found.append({"points": points, "label": label, "score": score})
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
    """Rows of AP, AP50, AP25, one a label."""
    rows = []
    for label in labels:
        values = [class_precision(scenes, label, iou, min_size) for iou in THRESHOLDS]
        rows.append((sum(values[:-1]) / 9, values[0], values[-1]))
    return rows
