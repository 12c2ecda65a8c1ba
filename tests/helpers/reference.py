"""Naive NumPy statements of the ops of gspn_tf.ops: plain loops, the truth in tests.

Every function takes one cloud without padding (no batch axis).
"""

import numpy as np

_MASK = (1 << 64) - 1


def squared_distances(points, queries):
    """[M, N] float32, (dx * dx + dy * dy) + dz * dz; NaN where not finite."""
    with np.errstate(all="ignore"):
        d = queries[:, None, :].astype(np.float32) - points[None].astype(np.float32)
        total = (d[..., 0] * d[..., 0] + d[..., 1] * d[..., 1]) + d[..., 2] * d[..., 2]
    return np.where(np.isfinite(total), total, np.float32(np.nan))


def farthest_point_sample(points, num_samples):
    indices = np.zeros(num_samples, np.int32)
    usable = np.isfinite(points).all(axis=1)
    nearest = np.where(usable, np.finfo(np.float32).max, 0).astype(np.float32)
    for s in range(1, num_samples):
        if len(points) == 0:
            break
        d = squared_distances(points, points[indices[s - 1]][None])[0]
        nearest = np.where(d < nearest, d, nearest)
        indices[s] = np.argmax(nearest)  # the first of equals; 0 when all are 0
    return indices


def ball_query(points, queries, radius, num_neighbors):
    indices = np.zeros((len(queries), num_neighbors), np.int32)
    counts = np.zeros(len(queries), np.int32)
    distances = np.sqrt(squared_distances(points, queries))
    for q in range(len(queries)):
        hits = np.flatnonzero(distances[q] < np.float32(radius))[:num_neighbors]
        counts[q] = len(hits)
        if len(hits):
            indices[q] = hits[0]
            indices[q, : len(hits)] = hits
    return indices, counts


def knn(points, queries, k):
    distances = np.full((len(queries), k), np.inf, np.float32)
    indices = np.zeros((len(queries), k), np.int32)
    all_distances = squared_distances(points, queries)
    for q in range(len(queries)):
        order = np.argsort(all_distances[q], kind="stable")  # NaN last
        order = order[~np.isnan(all_distances[q][order])][:k]
        distances[q, : len(order)] = all_distances[q][order]
        indices[q, : len(order)] = order
    return distances, indices


def nearest(points, queries):
    """Gives one direction of nn_distance: squared distances [M] and indices [M]."""
    distances = np.zeros(len(queries), np.float32)
    indices = np.zeros(len(queries), np.int32)
    if len(points) == 0:
        return distances, indices
    all_distances = squared_distances(points, queries)
    for q in range(len(queries)):
        row = np.where(np.isnan(all_distances[q]), np.inf, all_distances[q])
        indices[q] = np.argmin(row)
        distances[q] = row[indices[q]]
    return distances, indices


def nn_distance_grad(a, b, indices_a, indices_b, upstream_a, upstream_b):
    grad_a, grad_b = np.zeros_like(a), np.zeros_like(b)
    for i, j in enumerate(indices_a):
        g = np.float32(2) * upstream_a[i] * (a[i] - b[j])
        grad_a[i] += g
        grad_b[j] -= g
    for j, i in enumerate(indices_b):
        g = np.float32(2) * upstream_b[j] * (b[j] - a[i])
        grad_b[j] += g
        grad_a[i] -= g
    return grad_a, grad_b


def three_interpolate(features, indices, weights):
    parts = features[indices] * weights[..., None]
    return (parts[:, 0] + parts[:, 1]) + parts[:, 2]


def scatter_rows(gradient, indices, num_rows):
    """[num_rows, C]: sums of the rows of gradient that each index names, in order."""
    sums = np.zeros((num_rows, gradient.shape[-1]), np.float32)
    np.add.at(sums, indices.ravel(), gradient.reshape(indices.size, gradient.shape[-1]))
    return sums


def row_products(rows, gradient):
    """[..., 3]: the products of rows [..., 3, C] with gradient [..., C].

    32 partial sums, of the channels c with the same c % 32, are added by halves.
    """
    products = rows * gradient[..., None, :]
    sums = np.zeros((*products.shape[:-1], 32), np.float32)
    for c in range(products.shape[-1]):
        sums[..., c % 32] += products[..., c]
    while sums.shape[-1] > 1:
        half = sums.shape[-1] // 2
        sums = sums[..., :half] + sums[..., half:]
    return sums[..., 0]


def box_overlaps(box, others):
    """IoU [R] of a box [6] with others [R, 6], with the 1e-8 of the released code."""
    size, sizes = np.maximum(box[3:], 0), np.maximum(others[:, 3:], 0)
    half = np.float32(0.5)
    low = np.maximum(box[:3] - half * size, others[:, :3] - half * sizes)
    high = np.minimum(box[:3] + half * size, others[:, :3] + half * sizes)
    common = np.prod(np.maximum(high - low, 0), axis=1, dtype=np.float32)
    union = np.prod(size) + np.prod(sizes, axis=1) - common
    return common / (union + np.float32(1e-8))


def nms_3d(boxes, scores, valid, iou_threshold, max_outputs):
    usable = valid & np.isfinite(scores) & np.isfinite(boxes).all(axis=1)
    left = np.argsort(-scores, kind="stable")
    left = left[usable[left]]
    indices = np.zeros(max_outputs, np.int32)
    taken = np.zeros(max_outputs, bool)
    for k in range(max_outputs):
        if not len(left):
            break
        best, left = left[0], left[1:]
        indices[k], taken[k] = best, True
        overlaps = box_overlaps(boxes[best], boxes[left])
        left = left[~(overlaps > np.float32(iou_threshold))]
    return indices, taken


def inside_box(points, box, margin=0.0):
    """[N] bool: the finite points of the closed box grown by margin."""
    with np.errstate(all="ignore"):
        half = np.float32(0.5) * box[3:] + np.float32(margin)
        low, high = box[:3] - half, box[:3] + half
        inside = ((points >= low) & (points <= high)).all(axis=1)
    return inside & np.isfinite(points).all(axis=1)


def _mix(value):
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def sample_in_boxes(points, boxes, seed, batch, num_samples, margin):
    """Draws points; the batch index is part of the key of a draw."""
    indices = np.zeros((len(boxes), num_samples), np.int32)
    counts = np.zeros(len(boxes), np.int32)
    key = _mix((seed[0] & 0xFFFFFFFF) << 32 | (seed[1] & 0xFFFFFFFF))
    for r, box in enumerate(boxes):
        members = np.flatnonzero(inside_box(points, box, margin))
        counts[r] = len(members)
        box_key = _mix((_mix((key + batch) & _MASK) + r) & _MASK)
        for s in range(num_samples if len(members) else 0):
            draw = _mix((box_key + s) & _MASK) >> 32
            indices[r, s] = members[draw * len(members) >> 32]
    return indices, counts


def nearest_assign(points, samples, values, boxes):
    assigned = np.zeros((len(boxes), len(points)), np.float32)
    for d, box in enumerate(boxes if samples.shape[1] else []):
        rows = np.flatnonzero(inside_box(points, box))
        distances, indices = nearest(samples[d], points[rows])
        there = np.isfinite(distances)
        assigned[d, rows[there]] = values[d, indices[there]]
    return assigned
