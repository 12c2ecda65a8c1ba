"""PMRCNN on the scans of a split: what a network finds, and the most it could find.

The scans' frames are in a folder FRAMES/NAME of each scan, in ScanNet's layout.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from gspn_tf.data.scene import Scene
from gspn_tf.datasets.frames import open_scan_frames, with_true_masks
from gspn_tf.evaluation.measures import Split
from gspn_tf.files.frame_files import FrameOptions
from gspn_tf.image.pmrcnn import (
    FrameSegmenter,
    SegmentedFrame,
    project_frames,
    segment_frames,
)
from gspn_tf.metrics import Judged


def projected(
    find: FrameSegmenter, split: Split, frames: Path, every: int = 1
) -> Iterator[Judged]:
    """Segment the scenes of a split by their frames.

    Args:
        find: a network on one frame.
        split: its scenes have the vertices of the scans.
        frames: folder of the scans' folders.
        every: each n-th frame is taken.

    Raises:
        ScanError: a scan has no frames, or they are damaged.
    """
    for scene in split.scenes("instances"):
        opened = open_scan_frames(frames / scene.name, FrameOptions(), every)
        yield _judged(scene, segment_frames(opened, find))


def projected_truth(
    split: Split, frames: Path, every: int = 1, nyu40: np.ndarray | None = None
) -> Iterator[Judged]:
    """Merge the true masks of the frames: no network makes PMRCNN better than that.

    Args:
        split: its scenes have the vertices of the scans.
        frames: folder of the scans' folders, with label-filt and instance-filt.
        every: each n-th frame is taken.
        nyu40: see `gspn_tf.datasets.frames.read_frame_labels`.

    Raises:
        ScanError: a scan has no such frames, or they are damaged.
    """
    for scene in split.scenes("instances"):
        opened = open_scan_frames(frames / scene.name, FrameOptions(), every)
        yield _judged(scene, with_true_masks(opened, nyu40))


def _judged(scene: Scene, segmented: Iterable[SegmentedFrame]) -> Judged:
    found = project_frames(scene.points, segmented)
    return Judged(scene.name, found, scene.semantic, scene.instance)
