"""Single frames whose classes only the features of their images tell, and networks."""

import dataclasses as dc

import numpy as np
import toy_scenes

from gspn_tf import config as c
from gspn_tf.data.classes import ClassList
from gspn_tf.data.rgbd_image import RgbdImage
from gspn_tf.data.scene import Scene
from gspn_tf.files import depth as depths

SIZE, CHANNELS = (24, 32), 6
CAMERA = depths.Intrinsics((30.0, 30.0), (15.5, 11.5))
CLASSES = ClassList((5, 7), ("chair", "table"))
AUGMENTATION = c.AugmentationConfig(rotation=0.0, translation=0.0)
DATA = c.DataConfig(num_points=200, num_points_inference=200, num_shape_points=16)


def frame(seed: int) -> Scene:
    """A grey wall of two objects, of which features alone tell the class.

    Feature 0 is the class of the map's pixel at stride 4, the others are noise that is
    distinct in each pixel. Some pixels are not measured.
    """
    rng = np.random.default_rng(seed)
    left, right = rng.permutation([1, 2])
    semantic = np.full(SIZE, left, np.int32)
    semantic[:, 16:] = right
    instance = np.where(np.arange(SIZE[1]) < 16, 0, 1) + np.zeros(SIZE, np.int32)
    depth = (2 + rng.uniform(0, 0.2, SIZE)).astype(np.float32)
    depth[rng.random(SIZE) < 0.1] = 0
    where = depth > 0
    features = rng.normal(0, 1, (6, 8, CHANNELS))
    features[..., 0] = semantic[::4, ::4]
    points = depths.lift(depth, where, CAMERA) @ depths.ROOM_FROM_CAMERA.T
    color = np.full((*SIZE, 3), 128, np.uint8)
    image = RgbdImage(color, depth, CAMERA, features.astype(np.float16))
    labels = semantic[where], instance[where].astype(np.int32)
    name = f"frame_{seed}"
    return Scene(name, points.astype(np.float32), color[where], *labels, image)


def expected(scene: Scene) -> np.ndarray:
    """Features [V, C] of all points, one after another."""
    features = scene.image.features
    high, wide = features.shape[:2]
    found = []
    for y, x in scene.image.pixels():
        row, column = min(round(y / 4), high - 1), min(round(x / 4), wide - 1)
        found.append(features[row, column])
    return np.array(found, np.float32)


def write_folder(folder, features: bool = True, **splits) -> None:
    """A data folder of frames, as `gspn prepare ... --image_features` makes it."""
    about = {"image_features": {"sha256": "0" * 64, "channels": CHANNELS}}
    options = about if features else None
    toy_scenes.write_folder(folder, CLASSES, "views", options=options, **splits)


def config(image_features: int = CHANNELS) -> c.SGPNConfig:
    """A tiny SGPN."""
    backbone = c.BackboneConfig(
        num_centers=(32, 16),
        radii=(0.3, 0.6),
        num_neighbors=8,
        abstraction_units=((8, 8), (16, 16)),
        propagation_units=((16,), (16,)),
        norm_decay_steps=0,
    )
    return c.SGPNConfig(
        num_classes=3,
        backbone=backbone,
        branch_units=(16,),
        similarity_size=8,
        num_similarity_points=64,
        image_features=image_features,
    )


def rpointnet(image_features: int = CHANNELS, **fields) -> c.RPointNetConfig:
    """A tiny R-PointNet."""
    proposal = c.GSPNConfig(
        num_classes=3,
        num_seeds=16,
        num_seeds_inference=24,
        num_semantic_points=200,
        backbone=config().backbone,
        context_radii=(0.2, 0.4),
        context_neighbors=(8, 8),
        context_units=(8, 16),
        center_network="context",
        center_units=(16,),
        latent_size=4,
        prior_units=(16,),
        shape_units=(16, 16),
        shape_feature_units=8,
        grid_units=(8, 8, 4),
        dense_units=(16,),
        num_dense_points=16,
        objectness_units=(8,),
        semantic_dropout=0.0,
        image_features=image_features,
    )
    return c.RPointNetConfig(
        proposal=dc.replace(proposal, **fields),
        num_seeds=16,
        max_candidates=16,
        max_proposals=12,
        max_candidates_inference=24,
        max_proposals_inference=12,
        truth_copies=4,
        num_regions=8,
        num_region_points=16,
        num_region_points_inference=16,
        level_units=8,
        region_units=(16, 16),
        head_units=(16, 16),
        mask_local_units=(8,),
        mask_global_units=(8, 8),
        mask_units=(8,),
        min_score=0.0,
    )
