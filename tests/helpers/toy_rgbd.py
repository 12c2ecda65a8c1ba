"""Scenes that are small frames of a depth camera: boxes before a wall."""

import numpy as np
import toy_scenes

from gspn_tf.data import Scene
from gspn_tf.data.classes import ClassList
from gspn_tf.data.rgbd_image import RgbdImage
from gspn_tf.files.depth import ROOM_FROM_CAMERA, Intrinsics, lift

CLASSES = ClassList((5, 7), ("chair", "table"))
COLORS = np.array([[210, 60, 60], [60, 90, 220]], np.uint8)  # of chairs and of tables
SIZE = (64, 96)  # rows, columns
CAMERA = Intrinsics((80.0, 80.0), (47.5, 31.5))


def frame(seed: int, size: tuple[int, int] = SIZE, holes: float = 0.05) -> Scene:
    """A frame of one chair and one table of random places and sizes."""
    rng = np.random.default_rng(seed)
    depth = np.full(size, 3.0, np.float32)
    color = rng.normal(120, 8, (*size, 3))
    label = np.full(size, -1, np.int32)
    for kind in range(2):
        high, wide = rng.integers(16, 30, 2)
        middle = size[1] // 2
        top = rng.integers(0, size[0] - high)
        left = kind * middle + rng.integers(0, middle - wide)
        part = np.s_[top : top + high, left : left + wide]
        depth[part], label[part] = 2.0, kind
        color[part] = rng.normal(COLORS[kind], 8, (high, wide, 3))
    depth[rng.random(size) < holes] = 0
    color = np.clip(color, 0, 255).astype(np.uint8)
    where = depth > 0
    instance = label[where]
    points = lift(depth, where, CAMERA) @ ROOM_FROM_CAMERA.T
    return Scene(
        f"frame_{seed}",
        points.astype(np.float32),
        color[where],
        instance + 1,
        instance,
        RgbdImage(color, depth, CAMERA),
    )


def write_data(directory, **counts: int) -> None:
    """A data folder of frames; counts of its splits, whose frames all differ."""
    splits, seed = {}, 0
    for split, count in counts.items():
        splits[split] = [frame(seed + i) for i in range(count)]
        seed += count
    toy_scenes.write_folder(directory, CLASSES, "views", **splits)
