"""PMRCNN: Mask R-CNN's instances of the frames of a scan, on the scan (Table 1).

    frames = FrameSequence.open(folder, FrameOptions())
    segmented = segment_frames(frames, partial(segment_frame, model))
    found = project_frames(points, segmented)

`projection` says which vertices a frame sees, `merging` how frames become one.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from gspn_tf.files.depth import Intrinsics
from gspn_tf.files.frames import PosedFrame
from gspn_tf.image.merging import FrameInstances, merge_frames
from gspn_tf.image.projection import visible_vertices
from gspn_tf.metrics import InstancePredictions

FrameSegmenter = Callable[
    [np.ndarray, np.ndarray, Intrinsics], tuple[np.ndarray, np.ndarray, np.ndarray]
]
"""A network on one frame: colours [H, W, 3] uint8, depth [H, W] metres and its camera
-> masks [D, H, W] bool, classes [D] int 1..C and scores [D] 0..1."""


class SegmentedFrame(NamedTuple):
    """A frame, and instances in its image."""

    frame: PosedFrame
    masks: np.ndarray  # [D, H, W] bool
    classes: np.ndarray  # [D] int32, 1..C
    scores: np.ndarray  # [D] 0..1


def segment_frames(
    frames: Iterable[PosedFrame], find: FrameSegmenter
) -> Iterator[SegmentedFrame]:
    """Segment frames one by one.

    Raises:
        ValueError: a frame has no colours.
    """
    for frame in frames:
        if frame.color is None:
            raise ValueError(f"frame {frame.name} has no colours, which are segmented")
        found = find(frame.color, frame.depth, frame.camera)
        yield SegmentedFrame(frame, *map(np.asarray, found))


def project_frames(
    points: np.ndarray, frames: Iterable[SegmentedFrame]
) -> InstancePredictions:
    """Merge the instances of frames on the vertices of a scan.

    Args:
        points: [V, 3] metres, in the frame of the poses.
        frames: segmented; one at a time is in memory.

    Returns:
        Instances of the scan, best first; no two share a vertex.
    """
    return merge_frames([lift_frame(points, each) for each in frames], len(points))


def lift_frame(points: np.ndarray, segmented: SegmentedFrame) -> FrameInstances:
    """Give the instances of a frame as visible vertices; those of none are dropped.

    Args:
        points: [V, 3] metres, in the frame of the poses.
        segmented: the frame.
    """
    frame, masks, classes, scores = segmented
    visible = visible_vertices(points, frame.pose, frame.camera, frame.depth)
    vertices = [visible.inside(mask) for mask in masks]
    kept = [row for row, mask in enumerate(vertices) if len(mask)]
    return FrameInstances(
        visible.vertices,
        [vertices[row] for row in kept],
        classes[kept],
        scores[kept],
    )
