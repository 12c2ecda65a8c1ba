"""Networks whose products are in half precision are near those in float32."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from learning import terms_and_gradients

from gspn_tf import config as c
from gspn_tf import models

HALVES = {"bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def built(config, **options):
    keras.utils.set_random_seed(3)
    return models.build(config, **options)


@pytest.fixture(params=["gspn", "rpointnet", "sgpn"])
def config(request, tiny_config):
    proposal = tiny_config.proposal
    sgpn = c.SGPNConfig(num_classes=4, backbone=proposal.backbone, branch_units=(32,))
    return {"gspn": proposal, "rpointnet": tiny_config, "sgpn": sgpn}[request.param]


@pytest.mark.parametrize("precision", HALVES)
def test_losses_are_near(precision, config, tiny_batch):
    expected, _ = terms_and_gradients(built(config), tiny_batch)
    model = built(config, precision=precision)
    found, gradients = terms_and_gradients(model, tiny_batch)
    assert {w.dtype for w in model.trainable_weights} == {"float32"}
    for name, value in expected.items():
        assert found[name].dtype == tf.float32
        np.testing.assert_allclose(found[name], value, rtol=0.2, atol=0.1, err_msg=name)
    for path, gradient in gradients.items():
        assert np.isfinite(gradient).all(), path


@pytest.mark.parametrize("precision", HALVES)
def test_instances_are_float32(precision, tiny_config, tiny_batch):
    scene = {key: value for key, value in tiny_batch.items() if key != "targets"}
    outputs = {
        each: built(tiny_config, precision=each).detect(scene)
        for each in ("float32", precision)
    }
    exact, found = outputs["float32"], outputs[precision]
    for a, b in zip(tf.nest.flatten(exact), tf.nest.flatten(found), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
    difference = found.semantic_logits - exact.semantic_logits
    assert 0 < np.abs(difference).max() < 0.05 * np.abs(exact.semantic_logits).max()


def test_a_policy_of_keras_counts(tiny_config):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = models.build(tiny_config.proposal)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.semantic_mlp.compute_dtype == "bfloat16"
    assert model.semantic_output.compute_dtype == "float32"


@pytest.mark.slow
@pytest.mark.parametrize(
    "precision", ["bfloat16", pytest.param("float16", marks=pytest.mark.long)]
)
def test_fit(precision, tiny_config, tiny_batch):
    model = built(tiny_config.proposal, precision=precision)
    model.compile("adam", jit_compile=False)
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (precision == "float16")
    batches = tf.data.Dataset.from_tensors(tiny_batch).repeat(4)
    history = model.fit(batches, epochs=2, verbose=0, shuffle=False).history
    assert np.isfinite(history["loss"]).all()
    assert history["loss"][1] < history["loss"][0]
