"""Frames of a room of plain walls, each pair of them in a colour of its own."""

import numpy as np
from PIL import Image

from gspn_tf.files.depth import Intrinsics

SIZE = (48, 64)  # rows, columns
CAMERA = Intrinsics((50.0, 52.0), (31.5, 23.0))
ROOM = np.array([[-2.0, -1.5, 0.0], [2.0, 1.5, 2.5]])  # low and high corner, z up
SHADES = np.array([[200, 0, 0], [0, 200, 0], [0, 0, 200]], np.uint8)  # of x, y, z


def pose_at(place, turn) -> np.ndarray:
    """A camera [4, 4] that looks level, `turn` radians about z from x on."""
    ahead = np.array([np.cos(turn), np.sin(turn), 0])
    down = np.array([0, 0, -1.0])
    pose = np.eye(4)
    pose[:3, :3] = np.stack([np.cross(down, ahead), down, ahead], axis=1)
    pose[:3, 3] = place
    return pose


def view(pose) -> tuple[np.ndarray, np.ndarray]:
    """Depth [H, W] metres along the axis and colours [H, W, 3] of the walls."""
    rows, columns = np.indices(SIZE)
    pixels = np.stack([columns, rows], axis=-1)
    xy = (pixels - CAMERA.center) / np.array(CAMERA.focal)
    rays = np.concatenate([xy, np.ones((*SIZE, 1))], axis=-1) @ pose[:3, :3].T
    with np.errstate(divide="ignore"):
        reach = np.maximum(*((ROOM - pose[:3, 3])[:, None, None] / rays))
    return reach.min(axis=-1), SHADES[reach.argmin(axis=-1)]


def save_frame(depth, color, pose, metres, shades, scale=1000.0):
    """Write the images of a view, and its pose where there is a path for it."""
    steps = np.round(metres * scale).astype(np.uint16)
    Image.fromarray(steps).save(depth)
    if color:
        Image.fromarray(shades).save(color)
    if pose:
        np.savetxt(pose[0], pose[1])


def write_frames(folder, turns, place=(0.3, -0.2, 1.2)) -> None:
    """A scan in the layout of ScanNet's tools."""
    for part in ("depth", "color", "pose", "intrinsic"):
        (folder / part).mkdir(parents=True)
    for number, turn in enumerate(turns):
        pose = pose_at(place, turn)
        names = (folder / kind / f"{number}.png" for kind in ("depth", "color"))
        path = folder / "pose" / f"{number}.txt"
        save_frame(*names, (path, pose), *view(pose))
    inside = np.eye(4)
    inside[[0, 1], [0, 1]], inside[:2, 2] = CAMERA
    np.savetxt(folder / "intrinsic" / "intrinsic_depth.txt", inside)


def distance_to_walls(points) -> np.ndarray:
    """Metres from each point [V, 3] to the nearest wall."""
    return np.abs(points[:, None] - ROOM).min(axis=(1, 2))
