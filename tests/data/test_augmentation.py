"""What each strength of augmentation changes, and what it leaves as it is."""

import dataclasses as dc

import numpy as np
import pytest
import tensorflow as tf
from toy_scenes import make_scene, write_folder

from gspn_tf.config import AugmentationConfig, DataConfig
from gspn_tf.data import augmentation, load, sampling, surface
from gspn_tf.data.scene import Scene

SEEDS = tf.constant([[1, 2], [3, 4]])
NONE = AugmentationConfig(rotation=0.0, translation=0.0)
POINTS = np.random.default_rng(0).uniform(-3, 3, (400, 3)).astype(np.float32)
COLORS = np.random.default_rng(1).integers(60, 180, (400, 3)).astype(np.uint8)
SCENE = {"points": tf.constant(POINTS), "colors": tf.constant(COLORS)}


def changed(**strengths):
    found = augmentation.augment(SCENE, dc.replace(NONE, **strengths), SEEDS)
    return found["points"].numpy(), found["colors"].numpy()


def linear_map(moved):
    """The matrix that makes moved of POINTS; the points must be on it."""
    matrix, *_ = np.linalg.lstsq(POINTS, moved, rcond=None)
    np.testing.assert_allclose(POINTS @ matrix, moved, atol=1e-4)
    return matrix


def test_a_mirror_image_and_a_change_of_size():
    np.testing.assert_array_equal(changed(flip=1.0)[0], POINTS * [-1, 1, 1])
    matrix = linear_map(changed(scale=0.2)[0])
    np.testing.assert_allclose(matrix, np.eye(3) * matrix[0, 0], atol=1e-5)
    assert 0.8 <= matrix[0, 0] <= 1.2 and matrix[0, 0] != 1


def test_shear_has_the_given_deviation():
    seeds = [tf.constant([seed, 0]) for seed in range(40)]
    options = dc.replace(NONE, shear=0.1)
    entries = [augmentation.deformation(options, s) - np.eye(3) for s in seeds]
    assert np.std(entries) == pytest.approx(0.1, rel=0.2)
    linear_map(changed(shear=0.1)[0])


def test_bending_is_smooth_and_as_strong_as_said():
    line = np.linspace(0, 400, 40_001, dtype=np.float32)
    points = np.stack([line, 0 * line, 0 * line], 1)
    moved = augmentation.bend(points, 0.05, 0.8, SEEDS[0]).numpy() - points
    nodes, between = moved[::80], moved[40::80]  # every 0.8 m
    assert nodes.std() == pytest.approx(0.05, rel=0.1)
    np.testing.assert_allclose(between, (nodes[:-1] + nodes[1:]) / 2, atol=1e-3)
    assert np.abs(np.diff(moved, axis=0)).max() < 0.05  # of a centimetre's step


def test_a_smooth_field_has_its_deviation_and_length():
    line = np.linspace(0, 1000, 20_001, dtype=np.float32)  # every 5 cm
    points = np.stack([line, 0 * line, 0 * line], 1)
    draws = [
        augmentation.smooth_field(points, 0.2, 2, tf.constant([seed, 0])).numpy()
        for seed in range(60)
    ]
    field = np.concatenate(draws, 1)
    assert field.shape == (20_001, 120)
    assert field.std() == pytest.approx(1.0, rel=0.1)
    for steps in (1, 4, 8):  # a Gaussian's correlation
        expected = np.exp(-((0.05 * steps / 0.2) ** 2) / 2)
        assert np.mean(field[steps:] * field[:-steps]) / np.mean(
            field**2
        ) == pytest.approx(expected, abs=0.05)


def test_half_of_a_scene_is_crumpled():
    moved = [
        augmentation.crumple(POINTS, 0.05, tf.constant([seed, 0])).numpy() - POINTS
        for seed in range(20)
    ]
    still = np.concatenate([(shift == 0).all(1) for shift in moved])
    assert still.mean() == pytest.approx(0.5, abs=0.1)
    assert 0.05 * 0.5**0.5 == pytest.approx(np.std(moved), rel=0.15)
    assert (changed(crumple=0.05)[0] != POINTS).any()


def test_roughness_is_as_strong_as_said_at_most():
    deviations = [
        (augmentation.rough(POINTS, 0.02, tf.constant([seed, 0])) - POINTS)
        .numpy()
        .std()
        for seed in range(40)
    ]
    assert 0.018 < max(deviations) < 0.021 and min(deviations) < 0.002
    assert np.mean(deviations) == pytest.approx(0.01, rel=0.2)
    moved, _ = changed(jitter=0.02)
    assert 0 < np.abs(moved - POINTS).max() < 0.1


def test_a_scene_in_millimetres_is_not_bent():
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be in metres"):
        augmentation.bend(1000 * POINTS, 0.05, 0.8, SEEDS[0])


def test_colours_are_stretched_shifted_and_dropped():
    points, colors = changed(auto_contrast=1.0)
    np.testing.assert_array_equal(points, POINTS)
    assert (colors.std(axis=0) > COLORS.std(axis=0)).all()
    shift = changed(color_jitter=0.05)[1] - COLORS
    np.testing.assert_allclose(shift, np.broadcast_to(shift[0], shift.shape), atol=1e-4)
    assert np.abs(shift[0]).min() > 0
    assert (changed(color_drop=1.0)[1] == 128).all()
    np.testing.assert_array_equal(changed()[1], COLORS)


def test_mixing_lays_another_scene_across():
    scene, other = (
        {k: tf.constant(getattr(make_scene(i), k)) for k in augmentation.FIELDS}
        for i in (0, 1)
    )
    alone = augmentation.mix(scene, lambda: other, 0.0, SEEDS[0])
    np.testing.assert_array_equal(alone["points"], scene["points"])
    both = augmentation.mix(scene, lambda: other, 1.0, SEEDS[0])
    count, rows = len(scene["points"]), both["instance"].numpy()
    assert len(both["points"]) == 2 * count
    np.testing.assert_array_equal(rows[:count], scene["instance"])
    theirs = np.where(other["instance"] >= 0, other["instance"] + 3, -1)
    np.testing.assert_array_equal(rows[count:], theirs)
    for part in (both["points"][:count], both["points"][count:]):
        assert float(tf.reduce_min(part[:, 2])) == pytest.approx(0, abs=1e-5)
    assert tf.reduce_max(tf.abs(tf.reduce_mean(both["points"][:, :2], 0))) < 1.5


def test_mixed_and_thinned_batches_repeat(tmp_path):
    write_folder(tmp_path / "data", train=[make_scene(i) for i in range(4)])
    every = AugmentationConfig(
        flip=0.5, scale=0.1, shear=0.1, elastic=0.05, point_dropout=0.5,
        color_jitter=0.1, color_drop=0.5, auto_contrast=0.5, mixing=0.5,
    )  # fmt: skip
    options = DataConfig(num_points=240, num_shape_points=8, augmentation=every)
    one, two = (
        list(
            load(
                str(tmp_path / "data"), "train", options,
                batch_size=2, training=True, seed=3,
            ).as_numpy_iterator()
        )
        for _ in range(2)
    )  # fmt: skip
    tf.nest.map_structure(np.testing.assert_array_equal, one, two)
    counts = np.concatenate([batch["num_points"] for batch in one])
    assert len(set(counts)) == 4 and counts.min() >= 60
    groups = np.concatenate([batch["targets"]["valid"].sum(1) for batch in one])
    assert groups.max() == 6 and groups.min() == 3  # some are mixed, some are not


def surface_points(side, per_square_metre, seed=0):
    """Random points of a box's six sides, along no axis."""
    rng = np.random.default_rng(seed)
    count = int(6 * side * side * per_square_metre)
    points = rng.uniform(0, side, (count, 3))
    points[np.arange(count), rng.integers(0, 3, count)] = side * rng.integers(
        2, size=count
    )
    turn, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))
    return (points @ turn).astype(np.float32)


@pytest.mark.parametrize("side", [0.7, 2.1, 4.3])
def test_the_surface_hardly_depends_on_the_sampling(side):
    areas = [surface.area(surface_points(side, n)).numpy() for n in (150, 500, 4000)]
    shares = np.array(areas) / (6 * side * side)
    assert 0.65 < shares[0] < shares[1] < shares[2] < 1.0
    assert shares[0] > 0.9 * shares[1] > 0.7 * shares[2]


@pytest.mark.parametrize("points", [POINTS[:1], np.repeat(POINTS[:1], 9, 0)])
def test_the_surface_of_a_place_is_that_of_a_cell(points):
    assert 0 < surface.area(points) < 1


@pytest.mark.parametrize("kind", sampling.POINTS)
def test_a_density_draws_by_surface(kind):
    seed = tf.constant([1, 2])
    sizes = []
    for side in (1.0, 2.0):
        points = surface_points(side, 400)
        rows = sampling.draw(points, 5000, kind, 100.0, seed).numpy()
        assert len(set(rows)) == len(rows)
        sizes.append(len(rows))
        assert len(sampling.draw(points, 50, kind, 100.0, seed)) == 50
        assert len(sampling.draw(points, 9999, kind, 1e9, seed)) == len(points)
    assert sizes[1] / sizes[0] == pytest.approx(4, rel=0.1)


def numbered(count=400):
    """A scene whose objects 0..3 are quarters of the plan."""
    quarter = (POINTS[:, 0] > 0) + 2 * (POINTS[:, 1] > 0)
    labels = {"instance": np.int32(quarter), "semantic": np.int32(quarter + 1)}
    return {key: value[:count] for key, value in (SCENE | labels).items()}


def test_a_part_of_a_scene_is_around_one_of_its_points():
    found = augmentation.crop(numbered(), tf.constant(0.05), 1.0, SEEDS[0])
    points = found["points"].numpy()
    assert len(points) == 20
    middles = [
        plan
        for plan in points[:, :2]
        if np.sort(np.linalg.norm(POINTS[:, :2] - plan, axis=1))[19]
        >= np.linalg.norm(points[:, :2] - plan, axis=1).max() - 1e-6
    ]
    assert middles
    kept = sorted(set(numbered()["semantic"][np.isin(POINTS, points).all(1)]))
    numbers = found["instance"].numpy()
    assert sorted(set(numbers)) == list(range(len(kept)))
    for number, semantic in enumerate(kept):
        assert set(found["semantic"].numpy()[numbers == number]) == {semantic}


@pytest.mark.parametrize("share, probability", [(1.0, 1.0), (0.2, 0.0)])
def test_a_scene_that_fits_is_not_cut(share, probability):
    scene = numbered()
    found = augmentation.crop(scene, tf.constant(share), probability, SEEDS[0])
    for name, value in scene.items():
        np.testing.assert_array_equal(found[name], value)


def test_a_part_without_objects():
    scene = numbered() | {"instance": np.full(400, -1, np.int32)}
    found = augmentation.crop(scene, tf.constant(0.1), 1.0, SEEDS[0])
    np.testing.assert_array_equal(found["instance"], [-1] * 40)


def test_parts_of_large_scenes_keep_the_density(tmp_path):
    points = surface_points(4.0, 300)  # 96 square metres
    labels = np.int32(points[:, 0] > 0)
    colors = np.zeros_like(points, np.uint8)
    scene = Scene("large", points, colors, labels, labels - 1)
    write_folder(tmp_path / "data", train=[scene])
    extents = []
    for crop in (0.0, 1.0):
        augmented = dc.replace(NONE, crop=crop)
        options = DataConfig(num_points=900, density=100.0, augmentation=augmented)
        (batch,) = load(
            str(tmp_path / "data"),
            "train",
            options,
            batch_size=1,
            training=True,
            seed=0,
        )
        count = int(batch["num_points"][0])
        assert count > 800
        extents.append(np.ptp(batch["points"][0, :count, :2].numpy(), axis=0).max())
    assert extents[1] < 0.6 * extents[0]
