"""A training step of either stage, forward and back, with what was recorded fed in.

Noise, dropout, shuffles and draws of points are the recorded ones. `eval_*` is a step
without batch statistics, `train_*` one with them. The latter, and all gradients, are
computed with the rounding of the recording, for the reason in arithmetic.py.
"""

import functools
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
import tensorflow as tf

from gspn_tf.config import presets
from gspn_tf.models.base import LossModel, batch_norms
from gspn_tf.nn import suppression
from gspn_tf.nn.pyramid import take
from gspn_tf.paper.release.names import weights
from gspn_tf.types import Proposals
from parity import arithmetic
from parity.golden import Golden
from parity.recording import BiasGradient, as_recorded
from parity.released import load, scene_of
from parity.supervision import shuffles_of, spn_file, truth_file
from parity.targets import priority_of


class Step(NamedTuple):
    """One pass forward and, if it rounded as recorded, back."""

    model: LossModel
    batch: dict
    outputs: dict
    terms: dict[str, tf.Tensor]
    # Flat, by the names and in the order of the release.
    gradients: dict[str, np.ndarray]
    biases: dict[str, BiasGradient]  # of those that batch norms take off


def take_step(
    model: LossModel, batch: dict, training: bool, recorded: bool, **options
) -> Step:
    if not recorded:
        outputs = outputs_of(model, batch, training, **options)
        return Step(model, batch, outputs, model.loss_terms(outputs, batch), {}, {})
    trained = [w for w in weights(model) if w.variable.trainable]
    values = [w.variable.value for w in trained]
    tape = tf.GradientTape(watch_accessed_variables=False)  # not those that are frozen
    with as_recorded(model) as biases, tape:
        tape.watch(values)
        outputs = outputs_of(model, batch, training, **options)
        terms = model.loss_terms(outputs, batch)
        loss = tf.add_n(list(terms.values()))
    found = tape.gradient(loss, values)
    gradients = {name: bias.value for name, bias in biases.items()}
    for weight, gradient in zip(trained, found, strict=True):
        if gradient is not None:
            gradients[weight.name] = in_released_order(weight, gradient.numpy())
    return Step(model, batch, outputs, terms, gradients, biases)


def outputs_of(model: LossModel, batch: dict, training: bool, **options):
    """Outputs for the losses."""
    if options:
        return model(batch, training=training, **options)
    return model.learn(batch, training)


def in_released_order(weight, values: np.ndarray) -> np.ndarray:
    places = np.arange(values.size).reshape(weight.shape)
    flat = np.empty(values.size, values.dtype)
    flat[weight.arrange(places).ravel()] = values.ravel()
    return flat


def noise(g: Golden):
    """The recorded latent code of a posterior."""
    return lambda q: q.mean + arithmetic.exp(q.log_variance / 2) * g["noise"]


def dropout(g: Golden):
    """The recorded dropout: half of the channels are kept, at twice their value."""

    def drop(features):
        kept = g.bits("drop_mask", features.shape[-1]).astype(np.float32)
        return features * kept / 0.5

    return drop


def keep_momentum(model: LossModel, momentum: float) -> None:
    """Let the batch norms have a constant momentum."""
    for norm in batch_norms(model):
        norm.momentum, norm.schedule = momentum, None


@functools.cache
def first_stage(path: Path, prefix: str, recorded: bool) -> Step:
    g = Golden(path)
    config = presets.released_literal()
    if "_all_" in prefix:
        config.proposal.kind = "released_gspn"
    network = load(config).proposal_network
    network.trainable = True
    source, training = truth_file(g, prefix), prefix == "train_"
    inputs = spn_file(g)
    network.config.kl_warmup_steps = 0
    network.config.kl_weight = float(inputs["alpha"])
    if training:
        keep_momentum(network, float(g["bn_decay"]))
        network.proposer.vae.sample = noise(g)
        network.semantic_dropout = dropout(g)
    batch = scene_of(source, inputs)
    seeds = g[f"{prefix}ind_seed"].shape[1]
    options = {"whole_scene": False, "num_seeds": seeds}
    return take_step(network, batch, training, recorded, **options)


@functools.cache
def second_stage(path: Path, prefix: str, recorded: bool) -> Step:
    g = Golden(path)
    model, training = load(presets.released_literal()), prefix == "train_"
    if training:
        keep_momentum(model, float(g["bn_decay"]))
    rois = tf.constant(g[f"{prefix}spn_rois"])
    given = Proposals(rois, rois[..., 0], tf.reduce_any(rois != 0, -1))
    shuffles = shuffles_of(g, prefix)
    model.shuffle = lambda valid, seed: priority_of(valid.numpy(), shuffles)
    model.choose_regions = without_gaps(model.choose_regions)
    draws = g[f"{prefix}target_mask_selection_idx"]
    model.align.call = recorded_draws(model.align.call, draws)
    batch = scene_of(g, spn_file(g))
    with mock.patch.object(suppression, "select_proposals", lambda *_: given):
        return take_step(model, batch, training, recorded)


def recorded_draws(align, rows: np.ndarray):
    """Point RoIAlign with recorded points; ours has gaps for missing positives."""

    def outer(points, boxes, valid, num_points, seed):
        found = align(points, boxes, valid, num_points, seed)
        indices = np.zeros_like(found.indices)
        for scene, real in enumerate(valid.numpy()):
            indices[scene, real] = rows[scene, : real.sum()]
        return found._replace(indices=tf.constant(indices), valid=valid)

    return outer


def without_gaps(choose_regions):
    """Chosen regions with the real ones first: sums over regions go in that order."""

    def outer(*inputs):
        chosen = choose_regions(*inputs)
        order = tf.argsort(tf.cast(~chosen.valid, tf.int32), axis=1, stable=True)
        return type(chosen)(*(take(values, order) for values in chosen))

    return outer


def step_of(g: Golden, prefix: str, recorded: bool = False) -> Step:
    """The one that a file recorded, as it is or with the rounding of the recording."""
    stage = second_stage if "rpointnet" in g.name else first_stage
    return stage(g.path, prefix, recorded or prefix == "train_")
