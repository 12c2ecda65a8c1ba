"""Points have the features of their own pixels, whatever is drawn of them."""

import dataclasses as dc

import numpy as np
import pytest
import tensorflow as tf
import toy_views

from gspn_tf import config as c
from gspn_tf.data import load
from gspn_tf.data.pixel_features import PixelFeatures
from gspn_tf.data.shards import read_scenes

SCENES = [toy_views.frame(seed) for seed in range(3)]
UNSEEN = [toy_views.frame(seed) for seed in (3, 4)]
CHANGED = c.AugmentationConfig(
    rotation=0.0, translation=0.0, crop=1.0, point_dropout=0.3, jitter=1e-6
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("frames") / "data"
    toy_views.write_folder(path, train=SCENES, val=UNSEEN)
    return str(path)


def batch_of(folder, split, training, **options):
    data = dc.replace(toy_views.DATA, augmentation=toy_views.AUGMENTATION)
    found = load(
        folder,
        split,
        dc.replace(data, **options),
        batch_size=len(SCENES) if split == "train" else 2,
        training=training,
        seed=3,
        image_features=toy_views.CHANNELS,
    )
    return next(found.as_numpy_iterator())


def rows_by_place(scene, points):
    """Rows of the scene's points that are at these places."""
    gap = np.abs(scene.points[None] - points[:, None]).sum(-1)
    assert gap.min(1).max() < 1e-4
    return gap.argmin(1)


def assert_features(batch, scenes):
    """Each drawn point has the features of the pixel of the point at its place."""
    for row, count in enumerate(batch["num_points"]):
        points = batch["points"][row, :count]
        gaps = [np.abs(s.points[None] - points[:, None]).sum(-1).min(1).max()
                for s in scenes]  # fmt: skip
        scene = scenes[int(np.argmin(gaps))]
        wanted = toy_views.expected(scene)[rows_by_place(scene, points)]
        assert np.array_equal(batch["image_features"][row, :count], wanted)
        assert not batch["image_features"][row, count:].any()


def test_a_whole_frame_has_the_features_of_its_pixels():
    scene = SCENES[0]
    found = PixelFeatures.of_image(scene.image, len(scene.points), toy_views.CHANNELS)
    assert np.array_equal(found.values(), toy_views.expected(scene))
    assert found.features.shape == (48, toy_views.CHANNELS)


def test_batches_have_the_features_of_the_drawn_points(folder):
    batch = batch_of(folder, "val", training=False)
    assert batch["image_features"].shape == (2, 200, toy_views.CHANNELS)
    assert batch["image_features"].dtype == np.float32
    assert_features(batch, UNSEEN)


def test_features_stay_with_points_that_are_cut_thinned_and_shuffled(folder):
    batch = batch_of(folder, "train", training=True, augmentation=CHANGED)
    assert batch["num_points"].min() < 200
    assert_features(batch, SCENES)


def test_mixed_scenes_have_the_features_of_both(folder):
    mixing = dc.replace(toy_views.AUGMENTATION, mixing=1.0)
    batch = batch_of(folder, "train", training=True, augmentation=mixing)
    known = np.concatenate([s.image.features.reshape(-1, 6) for s in SCENES])
    owner = np.repeat(np.arange(len(SCENES)), 48)
    mixed = 0
    for features, semantic in zip(
        batch["image_features"], batch["targets"]["semantic"], strict=True
    ):
        same = (features[:, None] == known.astype(np.float32)).all(-1)
        assert (same.sum(1) == 1).all()
        mixed += len(np.unique(owner[same.argmax(1)])) > 1
        # All but those at the border of two objects have the feature of their class.
        assert (features[:, 0] == semantic).mean() > 0.85
    assert mixed


def test_batches_without_are_what_they_were(folder):
    options = dc.replace(toy_views.DATA, augmentation=CHANGED)
    given = {"batch_size": 3, "training": True, "seed": 3}
    plain = next(load(folder, "train", options, **given).as_numpy_iterator())
    found = batch_of(folder, "train", training=True, augmentation=CHANGED)
    assert found.pop("image_features") is not None
    tf.nest.map_structure(np.testing.assert_array_equal, plain, found)


def test_scenes_are_read_with_their_images(folder):
    found = list(read_scenes(folder, "train", images=True))
    for scene, wanted in zip(found, SCENES, strict=True):
        assert np.array_equal(scene.points, wanted.points)
        assert np.array_equal(scene.image.features, wanted.image.features)
        assert np.array_equal(scene.image.depth, wanted.image.depth)
    assert all(scene.image is None for scene in read_scenes(folder, "train"))


def test_a_folder_without_features_is_one_clear_error(folder, tmp_path):
    toy_views.write_folder(tmp_path / "plain", features=False, train=SCENES)
    given = {"batch_size": 1, "training": True, "seed": 0}
    message = "image features of 6 channels, .* got none; .*--image_features FILE"
    with pytest.raises(ValueError, match=message):
        load(str(tmp_path / "plain"), "train", toy_views.DATA, **given,
             image_features=6)  # fmt: skip
    with pytest.raises(ValueError, match="of 9 channels, .* got image features of 6"):
        load(folder, "train", toy_views.DATA, **given, image_features=9)


@pytest.mark.parametrize(
    "image, message",
    [
        (None, "sees image features of 6 channels"),
        (dc.replace(SCENES[0].image, features=None), "sees image features"),
        (SCENES[1].image, "image must have .* measured pixels"),
    ],
)
def test_an_image_that_does_not_fit_is_one_clear_error(image, message):
    with pytest.raises(ValueError, match=message):
        PixelFeatures.of_image(image, len(SCENES[0].points), toy_views.CHANNELS)
