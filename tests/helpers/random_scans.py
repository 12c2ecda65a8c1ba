"""Random scans in the benchmark's files: every case that its script decides on."""

import numpy as np

CLASSES = (3, 5, 14, 39)
IGNORED = (0, 1, 2, 13, 40)  # labels of nyu40 that are not evaluated
SCORES = (0.1, 0.5, 0.5000001, 0.9, 1.0)


def random_truth(rng):
    """Ids label * 1000 + instance: objects of 20 to 300 vertices, some in two parts."""
    sizes = rng.choice([20, 99, 100, 120, 200, 300], rng.integers(4, 11))
    labels = rng.choice(CLASSES + IGNORED, len(sizes), p=[0.18] * 4 + [0.056] * 5)
    numbers = rng.integers(0, 5, len(sizes))  # two parts may have one number
    return np.repeat(labels * 1000 + numbers, sizes)


def random_predictions(rng, ids):
    """[(mask, label, score), ...]: near objects, halves, copies, empties, other labels.

    Masks are integers, of which any but 0 is inside.
    """
    objects = np.unique(ids)
    found = []
    for _ in range(rng.integers(0, 2 * len(objects) + 1)):
        target = rng.choice(objects)
        mask = ids == target
        kind = rng.integers(0, 6)
        if kind == 0:  # an IoU of exactly a half
            rows = np.flatnonzero(mask)
            mask[rows[: len(rows) // 2]] = False
        elif kind == 1:
            mask = mask | (ids == rng.choice(objects))
        elif kind == 2:
            mask = np.roll(mask, rng.integers(0, 60))
        elif kind == 3:
            mask = mask ^ (rng.random(len(ids)) < rng.choice([0.01, 0.05, 0.2]))
        elif kind == 4:
            mask = mask & (rng.random(len(ids)) < rng.choice([0.0, 0.55, 0.9]))
        label = target // 1000 if rng.random() < 0.85 else rng.choice(CLASSES + IGNORED)
        found.append((mask * rng.choice([1, 1, 7, -3]), label, rng.choice(SCORES)))
    for row in rng.integers(0, len(found), 3) if found else ():
        mask, label, _ = found[row]
        found.append((mask, label, rng.choice(SCORES)))  # found twice
    return found


def write_scan(folder, name, rng):
    """One scan under `folder/predictions` and `folder/truth`."""
    masks = folder / "predictions" / "masks"
    masks.mkdir(parents=True, exist_ok=True)
    (folder / "truth").mkdir(exist_ok=True)
    ids = random_truth(rng)
    (folder / "truth" / f"{name}.txt").write_text("".join(f"{i}\n" for i in ids))
    lines = []
    for row, (mask, label, score) in enumerate(random_predictions(rng, ids)):
        path = f"masks/{name}_{row}.txt"
        (folder / "predictions" / path).write_text("".join(f"{i}\n" for i in mask))
        lines.append(f"{path} {label} {score}\n")
    if lines and rng.random() < 0.3:  # the same mask again, and another verdict on it
        lines.append(f"{lines[0].split()[0]} {rng.choice(CLASSES)} 0.3\n")
    (folder / "predictions" / f"{name}.txt").write_text("".join(lines))
