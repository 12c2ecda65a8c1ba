"""SGPN: its loss against a naive one, its network, and its way through the programs."""

import dataclasses as dc
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from command_line import error_of, gspn, write_scans
from learning import assert_every_weight_moves, terms_and_gradients, trained

from gspn_tf import config as c
from gspn_tf import models
from gspn_tf.config import loading as config_loading
from gspn_tf.files.ply import write_ply
from gspn_tf.inference import segmenter as inference
from gspn_tf.models import SGPN
from gspn_tf.models.sgpn import random_rows
from gspn_tf.nn import losses


@pytest.fixture(scope="module")
def tiny_sgpn(tiny_sgpn) -> c.SGPNConfig:
    """Wide enough to learn. Not to be changed in place."""
    return dc.replace(
        tiny_sgpn,
        branch_units=(32,),
        similarity_size=16,
        num_similarity_points=128,
        same_class_warmup_steps=4,
        similarity_weight=0.1,
        min_confidence=c.SGPNConfig().min_confidence,
    )


# Losses


def naive_hinge(similarity, instance, classes, margins):
    """Pairs of instances, pairs of points: means of means."""
    parts = ([], [], [])
    for scene, owner, labels in zip(similarity, instance, classes, strict=True):
        for a in set(owner) - {-1}:
            for b in set(owner) - {-1}:
                rows, columns = np.flatnonzero(owner == a), np.flatnonzero(owner == b)
                values = scene[np.ix_(rows, columns)]
                if a == b:
                    parts[0].append(values.mean())
                elif labels[rows[0]] == labels[columns[0]]:
                    parts[1].append(np.maximum(0, margins[0] - values).mean())
                else:
                    parts[2].append(np.maximum(0, margins[1] - values).mean())
    return [np.mean(part) if part else 0.0 for part in parts]


def labelled(seed, objects):
    rng = np.random.default_rng(seed)
    similarity = np.float32(rng.uniform(0, 100, (2, 30, 30)))
    instance = rng.integers(-1, objects, (2, 30))
    return similarity, instance, np.where(instance < 0, 0, instance % 2 + 1)


@pytest.mark.parametrize("seed, objects", [(0, 4), (2, 1), (3, 0)])
def test_double_hinge_is_that_of_the_paper(seed, objects):
    arguments = labelled(seed, objects)
    found = losses.double_hinge(*map(tf.constant, arguments), (10.0, 80.0))
    np.testing.assert_allclose(found, naive_hinge(*arguments, (10.0, 80.0)), rtol=1e-5)


def test_groups_are_compared_with_the_instances():
    similarity, instance, _ = labelled(4, 3)
    group = similarity < 40
    found = losses.group_iou(tf.constant(group), tf.constant(instance)).numpy()
    for scene in range(2):
        for i in range(30):
            owner = instance[scene]
            mine = set(np.flatnonzero(group[scene, i] & (owner >= 0)))
            true = set(np.flatnonzero(owner == owner[i]))
            expected = len(mine & true) / len(mine | true) if owner[i] >= 0 else 0
            assert found[scene, i] == pytest.approx(expected)


def test_pairs_are_of_points_on_objects():
    mask = tf.constant([[True, False] * 50, [False] * 99 + [True]])
    rows = random_rows(mask, 50, tf.constant([1, 2])).numpy()
    assert sorted(rows[0]) == list(range(0, 100, 2))
    assert 99 in rows[1] and len(set(rows[1])) == 50
    assert (rows != random_rows(mask, 50, tf.constant([1, 3])).numpy()).any()
    assert random_rows(mask, 200, tf.constant([1, 2])).shape == (2, 100)


# The network


def test_every_weight_gets_a_gradient(tiny_sgpn, tiny_batch):
    terms, gradients = terms_and_gradients(models.build(tiny_sgpn), tiny_batch)
    assert tuple(terms) == SGPN.terms
    assert_every_weight_moves(gradients)


def test_confidence_does_not_move_the_similarity(tiny_sgpn, tiny_batch):
    model = models.build(tiny_sgpn)
    with tf.GradientTape() as tape:
        outputs = model(tiny_batch, training=True)
        loss = model.loss_terms(outputs, tiny_batch)["confidence"]
    found = tape.gradient(loss, [w.value for w in model.similarity.trainable_weights])
    assert found == [None] * len(found)


def test_the_weight_of_one_class_grows(tiny_sgpn, tiny_batch):
    model = models.build(tiny_sgpn)
    assert model.learn(tiny_batch, training=False).same_class_weight == 10
    found = []
    for step in range(6):
        model.steps.assign(step)
        found.append(float(model.same_class_weight()))
    assert found == [2, 4, 6, 8, 10, 10]


def test_padding_changes_no_loss(tiny_sgpn, tiny_batch):
    model = models.build(tiny_sgpn)
    second = tf.nest.map_structure(lambda x: x[1:], tiny_batch)
    junk = dict(second, targets=dict(second["targets"]))
    real = tf.sequence_mask(second["num_points"], 512)[..., None]
    for name in ("points", "colors"):
        junk[name] = tf.where(real, second[name], 7.0)
    expected, found = (
        model.loss_terms(model.learn(batch, training=False), batch)
        for batch in (second, junk)
    )
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, err_msg=name)


@pytest.mark.slow
def test_it_finds_the_objects_that_it_learnt(tiny_sgpn, tiny_batch):
    model = models.build(tiny_sgpn)
    history = trained(model, tiny_batch, steps=60, epochs=3, rate=1e-2)
    assert set(history) == {"loss", *SGPN.terms}
    scene = {key: value for key, value in tiny_batch.items() if key != "targets"}
    found, truth = model(scene).detections, tiny_batch["targets"]["instance"]
    assert not found.masks.numpy().sum(1).max() > 1
    for row, objects in enumerate((3, 2)):
        boxes, classes, scores, masks, valid = (x[row].numpy() for x in found)
        assert valid.sum() == objects and not masks[~valid].any()
        assert (np.diff(scores[valid]) <= 0).all() and (scores[valid] > 0.5).all()
        for mask, label in zip(masks[valid], classes[valid], strict=True):
            true = truth[row].numpy() == label - 1  # class of instance i
            assert (mask & true).sum() / (mask | true).sum() > 0.8


def test_detections_do_not_see_the_padding(tiny_sgpn, tiny_scene):
    model = models.build(dc.replace(tiny_sgpn, min_confidence=0.0))
    both = model.detect(tiny_scene).detections
    count = int(tiny_scene["num_points"][1])
    alone = {name: value[1:] for name, value in tiny_scene.items()}
    alone |= {name: alone[name][:, :count] for name in ("points", "colors")}
    single = model.detect(alone).detections
    assert single.valid.numpy().any()
    np.testing.assert_array_equal(both.masks[1, :, :count], single.masks[0])
    assert not both.masks[1, :, count:].numpy().any()
    np.testing.assert_allclose(both.boxes[1], single.boxes[0], atol=1e-5)


def test_constant_scores(tiny_sgpn, tiny_scene):
    model = models.build(dc.replace(tiny_sgpn, min_confidence=0.0))
    ranked = model.detect(tiny_scene).detections
    model.constant_scores = True
    found = model.detect(tiny_scene).detections
    np.testing.assert_array_equal(found.scores, tf.cast(found.valid, tf.float32))
    np.testing.assert_array_equal(found.masks, ranked.masks)  # in the same order


# Whole scans


@pytest.mark.parametrize("count", [1, 2, 3000])
def test_scans_of_any_size(tiny_sgpn, count):
    model = models.build(dc.replace(tiny_sgpn, min_confidence=0.0))
    points = np.random.default_rng(0).uniform(0, 4, (count, 3))
    found = inference.Segmenter(model, 256).segment(points + 1e4)
    assert found.semantic.shape == (count,) and found.proposals.shape == (0, 6)
    assert len(found.boxes) == len(found.masks) == len(found.scores)
    for mask, box in zip(found.masks, found.boxes, strict=True):
        assert (np.diff(mask) > 0).all() and mask[-1] < count
        assert np.median(np.abs(points[mask] + 1e4 - box[:3]) - box[3:] / 2) < 0.1
    owned = np.concatenate([[-1], *found.masks])
    assert len(np.unique(owned)) == len(owned)  # no point is of two instances
    assert len(found.masks) > 0 or count < 100


# Configs and programs


TEXT = (Path(__file__).parents[2] / "docs" / "differences.md").read_text()


@pytest.mark.parametrize(
    "column, name",
    [(4, "scannet.py:sgpn_paper")]
    + [(5, f"{file}.py:sgpn") for file in ("rooms", "parts", "views", "scannet")],
)
def test_the_fields_are_as_documented(column, name):
    model = config_loading.load_config(f"configs/{name}").model
    rows = [line.split(" | ") for line in TEXT.split("\n## SGPN\n")[1].splitlines()]
    said = {row[2].split("`")[1]: row[column - 1] for row in rows if len(row) == 6}
    del said["config.model"]  # the header
    fields = {field.name for field in dc.fields(model)}
    assert set(said) == fields - {"kind", "num_classes", "backbone"}
    for field, text in said.items():
        assert text == str(getattr(model, field)), field


@pytest.mark.slow
def test_the_commands_take_an_sgpn(tmp_path, tiny_sgpn, capsys):
    write_scans(tmp_path / "scans")
    config = c.Config(
        model=dc.replace(tiny_sgpn, min_confidence=0.0),
        data=c.DataConfig(num_points=256, num_points_inference=256),
        train=c.TrainConfig(batch_size=1, sgpn=c.StageConfig(epochs=1)),
    )
    (tmp_path / "sgpn.json").write_text(c.to_json(config))
    scans, data, run = (tmp_path / name for name in ("scans", "data", "run"))
    assert not gspn(
        "prepare", "own", "--source", scans, "--classes", scans / "classes.txt",
        "--output", data, "--val_fraction", 0.3,
    )  # fmt: skip
    given = (f"--config={tmp_path / 'sgpn.json'}", "--data", data)
    assert not gspn("train", *given, "--run", run)
    model, *_ = inference.load_run(run)
    assert float(model.steps) > 0
    with np.load(scans / "scan_0.npz") as scan:
        write_ply(tmp_path / "scan.ply", scan["points"], scan["colors"])
    output = tmp_path / "out"
    assert not gspn(
        "segment", tmp_path / "scan.ply", "--model", run, "--output", output
    )
    page = (output / "index.html").read_text()
    assert '"instances"' in page and '"proposals"' not in page
    for scores in ("ranked", "constant"):
        assert not gspn("evaluate", "--run", run, "--data", data, "--scores", scores)
    printed = capsys.readouterr().out
    assert "preset sgpn" in printed and "proposals:" not in printed
    assert gspn("export", "--model", run, "--output", tmp_path / "saved") == 1
    assert "only an RPointNet can be exported" in error_of(capsys)
