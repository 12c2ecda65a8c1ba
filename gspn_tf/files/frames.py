"""Frames of depth cameras -> the points that they see, coloured, in one cloud.

A depth image is a 16-bit PNG of whole steps along the optical axis; 0 and 65535 say
that nothing was measured. Several frames are those of

* a folder as ScanNet's tools export a scan: depth/NAME.png, color/NAME.jpg or .png,
  pose/NAME.txt, and intrinsic/intrinsic_depth.txt and intrinsic_color.txt;
* a list, a .txt file with the paths of depth, colours and pose in each line.

A pose is 16 numbers, the 4 x 4 matrix from the camera to the world. One image without
a pose gives its pixels row by row, in a room's frame as `gspn_tf.files.depth` has it.
Several frames are in the frame of their poses, thinned to a point in each voxel.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from gspn_tf.files import depth as depths
from gspn_tf.files.columns import PointTable
from gspn_tf.files.errors import ScanError, naming_file
from gspn_tf.files.images import COLOR_MODES, DEPTH_MODES, read_image
from gspn_tf.files.text import read_text, visible_files
from gspn_tf.files.voxels import VoxelCloud

VOXEL = 0.02
"""Metres of the voxels to which several frames are thinned."""
_CAMERA_FILES = ("intrinsic/intrinsic_{}.txt", "intrinsics_{}.txt", "intrinsic_{}.txt")
_COLOR_SUFFIXES = (".jpg", ".png", ".jpeg")
_UNSEEN = 128  # the grey of what the colour image does not show
_SATURATED = 65535
_ROTATION = 0.05  # how far the determinant of a rotation may be from 1


class FrameOptions(NamedTuple):
    """Facts that frames do not tell of themselves."""

    intrinsics: str = ""  # fx,fy,cx,cy in pixels, or a file; "": that of the folder
    depth_scale: float = 1000.0  # steps of depth in a metre
    color: str = ""  # the colour image of a single depth image


class Frame(NamedTuple):
    """The files of a frame."""

    depth: Path
    color: Path | None
    pose: Path | None


class _Cameras(NamedTuple):
    """The camera of the depth images, and that of the colours where it is known."""

    depth: depths.Intrinsics
    color: depths.Intrinsics | None


def holds_frames(folder: Path) -> bool:
    """Whether a folder is a scan of several frames."""
    return (folder / "depth").is_dir() and (folder / "pose").is_dir()


def lists_frames(path: Path) -> bool:
    """Whether a text file is a list of frames: a PNG and two more files a line."""
    line = next(iter(_lines(path)), "").split()
    return len(line) == 3 and line[0].lower().endswith(".png")


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
    frames, root = _find_frames(path, options.color)
    cameras = _find_cameras(path, root, options)
    if len(frames) == 1 and frames[0].pose is None:
        points, colors = _read_frame(frames[0], cameras, options)
        return _table(path, points @ depths.ROOM_FROM_CAMERA.T, colors)
    return _fused(path, frames, cameras, options, VOXEL / scale)


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in read_text(path, "surrogateescape").splitlines())
    return [line for line in lines if line and line[0] != "#"]


def _find_frames(path: Path, color: str) -> tuple[list[Frame], Path]:
    """The frames in their order, and the folder where their cameras may be."""
    if color and path.suffix.lower() != ".png":
        raise ScanError(f"{path}: --color is for a single depth image")
    if path.is_dir():
        images = visible_files(path / "depth", "*.png")
        if not images:
            raise ScanError(f"{path / 'depth'}: expected PNG images, got none")
        colors = {file.stem: file for file in visible_files(path / "color")}
        frames = [
            Frame(image, colors.get(image.stem), path / "pose" / f"{image.stem}.txt")
            for image in images
        ]
        if colors and (missing := [each for each in frames if each.color is None]):
            raise ScanError(f"{path / 'color'}: no image {missing[0].depth.stem}")
        return frames, path
    if path.suffix.lower() != ".txt":
        return [Frame(path, Path(color) if color else None, None)], path.parent
    frames = []
    for number, line in enumerate(_lines(path), 1):
        if len(words := line.split()) != 3:
            raise ScanError(
                f"{path}: expected depth, colours and pose in each line, got "
                f"{line[:80]!r} as frame {number}"
            )
        frames.append(Frame(*(path.parent / word for word in words)))
    return frames, path.parent


def _find_cameras(path: Path, root: Path, options: FrameOptions) -> _Cameras:
    if options.intrinsics:
        return _Cameras(read_intrinsics(options.intrinsics), None)
    found: dict[str, depths.Intrinsics] = {}
    for kind in ("depth", "color"):
        places = (root / name.format(kind) for name in _CAMERA_FILES)
        for place in (place for place in places if place.is_file()):
            found.setdefault(kind, read_intrinsics(str(place)))
    if "depth" not in found:
        raise ScanError(
            f"{path}: the camera of a depth image must be given: --intrinsics "
            "fx,fy,cx,cy in pixels, or a file of its matrix"
        )
    return _Cameras(found["depth"], found.get("color"))


def read_intrinsics(text: str) -> depths.Intrinsics:
    """A camera of four numbers "fx,fy,cx,cy", or of a file of them or of a matrix.

    Raises:
        ScanError: others, or the focal lengths are not positive.
    """
    is_numbers = "," in text and not Path(text).is_file()
    words = (text if is_numbers else read_text(text)).replace(",", " ").split()
    try:
        values = np.array(words, np.float64)
        if len(values) in (9, 16):
            matrix = values.reshape(round(len(values) ** 0.5), -1)
            values = matrix[[0, 1, 0, 1], [0, 1, 2, 2]]
        fx, fy, cx, cy = values.tolist()
        if not np.isfinite(values).all() or min(fx, fy) <= 0:
            raise ValueError("focal lengths must be positive")
    except ValueError as error:
        raise ScanError(
            f"{text}: expected fx,fy,cx,cy or a matrix of 3 x 3 or 4 x 4 in pixels, "
            f"got {' '.join(words)[:60]!r}"
        ) from error
    return depths.Intrinsics((fx, fy), (cx, cy))


def _read_frame(
    frame: Frame, cameras: _Cameras, options: FrameOptions
) -> tuple[np.ndarray, np.ndarray | None]:
    """Points [V, 3] float64 of the camera frame and their colours, row by row."""
    steps = read_image(frame.depth, DEPTH_MODES)
    height, width = steps.shape
    cx, cy = cameras.depth.center
    if not (0 <= cx < width and 0 <= cy < height):
        raise ScanError(
            f"{frame.depth}: the camera's centre must lie in the image of {width} x "
            f"{height} pixels, got {cx:g}, {cy:g}"
        )
    depth = np.where(steps == _SATURATED, 0, steps) / options.depth_scale
    points = depths.lift(depth, depths.measured(depth), cameras.depth)
    if frame.color is None:
        return points, None
    image = read_image(frame.color, COLOR_MODES)
    share = np.array(image.shape[1::-1]) / (width, height)
    focal, center = map(np.array, cameras.color or cameras.depth)
    if cameras.color is None:
        focal, center = focal * share, (center + 0.5) * share - 0.5
    pixels = np.round(points[:, :2] / points[:, 2:] * focal + center).astype(np.int64)
    seen = ((pixels >= 0) & (pixels < image.shape[1::-1])).all(axis=1)
    colors = np.full(points.shape, _UNSEEN, np.uint8)
    colors[seen] = image[pixels[seen, 1], pixels[seen, 0]]
    return points, colors


def _read_pose(path: Path) -> np.ndarray:
    """The matrix [4, 4] of a file; not finite where the camera was lost."""
    with naming_file(path, "pose", decodes=True):
        pose = np.array(read_text(path).split(), np.float64)
        if len(pose) != 16:
            raise ValueError(f"expected 4 x 4 numbers, got {len(pose)}")
        pose = pose.reshape(4, 4)
        if not np.isfinite(pose).all():
            return pose
        size = np.linalg.det(pose[:3, :3])
        if abs(size - 1) > _ROTATION:
            raise ValueError(f"expected a rotation, got one of determinant {size:.3g}")
        return pose


def _fused(
    path: Path,
    frames: list[Frame],
    cameras: _Cameras,
    options: FrameOptions,
    voxel: float,
) -> PointTable:
    """The cloud of several frames, and a note of how it was made."""
    cloud, lost, count = VoxelCloud(voxel), 0, 0
    for frame in frames:
        if frame.pose is None:
            raise ScanError(f"{frame.depth}: several frames need a pose each")
        pose = _read_pose(frame.pose)
        if not np.isfinite(pose).all():
            lost += 1
            continue
        points, colors = _read_frame(frame, cameras, options)
        count += len(points)
        with naming_file(frame.depth, "depth"):
            cloud.add(points @ pose[:3, :3].T + pose[:3, 3], colors)
    places, colors = cloud.means()
    told = (
        f"{len(frames) - lost} frames with {count:,} measured pixels are fused to "
        f"{len(places):,} points, one in each {100 * voxel:g} cm"
    )
    if lost:
        told += f"; {lost} frames without a pose are left out"
    return _table(path, places, colors)._replace(notes=(told,))


def _table(path: Path, points: np.ndarray, colors: np.ndarray | None) -> PointTable:
    if not len(points):
        raise ScanError(f"{path}: expected a pixel with depth, got none")
    columns = dict(zip("xyz", points.T, strict=True))
    if colors is not None:
        columns |= dict(zip(("red", "green", "blue"), colors.T, strict=True))
    return PointTable(columns)
