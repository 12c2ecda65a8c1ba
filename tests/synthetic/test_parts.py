"""Generated shapes of labelled parts: reproducible, varied and exactly labelled."""

import numpy as np
import pytest
from generating import assert_generated, assert_prepared

from gspn_tf.synthetic import parts
from gspn_tf.synthetic.furniture import part_shapes
from gspn_tf.synthetic.furniture.surfaces import areas

SEEDS = range(500, 560)


@pytest.fixture(scope="module")
def shapes():
    return [parts.generate_shape(seed) for seed in SEEDS]


def test_shapes_are_well_formed(shapes):
    assert_generated(
        parts.generate_shape, SEEDS, shapes, parts.PARTS, parts.MIN_PART_POINTS
    )
    for shape in shapes:
        assert len(shape.points) == 12_000
        assert 2 <= shape.num_instances <= part_shapes.MAX_PARTS
        middle = (shape.points.min(axis=0) + shape.points.max(axis=0)) / 2
        np.testing.assert_allclose(middle, 0, atol=0.02)
        assert 0.97 < np.linalg.norm(shape.points, axis=1).max() < 1.03
    with pytest.raises(ValueError, match="num_points must be at least"):
        parts.generate_shape(0, 7_799)


def test_all_classes_appear_and_numbers_of_parts_vary(shapes):
    present = np.unique(np.concatenate([shape.semantic for shape in shapes]))
    assert present.tolist() == list(range(1, len(parts.PARTS) + 1))
    counts = [shape.num_instances for shape in shapes]
    assert min(counts) <= 3 and max(counts) >= 35 and len(set(counts)) > 15
    # Classes alone do not give the parts: most have a neighbour of their class.
    alone = [len(set(s.semantic.tolist())) / s.num_instances for s in shapes]
    assert np.mean(alone) < 0.6


@pytest.mark.parametrize("kind", part_shapes.KINDS)
def test_every_kind_has_known_parts_of_a_size(kind):
    for seed in range(30):
        shape = part_shapes.KINDS[kind](np.random.default_rng(seed))
        arrays = [surfaces.array() for _, surfaces in shape.parts]
        assert 2 <= len(arrays) <= part_shapes.MAX_PARTS
        assert {label for label, _ in shape.parts} <= set(parts.PARTS.names)
        assert all(areas(array).min() > 0 for array in arrays)
        samples, _ = parts.sample_parts(np.random.default_rng(0), shape, 12_000)
        assert -0.06 < samples.points[:, 2].min() < 0.36
        assert 0.2 < samples.points[:, 2].max() < 3.5


def test_points_are_on_the_part_that_owns_them():
    shape = part_shapes.storage_of_parts(np.random.default_rng(3))
    samples, owner = parts.sample_parts(np.random.default_rng(0), shape, 12_000)
    for number, (_, surfaces) in enumerate(shape.parts):
        boxes = surfaces.array()
        low = boxes[:, 1:4]
        high = low + boxes[:, 4:13].reshape(-1, 3, 3).sum(1)
        mine = samples.points[owner == number]
        assert (mine >= np.minimum(low, high).min(axis=0) - 1e-9).all()
        assert (mine <= np.maximum(low, high).max(axis=0) + 1e-9).all()


def test_the_command_makes_other_shapes_for_every_split(tmp_path, capsys):
    assert_prepared("parts", parts.PARTS, tmp_path, capsys)
