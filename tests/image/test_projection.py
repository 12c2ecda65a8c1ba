"""Vertices that a frame sees, and PMRCNN on a filmed room of boxes."""

import numpy as np
import posed_boxes
import pytest

from gspn_tf.files.depth import lift
from gspn_tf.image import projection
from gspn_tf.image.pmrcnn import project_frames, segment_frames
from gspn_tf.image.projection import visible_vertices


@pytest.fixture(scope="module")
def filmed():
    return posed_boxes.walk(12)


def visible_of(points, frame, **options):
    return visible_vertices(points, frame.pose, frame.camera, frame.depth, **options)


def test_the_points_of_a_frame_fall_into_their_pixels(filmed):
    frame = filmed[0].frame
    where = np.ones(posed_boxes.SIZE, bool)
    points = lift(frame.depth, where, frame.camera) @ frame.pose[:3, :3].T
    seen = visible_of(points + frame.pose[:3, 3], frame, tolerance=1e-6)
    assert np.array_equal(seen.vertices, np.arange(where.size))
    assert np.array_equal(seen.pixels, np.argwhere(where))


def test_what_is_hidden_is_not_visible(filmed):
    """A vertex is hidden where a box lies between it and the camera."""
    points, owner = posed_boxes.vertices()
    for frame, drawn in filmed[:4]:
        seen = visible_of(points, frame)
        rows = np.zeros(len(points), bool)
        rows[seen.vertices] = True
        away = points - frame.pose[:3, 3]
        hidden = np.zeros(len(points), bool)
        for low, high in posed_boxes.BOXES:
            with np.errstate(divide="ignore", invalid="ignore"):
                sides = np.stack([low - frame.pose[:3, 3], high - frame.pose[:3, 3]])
                near, far = np.sort(sides[:, None] / away, axis=0)
            # The box is met between the camera and 15 cm before the vertex.
            enters, leaves = near.max(-1), far.min(-1)
            before = enters * np.linalg.norm(away, axis=1) + 0.15
            hidden |= (enters < leaves) & (before < np.linalg.norm(away, axis=1))
        assert hidden.sum() > 1000 and 2000 < rows.sum()
        assert (rows & hidden).mean() < 2e-3  # at silhouettes, by half a pixel
        right = drawn[seen.pixels[:, 0], seen.pixels[:, 1]] == owner[seen.vertices]
        assert right.mean() > 0.99


def test_what_is_not_measured_or_not_finite_is_not_visible(filmed):
    points, _ = posed_boxes.vertices()
    frame = filmed[0].frame
    expected = visible_of(points, frame)
    holes = frame.depth.copy()
    holes[:36], holes[40] = 0, np.nan
    seen = visible_vertices(points, frame.pose, frame.camera, holes)
    kept = (expected.pixels[:, 0] >= 36) & (expected.pixels[:, 0] != 40)
    assert np.array_equal(seen.vertices, expected.vertices[kept])
    broken = points.copy()
    broken[expected.vertices[::2]] = np.nan
    assert np.array_equal(visible_of(broken, frame).vertices, expected.vertices[1::2])
    behind = points.copy()
    behind[:] = frame.pose[:3, 3] - frame.pose[:3, 2]
    assert not len(visible_of(behind, frame).vertices)
    assert not len(visible_of(points[:0], frame).vertices)


def test_parts_of_a_scan_give_the_same(filmed, monkeypatch):
    points, _ = posed_boxes.vertices()
    expected = visible_of(points, filmed[0].frame)
    monkeypatch.setattr(projection, "_ROWS", 1000)
    found = visible_of(points, filmed[0].frame)
    assert np.array_equal(found.vertices, expected.vertices)
    assert np.array_equal(found.pixels, expected.pixels)


def test_true_masks_give_the_objects(filmed):
    points, owner = posed_boxes.vertices()
    segmented = [posed_boxes.with_true_masks(each) for each in filmed]
    found = project_frames(points, segmented)
    seen = np.zeros(len(points), bool)
    for frame, _ in filmed:
        seen[visible_of(points, frame).vertices] = True
    boxes = [int(np.bincount(owner[mask] + 1).argmax()) - 1 for mask in found.masks]
    assert sorted(boxes) == [0, 1, 2, 3]  # the touching chairs are two
    assert found.classes.tolist() == posed_boxes.CLASSES[boxes].tolist()
    for box, mask in zip(boxes, found.masks, strict=True):
        assert seen[mask].all()
        truth = np.flatnonzero((owner == box) & seen)
        shared = len(np.intersect1d(truth, mask))
        assert shared / (len(truth) + len(mask) - shared) > 0.85


def test_a_network_sees_one_frame_at_a_time(filmed):
    frames = [each.frame for each in filmed[:3]]
    calls = []

    def find(color, depth, camera):
        calls.append((color.shape, depth.shape, camera))
        return (color[None, ..., 0] == 40) & (color[None, ..., 1] == 40), [5], [0.5]

    lazily = segment_frames(iter(frames), find)
    assert next(lazily).frame is frames[0] and len(calls) == 1
    points, owner = posed_boxes.vertices()
    found = project_frames(points, segment_frames(frames, find))
    (mask,) = found.masks
    assert np.bincount(owner[mask] + 1).argmax() == 3  # the blue box
    assert found.classes.tolist() == [5] and found.scores.tolist() == [0.5]
    grey = frames[0]._replace(color=None)
    with pytest.raises(ValueError, match="frame 0 has no colours, which are segmented"):
        next(segment_frames([grey], find))
