"""The proposal networks that Table 4 compares, against plain NumPy and in training."""

import dataclasses as dc

import keras
import numpy as np
import pytest
import tensorflow as tf
from learning import assert_every_weight_moves, terms_and_gradients, trained

from gspn_tf import models
from gspn_tf.models.proposers import anchors
from gspn_tf.nn import assignment
from gspn_tf.nn import boxes as box_lib

RIVALS = ("boxes", "segments")
DESIGNS = [
    {"proposer": "boxes"},
    {"proposer": "segments"},
    {"generator": "encoder_decoder"},
    {"center_network": "none"},
    {"context_radii": (1.0,), "context_neighbors": (16,)},
]


@pytest.fixture(scope="module")
def networks(tiny_config):
    """A GSPN of each rival proposer."""
    keras.utils.set_random_seed(3)
    return {
        name: models.build(dc.replace(tiny_config.proposal, proposer=name))
        for name in RIVALS
    }


@pytest.fixture(scope="module")
def found(networks, tiny_batch):
    """Their outputs, and the truth at their seeds."""
    outputs = {name: net(tiny_batch) for name, net in networks.items()}
    truths = {
        name: net.truth_of(outputs[name], tiny_batch) for name, net in networks.items()
    }
    return outputs, truths


# Anchors


def test_anchors_are_nine_shapes_in_each_sphere():
    sizes = anchors.anchor_sizes((0.5, 1.0, 1.5))
    assert sizes.shape == (27, 3)
    radii = np.linalg.norm(sizes / 2, axis=1)
    np.testing.assert_allclose(radii, np.repeat([0.5, 1.0, 1.5], 9), rtol=1e-6)
    ratios = {(round(x / y, 3), round(z / (x * y) ** 0.5, 3)) for x, y, z in sizes}
    assert ratios == {(a, b) for a in (0.5, 1.0, 2.0) for b in (0.5, 1.0, 2.0)}


def test_anchors_are_around_the_predicted_centers(networks, found, tiny_batch):
    outputs = found[0]["boxes"]
    seeds = tf.gather(tiny_batch["points"], outputs.seeds, batch_dims=1)
    centers = seeds + outputs.centers.direction * outputs.centers.distance[..., None]
    got = outputs.proposed.anchors
    assert got.shape == (2, 32, 18, 6)  # two radii
    np.testing.assert_allclose(
        got[..., :3], np.repeat(centers[:, :, None], 18, axis=2), atol=1e-6
    )
    sizes = anchors.anchor_sizes((0.5, 1.0))
    np.testing.assert_array_equal(got[..., 3:], np.tile(sizes, (2, 32, 1, 1)))


def labels_of_one(own, most, foreground, positive, negative):
    """The rule for the anchors of one seed."""
    labels = []
    for k in range(len(own)):
        best = own[k] == max(own) and own[k] > 0
        if foreground and (best or own[k] >= positive):
            labels.append(1)
        else:
            labels.append(0 if most[k] < negative else -1)
    return labels


def test_anchor_labels_are_those_of_the_rule():
    rng = np.random.default_rng(0)
    own = np.float32(rng.uniform(0, 0.8, (2, 20, 9)) * rng.integers(0, 2, (2, 20, 1)))
    most = np.maximum(own, np.float32(rng.uniform(0, 0.8, own.shape)))
    foreground = rng.uniform(size=own.shape[:2]) < 0.6
    got = assignment.anchor_labels(own, most, foreground, 0.5, 0.3).numpy()
    want = [
        [labels_of_one(own[b, s], most[b, s], foreground[b, s], 0.5, 0.3)]
        for b in range(2)
        for s in range(20)
    ]
    np.testing.assert_array_equal(got.reshape(-1), np.ravel(want))
    assert set(np.unique(got)) == {-1, 0, 1}
    nowhere = ~(own > 0).any(-1)
    assert not (got[nowhere] == 1).any()  # also of seeds whose anchors miss the object


def test_losses_of_anchors(networks, found):
    (outputs, truths), proposer = found, networks["boxes"].proposer
    outputs, truth = outputs["boxes"].proposed, truths["boxes"]
    labels = proposer.anchor_labels(outputs.anchors, truth).numpy()
    assert {0, 1} <= set(np.unique(labels))
    own = truth.targets["boxes"].numpy()[np.arange(2)[:, None], truth.instance]
    deltas = proposer.losses_of(outputs, truth)["deltas"].numpy()
    for b, s in np.argwhere(truth.foreground.numpy())[::5]:
        errors = []
        for k in np.flatnonzero(labels[b, s] == 1):
            wanted = box_lib.encode(
                outputs.anchors[b, s, k], own[b, s], anchors.DEVIATION
            )
            size = np.abs(outputs.deltas[b, s, k] - wanted)
            errors.append(np.where(size < 1, size**2 / 2, size - 0.5))
        want = np.mean(errors) if errors else 0.0
        np.testing.assert_allclose(deltas[b, s], want, rtol=1e-4)

    logits = outputs.objectness.numpy()[..., 0]
    real = outputs.proposals.valid.numpy()[..., None]
    of_one, of_none = np.log1p(np.exp(-logits)), np.log1p(np.exp(logits))
    halves = of_one[(labels == 1) & real].mean() + of_none[(labels == 0) & real].mean()
    found_loss = proposer.objectness_loss(outputs, truth)
    np.testing.assert_allclose(found_loss, halves / 2, rtol=1e-4)


def test_the_proposal_of_a_seed_is_its_best_anchor(found):
    outputs = found[0]["boxes"].proposed
    scores = outputs.objectness.numpy()[..., 0]
    moved = box_lib.decode(outputs.anchors, outputs.deltas, anchors.DEVIATION)
    best = scores.argmax(-1)
    rows = np.arange(2)[:, None], np.arange(32)[None], best
    proposals, candidates = outputs.proposals, outputs.candidates
    np.testing.assert_allclose(proposals.boxes, moved.numpy()[rows], rtol=1e-5)
    np.testing.assert_array_equal(proposals.scores, scores[rows])
    np.testing.assert_allclose(candidates.boxes, moved.numpy().reshape(2, -1, 6))
    np.testing.assert_array_equal(candidates.scores, scores.reshape(2, -1))
    np.testing.assert_array_equal(
        candidates.valid, np.repeat(proposals.valid.numpy(), 18, axis=1)
    )


# Segmentation


def spheres_of(points, count, seed, radius, most):
    """Rows of at most so many points of a scene within a radius of a seed."""
    distance = np.linalg.norm(points[:count] - points[seed], axis=1)
    return np.flatnonzero(distance < radius)[:most]


def test_segments_are_those_of_the_largest_context(found, tiny_batch):
    """The box holds the seed and all members of probability over a half."""
    outputs, segments = found[0]["segments"], found[0]["segments"].proposed
    members, counted = segments.members.numpy(), segments.counted.numpy()
    logits, points = segments.membership.numpy(), tiny_batch["points"].numpy()
    for b, count in enumerate(tiny_batch["num_points"].numpy()):
        for s, seed in enumerate(outputs.seeds.numpy()[b]):
            near = spheres_of(points[b], count, seed, 1.0, 16)
            real = counted[b, s]
            np.testing.assert_array_equal(np.sort(members[b, s][real]), near)
            chosen = members[b, s][real & (logits[b, s] > 0)]
            inside = points[b][[seed, *chosen]]
            low, high = inside.min(0), inside.max(0)
            np.testing.assert_allclose(
                outputs.proposals.boxes[b, s],
                np.concatenate([(low + high) / 2, high - low]),
                atol=1e-6,
            )
    assert not counted.all()  # some spheres have fewer points


def test_loss_of_segments(networks, found, tiny_batch):
    (outputs, truths), proposer = found, networks["segments"].proposer
    seeds, outputs, truth = (
        outputs["segments"].seeds,
        outputs["segments"].proposed,
        truths["segments"],
    )
    got = proposer.losses_of(outputs, truth)["segmentation"].numpy()
    instance = tiny_batch["targets"]["instance"].numpy()
    for b, s in np.argwhere(truth.foreground.numpy())[::5]:
        real = outputs.counted[b, s].numpy()
        x = outputs.membership[b, s].numpy()[real]
        same = instance[b][outputs.members[b, s].numpy()[real]]
        same = same == instance[b][seeds[b, s]]
        want = np.where(same, np.log1p(np.exp(-x)), np.log1p(np.exp(x))).mean()
        np.testing.assert_allclose(got[b, s], want, rtol=1e-4)


def test_a_seed_without_members_is_its_own_box(networks, tiny_batch):
    network = networks["segments"]
    bias = network.proposer.output_layer.bias
    before = bias.numpy()
    bias.assign([-100.0])
    outputs = network(tiny_batch)
    bias.assign(before)
    seeds = tf.gather(tiny_batch["points"], outputs.seeds, batch_dims=1)
    np.testing.assert_array_equal(outputs.proposals.boxes[..., :3], seeds)
    np.testing.assert_array_equal(outputs.proposals.boxes[..., 3:], 0 * seeds)


# All of them


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{}, *(pytest.param(each, marks=pytest.mark.long) for each in DESIGNS)],
    ids=str,
)
def test_every_design_learns_and_every_weight_gets_a_gradient(
    changes, tiny_config, tiny_batch
):
    changes = changes | {"kl_warmup_steps": 0, "kl_weight": 0.01}
    model = models.build(dc.replace(tiny_config.proposal, **changes))
    assert ("center" in model.loss_names) == ("center_network" not in changes)
    _, gradients = terms_and_gradients(model, tiny_batch)
    assert_every_weight_moves(gradients)
    history = trained(model, tiny_batch, steps=20, epochs=2, rate=5e-3)
    assert set(history) == {"loss", *model.loss_names}
    total = np.sum([history[name] for name in model.loss_names], 0)
    np.testing.assert_allclose(history["loss"], total, rtol=1e-4)
    for name in {"loss", *model.monitored} - {"objectness"}:
        assert history[name][1] < 0.8 * history[name][0]


@pytest.mark.slow
@pytest.mark.parametrize("changes", DESIGNS, ids=str)
def test_r_pointnet_takes_every_design(changes, tiny_config, tiny_batch, tiny_scene):
    proposal = dc.replace(tiny_config.proposal, **changes)
    network = models.build(dc.replace(tiny_config, proposal=proposal, truth_copies=2))
    terms = network.loss_terms(network(tiny_batch, training=True), tiny_batch)
    assert set(terms) == set(network.loss_names)
    assert terms["box"] > 0 and terms["mask"] > 0
    found = network(tiny_scene)
    assert found.proposals.valid.numpy().any()
    assert np.isfinite(found.detections.boxes).all()


def test_more_candidates_are_selected_where_a_seed_has_more(tiny_config, tiny_scene):
    """27 boxes a seed must not crowd out other seeds before the suppression."""
    proposal = dc.replace(tiny_config.proposal, proposer="boxes")
    config = dc.replace(tiny_config, proposal=proposal, max_proposals_inference=500)
    network = models.build(dc.replace(config, proposal_iou=1.0))
    count = network(tiny_scene).proposals.valid.numpy().sum(1)
    np.testing.assert_array_equal(count, [500, 500])  # of 32 * 18
