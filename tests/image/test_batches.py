"""Batches of images against plain loops, and that draws are those of their keys."""

import dataclasses as dc

import numpy as np
import pytest
import tensorflow as tf
import toy_models
import toy_rgbd

from gspn_tf import data
from gspn_tf.config import DataConfig, ImageAugmentationConfig
from gspn_tf.image.augmentation import augment_image, turn, with_gamma
from gspn_tf.image.batches import SplitFrames, image_batches, targets_of
from gspn_tf.image.hha import hha

STILL = ImageAugmentationConfig(flip=0.0, rotation=0.0, gamma=0.0)
OPTIONS = DataConfig(cache=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("frames") / "data"
    toy_rgbd.write_data(path, train=3, val=2)
    return str(path)


def frames_of(folder, split="train", channels=3) -> SplitFrames:
    scenes = data.scenes(folder, split, training=True, cache=True)
    return SplitFrames(scenes, channels, keep=True)


def tight(mask: np.ndarray) -> list[int]:
    pixels = [(x, y) for y, row in enumerate(mask) for x, on in enumerate(row) if on]
    (x, y), (right, bottom) = np.min(pixels, 0), np.max(pixels, 0)
    return [x, y, right + 1, bottom + 1]


def naive_targets(labels: np.ndarray, classes: np.ndarray) -> dict:
    there = [i for i in range(len(classes)) if (labels == i).any()]
    return {
        "masks": np.array([labels == i for i in there]),
        "boxes": np.array([tight(labels == i) for i in there], np.float32),
        "classes": np.array([classes[i] for i in there]),
    }


def test_targets_are_those_of_a_plain_loop():
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 6, (5, 7)).astype(np.int32)
    labels[labels == 2] = -1  # no pixel is left of it
    labels[labels == 4] = -1
    labels[2, 3] = 4  # a single one
    classes = np.int32([3, 1, 2, 2, 5, 1])
    found = targets_of(tf.constant(labels), tf.constant(classes))
    expected = naive_targets(labels, classes)
    assert set(found) == {*expected, "valid"} and found["valid"].numpy().all()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    box = found["boxes"][found["classes"] == 5][0].numpy().tolist()
    assert box == [3, 2, 4, 3] and len(found["valid"]) == 5


def test_an_image_without_objects_has_one_row_of_padding():
    for classes in ([], [2]):
        found = targets_of(tf.fill([4, 5], -1), tf.constant(classes, tf.int32))
        shapes = {name: tuple(x.shape) for name, x in found.items()}
        assert shapes["masks"] == (1, 4, 5) and shapes["boxes"] == (1, 4)
        assert not any(np.any(x) for x in found.values())


@pytest.mark.parametrize("channels", [3, 6])
def test_batches_are_the_frames_of_the_split(channels, folder):
    found = image_batches(
        frames_of(folder, "val", channels),
        OPTIONS,
        batch_size=2,
        training=False,
        seed=0,
    )
    (batch,) = found.as_numpy_iterator()
    assert len(found) == 1 and batch["images"].shape == (2, *toy_rgbd.SIZE, channels)
    for row, seed in enumerate((3, 4)):
        scene = toy_rgbd.frame(seed)
        image = batch["images"][row]
        assert np.array_equal(image[..., :3], scene.image.color)
        if channels == 6:
            depth = hha(scene.image.depth, scene.image.camera)
            assert np.array_equal(image[..., 3:], depth)
        labels = scene.image.painted(scene.instance, -1)
        expected = naive_targets(labels, scene.instance_classes())
        for name, value in expected.items():
            assert np.array_equal(batch["targets"][name][row], value), name
        assert batch["targets"]["valid"][row].tolist() == [True, True]


def test_draws_are_those_of_seed_epoch_and_name(folder):
    frames = frames_of(folder)

    def epochs(seed, count=2):
        made = image_batches(frames, OPTIONS, batch_size=2, training=True, seed=seed)
        return [[b["images"] for b in made.as_numpy_iterator()] for _ in range(count)]

    tf.random.set_seed(1)
    one, again, other = epochs(0), epochs(0), epochs(1)
    assert len(one[0]) == 1  # the third frame fills no batch
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0], one[1]) and not np.array_equal(one[0], other[0])
    still = dc.replace(OPTIONS, images=STILL)
    plain = image_batches(frames, still, batch_size=3, training=True, seed=0)
    (batch,) = plain.as_numpy_iterator()
    whole = {toy_rgbd.frame(seed).image.color.tobytes() for seed in range(3)}
    assert {x.astype(np.uint8).tobytes() for x in batch["images"]} == whole


@pytest.mark.parametrize("change", [{"flip": 1.0}, {"rotation": 20.0}])
def test_masks_and_boxes_move_with_the_image(change):
    scene = toy_rgbd.frame(0, holes=0.0)
    labels = scene.image.painted(scene.instance, -1)
    # An image that shows its own labels, in steps that no interpolation makes.
    image = np.repeat((labels[..., None] + 1) * 100.0, 3, -1).astype(np.float32)
    options = dc.replace(STILL, **change)
    moved, found = augment_image(
        tf.constant(image), tf.constant(labels), options, tf.constant([3, 4], tf.int64)
    )
    assert not np.array_equal(found, labels)
    shown = np.rint(moved[..., 0] / 100).astype(int) - 1
    assert np.mean(shown == found) > (0.97 if "rotation" in change else 0.9999)
    if "flip" in change:
        assert np.array_equal(found, labels[:, ::-1])
        assert np.array_equal(moved, image[:, ::-1])
    expected = naive_targets(found.numpy(), np.int32([1, 2]))
    targets = targets_of(found, tf.constant([1, 2]))
    for name, value in expected.items():
        np.testing.assert_array_equal(targets[name], value, err_msg=name)


def test_a_turn_is_about_the_middle():
    image = np.zeros((5, 5, 1), np.int32)
    image[1, 2], image[2, 4], image[2, 2] = 1, 2, 3
    found = turn(tf.constant(image), tf.constant(np.pi / 2, tf.float32), "NEAREST")
    expected = np.rot90(image, -1)  # clockwise
    np.testing.assert_array_equal(found, expected)
    whole = turn(tf.ones([9, 9, 2]), tf.constant(np.pi / 4, tf.float32), "BILINEAR")
    assert whole[4, 4, 0] == 1 and whole[0, 0, 0] == 0  # what came into view


def test_gamma_leaves_what_is_no_colour():
    image = tf.constant(np.random.default_rng(0).uniform(0, 255, (4, 5, 6)), tf.float32)
    found = with_gamma(image, tf.constant(1.5))
    np.testing.assert_array_equal(found[..., 3:], image[..., 3:])
    expected = 255 * (image[..., :3] / 255) ** 1.5
    np.testing.assert_allclose(found[..., :3], expected, rtol=1e-5)
    options, seed = dc.replace(STILL, gamma=0.5), tf.constant([0, 1], tf.int64)
    changed, _ = augment_image(image, tf.fill([4, 5], -1), options, seed)
    power = np.log(changed[..., :3] / 255) / np.log(image[..., :3] / 255)
    assert np.ptp(power) < 1e-3 and 0.01 < abs(np.log(power.mean())) <= 0.5
    np.testing.assert_array_equal(changed[..., 3:], image[..., 3:])


def test_folders_that_hold_no_frames_are_one_line(folder, tmp_path):
    toy_models.write_data(tmp_path / "rooms")
    scenes = data.scenes(str(tmp_path / "rooms"), "train", training=True)
    with pytest.raises(ValueError, match="must hold frames with their images, as gsp"):
        SplitFrames(scenes, 3, keep=False)
    with pytest.raises(ValueError, match="3 channels, RGB, or of 6"):
        frames_of(folder, channels=4)
    few = dc.replace(OPTIONS, max_instances=1)
    made = image_batches(frames_of(folder), few, batch_size=1, training=False, seed=0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="max_instances = 1 inst"):
        next(iter(made))
