"""Frames of depth cameras: images with their poses, and the cloud of what they see.

A depth image is a 16-bit PNG of whole steps along the optical axis; 0 and 65535 say
that nothing was measured. `gspn_tf.files.frame_files` says where frames are.

One image without a pose gives its pixels row by row, in a room's frame as
`gspn_tf.files.depth` has it. Several frames are in the frame of their poses, thinned to
a point in each voxel.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from gspn_tf.files import depth as depths
from gspn_tf.files.columns import PointTable
from gspn_tf.files.errors import ScanError, naming_file
from gspn_tf.files.frame_files import (
    Cameras,
    Frame,
    FrameOptions,
    find_cameras,
    list_frames,
    read_pose,
)
from gspn_tf.files.images import COLOR_MODES, DEPTH_MODES, read_image
from gspn_tf.files.voxels import VoxelCloud

VOXEL = 0.02
"""Metres of the voxels to which several frames are thinned."""
_UNSEEN = 128  # the grey of what the colour image does not show
_SATURATED = 65535


class PosedFrame(NamedTuple):
    """The images of a frame, and where its camera was."""

    name: str
    color: np.ndarray | None  # [H, W, 3] uint8 RGB, in the pixels of the depth
    depth: np.ndarray  # [H, W] float64 metres along the optical axis, 0 = none
    camera: depths.Intrinsics
    pose: np.ndarray  # [4, 4] float64, the world from the camera


@dataclass(frozen=True, slots=True)
class FrameSequence:
    """Frames with poses, of which one at a time is in memory.

    frames   files of those whose pose is known
    poses    [4, 4] each: the world from the camera
    cameras  of all
    options  see `FrameOptions`
    lost     number of frames that are left out since their pose is not finite
    """

    frames: tuple[Frame, ...]
    poses: tuple[np.ndarray, ...]
    cameras: Cameras
    options: FrameOptions
    lost: int

    @classmethod
    def open(cls, path: Path, options: FrameOptions, every: int = 1) -> Self:
        """Find the frames of a folder or a list, and read their poses.

        Args:
            path: the folder or the list.
            options: what it does not tell of itself.
            every: 1 takes all frames, n each n-th one.

        Raises:
            ScanError: there are no frames, no camera is known, or a pose is missing,
                damaged or none; or no frame has a finite one.
        """
        frames, root = list_frames(path, options.color)
        cameras = find_cameras(path, root, options)
        frames = frames[::every]
        poses = [_pose_of(frame) for frame in frames]
        known = [bool(np.isfinite(pose).all()) for pose in poses]
        pairs = zip(frames, poses, known, strict=True)
        found = [(frame, pose) for frame, pose, is_known in pairs if is_known]
        if not found:
            raise ScanError(
                f"{path}: expected a frame of finite pose, got none of {len(frames)}"
            )
        kept, placed = zip(*found, strict=True)
        return cls(kept, placed, cameras, options, len(frames) - len(kept))

    def moved(self, matrix: np.ndarray) -> Self:
        """Place the cameras in another world; `matrix` [4, 4] is that from this one."""
        return replace(self, poses=tuple(matrix @ pose for pose in self.poses))

    def __len__(self) -> int:
        """Number of frames whose pose is known."""
        return len(self.frames)

    def __iter__(self) -> Iterator[PosedFrame]:
        """Read the frames one by one; ScanError names an image that does not fit."""
        for frame, pose in zip(self.frames, self.poses, strict=True):
            color, depth = read_rgbd(frame, self.cameras, self.options)
            name = frame.depth.stem
            yield PosedFrame(name, color, depth, self.cameras.depth, pose)


def _pose_of(frame: Frame) -> np.ndarray:
    if frame.pose is None:
        raise ScanError(f"{frame.depth}: several frames need a pose each")
    return read_pose(frame.pose)


def read_frames(path: Path, options: FrameOptions, scale: float = 1.0) -> PointTable:
    """Reads a depth image, or the frames of a folder or a list, as one cloud.

    Args:
        path: the file or folder.
        options: what it does not tell of itself.
        scale: metres per unit of the poses.

    Raises:
        ScanError: no camera is known; an image, a pose or a camera is missing, damaged
            or does not fit; or nothing was measured.
    """
    frames, root = list_frames(path, options.color)
    if len(frames) == 1 and frames[0].pose is None:
        cameras = find_cameras(path, root, options)
        color, depth = read_rgbd(frames[0], cameras, options)
        points, colors = _lifted(color, depth, cameras.depth)
        return _table(path, points @ depths.ROOM_FROM_CAMERA.T, colors)
    return _fused(path, FrameSequence.open(path, options), VOXEL / scale)


def read_rgbd(
    frame: Frame, cameras: Cameras, options: FrameOptions
) -> tuple[np.ndarray | None, np.ndarray]:
    """Colours [H, W, 3] uint8 in the pixels of the depth, if any, and depth [H, W].

    Depth is in metres, float64, 0 where nothing was measured.

    Raises:
        ScanError: an image is missing or damaged, or does not fit its camera.
    """
    steps = read_image(frame.depth, DEPTH_MODES)
    height, width = steps.shape
    cx, cy = cameras.depth.center
    if not (0 <= cx < width and 0 <= cy < height):
        raise ScanError(
            f"{frame.depth}: the camera's centre must lie in the image of {width} x "
            f"{height} pixels, got {cx:g}, {cy:g}"
        )
    depth = np.where(steps == _SATURATED, 0, steps) / options.depth_scale
    if frame.color is None:
        return None, depth
    image = read_image(frame.color, COLOR_MODES)
    return registered(image, cameras, depth.shape, _UNSEEN), depth


def registered(
    image: np.ndarray, cameras: Cameras, size: tuple[int, ...], nothing: int
) -> np.ndarray:
    """Bring an image in the pixels of the colours into those of the depth.

    Both cameras are at one place and look along one axis, so the depth does not matter;
    each pixel takes the nearest one. Where no camera of the colours is known, both
    images show the same.

    Args:
        image: [H', W', ...] colours, or labels of their pixels.
        cameras: of the depth and of the colours.
        size: (H, W) of the depth.
        nothing: the value outside the image.

    Returns:
        [H, W, ...] of the image's type.
    """
    known, rows = [], []
    for axis, length in enumerate(image.shape[:2]):
        share, across = length / size[axis], 1 - axis  # cameras have x first
        focal, center = cameras.depth.focal[across], cameras.depth.center[across]
        ratio, middle = share, (center + 0.5) * share - 0.5
        if cameras.color is not None:
            ratio = cameras.color.focal[across] / focal
            middle = cameras.color.center[across]
        places = (np.arange(size[axis]) - center) * ratio + middle
        nearest = np.round(places).astype(np.int64)
        known.append((nearest >= 0) & (nearest < length))
        rows.append(nearest.clip(0, length - 1))
    found = image[np.ix_(*rows)]
    found[~(known[0][:, None] & known[1])] = nothing
    return found


def _lifted(
    color: np.ndarray | None, depth: np.ndarray, camera: depths.Intrinsics
) -> tuple[np.ndarray, np.ndarray | None]:
    """Points [V, 3] float64 of the camera frame and their colours, row by row."""
    where = depths.measured(depth)
    points = depths.lift(depth, where, camera)
    return points, None if color is None else color[where]


def _fused(path: Path, sequence: FrameSequence, voxel: float) -> PointTable:
    """The cloud of several frames, and a note of how it was made."""
    cloud, count = VoxelCloud(voxel), 0
    for file, frame in zip(sequence.frames, sequence, strict=True):
        points, colors = _lifted(frame.color, frame.depth, frame.camera)
        count += len(points)
        with naming_file(file.depth, "depth"):
            cloud.add(points @ frame.pose[:3, :3].T + frame.pose[:3, 3], colors)
    places, colors = cloud.means()
    told = (
        f"{len(sequence)} frames with {count:,} measured pixels are fused to "
        f"{len(places):,} points, one in each {100 * voxel:g} cm"
    )
    if sequence.lost:
        told += f"; {sequence.lost} frames without a pose are left out"
    return _table(path, places, colors)._replace(notes=(told,))


def _table(path: Path, points: np.ndarray, colors: np.ndarray | None) -> PointTable:
    if not len(points):
        raise ScanError(f"{path}: expected a pixel with depth, got none")
    columns = dict(zip("xyz", points.T, strict=True))
    if colors is not None:
        columns |= dict(zip(("red", "green", "blue"), colors.T, strict=True))
    return PointTable(columns)
