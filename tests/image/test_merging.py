"""Instances of frames become instances of the scan, whatever the frames' order."""

import naive_merging
import numpy as np
import pytest

from gspn_tf.image.merging import FrameInstances, merge_frames


def frame(visible, *instances) -> FrameInstances:
    """A frame that sees a range of vertices; instances are (class, score, rows)."""
    rows = np.arange(*visible)
    masks = [np.array(sorted(set(mask) & set(rows.tolist()))) for *_, mask in instances]
    return FrameInstances(
        rows,
        masks,
        np.array([label for label, *_ in instances], np.int32),
        np.array([score for _, score, _ in instances]),
    )


def random_frames(seed: int, count: int = 6) -> list[FrameInstances]:
    """Objects of two classes on a line of 120 vertices, badly seen in windows."""
    rng = np.random.default_rng(seed)
    objects = [range(start, start + 24) for start in range(0, 120, 24)]
    frames = []
    for _ in range(count):
        low = rng.integers(0, 60)
        seen = []
        for number, rows in enumerate(objects):
            mask = [row + rng.integers(-3, 4) for row in rows if rng.random() < 0.8]
            mask = [row for row in mask if low <= row < low + 60]
            if mask and rng.random() < 0.9:
                label = 1 + (number + (rng.random() < 0.2)) % 2
                seen.append((label, rng.uniform(0.1, 1), mask))
        frames.append(frame((low, low + 60), *seen))
    return frames


def as_sets(found) -> list:
    rows = zip(found.classes, found.scores, found.masks, strict=True)
    return [(c, round(float(s), 9), frozenset(m.tolist())) for c, s, m in rows]


@pytest.mark.parametrize("seed", range(20))
def test_it_equals_the_naive_way(seed):
    frames = random_frames(seed)
    expected = naive_merging.merged(frames, 0.25, 5)
    found = as_sets(merge_frames(frames, 123, min_vertices=5))
    assert len(expected) > 1
    assert found == [(c, round(s, 9), mask) for c, s, mask in expected]


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_the_frames_does_not_matter(seed):
    frames = random_frames(seed)
    expected = as_sets(merge_frames(frames, 123, min_vertices=5))
    order = np.random.default_rng(seed).permutation(len(frames))
    shuffled = [frames[row] for row in order]
    assert as_sets(merge_frames(shuffled, 123, min_vertices=5)) == expected


def test_no_two_instances_share_a_vertex():
    for seed in range(5):
        masks = merge_frames(random_frames(seed), 123, min_vertices=1).masks
        rows = np.concatenate(masks)
        assert len(rows) == len(set(rows.tolist()))


def test_an_object_that_is_seen_part_by_part_is_one():
    """No frame sees its ends at a time; what joins them comes last."""
    parts = [(0, 60), (140, 200), (40, 110), (100, 160)]
    frames = [frame(part, (1, 0.5, range(200))) for part in parts]
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]):
        found = merge_frames([frames[row] for row in order], 200)
        assert [len(mask) for mask in found.masks] == [200]
        assert found.scores.tolist() == [0.5]


def test_touching_objects_stay_apart():
    """Also where one frame takes both for one."""
    two = [(3, 0.9, range(150)), (3, 0.7, range(150, 300))]
    frames = [frame((0, 300), *two) for _ in range(3)]
    both = frame((0, 300), (3, 0.2, range(300)))
    for given in (frames, [*frames, both], [both, *frames]):
        found = merge_frames(given, 300)
        sizes = sorted(len(mask) for mask in found.masks)
        assert sizes == [150, 150] and found.classes.tolist() == [3, 3]


def test_objects_of_two_classes_are_not_merged():
    frames = [
        frame((0, 200), (1, 0.9, range(200))),
        frame((0, 200), (2, 0.8, range(200))),
    ]
    found = merge_frames(frames, 200)
    assert found.classes.tolist() == [1] and len(found.masks[0]) == 200


def test_a_slip_of_one_frame_is_outvoted():
    good = [frame((0, 400), (1, 0.8, range(120))) for _ in range(2)]
    spilt = frame((0, 400), (1, 0.8, range(180)))
    (mask,) = merge_frames([*good, spilt], 400).masks
    assert len(mask) == 120


def test_small_instances_are_dropped():
    frames = [frame((0, 300), (1, 0.9, range(99)), (1, 0.8, range(150, 250)))]
    found = merge_frames(frames, 300)
    assert [mask[0] for mask in found.masks] == [150]
    assert len(merge_frames(frames, 300, min_vertices=99).masks) == 2


@pytest.mark.parametrize("frames", [[], [frame((0, 0))], [frame((0, 50))]])
def test_nothing_seen_is_nothing_found(frames):
    found = merge_frames(frames, 50)
    assert found.masks == [] and found.classes.shape == found.scores.shape == (0,)
