"""Images of scenes that are single frames: their pixels, and the way to disk."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from gspn_tf.data import shards
from gspn_tf.data.rgbd_image import RgbdImage
from gspn_tf.files.depth import Intrinsics
from gspn_tf.synthetic import views

CAMERA = Intrinsics((50.0, 51.0), (3.0, 2.0))


@pytest.fixture(scope="module")
def view():
    return views.generate_view(3)


def test_pixels_of_points_have_their_colours_and_depth(view):
    rows, columns = view.image.pixels().T
    assert np.array_equal(view.image.color[rows, columns], view.colors)
    (fx, fy), (cx, cy) = view.image.camera
    z = view.image.depth[rows, columns]
    across = (columns - cx) * z / fx  # a view turns about x alone
    assert np.abs(view.points[:, 0] - across).max() < 1e-4


def test_painted_labels_cover_what_was_measured(view):
    image = view.image.painted(view.instance, -1)
    measured = view.image.depth > 0
    assert np.array_equal(image[measured], view.instance)
    assert (image[~measured] == -1).all()


def test_images_are_kept_in_shards(view, tmp_path):
    features = np.random.default_rng(0).normal(size=(60, 80, 5)).astype(np.float16)
    image = dataclasses.replace(view.image, features=features)
    scene = dataclasses.replace(view, image=image)
    record = tf.constant(shards.serialize(scene))
    found = {k: v.numpy() for k, v in shards.parse_image(record).items()}
    assert found["name"].decode() == view.name
    for field in ("color", "depth", "features"):
        assert np.array_equal(found[field], getattr(image, field))
    camera = [*image.camera.focal, *image.camera.center]
    assert np.allclose(found["camera"], camera, rtol=1e-6)
    assert np.array_equal(shards.parse(record)["points"], view.points)


def test_scenes_without_an_image_say_so(view):
    record = tf.constant(shards.serialize(dataclasses.replace(view, image=None)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="image/.* is required"):
        shards.parse_image(record)


def test_images_that_do_not_fit_are_errors(view):
    color = np.zeros((4, 6, 3), np.uint8)
    depth = np.ones((4, 6), np.float32)
    with pytest.raises(ValueError, match=r"depth of an RGB-D image must be float32"):
        RgbdImage(color, depth[:3], CAMERA)
    with pytest.raises(ValueError, match="features .* float16"):
        RgbdImage(color, depth, CAMERA, np.zeros((1, 2, 3)))
    with pytest.raises(ValueError, match="75413 measured pixels.* got 24"):
        dataclasses.replace(view, image=RgbdImage(color, depth, CAMERA))
