"""Frames of a depth camera -> instances of their points: Mask R-CNN, lifted.

A frame has a point for each pixel whose depth was measured, row by row. So the mask of
an instance in the image is that of its points, where they are.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gspn_tf.data.rgbd_image import RgbdImage
from gspn_tf.files.depth import Intrinsics, measured
from gspn_tf.files.errors import check_shape
from gspn_tf.image.hha import hha
from gspn_tf.image.mask_rcnn import MaskRCNN
from gspn_tf.metrics import InstancePredictions

COLORS, COLORS_AND_HHA = 3, 6
"""Channels of the images of frames that a network may see."""


class FrameDetections(NamedTuple):
    """Instances found in a frame of H x W pixels, best first."""

    masks: np.ndarray  # [D, H, W] bool
    classes: np.ndarray  # [D] int32, 1..C
    scores: np.ndarray  # [D] float32, 0..1


def frame_channels(
    color: np.ndarray, depth: np.ndarray, camera: Intrinsics, num_channels: int
) -> np.ndarray:
    """Make the image of a frame that a network of so many channels sees.

    Args:
        color: [H, W, 3] uint8, RGB.
        depth: [H, W] metres along the optical axis, 0 = not measured; see `hha` for
            what such pixels have.
        camera: Of both.
        num_channels: 3 for the colours, 6 for the colours and HHA (MRCNN* of the
            paper's section 4.3).

    Returns:
        [H, W, num_channels] uint8.

    Raises:
        ScanError: An array has another shape.
        ValueError: A network of other channels.
    """
    check_channels(num_channels)
    check_shape("color", color, ("H", "W", 3))
    if num_channels == COLORS:
        return color
    check_shape("depth", depth, color.shape[:2])
    return np.concatenate([color, hha(depth, camera)], axis=-1)


def check_channels(num_channels: int) -> None:
    """ValueError unless frames have images of so many channels."""
    if num_channels not in (COLORS, COLORS_AND_HHA):
        raise ValueError(
            "mean and deviation of a Mask R-CNN of frames must be of 3 channels, RGB, "
            f"or of 6, RGB and HHA, got {num_channels}"
        )


def segment_frame(
    model: MaskRCNN, color: np.ndarray, depth: np.ndarray, camera: Intrinsics
) -> FrameDetections:
    """Find the instances of one frame; arguments and errors of `frame_channels`.

    Args:
        model: A trained network, of 3 or 6 channels.
        color: [H, W, 3] uint8, RGB.
        depth: [H, W] metres, 0 = not measured; a network of 3 channels ignores it.
        camera: Of both.
    """
    image = frame_channels(color, depth, camera, model.config.num_channels)
    found = model.detect({"images": tf.constant(image)[None]}).detections
    masks, classes, scores = (
        tf.boolean_mask(x[0], found.valid[0]).numpy()
        for x in (found.masks, found.classes, found.scores)
    )
    return FrameDetections(masks, classes, scores)


def lift_instances(found: FrameDetections, depth: np.ndarray) -> InstancePredictions:
    """Carry instances of a frame to its points: masks are rows of measured pixels.

    Args:
        found: The instances.
        depth: [H, W] metres, 0 = not measured.

    Returns:
        Those that hold a point.
    """
    rows = [np.flatnonzero(mask) for mask in found.masks[:, measured(depth)]]
    kept = np.array([len(mask) > 0 for mask in rows], bool)
    masks = [mask.astype(np.int32) for mask in rows if len(mask)]
    return InstancePredictions(masks, found.classes[kept], found.scores[kept])


def segment_points(model: MaskRCNN, image: RgbdImage) -> InstancePredictions:
    """Find the instances of a scene that is a frame, as rows of its points."""
    found = segment_frame(model, image.color, image.depth, image.camera)
    return lift_instances(found, image.depth)
