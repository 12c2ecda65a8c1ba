"""A room of boxes, filmed: its vertices, and frames with exact depth and masks."""

from typing import NamedTuple

import numpy as np
from PIL import Image
from toy_depth import pose_at

from gspn_tf.files.depth import Intrinsics
from gspn_tf.files.frames import PosedFrame
from gspn_tf.image.pmrcnn import SegmentedFrame

SIZE = (72, 96)  # rows, columns
CAMERA = Intrinsics((70.0, 70.0), (47.5, 35.5))
ROOM = np.array([[0.0, 0.0, 0.0], [5.0, 4.0, 2.5]])  # low and high corner, z up
BOXES = np.array(  # low and high corners; two chairs that touch, a table, a bed
    [
        [[1.0, 2.4, 0.0], [1.5, 2.9, 0.9]],
        [[1.5, 2.4, 0.0], [2.0, 2.9, 0.9]],
        [[3.2, 2.6, 0.0], [4.2, 3.4, 0.7]],
        [[3.6, 0.4, 0.0], [4.8, 1.4, 0.5]],
    ]
)
RAW_IDS = np.array([5, 5, 7, 4])  # chair, chair, table, bed among nyu40's
CLASSES = np.array([3, 3, 5, 2], np.int32)  # rows of ScanNet's 18
SHADES = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200], [200, 200, 40]])


class Filmed(NamedTuple):
    """A frame, and the box [H, W] that each pixel is on, -1 = none."""

    frame: PosedFrame
    owner: np.ndarray


def vertices(step: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Points [V, 3] on the room and the boxes, and the box of each, -1 = the room."""
    points, owner = [_on_box(*ROOM, step)], []
    owner.append(np.full(len(points[0]), -1))
    for number, (low, high) in enumerate(BOXES):
        points.append(_on_box(low, high, step))
        owner.append(np.full(len(points[-1]), number))
    return np.concatenate(points).astype(np.float32), np.concatenate(owner)


def _on_box(low, high, step) -> np.ndarray:
    """A grid of points on the six faces of a box, half a step from its edges."""
    faces = []
    for axis in range(3):
        a, b = (k for k in range(3) if k != axis)
        grid = np.meshgrid(
            *(np.arange(low[k] + step / 2, high[k], step) for k in (a, b))
        )
        for side in (low, high):
            face = np.full((grid[0].size, 3), side[axis], np.float64)
            face[:, a], face[:, b] = grid[0].ravel(), grid[1].ravel()
            faces.append(face)
    return np.concatenate(faces)


def film(pose: np.ndarray, name: str = "0", boxes: np.ndarray = BOXES) -> Filmed:
    """Cast a ray through each pixel."""
    rows, columns = np.indices(SIZE)
    xy = (np.stack([columns, rows], -1) - CAMERA.center) / np.array(CAMERA.focal)
    rays = np.concatenate([xy, np.ones((*SIZE, 1))], -1) @ pose[:3, :3].T
    with np.errstate(divide="ignore"):
        inverse = 1 / rays
    depth = np.maximum(*((ROOM - pose[:3, 3])[:, None, None] * inverse)).min(-1)
    owner = np.full(SIZE, -1)
    for number, box in enumerate(boxes):
        with np.errstate(invalid="ignore"):
            sides = (box - pose[:3, 3])[:, None, None] * inverse
        near, far = sides.min(0).max(-1), sides.max(0).min(-1)
        hit = (near > 0) & (near < far) & (near < depth)
        depth[hit], owner[hit] = near[hit], number
    color = np.full((*SIZE, 3), 120, np.uint8)
    color[owner >= 0] = SHADES[owner[owner >= 0]]
    return Filmed(PosedFrame(name, color, depth, CAMERA, pose), owner)


def walk(count: int = 8) -> list[Filmed]:
    """Frames of a walk round the room, the camera towards its middle."""
    filmed = []
    for number, angle in enumerate(np.arange(count) * 2 * np.pi / count):
        place = np.array([2.5 + 2.2 * np.cos(angle), 2 + 1.7 * np.sin(angle), 1.6])
        turn = np.arctan2(2 - place[1], 2.5 - place[0])
        pose = pose_at(place, turn)
        tilt = np.eye(3)
        tilt[1:, 1:] = [[np.cos(0.4), np.sin(0.4)], [-np.sin(0.4), np.cos(0.4)]]
        pose[:3, :3] = pose[:3, :3] @ tilt
        filmed.append(film(pose, str(number)))
    return filmed


def with_true_masks(filmed: Filmed) -> SegmentedFrame:
    """The boxes that a frame shows, as instances of score 1."""
    seen = np.unique(filmed.owner[filmed.owner >= 0])
    masks = filmed.owner == seen[:, None, None]
    return SegmentedFrame(filmed.frame, masks, CLASSES[seen], np.ones(len(seen)))


def write_frames(folder, filmed: list[Filmed]) -> None:
    """Write a scan in ScanNet's layout, with the maps of classes and objects."""
    parts = ("depth", "color", "pose", "intrinsic", "label-filt", "instance-filt")
    for part in parts:
        (folder / part).mkdir(parents=True)
    for (name, color, depth, _, pose), owner in filmed:
        images = {
            "depth": np.round(depth * 1000).astype(np.uint16),
            "color": color,
            "label-filt": np.append(RAW_IDS, 0)[owner].astype(np.uint16),
            "instance-filt": (owner + 1).astype(np.uint8),
        }
        for part, image in images.items():
            Image.fromarray(image).save(folder / part / f"{name}.png")
        np.savetxt(folder / "pose" / f"{name}.txt", pose)
    inside = np.eye(4)
    inside[[0, 1], [0, 1]], inside[:2, 2] = CAMERA
    np.savetxt(folder / "intrinsic" / "intrinsic_depth.txt", inside)
