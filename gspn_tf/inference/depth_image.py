"""A trained Mask R-CNN on one depth image with colours: points of its pixels."""

from pathlib import Path

import numpy as np

from gspn_tf.files.errors import ScanError
from gspn_tf.files.frame_files import FrameOptions, find_cameras, list_frames
from gspn_tf.files.frames import read_rgbd
from gspn_tf.image.lifting import lift_instances, segment_frame
from gspn_tf.image.mask_rcnn import MaskRCNN
from gspn_tf.inference.segmenter import Segmentation
from gspn_tf.metrics import InstancePredictions


def segment_depth_image(
    model: MaskRCNN,
    path: Path,
    points: np.ndarray,
    options: FrameOptions,
    scale: float = 1.0,
) -> Segmentation:
    """Find the instances of a depth image.

    Args:
        model: A trained network.
        path: The depth image.
        points: [V, 3] metres, z up: its measured pixels, as `read_scan` gives them.
        options: Its colours and its camera.
        scale: Metres per unit of its depth.

    Raises:
        ScanError: It is no single depth image with colours, or one of them cannot be
            read.
    """
    if path.suffix.lower() != ".png":
        raise ScanError(
            f"{path}: a Mask R-CNN sees a depth image (PNG) with --color, or a scan "
            "with its --frames"
        )
    frames, root = list_frames(path, options.color)
    cameras = find_cameras(path, root, options)
    color, depth = read_rgbd(frames[0], cameras, options)
    if color is None:
        raise ScanError(f"{path}: a Mask R-CNN needs its colours: --color FILE")
    found = segment_frame(model, color, depth * scale, cameras.depth)
    return as_segmentation(lift_instances(found, depth), points)


def as_segmentation(found: InstancePredictions, points: np.ndarray) -> Segmentation:
    """Give instances of points [V, 3] their boxes, and points their classes.

    Args:
        found: Best first; masks are rows of the points, of which each has one at least.
        points: Metres, z up.
    """
    semantic = np.zeros(len(points), np.int32)
    boxes = np.zeros((len(found.masks), 6), np.float32)
    for row in reversed(range(len(boxes))):
        mask = found.masks[row]
        low, high = points[mask].min(axis=0), points[mask].max(axis=0)
        boxes[row] = *((low + high) / 2), *(high - low)
        semantic[mask] = found.classes[row]
    return Segmentation(
        boxes=boxes,
        classes=found.classes,
        scores=found.scores.astype(np.float32),
        masks=list(found.masks),
        semantic=semantic,
        proposals=np.zeros((0, 6), np.float32),
        proposal_scores=np.zeros(0, np.float32),
    )
