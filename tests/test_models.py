"""Both networks: training, gradients, saving, and the laws that results obey."""

import dataclasses as dc

import keras
import numpy as np
import pytest
import tensorflow as tf

from gspn_tf import models
from gspn_tf.models import GSPN, RPointNet
from gspn_tf.types import Proposals

STEPS, EPOCHS = 20, 2  # of the overfitted scene


def trained(model, batch, steps, epochs, rate):
    """The history of `fit` on one batch, again and again."""
    model.compile(keras.optimizers.Adam(rate), jit_compile=False)
    repeated = tf.data.Dataset.from_tensors(batch).repeat(steps)
    return model.fit(repeated, epochs=epochs, verbose=0).history


def scene_of(batch) -> dict:
    """What the networks see at test time."""
    return {key: value for key, value in batch.items() if key != "targets"}


def values(weights) -> dict[str, np.ndarray]:
    return {weight.path: weight.numpy() for weight in weights}


@pytest.fixture(scope="module")
def gspn(tiny_config) -> GSPN:
    keras.utils.set_random_seed(1)
    model = models.build(tiny_config.proposal)
    model.kl_weight.assign(1.0)  # the prior learns from this term alone
    return model


@pytest.fixture
def network(sure_network) -> RPointNet:
    return sure_network


def with_positives(batch, network):
    """The batch with the first proposals of `network` for objects."""
    seeds = network.config.proposal.num_seeds
    proposals = network.proposal_network(scene_of(batch), num_seeds=seeds)["proposals"]
    targets = batch["targets"]
    boxes = tf.where(targets["valid"][..., None], proposals.boxes[:, :3], 0.0)
    return batch | {"targets": targets | {"boxes": boxes}}


@pytest.fixture(scope="module")
def detected(sure_network, tiny_batch):
    return sure_network.detect(scene_of(tiny_batch))


def terms_and_gradients(model, batch, training=True):
    """Loss terms and the gradient of each trainable weight; leaves the model alone."""
    before = model.get_weights()
    with tf.GradientTape() as tape:
        terms = model.loss_terms(model(batch, training=training), batch)
        loss = tf.add_n(list(terms.values()))
    weights = model.trainable_weights
    found = tape.gradient(loss, weights)
    assert all(np.isfinite(value).all() for value in model.get_weights())
    model.set_weights(before)
    return terms, {w.path: g for w, g in zip(weights, found, strict=True)}


def assert_every_weight_moves(gradients):
    assert len(gradients) > 20
    dead = [
        path
        for path, gradient in gradients.items()
        if gradient is None or not np.abs(gradient.numpy()).max() > 0
    ]
    assert not dead


# Training


def test_fit_overfits_one_batch_and_logs_every_term(tiny_config, tiny_batch):
    model = models.build(tiny_config.proposal)
    model.kl_weight.assign(0.01)
    history = trained(model, tiny_batch, STEPS, EPOCHS, 5e-3)
    assert set(history) == {"loss", *GSPN.terms}
    assert np.isfinite(list(history.values())).all()
    total = np.sum([history[name] for name in GSPN.terms], 0)
    np.testing.assert_allclose(history["loss"], total, rtol=1e-4)
    assert history["loss"][1] < 0.6 * history["loss"][0]


def test_fit_of_the_heads_leaves_the_proposal_network_alone(tiny_config, tiny_batch):
    model = models.build(tiny_config)
    frozen = values(model.proposal_network.weights)
    before = values(model.weights)
    history = trained(model, tiny_batch, steps=2, epochs=1, rate=1e-2)
    assert set(history) == {"loss", *RPointNet.terms}
    assert np.isfinite(list(history.values())).all()
    after = values(model.weights)
    for path in frozen:
        np.testing.assert_array_equal(after[path], frozen[path], err_msg=path)
    moving = [path for path in after if "moving_" in path and path not in frozen]
    assert len(moving) > 10
    assert all((after[path] != before[path]).any() for path in moving)


def test_both_networks_learn_together_where_the_config_says_so(tiny_config, tiny_batch):
    model = models.build(dc.replace(tiny_config, train_proposals=True))
    model.proposal_network.kl_weight.assign(1.0)
    terms, gradients = terms_and_gradients(model, tiny_batch)
    assert set(terms) == {*RPointNet.terms, *GSPN.terms} == set(model.loss_names)
    proposing = [w.path for w in model.proposal_network.trainable_weights]
    assert_every_weight_moves({path: gradients[path] for path in proposing})


def test_every_weight_of_gspn_gets_a_gradient(gspn, tiny_batch):
    _, gradients = terms_and_gradients(gspn, tiny_batch)
    assert_every_weight_moves(gradients)


def test_every_weight_of_the_heads_gets_a_gradient(network, tiny_batch):
    batch = with_positives(tiny_batch, network)
    terms, gradients = terms_and_gradients(network, batch)
    assert terms["box"] > 0 and terms["mask"] > 0  # there are positives
    assert_every_weight_moves(gradients)
    frozen = {weight.path for weight in network.proposal_network.weights}
    assert not frozen & set(gradients)


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


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("kind", ["gspn", "network"])
def test_terms_are_finite_at_the_edges(kind, edge, training, tiny_batch, request):
    model = request.getfixturevalue(kind)
    change, num_points = EDGES[edge]
    targets = tiny_batch["targets"] | change(tiny_batch["targets"])
    batch = tiny_batch | {
        "targets": targets,
        "num_points": tf.constant(num_points),
    }
    terms, gradients = terms_and_gradients(model, batch, training)
    assert set(terms) == set(model.terms)
    assert np.isfinite(list(terms.values())).all()
    if change is not dict:
        silent = {"center", "generation", "confidence", "kl", "box", "mask"}
        assert all(terms[name] == 0 for name in silent & set(terms))
    for path, gradient in gradients.items():
        assert gradient is None or np.isfinite(gradient.numpy()).all(), path


# Saving


def assert_same_detections(found, expected, atol=1e-6):
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(a, b, atol=atol)


def shaken(model):
    """With other weights than those it was made with, and instances to detect."""
    for i, weight in enumerate(model.weights):
        noise = tf.random.stateless_uniform(weight.shape, [i, 5], 0.9, 1.1)
        if weight.dtype == "float32":
            weight.assign(weight * noise + 0.01 * noise)
    model.box_head.class_output.bias.assign([-9.0, 1, 1, 1])
    return model


@pytest.fixture(scope="module")
def original(tiny_config, tiny_batch):
    """A model of no particular weights, and what it detects."""
    keras.utils.set_random_seed(2)
    model = shaken(models.build(tiny_config))
    found = model.detect(scene_of(tiny_batch))
    assert found["detections"].valid.numpy().any()
    return model, found


def test_weights_are_restored(original, tiny_config, tiny_batch, tmp_path):
    model, expected = original
    model.save_weights(tmp_path / "model.weights.h5")
    keras.utils.set_random_seed(3)
    other = models.build(tiny_config)  # never called: its weights are there already
    other.load_weights(tmp_path / "model.weights.h5")
    assert_same_detections(other.detect(scene_of(tiny_batch)), expected)


def test_a_whole_model_is_restored(original, tiny_batch, tmp_path):
    model, expected = original
    model.save(tmp_path / "model.keras")
    other = keras.models.load_model(tmp_path / "model.keras")
    assert type(other) is RPointNet
    assert other.config == model.config
    assert other.proposal_network.trainable is False
    assert_same_detections(other.detect(scene_of(tiny_batch)), expected)


def test_gspn_is_restored(gspn, tiny_batch, tmp_path):
    gspn.save(tmp_path / "gspn.keras")
    other = keras.models.load_model(tmp_path / "gspn.keras")
    assert other.config == gspn.config
    found, expected = (m(scene_of(tiny_batch))["proposals"] for m in (other, gspn))
    assert_same_detections(found, expected)


# Detections


def test_detections_are_in_order_and_padded_with_zeros(
    detected, network, tiny_batch, monkeypatch
):
    # Half of the masks are empty: no point is sure enough.
    threshold = np.median(detected["region_masks"].numpy().max(-1))
    monkeypatch.setattr(network.config, "mask_threshold", threshold)
    found = network.detect(scene_of(tiny_batch))["detections"]
    valid = found.valid.numpy()
    assert valid.any() and not valid.all()
    assert found.masks.shape == (2, 6, 512)
    for scores, real in zip(found.scores.numpy(), valid, strict=True):
        assert (np.diff(scores[real]) <= 0).all()
    assert (found.classes.numpy()[valid] > 0).all()
    assert found.masks.numpy().any(-1)[valid].all()
    for value in found:
        assert not value.numpy()[~valid].any()


def test_masks_lie_within_boxes(detected, tiny_batch):
    found, points = detected["detections"], tiny_batch["points"]
    far = tf.abs(points[:, None] - found.boxes[:, :, None, :3])  # [B, D, N, 3]
    outside = tf.reduce_any(far > found.boxes[:, :, None, 3:] / 2 + 1e-5, -1)
    assert found.masks.numpy().any()
    assert not (found.masks.numpy() & outside.numpy()).any()
    assert not found.masks.numpy()[1, :, 400:].any()  # padding


def test_detections_of_a_class_do_not_overlap(detected, network):
    found = detected["detections"]
    for b in range(2):
        real = found.valid[b]
        boxes, classes = found.boxes[b][real], found.classes[b][real]
        iou = models.rpointnet.box_lib.pairwise_iou(boxes, boxes).numpy()
        same = (classes[:, None] == classes[None]).numpy() & ~np.eye(
            len(boxes), dtype=bool
        )
        assert iou[same].max(initial=0) <= network.config.detection_iou + 1e-5


def test_suppression_works_class_by_class():
    boxes = tf.constant([[[0.0, 0, 0, 1, 1, 1]] * 3 + [[5.0, 0, 0, 1, 1, 1]]])
    scores = tf.constant([[0.5, 0.9, 0.7, 0.6]])
    valid = tf.constant([[True, True, True, True]])
    rows, real = models.rpointnet.suppress_by_class(
        Proposals(boxes, scores, valid), tf.constant([[1, 1, 2, 1]]), 3, 0.3, 4
    )
    np.testing.assert_array_equal(real, [[True, True, True, False]])
    np.testing.assert_array_equal(rows[:, :3], [[1, 2, 3]])


def test_results_repeat(network, detected, tiny_batch):
    again = network.detect(scene_of(tiny_batch))
    assert_same_detections(again, detected, atol=0)


# Laws


def assert_moved(found, expected, shift=0.0, atol=1e-4):
    """Boxes shifted, the rest the same, on all points of the scene `expected`."""
    shift = np.pad(np.broadcast_to(np.float32(shift), 3), (0, 3))
    for kind in ("detections", "proposals"):
        a, b = found[kind], expected[kind]
        real = b.valid.numpy()
        np.testing.assert_array_equal(a.valid, real)
        np.testing.assert_allclose(a.boxes[real], b.boxes[real] + shift, atol=atol)
        np.testing.assert_allclose(a.scores[real], b.scores[real], atol=atol)
    a, b = found["detections"], expected["detections"]
    length = b.masks.shape[2]
    np.testing.assert_array_equal(a.classes, b.classes)
    np.testing.assert_array_equal(a.masks[..., :length], b.masks)
    assert not a.masks.numpy()[..., length:].any()


def test_padding_changes_nothing(network, detected, tiny_batch):
    rows = [[0, 0], [0, 70], [0, 0]]
    scene = scene_of(tiny_batch) | {
        "points": tf.pad(tiny_batch["points"], rows, constant_values=0.5),
        "colors": tf.pad(tiny_batch["colors"], rows, constant_values=0.5),
    }
    assert_moved(network.detect(scene), detected)


def test_scenes_of_a_batch_do_not_mix(network, detected, tiny_batch):
    turned = {key: value[:1] for key, value in scene_of(tiny_batch).items()}
    found = network.detect(turned)["proposals"]
    expected = detected["proposals"]
    np.testing.assert_allclose(found.boxes[0], expected.boxes[0], atol=1e-4)
    np.testing.assert_allclose(found.scores[0], expected.scores[0], atol=1e-4)


def test_a_moved_scene_gives_moved_results(network, detected, tiny_batch):
    shift = np.float32([3, -5, 2])
    scene = scene_of(tiny_batch)
    moved = network.detect(scene | {"points": scene["points"] + shift})
    assert_moved(moved, detected, shift)


# Golden values: a change of these is a change of the method.

GOLDEN = {
    ("gspn", False): {
        "center": 10.3904,
        "generation": 12.5908,
        "confidence": 0.70026,
        "kl": 0.000357612,
        "objectness": 0.820572,
        "semantic": 1.38805,
    },
    ("gspn", True): {
        "center": 10.4347,
        "generation": 7.28241,
        "confidence": 0.720669,
        "kl": 0.000356506,
        "objectness": 0.830945,
        "semantic": 1.38234,
    },
    ("network", False): {"class": 1.37176, "box": 0.0141632, "mask": 0.692698},
    ("network", True): {"class": 1.54979, "box": 0.146605, "mask": 0.754741},
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
        weight.assign(np.reshape(np.cos(0.37 * k * k) / fan_in**0.5, weight.shape))
    return model


@pytest.mark.parametrize("kind, training", GOLDEN)
def test_golden_losses(kind, training, tiny_config, tiny_batch):
    proposal = dc.replace(tiny_config.proposal, semantic_dropout=0.0)
    network = written(models.build(dc.replace(tiny_config, proposal=proposal)))
    network.proposal_network.kl_weight.assign(0.5)
    batch = with_positives(tiny_batch, network)
    model = network if kind == "network" else network.proposal_network
    terms = model.loss_terms(model(batch, training=training), batch)
    found = {name: float(value) for name, value in terms.items()}
    assert found == pytest.approx(GOLDEN[kind, training], rel=1e-3)
