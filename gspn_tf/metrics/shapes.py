"""How well proposals fit the objects they stand for (paper, section 4.4)."""

import numpy as np


def paired_box_iou(boxes: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Intersection over union of row i of `boxes` with row i of `other`.

    Both are [S, 6]: centre xyz, size xyz, metres. Returns [S] float64 in 0..1; a pair
    whose union has no volume gives 0.
    """
    boxes = _checked("boxes", boxes, 6)
    other = _checked("other", other, 6)
    if boxes.shape != other.shape:
        raise ValueError(f"other must pair with boxes {boxes.shape}, got {other.shape}")
    low = np.maximum(boxes[:, :3] - boxes[:, 3:] / 2, other[:, :3] - other[:, 3:] / 2)
    high = np.minimum(boxes[:, :3] + boxes[:, 3:] / 2, other[:, :3] + other[:, 3:] / 2)
    shared = np.prod(np.maximum(high - low, 0.0), axis=1)
    union = np.prod(boxes[:, 3:], axis=1) + np.prod(other[:, 3:], axis=1) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def proposal_miou(boxes: np.ndarray, true_boxes: np.ndarray) -> float:
    """Mean IoU of proposals with the objects their seeds lie on (paper, Table 4).

    boxes       [S, 6] the proposal of each foreground seed
    true_boxes  [S, 6] the box of the instance that the seed belongs to
    Returns NaN when there is no seed.
    """
    overlaps = paired_box_iou(boxes, true_boxes)
    return float(overlaps.mean()) if len(overlaps) else float("nan")


def chamfer_distance(points: np.ndarray, other: np.ndarray) -> float:
    """Symmetric Chamfer distance of two clouds, in metres.

    The mean Euclidean (not squared) distance from `points` [P, 3] to their nearest
    neighbours in `other` [Q, 3], plus the mean distance the other way. The paper's
    Table 5 leaves its definition open; the training loss squares the distances.
    Raises ValueError when a cloud is empty.
    """
    from scipy.spatial import cKDTree  # slower to import than the rest together

    points = _checked("points", points, 3)
    other = _checked("other", other, 3)
    for name, cloud in (("points", points), ("other", other)):
        if not len(cloud):
            raise ValueError(f"{name} must hold at least one point, got none")
    forth, _ = cKDTree(other).query(points)
    back, _ = cKDTree(points).query(other)
    return float(forth.mean() + back.mean())


def _checked(name: str, values: np.ndarray, columns: int) -> np.ndarray:
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or values.shape[1] != columns:
        raise ValueError(f"{name} must be [S, {columns}], got {values.shape}")
    return values
