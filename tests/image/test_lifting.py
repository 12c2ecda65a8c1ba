"""Masks of a frame's pixels as those of its points."""

import dataclasses as dc

import keras
import numpy as np
import pytest
from toy_images import NARROW

from gspn_tf.data.rgbd_image import RgbdImage
from gspn_tf.files.depth import Intrinsics
from gspn_tf.files.errors import ScanError
from gspn_tf.image.hha import hha
from gspn_tf.image.lifting import (
    FrameDetections,
    frame_channels,
    lift_instances,
    segment_frame,
    segment_points,
)
from gspn_tf.image.mask_rcnn import MaskRCNN

CAMERA = Intrinsics((60.0, 60.0), (31.5, 23.5))


@pytest.fixture(scope="module")
def image() -> RgbdImage:
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.5, 3, (48, 64)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.2] = 0
    color = rng.integers(0, 256, (48, 64, 3)).astype(np.uint8)
    return RgbdImage(color, depth, CAMERA)


def test_points_of_masks_are_those_of_their_pixels(image):
    rng = np.random.default_rng(1)
    masks = rng.random((3, 48, 64)) < 0.3
    masks[1] &= image.depth == 0  # of no point
    given = FrameDetections(masks, np.int32([1, 2, 3]), np.float32([0.9, 0.8, 0.7]))
    found = lift_instances(given, image.depth)
    assert found.classes.tolist() == [1, 3]
    assert found.scores.tolist() == pytest.approx([0.9, 0.7])
    pixels = image.pixels()
    for rows, mask in zip(found.masks, masks[[0, 2]], strict=True):
        expected = [i for i, (y, x) in enumerate(pixels) if mask[y, x]]
        assert rows.tolist() == expected and rows.dtype == np.int32
    nothing = lift_instances(FrameDetections(*(x[:0] for x in given)), image.depth)
    assert nothing.masks == [] and len(nothing.classes) == len(nothing.scores) == 0


def test_a_network_sees_colours_and_perhaps_depth(image):
    frame = image.color, image.depth, CAMERA
    assert np.array_equal(frame_channels(*frame, 3), image.color)
    both = frame_channels(*frame, 6)
    assert both.dtype == np.uint8 and np.array_equal(both[..., :3], image.color)
    assert np.array_equal(both[..., 3:], hha(image.depth, CAMERA))
    with pytest.raises(ValueError, match="3 channels, RGB, or of 6.*, got 4"):
        frame_channels(*frame, 4)
    with pytest.raises(ScanError, match="depth must be"):
        frame_channels(image.color, image.depth[1:], CAMERA, 6)


@pytest.mark.parametrize("channels", [3, 6])
def test_a_frame_is_segmented(channels, image):
    keras.utils.set_random_seed(0)
    levels = {"mean": (110.0,) * channels, "deviation": (60.0,) * channels}
    model = MaskRCNN(dc.replace(NARROW, min_score=0.0, **levels))
    found = segment_frame(model, image.color, image.depth, CAMERA)
    assert found.masks.shape[1:] == (48, 64) and found.masks.dtype == bool
    assert 0 < len(found.masks) == len(found.classes) == len(found.scores)
    assert (found.classes > 0).all() and (np.diff(found.scores) <= 0).all()
    lifted, points = segment_points(model, image), lift_instances(found, image.depth)
    for one, other in zip(lifted, points, strict=True):
        assert all(map(np.array_equal, one, other))
