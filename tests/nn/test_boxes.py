"""Box algebra: its laws and degenerate boxes."""

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from gspn_tf.nn import boxes as box_lib


def random_boxes(seed, *shape):
    rng = np.random.default_rng(seed)
    center = rng.normal(size=(*shape, 3))
    size = rng.uniform(0.05, 2.0, size=(*shape, 3))
    return np.concatenate([center, size], -1).astype("float32")


def naive_iou(a, b):
    low = np.maximum(a[:3] - a[3:] / 2, b[:3] - b[3:] / 2)
    high = np.minimum(a[:3] + a[3:] / 2, b[:3] + b[3:] / 2)
    shared = np.prod(np.maximum(high - low, 0))
    return shared / (np.prod(a[3:]) + np.prod(b[3:]) - shared)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 5), st.integers(0, 5))
def test_iou_equals_naive_and_is_symmetric(seed, count_a, count_b):
    a, b = random_boxes(seed, count_a), random_boxes(seed + 1, count_b)
    got = box_lib.pairwise_iou(a, b).numpy()
    want = np.array([[naive_iou(x, y) for y in b] for x in a]).reshape(got.shape)
    np.testing.assert_allclose(got, want, atol=1e-5)
    np.testing.assert_allclose(got, box_lib.pairwise_iou(b, a).numpy().T, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_decode_inverts_encode(seed):
    boxes, targets = random_boxes(seed, 2, 9), random_boxes(seed + 1, 2, 9)
    deltas = box_lib.encode(boxes, targets, (0.1, 0.2))
    got = box_lib.decode(boxes, deltas, (0.1, 0.2))
    np.testing.assert_allclose(got, targets, rtol=1e-4, atol=1e-5)


def test_decode_of_wild_deltas_is_finite():
    got = box_lib.decode(random_boxes(0, 4), tf.fill([4, 6], 1e4), (0.1, 0.2))
    assert np.isfinite(got).all()


def test_bounding_box_and_mask():
    points = np.float32([[[0, 0, 0], [1, 2, 3], [9, 9, 9]]])
    whole = box_lib.bounding(points)
    np.testing.assert_allclose(whole, [[4.5, 4.5, 4.5, 9, 9, 9]])
    some = box_lib.bounding(points, np.array([[True, True, False]]))
    np.testing.assert_allclose(some, [[0.5, 1, 1.5, 1, 2, 3]])
    none = box_lib.bounding(points, np.array([[False, False, False]]))
    np.testing.assert_allclose(none, whole)


def test_normalize_leaves_the_points_of_a_flat_box_at_its_centre():
    box = np.float32([[1, 2, 3, 2, 0, 8]])
    got = box_lib.normalize(np.float32([[[2, 2.0005, 3]]]), box)
    np.testing.assert_allclose(got, [[[0.5, 0.0005, 0]]], atol=1e-6)
