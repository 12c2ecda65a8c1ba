"""Scenes on disk and the tf.data pipeline."""

import dataclasses
import shutil

import numpy as np
import pytest
import tensorflow as tf
from toy_scenes import CLASSES, make_scene, write_folder

from gspn_tf.config import AugmentationConfig, DataConfig
from gspn_tf.data import augmentation, load, preprocessing, read_scenes, scenes
from gspn_tf.data import batches as batches_of
from gspn_tf.data.classes import SCANNET, ClassList
from gspn_tf.data.scene import check_scene
from gspn_tf.data.shards import parse, serialize

OPTIONS = DataConfig(num_points=96, num_points_inference=80, num_shape_points=64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenes")
    train = [make_scene(i, 120, 2 + i % 3) for i in range(7)]
    small = [make_scene(10), make_scene(11, num_points=30), make_scene(12, 50, 0)]
    write_folder(path, per_shard=3, train=train, val=small)
    return path


def batches(folder, split="train", *, training=True, seed=5, size=2, options=OPTIONS):
    dataset = load(
        folder, split, options, batch_size=size, training=training, seed=seed
    )
    return list(dataset.as_numpy_iterator())


def assert_equal_batches(one, other):
    tf.nest.map_structure(np.testing.assert_array_equal, one, other)


def test_written_scenes_read_back_equal_and_in_order(folder):
    found = list(read_scenes(folder, "train"))
    assert len(found) == 7
    for i, scene in enumerate(found):
        assert serialize(scene) == serialize(make_scene(i, 120, 2 + i % 3))
    parsed = parse(tf.constant(serialize(found[3])))
    assert parsed.pop("name").numpy() == b"scene_3"
    for field, value in parsed.items():
        np.testing.assert_array_equal(value, getattr(found[3], field))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": np.full((120, 3), np.nan, np.float32)}, "not all finite"),
        ({"semantic": np.full(120, 4, np.int32)}, r"0\.\.3"),
        ({"instance": np.full(120, 1, np.int32)}, "without gaps"),
        ({"colors": np.zeros((120, 3))}, "colors of scene 'scene_0' must be uint8"),
    ],
)
def test_malformed_scenes_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        check_scene(dataclasses.replace(make_scene(0), **change), len(CLASSES))


def test_batch_shapes_and_dtypes(folder):
    batch, *others = batches(folder)
    assert len(others) == 2  # the last scene makes no whole batch, but is one alone:
    assert [len(b["points"]) for b in batches(folder, "val", size=4)] == [3]
    targets = batch["targets"]
    groups = targets["valid"].shape[1]
    assert batch["points"].shape == batch["colors"].shape == (2, 96, 3)
    assert batch["num_points"].tolist() == [96, 96]
    assert targets["shapes"].shape == (2, groups, 64, 3)
    assert targets["boxes"].shape == (2, groups, 6)
    assert 0.0 <= batch["colors"].min() and batch["colors"].max() <= 1.0
    kinds = {key: value.dtype.name for key, value in targets.items()}
    assert kinds == {
        "semantic": "int32", "instance": "int32", "shapes": "float32",
        "boxes": "float32", "classes": "int32", "valid": "bool", "weights": "float32",
    }  # fmt: skip


def test_same_seed_same_batches_and_every_epoch_differs(folder):
    options = {"options": OPTIONS, "batch_size": 2, "training": True, "seed": 5}
    first = load(folder, "train", **options)
    epochs = [list(first.as_numpy_iterator()) for _ in range(2)]
    second = load(folder, "train", **options)
    for epoch in epochs:
        assert_equal_batches(epoch, list(second.as_numpy_iterator()))
    for one, other in zip(*epochs, strict=True):
        assert not np.array_equal(one["points"], other["points"])
    other_seed = batches(folder, seed=6)
    assert not np.array_equal(epochs[0][0]["points"], other_seed[0]["points"])


def test_cached_scenes_are_read_once_and_augmented_anew(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "data")
    options = {"batch_size": 2, "training": True, "seed": 5}
    cached = dataclasses.replace(OPTIONS, cache=True)
    first = load(tmp_path / "data", "train", cached, **options)
    epochs = [list(first.as_numpy_iterator())]
    for shard in (tmp_path / "data").glob("train-*"):
        shard.unlink()
    epochs.append(list(first.as_numpy_iterator()))
    plain = load(folder, "train", OPTIONS, **options)
    for epoch in epochs:
        assert_equal_batches(epoch, list(plain.as_numpy_iterator()))


def by_scene(batches):
    """Batches of one, by the shapes in them: two epochs have none in common."""
    return {batch["targets"]["shapes"].tobytes(): batch for batch in batches}


def test_a_scene_is_drawn_the_same_whatever_stands_beside_it(folder, tmp_path):
    """The draw depends on seed, epoch and name, not on the place in the order."""
    tail = [make_scene(i, 120, 2 + i % 3) for i in (5, 3)]
    write_folder(tmp_path, per_shard=1, train=tail)
    every, some = (by_scene(batches(path, size=1)) for path in (folder, tmp_path))
    assert len(every) == 7 and len(some) == 2
    assert_equal_batches([every[key] for key in some], list(some.values()))


def test_a_scene_twice_in_a_batch_is_drawn_the_same(folder):
    found = scenes(folder, "train", training=True)
    same = dataclasses.replace(found, paths=found.paths[[1] * 3], rows=np.zeros(3, int))
    loaded = batches_of(same, OPTIONS, batch_size=3, training=True, seed=5)
    for batch in loaded.as_numpy_iterator():
        for values in tf.nest.flatten(batch):
            np.testing.assert_array_equal(values[1:], values[:1].repeat(2, axis=0))


def test_the_global_seed_has_no_part(folder):
    epochs = []
    for seed in (1, 2):
        tf.random.set_seed(seed)
        epochs.append(batches(folder))
    assert_equal_batches(*epochs)


def test_all_scenes_are_shuffled_and_come_once_an_epoch(tmp_path):
    """Of one long shard too, each time in another order; any scene may be first."""
    scenes = [make_scene(i, 20 + i) for i in range(30)]
    write_folder(tmp_path, per_shard=30, train=scenes)
    options = DataConfig(num_points=60, num_shape_points=4)
    loaded = load(tmp_path, "train", options, batch_size=1, training=True, seed=0).map(
        lambda batch: batch["num_points"][0] - 20
    )
    orders = [list(loaded.as_numpy_iterator()) for _ in range(12)]
    assert all(sorted(order) == list(range(30)) for order in orders)
    assert len({tuple(order) for order in orders}) == 12
    assert max(order[0] for order in orders) > 15


@pytest.mark.parametrize("size", [1, 2])
def test_the_hosts_share_the_batches_of_one(size, folder):
    """Two hosts' batches are the halves of one host's batches of twice the size."""
    one = load(folder, "train", OPTIONS, batch_size=2 * size, training=True, seed=5)
    whole = list(one.as_numpy_iterator())
    for host in range(2):
        context = tf.distribute.InputContext(2, host, 2)
        share = load(
            folder,
            "train",
            OPTIONS,
            batch_size=size,
            training=True,
            seed=5,
            context=context,
        )
        assert len(share) == len(whole) == 3 // size
        for mine, both in zip(share.as_numpy_iterator(), whole, strict=True):
            rows = slice(host * size, (host + 1) * size)
            np.testing.assert_array_equal(mine["points"], both["points"][rows])
    alone = tf.distribute.InputContext(8, 7, 8)
    with pytest.raises(ValueError, match="8 hosts need as many scenes, got 7"):
        load(
            folder,
            "train",
            OPTIONS,
            batch_size=1,
            training=True,
            seed=5,
            context=alone,
        )


def test_evaluation_is_fixed_complete_and_in_place(folder):
    dataset = load(folder, "train", OPTIONS, batch_size=2, training=False, seed=0)
    assert dataset.cardinality() == 4
    epochs = [list(dataset.as_numpy_iterator()) for _ in range(2)]
    assert_equal_batches(*epochs)
    for i, scene in enumerate(read_scenes(folder, "train")):
        points = epochs[0][i // 2]["points"][i % 2]
        rows = {tuple(p): row for row, p in enumerate(scene.points.tolist())}
        picked = [rows[tuple(p)] for p in points.tolist()]
        assert len(set(picked)) == 80  # without replacement
        semantic = epochs[0][i // 2]["targets"]["semantic"][i % 2]
        np.testing.assert_array_equal(semantic, scene.semantic[picked])


def test_padding_is_marked(folder):
    (batch,) = batches(folder, "val", training=False, size=3)
    targets = batch["targets"]
    assert batch["num_points"].tolist() == [80, 30, 50]
    assert targets["valid"].tolist() == [[True] * 3, [True] * 3, [False] * 3]
    for row, count in ((1, 30), (2, 50)):
        assert not batch["points"][row, count:].any()
        assert not targets["semantic"][row, count:].any()
        assert (targets["instance"][row, count:] == -1).all()
    assert not targets["boxes"][2].any() and not targets["shapes"][2].any()
    last = batches(folder, "val", training=False, size=1)[-1]  # without instances
    assert last["targets"]["valid"].tolist() == [[False]]
    assert (last["targets"]["instance"] == -1).all()


def test_boxes_and_shapes_are_of_their_instances(folder):
    """With every point of a scene drawn, both follow from points and labels."""
    options = DataConfig(num_points=120, num_shape_points=64)
    for batch in batches(folder, size=1, options=options):
        points, targets = batch["points"][0], batch["targets"]
        for row in range(targets["valid"].sum()):
            mine = points[targets["instance"][0] == row]
            low, high = mine.min(axis=0), mine.max(axis=0)
            box = np.concatenate([(low + high) / 2, high - low])
            np.testing.assert_allclose(targets["boxes"][0, row], box, atol=1e-6)
            shape = {tuple(p) for p in targets["shapes"][0, row].tolist()}
            assert shape <= {tuple(p) for p in mine.tolist()}
            assert len(shape) > min(len(mine), 64) // 3  # not one point repeated


def test_augmentation_is_a_rotation_about_z_and_a_translation():
    scene = make_scene(0)
    arrays = {f: tf.constant(getattr(scene, f)) for f in ("points", "colors")}
    seeds = tf.constant([[1, 2], [3, 4]])
    moved = augmentation.augment(arrays, AugmentationConfig(), seeds)["points"].numpy()
    before, after = scene.points - scene.points[0], moved - moved[0]
    np.testing.assert_allclose(after[:, 2], before[:, 2], atol=1e-5)
    np.testing.assert_allclose(
        np.linalg.norm(after, axis=1), np.linalg.norm(before, axis=1), rtol=1e-5
    )
    area = before[1, 0] * before[2, 1] - before[1, 1] * before[2, 0]
    turned = after[1, 0] * after[2, 1] - after[1, 1] * after[2, 0]
    np.testing.assert_allclose(turned, area, rtol=1e-4)  # no mirror image
    assert np.abs(moved - scene.points).max() > 0.1
    still = AugmentationConfig(rotation=0.0, translation=0.0)
    np.testing.assert_array_equal(
        augmentation.augment(arrays, still, seeds)["points"], scene.points
    )


def test_class_is_the_majority_without_background():
    scene = {
        "points": tf.random.stateless_normal([9, 3], [0, 0]),
        "semantic": tf.constant([0, 0, 2, 3, 3, 1, 0, 0, 2]),
        "instance": tf.constant([0, 0, 0, 1, 1, 1, -1, 2, 2]),
    }
    options = DataConfig(num_shape_points=4)
    found = preprocessing.instances(scene, options, tf.constant([0, 1]))
    assert found["classes"].numpy().tolist() == [2, 3, 2]
    assert found["valid"].numpy().tolist() == [True] * 3


def test_too_many_instances_is_an_error(folder):
    options = DataConfig(num_points=96, num_shape_points=8, max_instances=2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="max_instances = 2"):
        batches(folder, options=options)


def test_class_list_maps_both_ways(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_text("# mine\n\n7 coffee table\n2 chair\n")
    classes = ClassList.read(path)
    assert (classes.raw_ids, classes.names) == ((7, 2), ("coffee table", "chair"))
    raw = np.array([[2, 7], [0, 99], [-1, 3]])
    np.testing.assert_array_equal(classes.to_rows(raw), [[2, 1], [0, 0], [0, 0]])
    np.testing.assert_array_equal(classes.to_raw([0, 1, 2]), [0, 7, 2])
    assert ClassList.from_pairs(classes.pairs()) == classes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5 chair\nsofa\n", r':2: expected "id name"'),
        ("5 chair\n5 sofa\n", "distinct"),
        ("", "at least one class"),
        ("5000000000 sofa\n", "must be of 32 bits"),
        (f"{'9' * 5000} sofa\n", r':1: expected "id name"'),
    ],
)
def test_broken_class_lists_are_named(tmp_path, text, message):
    path = tmp_path / "classes.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        ClassList.read(path)
    assert "classes.txt" in str(error.value)


def test_scannets_classes_are_those_of_its_benchmark():
    assert len(SCANNET) == 18 and SCANNET.pairs()[-1] == [39, "otherfurniture"]
