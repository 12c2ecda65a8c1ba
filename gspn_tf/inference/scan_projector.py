"""A trained Mask R-CNN on scans with frames: PMRCNN, by `gspn segment --frames`."""

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from gspn_tf.data.classes import ClassList
from gspn_tf.files.errors import ScanError
from gspn_tf.files.frame_files import holds_frames
from gspn_tf.files.frames import FrameSequence, PosedFrame
from gspn_tf.files.scans import Scan, read_scan
from gspn_tf.image.lifting import segment_frame
from gspn_tf.image.mask_rcnn import MaskRCNN
from gspn_tf.image.merging import FrameInstances, merge_frames
from gspn_tf.image.pmrcnn import FrameSegmenter, lift_frame, segment_frames
from gspn_tf.inference.depth_image import as_segmentation
from gspn_tf.inference.scan_segmenter import Progress, SegmentOptions, turned
from gspn_tf.inference.segmented_scan import SegmentedScan
from gspn_tf.inference.segmenter import load_run


class ScanProjector:
    """A network on single frames that segments scans on disk.

    Args:
        find: The network on one frame.
        classes: Its classes.
        least: Score from which instances are shown.
        frames: Folder of the frames, or of such folders, see `frames_of`.
        options: How scans and frames are read.
        every: Each n-th frame is taken.
    """

    def __init__(
        self,
        find: FrameSegmenter,
        classes: ClassList,
        least: float,
        frames: Path,
        options: SegmentOptions,
        every: int = 1,
    ) -> None:
        self.find, self.classes, self.least = find, classes, least
        self.frames, self.options, self.every = frames, options, every

    @classmethod
    def from_run(
        cls, model: str | Path, frames: Path, options: SegmentOptions, every: int = 1
    ) -> "ScanProjector":
        """Load the Mask R-CNN of a run.

        Raises:
            FileNotFoundError: No such run.
            ValueError: A file of the run is damaged, or it is of another network.
        """
        network, config, pairs = load_run(model, options.precision)
        if not isinstance(network, MaskRCNN):
            kind = type(network).__name__
            raise ValueError(f"--frames needs a Mask R-CNN, {model} holds an {kind}")
        find, classes = (
            partial(segment_frame, network),
            ClassList.from_pairs(list(pairs)),
        )
        return cls(find, classes, config.model.shown_score, frames, options, every)

    def segment(
        self,
        path: str | Path,
        say: Callable[[str], None] = lambda line: None,
        progress: Progress = lambda done, total: None,
    ) -> SegmentedScan:
        """Read a scan and its frames, and find its instances.

        Args:
            path: A scan in the frame and the unit of its frames' poses.
            say: Called with each line about what was read, guessed and left out.
            progress: Called with the number of frames that are done.

        Raises:
            OSError, ValueError: The scan or its frames cannot be read, or they show no
                point of it; one line names them.
        """
        options, path = self.options, Path(path)
        folder = frames_of(self.frames, path)
        scan = read_scan(path, scale=options.scale, frames=options.frames)
        scan, reason = turned(scan, options)
        sequence = FrameSequence.open(folder, options.frames, self.every)
        say(f"{path.name}: {len(scan.points):,} points, {len(sequence)} frames")
        say(f"{scan.up} is up: {reason}")
        lifted = []
        for frame in self._lifted(scan, sequence):
            lifted.append(frame)
            progress(len(lifted), len(sequence))
        notes = (*scan.notes, *_told(scan, sequence, lifted, folder, path))
        for note in notes:
            say(f"note: {note}")
        scan = dataclasses.replace(scan, notes=notes)
        points = scan.metres(options.scale)
        found = as_segmentation(merge_frames(lifted, len(points)), points)
        found = found.scored(self.least)
        return SegmentedScan(path.name, scan, options.scale, self.classes, found)

    def _lifted(self, scan: Scan, sequence: FrameSequence) -> Iterator[FrameInstances]:
        scale = self.options.scale
        points = scan.world() * scale
        frames = (_in_metres(frame, scale) for frame in sequence)
        for segmented in segment_frames(frames, self.find):
            yield lift_frame(points, segmented)


def frames_of(folder: Path, scan: Path) -> Path:
    """Find the frames of a scan.

    Args:
        folder: It holds them itself, or has a folder that does and is named as the
            scan's file, without what follows the first point, or as its folder.
        scan: The scan's file.

    Raises:
        ScanError: There is none.
    """
    names = ("", scan.name.partition(".")[0], scan.absolute().parent.name)
    for name in names:
        if holds_frames(folder / name):
            return folder / name
    raise ScanError(
        f"{folder}: expected frames of {scan.name}, depth/ and pose/ in it or in its "
        f"folder {' or '.join(dict.fromkeys(names[1:]))}, got none"
    )


def _in_metres(frame: PosedFrame, scale: float) -> PosedFrame:
    pose = frame.pose.copy()
    pose[:3, 3] *= scale
    return frame._replace(depth=frame.depth * scale, pose=pose)


def _told(
    scan: Scan,
    sequence: FrameSequence,
    lifted: list[FrameInstances],
    folder: Path,
    path: Path,
) -> Iterator[str]:
    """Say what the frames show of a scan; ScanError where that is nothing."""
    seen = np.zeros(len(scan.points), bool)
    for frame in lifted:
        seen[frame.visible] = True
    if not seen.any():
        raise ScanError(
            f"{folder}: its {len(sequence)} frames show no point of {path.name}: are "
            "poses in another frame or unit than the scan?"
        )
    yield f"{len(sequence)} frames show {seen.mean():.0%} of the points"
    if sequence.lost:
        yield f"{sequence.lost} frames without a pose are left out"
