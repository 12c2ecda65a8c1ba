"""The semantic network by itself, and the proposals that are trained after it."""

import dataclasses as dc

import keras
import numpy as np
import pytest
import tensorflow as tf

from gspn_tf import config as c
from gspn_tf import models
from gspn_tf.models import semantics


@pytest.fixture(scope="module")
def config(tiny_config):
    return dc.replace(
        tiny_config.proposal,
        semantic_inputs="colors_and_height",
        semantic_stage=True,
        semantic_dropout=0.0,
    )


def alone(config):
    return models.build(c.SemanticConfig.of(config))


def scene_of(batch):
    return {key: value for key, value in batch.items() if key != "targets"}


def test_heights_are_over_the_floor_of_the_real_points():
    z = np.float32([[5.0, -9.0, *np.linspace(1, 2, 198)], [0, 3, *[-7] * 198]])
    points = np.stack([z + 40, z - 3, z], -1)
    found = semantics.heights(tf.constant(points), tf.constant([200, 2]))
    floor = np.sort(z[0])[2]  # one in a hundred is lower
    np.testing.assert_allclose(found[0], z[0] - floor, atol=1e-6)
    np.testing.assert_allclose(found[1, :2], [0, 3])


@pytest.mark.parametrize("count", [0, 1])
def test_heights_of_hardly_a_point_are_finite(count):
    points = tf.constant([[[1.0, 2, 3], [4, 5, 6]]])
    found = semantics.heights(points, tf.constant([count])).numpy()
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[0, :count], 0)


@pytest.mark.parametrize("kind", semantics.CHANNELS)
def test_inputs_have_the_channels_that_are_said(kind, tiny_batch, config):
    seen = semantics.semantic_inputs(tiny_batch, kind)
    assert seen.shape == (2, 512, semantics.CHANNELS[kind])
    model = alone(dc.replace(config, semantic_inputs=kind))
    scene = scene_of(tiny_batch)
    logits = model(scene).semantic_logits.numpy()
    assert logits.shape == (2, 512, 4)
    grey = scene | {"colors": tf.zeros_like(scene["colors"])}
    changed = np.abs(model(grey).semantic_logits.numpy() - logits).max() > 0
    assert changed == ("colors" in kind)


def test_it_learns_the_classes_of_a_batch(config, tiny_batch):
    model = alone(dc.replace(config, semantic_balance=0.5))
    model.compile(keras.optimizers.Adam(1e-2))
    batches = tf.data.Dataset.from_tensors(tiny_batch).repeat(40)
    losses = model.fit(batches, verbose=0, shuffle=False).history
    assert list(losses) == ["loss", "semantic"]
    targets, real = tiny_batch["targets"]["semantic"], tiny_batch["num_points"]
    logits = model.predict(tf.data.Dataset.from_tensors(tiny_batch), verbose=0)
    right = np.argmax(logits, -1) == targets.numpy()
    real = tf.sequence_mask(real, 512).numpy()
    assert right[real].mean() > 0.75


def test_the_stage_after_it_leaves_it_as_it_is(config, tiny_batch):
    model = models.build(config)
    assert "semantic" not in model.loss_names
    frozen = {w.path for layer in model.semantic_layers for w in layer.weights}
    assert not frozen & {weight.path for weight in model.trainable_weights}
    assert {w.path for w in model.proposer.trainable_weights} <= {
        weight.path for weight in model.trainable_weights
    }
    before = [w.numpy() for layer in model.semantic_layers for w in layer.weights]
    outputs = model(tiny_batch, training=True)
    assert "semantic" not in model.loss_terms(outputs, tiny_batch)
    after = [w.numpy() for layer in model.semantic_layers for w in layer.weights]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)  # statistics too


def test_it_sees_what_the_whole_network_sees(config, tiny_batch):
    whole, network = models.build(config), alone(config)
    for theirs, own in zip(whole.semantic_layers, network.semantic_layers, strict=True):
        own.set_weights(theirs.get_weights())
    scene = scene_of(tiny_batch)
    np.testing.assert_allclose(
        network(scene).semantic_logits, whole(scene).semantic_logits, atol=1e-5
    )


def test_a_rare_class_counts_more(config, tiny_batch):
    plain, balanced = alone(config), alone(dc.replace(config, semantic_balance=1.0))
    targets = tiny_batch["targets"]["semantic"]
    logits = tf.one_hot(tf.zeros_like(targets), 4) * 9.0  # all background
    outputs = semantics.SemanticOutputs(logits, None)
    real = tf.sequence_mask(tiny_batch["num_points"], 512).numpy()
    shares = np.bincount(targets.numpy()[real], minlength=4) / real.sum()
    wrong, right = np.log(3 + np.exp(9)) - np.array([0.0, 9.0])
    there = np.count_nonzero(shares)
    expected = shares[0] * right + (1 - shares[0]) * wrong
    found = plain.semantic_loss(outputs, tiny_batch)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    expected = (right + (there - 1) * wrong) / there  # each class as much
    found = balanced.semantic_loss(outputs, tiny_batch)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
