"""Small networks and scenes, the same in every run."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import toy_models
from serving.toy_export import export_toy

from gspn_tf import models
from gspn_tf.config import BackboneConfig, GSPNConfig, RPointNetConfig, SGPNConfig

GRID = 1024  # coordinates are multiples of 1/GRID m: sums of them are exact in float32
CENTERS = np.array([[1, 1, 0.5], [3, 1.5, 0.75], [1.5, 3, 0.25]])
SIZES = np.array([[1, 1, 1], [1, 0.5, 1.5], [1.5, 0.75, 0.5]])
NUM_SHAPE_POINTS = 64


BACKBONE = BackboneConfig(
    num_centers=(64, 32, 8),
    radii=(0.5, 1.0, 2.0),
    num_neighbors=8,
    abstraction_units=((8, 8), (8, 16), (16, 16)),
    propagation_units=((16,), (16,), (16, 16)),
    interpolation_power=2.0,
)


@pytest.fixture(autouse=True)
def seeds():
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def tiny_config() -> RPointNetConfig:
    """Every part of the networks, a few channels wide. Not to be changed in place."""
    proposal = GSPNConfig(
        num_classes=4,
        num_seeds=24,
        num_seeds_inference=32,
        num_semantic_points=48,
        backbone=BACKBONE,
        seed_sampling="farthest",
        context_radii=(0.5, 1.0),
        context_neighbors=(8, 16),
        context_units=(8, 16),
        center_direction="raw",
        center_unit="half_diagonal",
        latent_size=8,
        prior_units=(16,),
        shape_units=(8, 16),
        shape_feature_units=8,
        generator_context_units=8,
        grid_units=(16, 8, 8),
        dense_units=(16,),
        num_dense_points=32,
        objectness_units=(8,),
    )
    return RPointNetConfig(
        proposal=proposal,
        num_seeds=24,
        max_candidates=24,
        max_proposals=16,
        max_candidates_inference=32,
        max_proposals_inference=16,
        num_regions=8,
        num_region_points=32,
        num_region_points_inference=48,
        level_units=8,
        region_units=(16, 16),
        head_units=(16,),
        mask_local_units=(8,),
        mask_global_units=(16,),
        mask_units=(16,),
        min_score=0.0,
        detection_iou=0.3,
        max_detections=6,
    )


@pytest.fixture(scope="session")
def tiny_sgpn() -> SGPNConfig:
    """The smallest SGPN, sure of all that it finds. Not to be changed in place."""
    return SGPNConfig(
        num_classes=4,
        backbone=BACKBONE,
        branch_units=(8,),
        similarity_size=8,
        num_similarity_points=64,
        min_group_points=10,
        min_confidence=0.0,
        max_detections=6,
    )


@pytest.fixture(scope="session")
def sure_network(tiny_config) -> models.RPointNet:
    """Untrained, with many large instances. Tests leave its weights as they are."""
    keras.utils.set_random_seed(1)
    network = models.build(tiny_config)
    generator, head = network.proposal_network.proposer.vae.generator, network.box_head
    for layer in (generator.grid_output, generator.dense_output, head.class_output):
        layer.kernel.assign(6 * layer.kernel)
    head.class_output.bias.assign([-9.0, 0, 0, 0])
    network.mask_head.mask_output.bias.assign([0.3] * 4)
    return network


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory) -> Path:
    """A data folder of toy scenes that say they are rooms. Not to be written to."""
    path = tmp_path_factory.mktemp("data") / "rooms"
    toy_models.write_data(path)
    return path


@pytest.fixture(scope="session")
def exports(sure_network, tmp_path_factory) -> dict:
    """Folders of SavedModels of `sure_network`, by the kind of their ops."""

    class Exports(dict):
        def __missing__(self, ops):
            folder = tmp_path_factory.mktemp(ops)
            self[ops] = export_toy(sure_network, folder, ops=ops)
            return self[ops]

    return Exports()


def scene(rng: np.random.RandomState, num_points: int, num_objects: int) -> dict:
    """One scene of boxes on a floor, on the grid, with its targets (NumPy)."""
    which = rng.randint(-1, num_objects, num_points)  # -1: the floor
    unit = rng.uniform(-0.5, 0.5, (num_points, 3))
    objects = CENTERS[which] + SIZES[which] * unit
    floor = (unit + 0.5) * [4, 4, 0]
    points = np.where(which[:, None] < 0, floor, objects)
    shapes = CENTERS[:, None] + SIZES[:, None] * rng.uniform(
        -0.5, 0.5, (len(CENTERS), NUM_SHAPE_POINTS, 3)
    )
    real = np.arange(len(CENTERS)) < num_objects
    return {
        "points": np.float32(np.round(points * GRID) / GRID),
        "colors": np.float32(rng.uniform(size=(num_points, 3))),
        "targets": {
            "semantic": np.int32(which + 1),
            "weights": np.ones(num_points, np.float32),
            "instance": np.int32(which),
            "shapes": np.float32(np.round(shapes * GRID) / GRID) * real[:, None, None],
            "boxes": np.float32(np.concatenate([CENTERS, SIZES], 1) * real[:, None]),
            "classes": np.int32(np.arange(1, 4) * real),
            "valid": real,
        },
    }


def pad(values: np.ndarray, length: int, value: float = 0) -> np.ndarray:
    """Rows of `value` after those of values, `length` in all."""
    rows = [(0, length - len(values))] + [(0, 0)] * (values.ndim - 1)
    return np.pad(values, rows, constant_values=value)


@pytest.fixture(scope="session")
def tiny_batch() -> dict:
    """Two scenes of 512 and 400 points, three and two objects."""
    rng = np.random.RandomState(0)  # its stream is frozen, unlike default_rng's
    sizes = (512, 400)
    first, second = scene(rng, sizes[0], 3), scene(rng, sizes[1], 2)
    for key in ("points", "colors"):
        second[key] = pad(second[key], sizes[0])
    for key, value in (("semantic", 0), ("weights", 0), ("instance", -1)):
        second["targets"][key] = pad(second["targets"][key], sizes[0], value)
    batch = tf.nest.map_structure(lambda a, b: tf.constant([a, b]), first, second)
    return batch | {"num_points": tf.constant(sizes)}


@pytest.fixture(scope="session")
def tiny_scene(tiny_batch) -> dict:
    """The part of `tiny_batch` that the networks see at test time."""
    return {key: value for key, value in tiny_batch.items() if key != "targets"}
