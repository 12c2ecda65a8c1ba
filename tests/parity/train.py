"""Losses, gradients and moving statistics of a training step of either stage.

Noise, dropout, shuffles and draws of points are the recorded ones. `eval_*` is a step
without batch statistics, `train_*` one with them.
"""

import functools
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
import tensorflow as tf

from gspn_tf import boxes as box_lib
from gspn_tf import matching, models, presets
from gspn_tf.callbacks import batch_norms
from gspn_tf.models.base import LossModel
from gspn_tf.pyramid import take
from gspn_tf.release_names import IGNORED, weights
from gspn_tf.types import Proposals
from parity.golden import TOLERANCE, Case, Check, Golden, not_checked
from parity.released import REVERSED, has_weights, load, recorded_value, scene_of
from parity.supervision import spn_file, truth_file
from parity.targets import by_order

FILES = ("train_spn_*.npz", "train_rpointnet_*.npz", "spn_match_*.npz")
OF_RELEASE = {
    "spn_class": "objectness",
    "recons": "generation",
    "shift": "center",
    "sem": "semantic",
    "kl": "kl",
    "rpointnet_class": "class",
    "rpointnet_bbox": "box",
    "rpointnet_mask": "mask",
}


class Step(NamedTuple):
    """One pass forward and back."""

    model: LossModel
    batch: dict
    outputs: dict
    terms: dict[str, tf.Tensor]
    gradients: dict[
        str, np.ndarray
    ]  # flat, by the names and in the order of the release


def take_step(model: LossModel, batch: dict, training: bool, **options) -> Step:
    before = {w.name: w.variable.numpy() for w in weights(model)}
    with tf.GradientTape() as tape:
        outputs = model(batch, training=training, **options)
        terms = model.loss_terms(outputs, batch)
        loss = tf.add_n(list(terms.values()))
    trained = [w for w in weights(model) if w.variable.trainable]
    found = tape.gradient(loss, [w.variable.value for w in trained])
    gradients = {}
    for weight, gradient in zip(trained, found, strict=True):
        if gradient is not None:
            gradients[weight.name] = in_released_order(weight, gradient.numpy())
    return Step(
        model,
        batch,
        outputs,
        terms,
        gradients | biases(model, gradients, before, training),
    )


def in_released_order(weight, values: np.ndarray) -> np.ndarray:
    places = np.arange(values.size).reshape(weight.shape)
    flat = np.empty(values.size, values.dtype)
    flat[weight.arrange(places).ravel()] = values.ravel()
    return flat


def biases(model, gradients: dict, before: dict, training: bool) -> dict:
    """Of the biases that batch norms have taken in: through the mean, or none."""
    found = {}
    for weight in weights(model):
        scope = weight.name.removesuffix("moving_mean")
        if weight.bias and f"{scope}beta" in gradients:
            spread = np.sqrt(before[f"{scope}moving_variance"] + 1e-3)
            scale = 0 if training else before[f"{scope}gamma"] / spread
            found[weight.bias] = scale * gradients[f"{scope}beta"]
    return found


def noise(g: Golden):
    """The recorded latent code of a posterior."""
    return lambda q: q.mean + tf.exp(q.log_variance / 2) * g["noise"]


def dropout(g: Golden):
    """The recorded dropout: half of the channels are kept, at twice their value."""

    def drop(features, training=False):
        kept = g.bits("drop_mask", features.shape[-1]).astype(np.float32)
        return features * kept / 0.5 if training else features

    return drop


@functools.cache
def first_stage(path: Path, prefix: str) -> Step:
    g = Golden(path)
    config = presets.released_literal()
    config.proposal.best_seeds = "all" if "_all_" in prefix else "first"
    network = load(config).proposal_network
    network.trainable = True
    source, training = truth_file(g, prefix), prefix == "train_"
    recorded = spn_file(g)
    network.kl_weight.assign(recorded["alpha"])
    if training:
        for norm in batch_norms(network):
            norm.momentum = float(g["bn_decay"])
        network.vae.sample = noise(g)
        network.semantic_dropout = dropout(g)
    batch = scene_of(source, recorded)
    seeds = g[f"{prefix}ind_seed"].shape[1]
    options = {"whole_scene": False, "num_seeds": seeds}
    return take_step(network, batch, training, **options)


@functools.cache
def second_stage(path: Path, prefix: str) -> Step:
    g = Golden(path)
    model, training = load(presets.released_literal()), prefix == "train_"
    if training:
        for norm in batch_norms(model):
            norm.momentum = float(g["bn_decay"])
    rois = tf.constant(g[f"{prefix}spn_rois"])
    given = Proposals(rois, rois[..., 0], tf.reduce_any(rois != 0, -1))
    model.shuffle = recorded_order(g, prefix)
    model.align = recorded_draws(model.align, g[f"{prefix}target_mask_selection_idx"])
    batch = scene_of(g, spn_file(g))
    with mock.patch.object(matching, "select_proposals", lambda *_: given):
        return take_step(model, batch, training)


def recorded_order(g: Golden, prefix: str):
    """Random numbers that sort the proposals as the release did."""

    def shuffle(valid, seed):
        priority = []
        for row, kept in enumerate(valid.numpy()):
            both = [g[f"{prefix}shuffled_{kind}_b{row}"] for kind in ("pos", "neg")]
            rows = [np.flatnonzero(kept)[shuffled] for shuffled in both]
            priority.append(sum(by_order(x, len(kept)) + 1 for x in rows))
        return tf.constant(np.stack(priority), tf.float32)

    return shuffle


def recorded_draws(align, rows: np.ndarray):
    """Point RoIAlign with recorded points; ours has gaps for missing positives."""

    def outer(points, boxes, valid, *inputs, num_samples, margin):
        found = align(
            points, boxes, valid, *inputs, num_samples=num_samples, margin=margin
        )
        if num_samples == 1:
            return found
        indices = np.zeros_like(found.indices)
        for scene, real in enumerate(valid.numpy()):
            indices[scene, real] = rows[scene, : real.sum()]
        return found._replace(indices=tf.constant(indices), valid=valid)

    return outer


def packed(values, valid) -> np.ndarray:
    """Rows [B, R, ...] without gaps: the valid ones first."""
    order = np.argsort(~np.asarray(valid), axis=1, kind="stable")
    return np.asarray(take(values, order))


# Comparisons


def spn_losses(g: Golden, check: Check, prefix: str) -> None:
    """The five losses and their sum."""
    step = first_stage(g.path, prefix)
    terms, alpha = dict(step.terms), step.model.kl_weight
    check.same("loss", g[f"{prefix}loss"], tf.add_n(list(terms.values())))
    terms["kl"] = terms["kl"] / alpha
    for theirs, ours in OF_RELEASE.items():
        if ours in terms:
            check.same(theirs, g[f"{prefix}{theirs}_loss"], terms[ours])


def spn_end_points(g: Golden, check: Check, prefix: str) -> None:
    step = first_stage(g.path, prefix)
    out, targets = step.outputs, step.batch["targets"]
    seeds = take(step.batch["points"], out["seeds"])
    distance = out["distance"][..., None]
    clouds = truth_file(g, prefix)["in_pc_ins"]
    centers = box_lib.bounding(clouds)[..., :3]  # with that of the background
    group = take(targets["instance"], out["seeds"]) + 1
    ours = {
        "pc_ins_pred": out["shapes"] - seeds[:, :, None],
        "sem_class_logits": out["semantic_logits"],
        "sem_labels": take(targets["semantic"], out["queries"]),
        "pcfea_seed": out["context"],
        "mean": out["posterior"].mean,
        "log_var": out["posterior"].log_variance,
        "cmean": out["prior"].mean,
        "clog_var": out["prior"].log_variance,
        "bbox_ins_pred": out["proposals"].boxes,
        "shift_pred_seed_4d": tf.concat([out["direction"], distance], -1),
        "shift_pred_seed": out["direction"] * distance,
        "fb_logits": out["objectness"],
        "ind_seed": out["seeds"],
        "ind_sem": out["queries"],
        "pc_seed": seeds,
        "pc_ins_center_seed": take(centers, group)[:, :, None],
        "seg_label_per_group": tf.pad(targets["classes"], [[0, 0], [1, 0]]),
    }
    for name, value in ours.items():
        if any(key.split("__")[0] == prefix + name for key in g.keys()):
            check.same(name, *g.end_point(prefix + name, value))


def spn_match(g: Golden, check: Check, prefix: str) -> None:
    """Labels of the seeds, from what our network proposes."""
    step = first_stage(g.path, prefix)
    targets, proposals = step.batch["targets"], step.outputs["proposals"]
    iou = matching.iou_with_truth(proposals.boxes, targets["boxes"], targets["valid"])
    foreground = take(targets["instance"], step.outputs["seeds"]) >= 0
    labels = matching.objectness_labels(
        iou, foreground, 0.5, step.model.best_seeds(iou, foreground)
    )
    released = tf.gather([0, -1, 1], labels + 1)  # ignored, negative, positive
    check.same("spn_match", g[f"{prefix}spn_match"], released)


def gradients(g: Golden, check: Check, prefix: str) -> None:
    stage = second_stage if "rpointnet" in g.name else first_stage
    found = stage(g.path, prefix).gradients
    names = [str(name) for name in g[f"{prefix}grad_names"]]
    dead = {name for name in names if IGNORED.fullmatch(name)}
    check.true("the same variables", set(names) - dead == set(found))
    sizes = {name: recorded_value(name).size for name in dead}
    found = found | {name: np.full(size, np.nan) for name, size in sizes.items()}
    ours = [found[name].astype(np.float64) for name in names]
    norms = [np.linalg.norm(each) for each in ours]
    check.same("norm", g[f"{prefix}grad_norm"], norms)
    check.same("sum", g[f"{prefix}grad_sum"], [each.sum() for each in ours])
    rows = g[f"{prefix}grad_sample_idx"]
    samples = [each[row] for each, row in zip(ours, rows, strict=True)]
    check.same("sample", g[f"{prefix}grad_sample"], samples)
    for key in g.keys():
        scope, _, name = key.partition("_gradfull:")
        if name and prefix == f"{scope}_":
            full_gradient(check, name, g[key], found)


def full_gradient(check: Check, name: str, recorded, found: dict) -> None:
    ours = found[name]
    if ours.any():  # NaN as well: no gradient reaches it
        check.same(name, recorded.ravel(), ours)
    else:  # the release has rounding errors where ours has no parameter
        layer, _, _ = name.partition("/conv2d_transpose")
        beta = found[f"{layer.removesuffix('/biases')}/bn/beta"]
        bound = TOLERANCE * np.abs(beta).max()
        check.true(f"{name} is nothing", np.abs(recorded).max() <= bound)


def moving_statistics(g: Golden, check: Check, prefix: str) -> None:
    stage = second_stage if "rpointnet" in g.name else first_stage
    ours = {w.name: w for w in weights(stage(g.path, prefix).model)}
    after = g[f"{prefix}moving_after"]
    start = 0
    for name in map(str, g[f"{prefix}moving_names"]):
        weight = ours[name]
        value = weight.variable.numpy()
        if weight.bias:
            value = value + recorded_value(weight.bias)
        check.same(name, after[start : start + value.size], value)
        start += value.size
    check.true("all of them", start == after.size)


def head_losses(g: Golden, check: Check, prefix: str) -> None:
    """The losses of the heads; those of the frozen network are logged beside them."""
    step = second_stage(g.path, prefix)
    check.same("loss", g[f"{prefix}loss"], tf.add_n(list(step.terms.values())))
    terms = dict(step.terms)
    network: models.GSPN = step.model.proposal_network
    seeds = step.outputs["seeds"].shape[1]
    out = network(step.batch, training=False, whole_scene=False, num_seeds=seeds)
    network.kl_weight.assign(1.0)
    terms |= network.loss_terms(out, step.batch)
    for theirs, ours in OF_RELEASE.items():
        check.same(theirs, g[f"{prefix}{theirs}_loss"], terms[ours])


def head_end_points(g: Golden, check: Check, prefix: str) -> None:
    step = second_stage(g.path, prefix)
    out, chosen = step.outputs, step.outputs["region_targets"]
    matched = (chosen.instances >= 0)[..., None]
    deltas = tf.where(matched, chosen.deltas, 0.0)
    inside = take(step.batch["targets"]["instance"], out["regions"].indices)
    inside = (inside == chosen.instances[..., None]) & matched
    ours = {
        "rois": chosen.boxes,
        "target_class_ids": chosen.classes,
        "target_bbox": tf.gather(deltas, REVERSED, axis=-1),
        "target_mask_selection_idx": out["regions"].indices,
        "rpointnet_class_logits": out["class_logits"],
        "rpointnet_bbox": tf.gather(out["deltas"], REVERSED, axis=-1),
        "rpointnet_mask": tf.transpose(out["mask_logits"], [0, 1, 3, 2]),
    }
    for name, value in ours.items():
        value = packed(value, chosen.valid)
        check.same(name, *g.end_point(prefix + name, value))
    recorded = g.bits(f"{prefix}target_mask", inside.shape[-1])
    check.same("target_mask", recorded, packed(inside, chosen.valid))
    check.same("fb_prob", g[f"{prefix}fb_prob"], tf.nn.softmax(out["objectness"]))
    check.same("bbox_ins_pred", g[f"{prefix}bbox_ins_pred"], out["proposals"].boxes)


SPN = {
    spn_losses: ("*loss",),
    spn_match: ("spn_match",),
    gradients: ("grad*",),
    moving_statistics: ("moving_*",),
    spn_end_points: ("*",),
}
HEADS = {
    head_losses: ("*loss",),
    gradients: ("grad*",),
    moving_statistics: ("moving_*",),
    head_end_points: (
        *("rois", "target_*", "rpointnet_*", "fb_prob", "bbox_ins_pred"),
    ),
}
FED = {"alpha", "bn_decay", "noise", "drop_mask", "scenes"}


def cases(golden: Golden) -> Iterator[Case]:
    """For each of `eval_` and `train_`, or of the variants of the labels."""
    keys = [key for key in golden.keys() if not not_checked(key)]
    prefixes = {k.removesuffix("spn_match") for k in keys if k.endswith("_spn_match")}
    comparisons = HEADS if "rpointnet" in golden.name else SPN
    for prefix in sorted(prefixes) * has_weights():
        left = {k for k in keys if k.startswith(prefix)}
        for compare, patterns in comparisons.items():
            mine = {
                k
                for k in left
                if any(fnmatchcase(k.removeprefix(prefix), p) for p in patterns)
                or "gradfull" in k
                and compare is gradients
            }
            left -= mine
            if mine:
                name = f"{prefix}{compare.__name__}"
                yield Case(name, frozenset(mine), partial(compare, prefix=prefix))
