"""Frames of scans in ScanNet's exported layout, with labels -> scenes of single frames.

    SOURCE/NAME/  color/0.jpg  depth/0.png  pose/0.txt  intrinsic/intrinsic_depth.txt
                  label-filt/0.png     class of each pixel of the colours
                  instance-filt/0.png  object of each, 0 = none

SOURCE may be a scan itself, and scans may lie deeper in it. `gspn prepare homes
--frames` writes ids of nyu40 as classes; ScanNet's own images have the ids of its label
map, `scannetv2-labels.combined.tsv`, which then must be given. A scene has its points
in the room's frame of its camera, as those of NYUv2; poses are not looked at.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gspn_tf import files
from gspn_tf.data.classes import SCANNET
from gspn_tf.data.scene import Scene
from gspn_tf.datasets import rgbd, scannet
from gspn_tf.datasets.reading import DataSet, SceneSource
from gspn_tf.files.depth import Intrinsics
from gspn_tf.files.errors import ScanError, check_shape
from gspn_tf.files.frame_files import (
    Cameras,
    Frame,
    FrameOptions,
    find_cameras,
    holds_frames,
    list_frames,
)
from gspn_tf.files.frames import FrameSequence, read_rgbd, registered
from gspn_tf.files.images import MAP_MODES, image_size, read_image
from gspn_tf.files.text import printable, visible_files
from gspn_tf.image.pmrcnn import SegmentedFrame

LABELS, OBJECTS = "label-filt", "instance-filt"
_OPTIONS = FrameOptions()

HoldOut = Callable[[list[Path]], Mapping[str, Sequence[Path]]]
"""Folders of scans -> those of each split."""


class FrameLabels(NamedTuple):
    """Labels of the pixels of a frame's depth."""

    semantic: np.ndarray  # [H, W] int32 rows of `SCANNET`, 0 = background
    number: np.ndarray  # [H, W] int32 object in the scan, 0 = none


def frames_data_set(
    source: str | Path,
    hold_out: HoldOut,
    *,
    every: int = 1,
    shrink: int = 1,
    label_map: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> DataSet:
    """The labelled frames of all scans of a folder.

    source     folder of scans, or a scan
    hold_out   gives the splits of the scans' folders: no two share a scan
    every      each n-th frame is taken
    shrink     images are so many times smaller
    label_map  tells the ids of label-filt, where they are none of nyu40
    options    what else the splits depend on

    Raises:
      ScanError: there are no labelled frames, or the colours of one are missing.
      ValueError: a malformed label map.
    """
    source = Path(source)
    made: dict[str, Any] = {"every": every, "shrink": shrink, **(options or {})}
    nyu40 = None
    if label_map:
        made["label_map_sha256"] = files.sha256(label_map)
        nyu40 = read_label_ids(label_map)
    splits = {
        split: [each for scan in scans for each in _sources(source, scan, every)]
        for split, scans in hold_out(list_scan_folders(source)).items()
    }
    read = partial(read_scan_frame, shrink=shrink, nyu40=nyu40)
    return DataSet("frames", SCANNET, splits, read, made, root=source)


def list_scan_folders(source: Path) -> list[Path]:
    """Folders of labelled frames in a folder, or itself; ScanError: there are none."""
    inside = [
        source,
        *(path for path in visible_files(source, "**/") if path != source),
    ]
    found = [each for each in inside if holds_frames(each) and (each / LABELS).is_dir()]
    if not found:
        raise ScanError(
            f"{source}: expected scans with depth/, pose/, {LABELS}/ and {OBJECTS}/, "
            "got none"
        )
    return found


def _sources(root: Path, folder: Path, every: int) -> list[SceneSource]:
    """Frames of a scan, named by it and by their images."""
    parts = folder.relative_to(root).parts or (folder.absolute().name,)
    frames, _ = list_frames(folder, "")
    sources = []
    for frame in frames[::every]:
        if frame.color is None:
            raise ScanError(f"{folder / 'color'}: no image {frame.depth.stem}")
        name = printable("_".join((*parts, frame.depth.stem)))
        images = (frame.color, frame.depth, *label_files(frame))
        sources.append(SceneSource(name, images, frame))
    return sources


def label_files(frame: Frame) -> tuple[Path, Path]:
    """The images of classes and of objects of a frame in a scan's folder."""
    root = frame.depth.parent.parent
    classes, objects = (
        root / part / f"{frame.depth.stem}.png" for part in (LABELS, OBJECTS)
    )
    return classes, objects


def read_scan_frame(
    source: SceneSource, shrink: int = 1, nyu40: np.ndarray | None = None
) -> Scene:
    """A frame, with its image.

    Args:
        source: its `detail` is the frame's files.
        shrink: the image is so many times smaller. Colours are the means of blocks of
            pixels; depth and labels those of a pixel in their middle.
        nyu40: see `read_frame_labels`.

    Raises:
        ScanError: an image is missing, damaged or of another size, or no camera is
            known, or no pixel has depth.
    """
    frame: Frame = source.detail
    root = frame.depth.parent.parent
    cameras = find_cameras(root, root, _OPTIONS)
    color, depth = read_rgbd(frame, cameras, _OPTIONS)
    labels = read_frame_labels(frame, cameras, depth.shape, nyu40)
    assert color is not None  # only such frames are listed
    height, width = (length // shrink for length in depth.shape)
    inner = np.s_[: height * shrink, : width * shrink]
    blocks = color[inner].reshape(height, shrink, width, shrink, 3)
    color = np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)
    middle = (shrink - 1) // 2
    depth, semantic, number = (
        each[inner][middle::shrink, middle::shrink] for each in (depth, *labels)
    )
    camera = shrunk(cameras.depth, shrink)
    return rgbd.lifted(source.name, color, depth, semantic, number, camera)


def shrunk(camera: Intrinsics, factor: int) -> Intrinsics:
    """The camera of images that are so many times smaller."""
    (fx, fy), (cx, cy) = camera
    center = (cx + 0.5) / factor - 0.5, (cy + 0.5) / factor - 0.5
    return Intrinsics((fx / factor, fy / factor), center)


def read_label_ids(path: str | Path) -> np.ndarray:
    """nyu40 ids [n] of the ids 0..n-1 of ScanNet's label map; 0 where it has none.

    Raises:
        ValueError: a malformed label map; names the file.
    """
    pairs = scannet.read_label_map(path, "id")
    if odd := [text for text in pairs if not (text.isascii() and text.isdigit())]:
        raise ValueError(f"{path}: id must be a number, got {odd[0]!r}")
    ids = {int(text): nyu40 for text, nyu40 in pairs.items()}
    found = np.zeros(max(ids, default=0) + 1, np.int32)
    found[list(ids)] = list(ids.values())
    return found


def read_frame_labels(
    frame: Frame,
    cameras: Cameras,
    size: tuple[int, ...],
    nyu40: np.ndarray | None = None,
) -> FrameLabels:
    """The labels of a frame, in the pixels of its depth.

    Args:
        frame: of a scan's folder.
        cameras: of that.
        size: (H, W) of the depth.
        nyu40: nyu40 id of each id of the images, see `read_label_ids`; None: they are
            those.

    Raises:
        ScanError: an image is missing, damaged, or of another size than the colours.
    """
    own = image_size(frame.color) if frame.color else size
    found = []
    for path in label_files(frame):
        image = read_image(path, MAP_MODES)
        check_shape(f"{path}, as large as the colours,", image, own)
        found.append(registered(image.astype(np.int32), cameras, size, 0))
    ids, number = found
    if nyu40 is not None:
        ids = np.where(ids < len(nyu40), nyu40[ids.clip(max=len(nyu40) - 1)], 0)
    return FrameLabels(SCANNET.to_rows(ids), number)


def open_scan_frames(folder: Path, options: FrameOptions, every: int) -> FrameSequence:
    """Open the frames of a scan, in the frame of its scene.

    ScanNet's scenes are turned by the `axisAlignment` of NAME/NAME.txt, and so are then
    the poses.

    Args:
        folder: of the scan, NAME.
        options: what it does not tell of itself.
        every: each n-th frame is taken.

    Raises:
        ScanError: see `FrameSequence.open`.
        ValueError: a malformed alignment.
    """
    sequence = FrameSequence.open(folder, options, every)
    facts = folder / f"{folder.name}.txt"
    if facts.is_file():
        return sequence.moved(scannet.read_alignment(facts))
    return sequence


def with_true_masks(
    sequence: FrameSequence, nyu40: np.ndarray | None = None
) -> Iterator[SegmentedFrame]:
    """Read frames with their true instances, as a perfect Mask R-CNN would find them.

    Args:
        sequence: of a scan's folder.
        nyu40: see `read_frame_labels`.

    Raises:
        ScanError: an image is missing, damaged or of another size.
    """
    for file, frame in zip(sequence.frames, sequence, strict=True):
        size = frame.depth.shape
        labels = read_frame_labels(file, sequence.cameras, size, nyu40)
        objects = np.where(labels.semantic > 0, labels.number, 0)
        numbers = np.unique(objects[objects > 0])
        masks = objects == numbers[:, None, None]
        classes = np.array([np.bincount(labels.semantic[m]).argmax() for m in masks])
        scores = np.ones(len(numbers))
        yield SegmentedFrame(frame, masks, classes.astype(np.int32), scores)
