"""The files of a depth camera's frames: images, poses and cameras.

Several frames are those of

* a folder as ScanNet's tools export a scan: depth/NAME.png, color/NAME.jpg or .png,
  pose/NAME.txt, and intrinsic/intrinsic_depth.txt and intrinsic_color.txt; numbers are
  in their order;
* a list, a .txt file with the paths of depth, colours and pose in each line.

A pose is 16 numbers, the 4 x 4 matrix from the camera to the world.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from gspn_tf.files import depth as depths
from gspn_tf.files.errors import ScanError, naming_file
from gspn_tf.files.text import read_text, visible_files

_CAMERA_FILES = ("intrinsic/intrinsic_{}.txt", "intrinsics_{}.txt", "intrinsic_{}.txt")
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


class Cameras(NamedTuple):
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


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in read_text(path, "surrogateescape").splitlines())
    return [line for line in lines if line and line[0] != "#"]


def list_frames(path: Path, color: str) -> tuple[list[Frame], Path]:
    """The frames in their order, and the folder where their cameras may be.

    Args:
        path: a depth image, a folder or a list.
        color: the colour image of a single depth image, or "".

    Raises:
        ScanError: there are none, or one of a folder has no colours while others do.
    """
    if color and path.suffix.lower() != ".png":
        raise ScanError(f"{path}: --color is for a single depth image")
    if path.is_dir():
        images = sorted(visible_files(path / "depth", "*.png"), key=_place)
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


def _place(image: Path) -> tuple[int, str]:
    """Sort names by their numbers, so that 20 comes before 100."""
    digits = "".join(filter(str.isdecimal, image.stem))
    return int(digits or 0), image.name


def find_cameras(path: Path, root: Path, options: FrameOptions) -> Cameras:
    """The cameras that the options give, or that are in a folder.

    Args:
        path: the frames, for the error.
        root: where their cameras may be.
        options: see `FrameOptions`.

    Raises:
        ScanError: no camera of the depth is known, or a file of one is damaged.
    """
    if options.intrinsics:
        return Cameras(read_intrinsics(options.intrinsics), None)
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
    return Cameras(found["depth"], found.get("color"))


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


def read_pose(path: Path) -> np.ndarray:
    """The matrix [4, 4] of a file; not finite where the camera was lost.

    Raises:
        ScanError: it is missing or damaged, or holds no rotation.
    """
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
