"""Generated shapes of labelled parts: reproducible, varied and exactly labelled."""

import numpy as np
import pytest
from generating import assert_prepared

from gspn_tf.config import loading as config_loading
from gspn_tf.data.scene import check_scene
from gspn_tf.data.shards import serialize
from gspn_tf.synthetic import parts
from gspn_tf.synthetic.furniture import part_shapes
from gspn_tf.synthetic.furniture.surfaces import areas

SEEDS = range(500, 560)


@pytest.fixture(scope="module")
def shapes():
    return [parts.generate_shape(seed) for seed in SEEDS]


def test_a_seed_gives_the_same_bytes_and_others_differ(shapes):
    again = [serialize(parts.generate_shape(seed)) for seed in SEEDS[:2]]
    assert again == [serialize(s) for s in shapes[:2]] and again[0] != again[1]


def test_shapes_are_well_formed(shapes):
    assert len({shape.name for shape in shapes}) == len(shapes)
    for shape in shapes:
        check_scene(shape, len(parts.PARTS))
        assert len(shape.points) == 12_000
        assert 2 <= shape.num_instances <= part_shapes.MAX_PARTS
        assert np.bincount(shape.instance).min() >= parts.MIN_PART_POINTS
        pairs = np.unique(np.stack([shape.instance, shape.semantic]), axis=1)
        assert pairs.shape[1] == shape.num_instances  # a part has one class
        middle = (shape.points.min(axis=0) + shape.points.max(axis=0)) / 2
        np.testing.assert_allclose(middle, 0, atol=0.02)
        assert 0.97 < np.linalg.norm(shape.points, axis=1).max() < 1.03


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


@pytest.mark.parametrize("variant", ["small", "paper"])
def test_the_configs_have_an_output_for_each_class(variant):
    config = config_loading.load_config(f"configs/parts.py:{variant}")
    assert config.model.proposal.num_classes == len(parts.PARTS) + 1


@pytest.mark.parametrize(("seed", "points"), [(-1, 12_000), (0, 7_799)])
def test_bad_arguments_are_refused(seed, points):
    with pytest.raises(ValueError, match="must"):
        parts.generate_shape(seed, points)


def test_the_command_makes_other_shapes_for_every_split(tmp_path, capsys):
    assert_prepared("parts", parts.PARTS, tmp_path, capsys)
