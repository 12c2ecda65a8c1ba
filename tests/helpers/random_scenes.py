"""Random scenes with whatever a benchmark's average precision decides on."""

import numpy as np

from gspn_tf.metrics import InstancePredictions

SCORES = (0.1, 0.5, 0.5000001, 0.9, 1.0)


def random_scene(rng, num_classes=3) -> tuple:
    """Predictions, semantic [V] and instance [V] of objects, some in two parts.

    Predictions are near objects, halves, copies, empty or of another class.
    """
    sizes = rng.choice([20, 99, 100, 120, 200, 300], rng.integers(4, 11))
    semantic = rng.integers(0, num_classes + 1, len(sizes))
    instance = rng.integers(0, 5, len(sizes))
    instance[rng.random(len(sizes)) < 0.1] = -1
    semantic, instance = np.repeat(semantic, sizes), np.repeat(instance, sizes)
    objects = np.unique(np.stack([semantic, instance]), axis=1).T
    masks, classes = [], []
    for _ in range(rng.integers(0, 2 * len(objects) + 1)):
        row, number = rng.choice(objects)
        mask = (semantic == row) & (instance == number)
        kind = rng.integers(0, 6)
        if kind == 0:  # an IoU of exactly a half
            rows = np.flatnonzero(mask)
            mask[rows[: len(rows) // 2]] = False
        elif kind == 1:
            mask = mask | (semantic == rng.integers(0, num_classes + 1))
        elif kind == 2:
            mask = np.roll(mask, rng.integers(0, 60))
        elif kind == 3:
            mask = mask ^ (rng.random(len(mask)) < rng.choice([0.01, 0.05, 0.2]))
        elif kind == 4:
            mask = mask & (rng.random(len(mask)) < rng.choice([0.0, 0.55, 0.9]))
        masks.append(mask if rng.random() < 0.7 else np.flatnonzero(mask)[::-1])
        right = max(1, row) if rng.random() < 0.85 else rng.integers(1, num_classes + 1)
        classes.append(right)
    for row in rng.integers(0, len(masks), 3) if masks else ():  # found twice
        masks.append(masks[row])
        classes.append(classes[row])
    scores = rng.choice(SCORES, len(masks))
    found = InstancePredictions(masks, np.array(classes, int), scores)
    return found, semantic, instance
