"""What a Keras user types: compile, fit, evaluate, predict, save."""

import dataclasses as dc

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import gspn_tf
from gspn_tf import config as c
from gspn_tf import models
from gspn_tf.types import Detections, Proposals

SLOW = pytest.mark.slow


@pytest.fixture(scope="module")
def gspn_config(tiny_config) -> c.GSPNConfig:
    """The KL term counts from the second step on. Not to be changed in place."""
    return dc.replace(tiny_config.proposal, kl_warmup_steps=4)


def fitted(config, batch, steps: int = 8, **options):
    """A model after eight steps, and the losses of each."""
    keras.utils.set_random_seed(0)
    model, losses = models.build(config), []
    model.compile("adam", **options)
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: losses.append(logs["loss"])
    )
    batches = tf.data.Dataset.from_tensors(batch).repeat(steps)
    model.fit(batches, epochs=8 // steps, callbacks=[note], verbose=0, shuffle=False)
    return model, losses


def prior_of(model) -> list[np.ndarray]:
    return [w.numpy() for w in model.proposer.vae.prior.trainable_weights]


@pytest.mark.long
def test_plain_adam_anneals_and_moves_the_prior(gspn_config, tiny_batch):
    keras.utils.set_random_seed(0)
    before = prior_of(models.build(gspn_config))
    model, _ = fitted(gspn_config, tiny_batch)
    assert int(model.steps) == int(model.optimizer.iterations) == 8
    assert float(model.kl_weight) == pytest.approx(1 - 0.7**8)
    pairs = zip(before, prior_of(model), strict=True)
    assert all((old != new).any() for old, new in pairs)
    assert model.jit_compile is False
    (norm, *_) = model.semantic_mlp.norms
    assert float(norm.schedule()) == 0.5  # the first stair


@pytest.mark.slow
@pytest.mark.parametrize("kind", [pytest.param("gspn", marks=pytest.mark.long), "sgpn"])
def test_steps_per_execution_changes_no_loss(kind, gspn_config, tiny_sgpn, tiny_batch):
    config = {"gspn": gspn_config, "sgpn": tiny_sgpn}[kind]
    config = dc.replace(
        config, backbone=dc.replace(config.backbone, norm_decay_steps=2)
    )
    one, expected = fitted(config, tiny_batch)
    eight, found = fitted(config, tiny_batch, steps_per_execution=8)
    assert found == pytest.approx(expected, rel=1e-5)
    for a, b in zip(
        one.non_trainable_weights, eight.non_trainable_weights, strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4, err_msg=a.path)


@pytest.mark.slow
def test_predict_gives_proposals(gspn_config, tiny_batch, tiny_scene):
    model = models.build(gspn_config)
    model.compile("adam")
    labelled, alone = (
        model.predict(tf.data.Dataset.from_tensors(batch).repeat(2), verbose=0)
        for batch in (tiny_batch, tiny_scene)
    )
    assert isinstance(labelled, Proposals) and labelled.boxes.shape == (4, 32, 6)
    for a, b in zip(labelled, alone, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    logs = model.evaluate(
        tf.data.Dataset.from_tensors(tiny_batch), return_dict=True, verbose=0
    )
    assert set(logs) == {"loss", *model.loss_names}


@pytest.mark.parametrize("kind", [pytest.param("rpointnet", marks=SLOW), "sgpn"])
def test_predict_gives_detections(kind, tiny_config, tiny_sgpn, tiny_batch):
    model = models.build({"rpointnet": tiny_config, "sgpn": tiny_sgpn}[kind])
    model.compile("adam")
    batches = tf.data.Dataset.from_tensors(tiny_batch).repeat(2)
    found = model.predict(batches, verbose=0)
    assert isinstance(found, Detections) and found.masks.shape == (4, 6, 512)
    logs = model.evaluate(batches, return_dict=True, verbose=0)
    assert set(logs) == {"loss", *model.loss_names}
    history = model.fit(batches, verbose=0, shuffle=False).history
    assert set(history) == set(logs) and int(model.steps) == 2


@pytest.mark.slow
def test_a_compiled_model_is_saved_whole(gspn_config, tiny_batch, tmp_path):
    model = models.build(gspn_config)
    stage = c.StageConfig(schedule="cosine", learning_rate=0.5)
    model.compile(gspn_tf.optimizer(stage, total_steps=8))
    batches = tf.data.Dataset.from_tensors(tiny_batch).repeat(4)
    model.fit(batches, verbose=0, shuffle=False)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert int(again.steps) == int(again.optimizer.iterations) == 4
    assert float(again.optimizer.learning_rate) == pytest.approx(0.25, rel=1e-4)
    states = [
        # Keras saves no random generators.
        {v.path: v.numpy() for v in [*each.weights, *each.optimizer.variables]}
        for each in (model, again)
    ]
    pairs = zip(*(state.items() for state in states), strict=True)
    for (name, old), (_, new) in pairs:
        np.testing.assert_array_equal(old, new, err_msg=name)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"loss": "mse"}, "compile takes no loss.*AveragePrecision"),
        ({"metrics": ["accuracy"]}, "compile takes no loss"),
        ({"jit_compile": True}, "jit_compile must be False or 'auto', got True"),
    ],
)
def test_what_compile_cannot_do_is_an_error(options, message, gspn_config):
    with pytest.raises(ValueError, match=message):
        models.build(gspn_config).compile("adam", **options)


def test_batches_that_do_not_fit_are_errors(tiny_sgpn, tiny_batch, tiny_scene):
    model = models.build(dc.replace(tiny_sgpn, num_classes=3))
    model.compile("adam")
    before = [weight.numpy() for weight in model.trainable_weights]
    message = r"num_classes of the network is 3, .* \[3\]"  # the class
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        model.fit(tf.data.Dataset.from_tensors(tiny_batch), verbose=0, shuffle=False)
    for old, new in zip(before, model.trainable_weights, strict=True):
        np.testing.assert_array_equal(old, new)
    with pytest.raises(ValueError, match="num_points, targets, got .*points"):
        model.evaluate(tf.data.Dataset.from_tensors(tiny_scene), verbose=0)


def test_what_is_no_batch_is_an_error(tiny_sgpn, tiny_scene):
    model = models.build(tiny_sgpn)
    message = "SGPN needs a batch .*a dict with points, colors, num_points, got "
    with pytest.raises(ValueError, match=message + "EagerTensor"):
        model(tiny_scene["points"])
    with pytest.raises(ValueError, match=message + r"\['colors', 'points'\]"):
        model({name: tiny_scene[name] for name in ("points", "colors")})
    with pytest.raises(ValueError, match=message):
        model.predict(tiny_scene["points"], verbose=0)


@pytest.mark.parametrize(
    "network, config, message",
    [
        (models.GSPN, c.Config(), "config of GSPN must be a GSPNConfig.*got Config"),
        (models.GSPN, c.RPointNetConfig(), "got RPointNetConfig"),
        (models.RPointNet, c.GSPNConfig(), "must be a RPointNetConfig"),
        (models.SGPN, {"num_classes": 3}, "must be a SGPNConfig.*got dict"),
        (models.SemanticNetwork, c.GSPNConfig(), "SemanticConfig"),
    ],
)
def test_the_config_of_another_network_is_an_error(network, config, message):
    with pytest.raises(ValueError, match=message):
        network(config)


def is_steps(item) -> bool:
    return isinstance(item, h5py.Dataset) and item.dtype == np.int64


def test_weights_of_earlier_versions_are_read(tiny_config, tmp_path):
    """They had the KL weight in place of the steps, and R-PointNet had no steps."""
    path, model = tmp_path / "old.weights.h5", models.build(tiny_config)
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visititems(lambda name, x: names.append(name) if is_steps(x) else None)
        own, proposals = sorted(names, key=len)
        del file[own], file[proposals]
        file[proposals] = np.float32(0.76)
    again = models.build(tiny_config)
    again.load_weights(path)
    assert int(again.steps) == int(again.proposal_network.steps) == 0
    for a, b in zip(model.trainable_weights, again.trainable_weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_names_alone_are_no_classes(tiny_sgpn):
    with pytest.raises(ValueError, match="pairs of raw id and name, got .'bed'"):
        models.SGPN(tiny_sgpn, classes=["bed", "chair", "door"])


def test_a_whole_config_is_no_options_of_data(data_dir):
    load = {"batch_size": 2, "training": True, "seed": 0}
    with pytest.raises(ValueError, match="must be a DataConfig, .* got Config"):
        gspn_tf.data.load(str(data_dir), "train", c.Config(), **load)
