"""The parts of Mask R-CNN against plain programs and worked examples."""

import numpy as np
import pytest
import tensorflow as tf

from gspn_tf.config import MaskRCNNConfig
from gspn_tf.image import assignment
from gspn_tf.image import boxes as box_lib
from gspn_tf.image.anchors import base_anchors, grid_anchors
from gspn_tf.image.convolution import Convolution, NormedConvolution
from gspn_tf.image.pasting import paste
from gspn_tf.image.roi_align import level_of, pyramid_roi_align, roi_align
from gspn_tf.image.suppression import suppress
from gspn_tf.nn.boxes import encode
from gspn_tf.types import Proposals

RNG = np.random.default_rng(0)


def random_boxes(count, low=-4.0, high=20.0):
    corners = RNG.uniform(low, high, (count, 2, 2))
    return np.concatenate([corners.min(1), corners.max(1)], 1).astype(np.float32)


def naive_sample(image, y, x):
    """Value [C] between pixels of an image [H, W, C], as torchvision defines it."""
    height, width = image.shape[:2]
    if y < -1 or y > height or x < -1 or x > width:
        return np.zeros(image.shape[-1])
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = int(y), int(x)
    down, right = min(top + 1, height - 1), min(left + 1, width - 1)
    v, u = y - top, x - left
    above = image[top, left] * (1 - u) + image[top, right] * u
    below = image[down, left] * (1 - u) + image[down, right] * u
    return above * (1 - v) + below * v


def naive_roi_align(image, box, size, samples):
    found = np.zeros((size, size, image.shape[-1]))
    width, height = max(box[2] - box[0], 1), max(box[3] - box[1], 1)
    for i, j, a, b in np.ndindex(size, size, samples, samples):
        y = box[1] + (i + (a + 0.5) / samples) * height / size
        x = box[0] + (j + (b + 0.5) / samples) * width / size
        found[i, j] += naive_sample(image, y, x) / samples**2
    return found


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_roi_align_is_the_plain_one(samples):
    features = RNG.normal(size=(2, 12, 16, 3)).astype(np.float32)
    boxes = np.concatenate([random_boxes(30), [[2, 3, 2.1, 3.2], [-9, -9, -5, -5]]])
    boxes, rows = boxes.astype(np.float32), RNG.integers(0, 2, 32).astype(np.int32)
    found = roi_align(tf.constant(features), tf.constant(boxes), rows, 4, samples)
    for box, row, one in zip(boxes, rows, found, strict=True):
        expected = naive_roi_align(features[row], box.astype(np.float64), 4, samples)
        np.testing.assert_allclose(one, expected, atol=2e-5)
    assert not np.any(found[-1])


def test_roi_align_has_the_gradient_of_its_features():
    features = tf.constant(RNG.normal(size=(1, 6, 7, 2)), tf.float32)
    boxes, rows = tf.constant(random_boxes(3, 0, 6)), tf.zeros(3, tf.int32)
    change = RNG.normal(size=features.shape).astype(np.float32)
    weights = RNG.normal(size=(3, 2, 2, 2)).astype(np.float32)

    def value(x):
        return tf.reduce_sum(roi_align(x, boxes, rows, 2) * weights)

    with tf.GradientTape() as tape:
        tape.watch(features)
        result = value(features)
    slope = np.sum(tape.gradient(result, features) * change)
    # It is linear, so a step of any length tells.
    expected = float(value(features + change) - result)
    assert slope == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_boxes_are_taken_from_the_level_of_their_size():
    boxes = [[0, 0, 111, 111], [0, 0, 112, 112], [0, 0, 224, 224], [0, 0, 896, 896],
             [5, 5, 5, 9]]  # fmt: skip
    np.testing.assert_array_equal(level_of(tf.constant(boxes, tf.float32), 4),
                                  [0, 1, 2, 3, 0])  # fmt: skip
    levels = [tf.fill([1, 256 >> i, 256 >> i, 1], float(i)) for i in range(4)]
    found = pyramid_roi_align(levels, tf.constant([boxes], tf.float32), 2)
    np.testing.assert_allclose(found[0, :, 0, 0, 0], [0, 1, 2, 3, 0])


def test_deltas_and_back():
    boxes, targets = random_boxes(20), random_boxes(20)
    centered = box_lib.center_size(boxes), box_lib.center_size(targets)
    deltas = encode(*centered, (0.1, 0.2))
    np.testing.assert_allclose(
        box_lib.apply_deltas(boxes, deltas, (0.1, 0.2)), targets, atol=1e-3
    )
    # From a square of 10 around (5, 5) to 20 x 10 around (15, 5).
    square, wide = tf.constant([[[0.0, 0, 10, 10]], [[5, 0, 25, 10]]])
    by_hand = encode(box_lib.center_size(square), box_lib.center_size(wide), (0.1, 0.2))
    np.testing.assert_allclose(by_hand, [[10, 0, np.log(2) / 0.2, 0]], atol=1e-6)
    square, deltas = tf.constant([[[0.0, 0, 16, 16]], [[0, 0, 99, 99]]])
    huge = box_lib.apply_deltas(square, deltas, (1.0, 1.0))
    np.testing.assert_allclose(box_lib.sizes(huge), [[1000, 1000]], rtol=1e-5)


def test_iou_by_hand():
    a = [[0.0, 0, 10, 10], [0, 0, 0, 0]]
    b = [[5.0, 0, 15, 10], [0, 0, 10, 10], [20, 20, 30, 30]]
    iou = box_lib.box_iou(tf.constant(a), tf.constant(b))
    np.testing.assert_allclose(iou, [[1 / 3, 1, 0], [0, 0, 0]], atol=1e-6)


def test_anchors_are_whole_pixels_around_each_place():
    # Half the sides of 32^2 at ratios 1/2, 1, 2: 22.6 x 11.3, 16 x 16, 11.3 x 22.6.
    np.testing.assert_array_equal(
        base_anchors(32, (0.5, 1, 2)),
        [[-23, -11, 23, 11], [-16, -16, 16, 16], [-11, -23, 11, 23]],
    )
    config = MaskRCNNConfig(anchor_ratios=(1.0,))
    levels = [tf.zeros([1, 64 >> i, 96 >> i, 2]) for i in range(5)]
    anchors = grid_anchors(levels, tf.constant([256, 384]), config)
    assert [len(x) for x in anchors] == [6144, 1536, 384, 96, 24]
    np.testing.assert_array_equal(anchors[1][48 + 2], [-16, -24, 48, 40])


def naive_suppression(boxes, scores, kinds, iou_threshold, min_score, count):
    kept = []
    iou = box_lib.box_iou(tf.constant(boxes), tf.constant(boxes)).numpy()
    for row in np.argsort(-scores, kind="stable"):
        rivals = [other for other in kept if kinds[other] == kinds[row]]
        if scores[row] > min_score and (iou[row, rivals] <= iou_threshold).all():
            kept.append(row)
    return kept[:count]


def test_suppression_is_the_plain_one():
    boxes = np.stack([random_boxes(60), random_boxes(60)])
    scores = RNG.uniform(size=(2, 60)).astype(np.float32)
    kinds = RNG.integers(0, 3, (2, 60)).astype(np.int32)
    options = {"iou_threshold": 0.3, "min_score": 0.2}
    rows, valid = suppress(
        tf.constant(boxes), tf.constant(scores), kinds, max_outputs=50, **options
    )
    for i in range(2):
        expected = naive_suppression(boxes[i], scores[i], kinds[i], 0.3, 0.2, 50)
        assert 5 < len(expected) < 45
        np.testing.assert_array_equal(rows[i][valid[i]], expected)


def test_labels_of_anchors():
    iou = [
        [0.8, 0.1, -1],  # enough for one object
        [0.5, 0.1, -1],  # between
        [0.2, 0.4, -1],  # the most of an object
        [0.2, 0.1, -1],
        [0.0, 0.4, -1],  # as much as the third
    ]
    positive, negative = assignment.match_anchors(tf.constant([iou]), 0.7, 0.3)
    np.testing.assert_array_equal(positive[0], [1, 0, 1, 0, 1])
    np.testing.assert_array_equal(negative[0], [0, 0, 0, 1, 0])


@pytest.mark.parametrize(
    "positives, taken", [(30, (4, 12)), (2, (2, 14)), (0, (0, 16))]
)
def test_positives_and_negatives_are_sampled(positives, taken):
    positive = np.arange(200) < positives
    priority = RNG.uniform(size=(1, 200)).astype(np.float32)
    rows, real = assignment.sample_balanced(
        tf.constant(positive[None]), tf.constant(~positive[None]), priority, 16, 0.25
    )
    assert rows.shape == (1, 16) and np.all(real)
    found = positive[rows[0]]
    assert (found.sum(), (~found).sum()) == taken and len(set(rows.numpy()[0])) == 16
    assert np.all(np.diff(found.astype(int)) <= 0)  # positives are first


def test_regions_have_the_targets_of_their_objects():
    truth = {
        "boxes": tf.constant([[[0.0, 0, 20, 10], [40, 40, 60, 60], [0, 0, 0, 0]]]),
        "classes": tf.constant([[3, 2, 0]]),
        "valid": tf.constant([[True, True, False]]),
        "masks": np.zeros((1, 3, 40, 40), bool),
    }
    truth["masks"][0, 0, :5, :7] = True  # half as many pixels as the boxes have
    proposals = Proposals(
        boxes=tf.constant([[[0.0, 0, 22, 10], [70, 70, 80, 80], [0, 0, 20, 10]]]),
        scores=tf.zeros([1, 3]),
        valid=tf.constant([[True, True, False]]),
    )
    config = MaskRCNNConfig(num_classes=4, num_regions=8, positive_fraction=0.5)
    priority = tf.constant([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]])
    found = assignment.sample_regions(
        proposals, truth, priority, tf.constant([0.5] * 4), config
    )
    np.testing.assert_array_equal(found.valid[0], [1, 1, 1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(found.classes[0], [3, 3, 2, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(found.boxes[0, 3], [70, 70, 80, 80])
    np.testing.assert_allclose(found.deltas[0, 1:], 0, atol=1e-6)
    expected = [[(10 - 11) / 22 / 0.1, 0, np.log(20 / 22) / 0.2, 0]]
    np.testing.assert_allclose(found.deltas[0, :1], expected, atol=1e-5)
    assert found.masks.shape == (1, 4, 28, 28)
    # 5 rows and 7 columns of a box of 5 and 10; between the middles of pixels, of which
    # the first is at 0, the mask ends half a pixel before.
    expected = 4.5 / 5 * 6.5 / 10
    assert float(tf.reduce_mean(found.masks[0, 1])) == pytest.approx(expected, abs=0.01)
    assert float(found.masks[0, 1, 0, 0]) == 1 and not np.any(found.masks[0, 2])


def naive_paste(mask, box, height, width):
    """torchvision's paste_mask_in_image, pixel by pixel."""
    side = len(mask) + 2
    mask = np.pad(mask, 1)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    half_x, half_y = ((box[i + 2] - box[i]) / 2 * side / (side - 2) for i in (0, 1))
    left, right = int(x - half_x), int(x + half_x)
    top, bottom = int(y - half_y), int(y + half_y)
    image = np.zeros((height, width))
    for row in range(max(top, 0), min(bottom + 1, height)):
        for column in range(max(left, 0), min(right + 1, width)):
            v = (row - top + 0.5) * side / (bottom - top + 1) - 0.5
            u = (column - left + 0.5) * side / (right - left + 1) - 0.5
            image[row, column] = naive_sample(
                mask[..., None], min(max(v, 0), side - 1), min(max(u, 0), side - 1)
            )[0]
    return image


def test_masks_are_pasted_as_by_the_plain_program():
    boxes = np.concatenate([random_boxes(8, -3, 30), [[4, 4, 4.2, 4.3]]])
    boxes = boxes.astype(np.float32)
    masks = RNG.uniform(size=(9, 6, 6)).astype(np.float32)
    found = paste(tf.constant(masks), tf.constant(boxes), tf.constant([24, 28]))
    for mask, box, one in zip(masks, boxes, found, strict=True):
        np.testing.assert_allclose(one, naive_paste(mask, box, 24, 28), atol=1e-5)


@pytest.mark.parametrize(
    "stride, size, padding", [(1, 3, None), (2, 3, None), (2, 7, 3)]
)
@pytest.mark.parametrize("groups", [1, 2])
def test_convolutions_in_groups_are_two(stride, size, padding, groups):
    layer = Convolution(
        6, size, 4, stride=stride, padding=padding, groups=groups, deviation=0.1
    )
    image = tf.constant(RNG.normal(size=(1, 9, 10, 4)), tf.float32)
    around = size // 2
    padded = tf.pad(image, [[0, 0], [around, around], [around, around], [0, 0]])
    parts = zip(
        tf.split(padded, groups, -1), tf.split(layer.kernel, groups, -1), strict=True
    )
    whole = [tf.nn.conv2d(x, kernel, stride, "VALID") for x, kernel in parts]
    np.testing.assert_allclose(layer(image), tf.concat(whole, -1), atol=1e-5)


def test_a_window_as_large_as_the_image_is_a_convolution():
    layer = Convolution(5, 3, 4, padding=0)
    image = tf.constant(RNG.normal(size=(2, 3, 3, 4)), tf.float32)
    kernel = tf.convert_to_tensor(layer.kernel)
    expected = tf.nn.conv2d(image, kernel, 1, "VALID")
    assert expected.shape == (2, 1, 1, 5)
    np.testing.assert_allclose(layer(image), expected, atol=1e-5)


def test_a_frozen_norm_is_applied_and_never_moves():
    layer = NormedConvolution(3, 1, 2)
    values = {"scale": 2.0, "offset": 0.5, "mean": 0.25, "variance": 4.0}
    for name, value in values.items():
        getattr(layer, name).assign([value] * 3)
    image = tf.constant(RNG.normal(size=(1, 2, 2, 2)), tf.float32)
    product = tf.nn.conv2d(image, tf.convert_to_tensor(layer.kernel), 1, "VALID")
    expected = (product - 0.25) / np.sqrt(4 + 1e-5) * 2 + 0.5
    np.testing.assert_allclose(layer(image), expected, rtol=1e-4, atol=1e-5)
    assert [x.name for x in layer.trainable_weights] == ["kernel"]
