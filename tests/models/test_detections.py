"""Instances that the networks find: restored from files, in order, and their laws."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gspn_tf.nn.regions import PointRoIAlign


@pytest.fixture(scope="module")
def detected(sure_network, tiny_scene):
    return sure_network.detect(tiny_scene)


# Saving


@pytest.mark.parametrize("kind", ["gspn", "rpointnet"])
def test_a_whole_model_is_restored(kind, sure_network, tiny_scene, tmp_path):
    model = sure_network if kind == "rpointnet" else sure_network.proposal_network
    model.save(tmp_path / "model.keras")
    other = keras.models.load_model(tmp_path / "model.keras")
    assert type(other) is type(model) and other.config == model.config
    if kind == "rpointnet":
        assert other.proposal_network.trainable is False
    found, expected = (tf.nest.flatten(each(tiny_scene)) for each in (other, model))
    for a, b in zip(found, expected, strict=True):
        if b is not None:
            np.testing.assert_allclose(a, b, atol=1e-6)


# Regions and detections


def test_regions_lie_in_their_boxes():
    """One of three boxes holds points, one none, and one is marked invalid."""
    points = tf.random.stateless_normal([2, 60, 3], [0, 3])
    box = tf.constant([[0.2, 0, 0, 2, 2, 2], [50, 0, 0, 1, 1, 1], [0, 0, 0, 3, 3, 3.0]])
    boxes = tf.stack([box, box])
    valid, count = tf.constant([[True, True, False]] * 2), tf.constant([60, 20])
    layer = PointRoIAlign(30, margin=0.05)

    @tf.function
    def call(seed):
        return layer(points, boxes, valid, count, seed)

    regions, again, other = (call(tf.constant([1, i])) for i in (2, 2, 3))
    assert regions.indices.shape == (2, 3, 30)
    np.testing.assert_array_equal(regions.valid, [[True, False, False]] * 2)
    assert regions.indices.numpy()[1].max() < 20  # never padding
    inside = tf.gather(points, regions.indices[:, 0], batch_dims=1)
    far = tf.abs(inside - boxes[:, :1, :3]) - boxes[:, :1, 3:] / 2
    assert far.numpy().max() <= 0.05 + 1e-6
    assert len(np.unique(regions.indices[0, 0])) > 5
    np.testing.assert_array_equal(regions.indices, again.indices)
    assert (regions.indices != other.indices).numpy().any()


def test_detections_are_in_order_and_padded_with_zeros(
    detected, sure_network, tiny_scene, monkeypatch
):
    # Half of the masks are empty: no point is sure enough.
    threshold = np.median(detected.region_masks.numpy().max(-1))
    monkeypatch.setattr(sure_network.config, "mask_threshold", threshold)
    found = sure_network.detect(tiny_scene).detections
    valid = found.valid.numpy()
    assert valid.any() and not valid.all()
    assert found.masks.shape == (2, 6, 512)
    for scores, real in zip(found.scores.numpy(), valid, strict=True):
        assert (np.diff(scores[real]) <= 0).all()
    assert (found.classes.numpy()[valid] > 0).all()
    assert found.masks.numpy().any(-1)[valid].all()
    for value in found:
        assert not value.numpy()[~valid].any()


def test_masks_lie_within_boxes(detected, tiny_scene):
    found, points = detected.detections, tiny_scene["points"]
    far = tf.abs(points[:, None] - found.boxes[:, :, None, :3])  # [B, D, N, 3]
    outside = tf.reduce_any(far > found.boxes[:, :, None, 3:] / 2 + 1e-5, -1)
    assert found.masks.numpy().any()
    assert not (found.masks.numpy() & outside.numpy()).any()
    assert not found.masks.numpy()[1, :, 400:].any()  # padding


def test_a_margin_enlarges_boxes_and_their_masks(
    detected, sure_network, tiny_scene, monkeypatch
):
    monkeypatch.setattr(sure_network.config, "mask_threshold", 0.0)
    thin = sure_network.detect(tiny_scene).detections
    monkeypatch.setattr(sure_network.config, "detection_margin", 0.1)
    wide = sure_network.detect(tiny_scene).detections
    assert thin.valid[0].numpy().all() and wide.valid[0].numpy().all()
    (boxes, masks), (larger, more) = map(by_place, (thin, wide))
    np.testing.assert_allclose(larger[:, :3], boxes[:, :3], atol=1e-5)
    np.testing.assert_allclose(larger[:, 3:], boxes[:, 3:] + 0.2, atol=1e-5)
    assert (masks <= more).all() and masks.sum() < more.sum()


def by_place(found):
    """Boxes and masks of the first scene, in the order of their centres."""
    boxes, masks = found.boxes[0].numpy(), found.masks[0].numpy()
    order = np.lexsort(boxes[:, :3].T)
    return boxes[order], masks[order]


# Laws


def assert_moved(found, expected, shift=0.0, atol=1e-4):
    """Boxes shifted, the rest the same, on all points of the scene `expected`."""
    shift = np.pad(np.broadcast_to(np.float32(shift), 3), (0, 3))
    for kind in ("detections", "proposals"):
        a, b = getattr(found, kind), getattr(expected, kind)
        real = b.valid.numpy()
        np.testing.assert_array_equal(a.valid, real)
        np.testing.assert_allclose(a.boxes[real], b.boxes[real] + shift, atol=atol)
        np.testing.assert_allclose(a.scores[real], b.scores[real], atol=atol)
    a, b = found.detections, expected.detections
    length = b.masks.shape[2]
    np.testing.assert_array_equal(a.classes, b.classes)
    np.testing.assert_array_equal(a.masks[..., :length], b.masks)
    assert not a.masks.numpy()[..., length:].any()


def test_padding_changes_nothing(sure_network, detected, tiny_scene):
    rows = [[0, 0], [0, 70], [0, 0]]
    scene = tiny_scene | {
        "points": tf.pad(tiny_scene["points"], rows, constant_values=0.5),
        "colors": tf.pad(tiny_scene["colors"], rows, constant_values=0.5),
    }
    assert_moved(sure_network.detect(scene), detected)


def test_scenes_of_a_batch_do_not_mix(sure_network, detected, tiny_scene):
    first = {key: value[:1] for key, value in tiny_scene.items()}
    found = sure_network.detect(first).proposals
    expected = detected.proposals
    np.testing.assert_allclose(found.boxes[0], expected.boxes[0], atol=1e-4)
    np.testing.assert_allclose(found.scores[0], expected.scores[0], atol=1e-4)


def test_a_moved_scene_gives_moved_results(sure_network, detected, tiny_scene):
    shift = np.float32([3, -5, 2])
    scene = tiny_scene | {"points": tiny_scene["points"] + shift}
    assert_moved(sure_network.detect(scene), detected, shift)
