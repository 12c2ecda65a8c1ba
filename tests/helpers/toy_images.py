"""Images of a few plain shapes, with their instances, and a narrow Mask R-CNN."""

import numpy as np
import tensorflow as tf

from gspn_tf.config import MaskRCNNConfig

NARROW = MaskRCNNConfig(
    num_classes=4,
    min_side=0,
    blocks=(1, 1, 1, 1),
    width=8,
    pyramid_units=16,
    proposal_units=16,
    anchor_sizes=(8, 16, 32, 64, 128),
    num_anchors=64,
    max_candidates=100,
    max_proposals=50,
    max_candidates_inference=100,
    max_proposals_inference=50,
    num_regions=32,
    head_units=32,
    mask_units=(16, 16),
    max_detections=8,
)
COLORS = {1: (220, 40, 40), 2: (40, 200, 60), 3: (50, 70, 230)}


def batch_of(images: np.ndarray, objects: list[tuple[int, np.ndarray]]) -> dict:
    """A batch of one image [H, W, C] with pairs of a class and a mask [H, W]."""
    places = [np.nonzero(mask) for _, mask in objects]
    boxes = [[x.min(), y.min(), x.max() + 1, y.max() + 1] for y, x in places]
    targets = {
        "boxes": np.array(boxes, np.float32),
        "classes": np.array([kind for kind, _ in objects], np.int32),
        "masks": np.array([mask for _, mask in objects]),
        "valid": np.ones(len(objects), bool),
    }
    batch = {"images": images, "targets": targets}
    return tf.nest.map_structure(lambda x: tf.constant(x)[None], batch)


def shapes(channels: int = 3) -> dict:
    """A batch of one image of 96 x 128 pixels: a box, a disc and two triangles."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:96, :128]
    objects = [
        (1, (y >= 10) & (y < 44) & (x >= 12) & (x < 50)),
        (2, (y - 62) ** 2 + (x - 34) ** 2 < 20**2),
        (3, (y >= 12) & (y < 50) & (np.abs(x - 90) < (y - 12) / 2)),
        (3, (y >= 56) & (y < 90) & (np.abs(x - 98) < (y - 56) / 1.5)),
    ]
    image = rng.normal(110, 8, (96, 128, 3))
    for kind, mask in objects:
        image[mask] = rng.normal(COLORS[kind], 8, (mask.sum(), 3))
    more = rng.uniform(0, 255, (96, 128, channels - 3))
    image = np.concatenate([image, more], -1)
    return batch_of(np.clip(image, 0, 255).astype(np.uint8), objects)
