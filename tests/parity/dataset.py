"""A labelled cloud as the release's dataset.py gives it to the networks.

Recorded as it is (`plain_*`) and augmented after np.random.seed(S) (`augS_*`). Group 0
of the release is what belongs to no object, a cloud of zeros like those of padding;
ours has no such row. A cloud of too few points is filled up with random ones of its
own, which only have to be among ours.
"""

from collections.abc import Iterator
from unittest import mock

import numpy as np
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.config import AugmentationConfig, DataConfig
from gspn_tf.data import augmentation, preprocessing, sampling
from gspn_tf.data.classes import SCANNET
from gspn_tf.data.scene import number_instances
from gspn_tf.nn import boxes
from parity.golden import Case, Check, Golden

FILES = ("dataset",)
VALUES = (
    "pc",
    "color",
    "seg_label",
    "group_label",
    "group_indicator",
    "bbox_ins",
    "pc_ins",
)


def cases(golden: Golden) -> Iterator[Case]:
    keys = frozenset(golden.keys())
    variants = {key.split("_")[0] for key in keys} - {"raw", "ngroup"}
    raw = {key for key in keys if key.startswith("raw_")}
    for name in sorted(variants):
        mine = {key for key in keys if key.startswith(f"{name}_")}
        yield Case(name, frozenset(mine | raw | {"ngroup"}), comparison(name))


def scene_of(g: Golden) -> dict:
    """Our scene, with all its points."""
    raw, semantic = g["raw_xyzrgb"], SCANNET.to_rows(g["raw_sem"])
    return {
        "points": raw[:, :3],
        "colors": raw[:, 3:].astype(np.uint8),
        "semantic": semantic,
        "instance": number_instances(g["raw_group"] + 1, semantic),
    }


def groups_of(scene: dict, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Clouds [K, P, 3] of the groups of the release, and which points are certain."""
    options = DataConfig(sampling="farthest", num_shape_points=shape[1])
    found = preprocessing.instances(scene, options, tf.constant([0, 1]))
    number = len(found["shapes"])
    clouds, certain = np.zeros(shape, np.float32), np.ones(shape[:2], bool)
    clouds[1 : number + 1] = found["shapes"]
    counts = np.bincount(scene["instance"][scene["instance"] >= 0], minlength=number)
    certain[1 : number + 1] = np.arange(shape[1]) < counts[:, None]
    return clouds, certain


def augmented(points: np.ndarray, turn: float, shift: np.ndarray) -> np.ndarray:
    """Our augmentation of points [V, 3] with given draws."""
    uniform = tf.constant([0, 0, turn], tf.float32)
    normal = tf.constant([*shift, 0, 0, 0], tf.float32)
    with (
        mock.patch.object(tf.random, "stateless_uniform", lambda *_: uniform),
        mock.patch.object(tf.random, "stateless_normal", lambda *_: normal),
    ):
        scene = {"points": points, "colors": np.zeros_like(points)}
        seeds = tf.zeros([2, 2], tf.int32)
        return augmentation.augment(scene, AugmentationConfig(), seeds)[
            "points"
        ].numpy()


def comparison(name: str):
    def compare(g: Golden, check: Check) -> None:
        recorded = {key: g[f"{name}_{key}"] for key in VALUES}
        whole, shape = scene_of(g), recorded["pc_ins"].shape
        clouds, certain = groups_of(whole, shape)
        number = whole["instance"].max() + 2  # with the background
        points, count = tf.constant(whole["points"]), len(recorded["pc"])
        rows = sampling.farthest_points(points, count, tf.constant([0, 1])).numpy()
        scene = {key: value[rows] for key, value in whole.items()}
        if name.startswith("aug"):  # draws in the release's order
            random = np.random.RandomState(int(name[3:]))
            order = random.permutation(len(scene["points"]))
            turn, shift = random.uniform(), random.normal(size=3)
            scene = {key: value[order] for key, value in scene.items()}
            scene["points"] = augmented(scene["points"], turn, shift)
            clouds = augmented(clouds.reshape(-1, 3), turn, shift).reshape(shape)
        ours = {
            "pc": scene["points"],
            "color": scene["colors"] / np.float32(255),
            "seg_label": scene["semantic"],
            "group_label": scene["instance"] + 1,
            "group_indicator": np.arange(len(clouds)) < number,
            "bbox_ins": boxes.bounding(clouds),
            "pc_ins": np.where(certain[..., None], clouds, recorded["pc_ins"]),
        }
        for key in VALUES:
            check.same(key, recorded[key], ours[key])
        check.same("ngroup", g["ngroup"], number)
        to_ours = ops.nn_distance(np.float32(recorded["pc_ins"]), clouds)[0]
        check.true("pc_ins among ours", np.max(to_ours) < 1e-10)

    return compare
