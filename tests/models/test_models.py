"""Training of both networks: every term, every gradient, golden values."""

import dataclasses as dc

import keras
import numpy as np
import pytest
import tensorflow as tf
from learning import assert_every_weight_moves, terms_and_gradients, trained

from gspn_tf import models
from gspn_tf.models import GSPN, RPointNet


def values(weights) -> dict[str, np.ndarray]:
    return {weight.path: weight.numpy() for weight in weights}


@pytest.fixture(scope="module")
def gspn(tiny_config) -> GSPN:
    keras.utils.set_random_seed(1)
    return models.build(without_warmup(tiny_config.proposal))


def without_warmup(config, kl_weight=1.0):
    """The prior learns from the KL term alone."""
    return dc.replace(config, kl_warmup_steps=0, kl_weight=kl_weight)


@pytest.fixture
def network(sure_network) -> RPointNet:
    return sure_network


def with_positives(batch, gspn):
    """The batch with the first proposals of `gspn` for objects."""
    scene = {key: value for key, value in batch.items() if key != "targets"}
    proposals = gspn(scene, num_seeds=gspn.config.num_seeds).proposals
    targets = batch["targets"]
    boxes = tf.where(targets["valid"][..., None], proposals.boxes[:, :3], 0.0)
    return batch | {"targets": targets | {"boxes": boxes}}


# Training


@pytest.mark.slow
@pytest.mark.parametrize("semantic_training", ["pretrained", "end_to_end"])
def test_fit_of_the_heads_leaves_the_proposal_network_alone(
    semantic_training, tiny_config, tiny_batch
):
    config = dc.replace(tiny_config, semantic_training=semantic_training)
    model = models.build(config)
    frozen = values(model.proposal_network.weights)
    before = values(model.weights)
    history = trained(model, tiny_batch, steps=2, epochs=1, rate=1e-2)
    assert set(history) == {"loss", *RPointNet.terms}
    assert np.isfinite(list(history.values())).all()
    after = values(model.weights)
    for path in frozen:
        np.testing.assert_array_equal(after[path], frozen[path], err_msg=path)
    moving = [path for path in after if "moving_" in path and path not in frozen]
    if semantic_training == "end_to_end":  # the heads have a network of their own
        moving += [w.path for w in model.hypercolumns.source.trainable_weights]
    assert len(moving) > 10
    assert all((after[path] != before[path]).any() for path in moving)


def test_every_weight_of_gspn_gets_a_gradient(gspn, tiny_batch):
    _, gradients = terms_and_gradients(gspn, tiny_batch)
    assert_every_weight_moves(gradients)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"center_network": "context", "seed_sampling": "random"},
        {"semantic_conditioning": True, "num_context_points": 100},
        {"center_direction": "unit", "center_unit": "metre"},
        {"kind": "released_gspn", "generator_context_units": 0},
        {"kind": "released_literal_gspn"},
    ],
    ids=str,
)
def test_every_weight_of_a_variant_gets_a_gradient(changes, tiny_config, tiny_batch):
    config = without_warmup(dc.replace(tiny_config.proposal, **changes))
    gspn = models.build(config)
    terms, gradients = terms_and_gradients(gspn, tiny_batch)
    assert np.isfinite(list(terms.values())).all()
    assert_every_weight_moves(gradients)


def test_every_weight_of_the_heads_gets_a_gradient(network, tiny_batch):
    batch = with_positives(tiny_batch, network.proposal_network)
    terms, gradients = terms_and_gradients(network, batch)
    assert terms["box"] > 0 and terms["mask"] > 0  # there are positives
    assert_every_weight_moves(gradients)
    frozen = {weight.path for weight in network.proposal_network.weights}
    assert not frozen & set(gradients)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "released_rpointnet"},
        {"region_features": "semantic"},
        {"region_features": "context"},
        {"semantic_training": "end_to_end"},
    ],
    ids=str,
)
def test_every_weight_of_a_variant_of_the_heads_gets_a_gradient(
    changes, tiny_config, tiny_batch
):
    network = models.build(dc.replace(tiny_config, **changes))
    test_every_weight_of_the_heads_gets_a_gradient(network, tiny_batch)


def no_foreground(batch):
    return {
        "semantic": tf.zeros_like(batch["semantic"]),
        "instance": -tf.ones_like(batch["instance"]),
    }


def no_instances(batch):
    empty = {
        key: tf.zeros_like(batch[key][:, :1])
        for key in ("shapes", "boxes", "classes", "valid")
    }
    return no_foreground(batch) | empty


EDGES = {
    "no foreground": (no_foreground, [512, 400]),
    "no instances": (no_instances, [512, 400]),
    "fewer points than seeds": (dict, [5, 1]),
    "an empty scene": (dict, [512, 0]),
}


@pytest.mark.slow
@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("kind", ["gspn", "network"])
def test_terms_are_finite_at_the_edges(kind, edge, tiny_batch, request):
    model = request.getfixturevalue(kind)
    change, num_points = EDGES[edge]
    targets = tiny_batch["targets"] | change(tiny_batch["targets"])
    batch = tiny_batch | {
        "targets": targets,
        "num_points": tf.constant(num_points),
    }
    terms, gradients = terms_and_gradients(model, batch)
    assert set(terms) == set(model.loss_names)
    assert np.isfinite(list(terms.values())).all()
    if change is not dict:
        silent = {"center", "generation", "confidence", "kl", "box", "mask"}
        assert all(terms[name] == 0 for name in silent & set(terms))
    for path, gradient in gradients.items():
        assert gradient is None or np.isfinite(gradient.numpy()).all(), path


def test_seeds_beyond_the_points_do_not_count(gspn, tiny_batch):
    batch = tiny_batch | {"num_points": tf.constant([5, 5])}
    padded, exact = (
        gspn.loss_terms(gspn(batch, num_seeds=seeds), batch) for seeds in (24, 5)
    )
    assert exact["generation"] > 0  # some of the five points are on objects
    for name in gspn.loss_names:
        np.testing.assert_allclose(padded[name], exact[name], rtol=1e-4, err_msg=name)


# Golden values: a change of these is a change of the method.

GOLDEN = {
    "gspn": {
        "center": 1.71282,
        "generation": 1.67819,
        "confidence": 0.783203,
        "kl": 0.0294135,
        "objectness": 0.883044,
        "semantic": 1.47145,
    },
    "network": {"class": 1.40818, "box": 1.12546, "mask": 0.702947},
}


def written(model):
    """Weights from a formula: no generator of random numbers has a say."""
    for weight in model.weights:
        if weight.path.endswith("seed_generator_state") or len(weight.shape) < 2:
            continue
        k = np.arange(np.prod(weight.shape), dtype=np.float64) + 1
        fan_in = np.prod(weight.shape) / weight.shape[-1]
        if len(weight.shape) == 4:  # transposed convolutions: [k, k, units, channels]
            fan_in = weight.shape[-1]
        chirp = 1.4 * np.cos(0.37 * k * k) / fan_in**0.5
        weight.assign(np.reshape(chirp, weight.shape))
    return model


@pytest.mark.parametrize("kind", GOLDEN)
def test_golden_losses(kind, tiny_config, tiny_batch):
    proposal = dc.replace(without_warmup(tiny_config.proposal, 0.5), semantic_dropout=0)
    config = dc.replace(tiny_config, proposal=proposal)
    model = written(models.build(config if kind == "network" else proposal))
    gspn = model.proposal_network if kind == "network" else model
    batch = with_positives(tiny_batch, gspn)
    terms = model.loss_terms(model(batch, training=True), batch)
    found = {name: float(value) for name, value in terms.items()}
    assert found == pytest.approx(GOLDEN[kind], rel=1e-3)
