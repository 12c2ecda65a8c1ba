"""Losses, gradients and moving statistics of a training step of either stage."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import tensorflow as tf

from gspn_tf import models
from gspn_tf.nn import assignment
from gspn_tf.nn.pyramid import take
from gspn_tf.paper.release.names import IGNORED, weights
from parity.golden import TOLERANCE, Case, Check, Golden, pattern_cases
from parity.regions import REVERSED
from parity.released import has_weights, recorded_value, stage_one_end_points
from parity.steps import step_of
from parity.supervision import truth_file

FILES = ("train_spn_", "train_rpointnet_", "spn_match_")
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


def spn_losses(g: Golden, check: Check, prefix: str) -> None:
    """The five losses and their sum."""
    step = step_of(g, prefix)
    terms, alpha = dict(step.terms), step.model.kl_weight
    check.same("loss", g[f"{prefix}loss"], tf.add_n(list(terms.values())))
    terms["kl"] = terms["kl"] / alpha
    for theirs, ours in OF_RELEASE.items():
        if ours in terms:
            check.same(theirs, g[f"{prefix}{theirs}_loss"], terms[ours])


def spn_end_points(g: Golden, check: Check, prefix: str) -> None:
    step = step_of(g, prefix)
    out, batch = step.outputs, step.batch
    boxes = truth_file(g, prefix)["in_bbox_ins"]
    ours = stage_one_end_points(out, batch, boxes) | {
        "sem_class_logits": out.semantic_logits,
        "sem_labels": take(batch["targets"]["semantic"], out.queries),
        "ind_seed": out.seeds,
        "ind_sem": out.queries,
        "pc_seed": take(batch["points"], out.seeds),
    }
    check.end_points(g, ours, prefix)


def spn_match(g: Golden, check: Check, prefix: str) -> None:
    """Labels of the seeds, from what our network proposes."""
    step = step_of(g, prefix)
    targets, proposals = step.batch["targets"], step.outputs.proposals
    iou = assignment.iou_with_truth(proposals.boxes, targets)
    foreground = take(targets["instance"], step.outputs.seeds) >= 0
    labels = step.model.proposer.labels_of(iou, foreground)
    released = tf.gather([0, -1, 1], labels + 1)  # ignored, negative, positive
    check.same("spn_match", g[f"{prefix}spn_match"], released)


def gradients(g: Golden, check: Check, prefix: str) -> None:
    step = step_of(g, prefix, recorded=True)
    names = [str(name) for name in g[f"{prefix}grad_names"]]
    dead = np.array([bool(IGNORED.fullmatch(name)) for name in names])
    check.true("the same variables", set(np.array(names)[~dead]) == set(step.gradients))
    check.true("no others", np.isnan(g[f"{prefix}grad_norm"][dead]).all())
    nothing = step.biases if prefix == "train_" else {}
    live = np.array([name not in nothing for name in names]) & ~dead
    ours = [step.gradients[name].astype(np.float64) for name in np.array(names)[live]]
    norms = [np.linalg.norm(each) for each in ours]
    check.same("norm", g[f"{prefix}grad_norm"][live], norms)
    check.same("sum", g[f"{prefix}grad_sum"][live], [each.sum() for each in ours])
    rows = g[f"{prefix}grad_sample_idx"]
    samples = [each[row] for each, row in zip(ours, rows[live], strict=True)]
    check.same("sample", g[f"{prefix}grad_sample"][live], samples)
    # Statistics of the batch take the bias off: what is left are rounding errors.
    for name, norm in zip(names, g[f"{prefix}grad_norm"], strict=True):
        if name in nothing:
            bound = TOLERANCE * np.linalg.norm(nothing[name].terms)
            check.true(f"{name} is nothing", norm <= bound)
    for key in g.keys():
        scope, _, name = key.partition("_gradfull:")
        if name and prefix == f"{scope}_":
            recorded = g[key].ravel()
            if name in nothing:
                small = np.abs(recorded) <= TOLERANCE * nothing[name].terms.max()
                check.true(f"{name} is nothing", small.all())
            else:
                check.same(name, recorded, step.gradients[name])


def moving_statistics(g: Golden, check: Check, prefix: str) -> None:
    ours = {w.name: w for w in weights(step_of(g, prefix).model)}
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
    step = step_of(g, prefix)
    check.same("loss", g[f"{prefix}loss"], tf.add_n(list(step.terms.values())))
    terms = dict(step.terms)
    network: models.GSPN = step.model.proposal_network
    seeds = step.outputs.proposed.seeds.shape[1]
    out = network(step.batch, training=False, whole_scene=False, num_seeds=seeds)
    network.config.kl_warmup_steps, network.config.kl_weight = 0, 1.0
    terms |= network.loss_terms(out, step.batch)
    for theirs, ours in OF_RELEASE.items():
        check.same(theirs, g[f"{prefix}{theirs}_loss"], terms[ours])


def head_end_points(g: Golden, check: Check, prefix: str) -> None:
    step = step_of(g, prefix)
    out, targets = step.outputs, step.outputs.targets
    ours = {
        "rois": out.regions.boxes,
        "target_class_ids": targets.classes,
        "target_bbox": tf.gather(targets.deltas, REVERSED, axis=-1),
        "target_mask_selection_idx": out.regions.indices,
        "rpointnet_class_logits": out.class_logits,
        "rpointnet_bbox": tf.gather(out.deltas, REVERSED, axis=-1),
        "rpointnet_mask": tf.transpose(out.mask_logits, [0, 1, 3, 2]),
    }
    proposed = out.proposed
    ours["fb_prob"] = tf.nn.softmax(proposed.proposed.objectness)
    ours["bbox_ins_pred"] = proposed.proposals.boxes
    check.end_points(g, ours, prefix)
    recorded = g.bits(f"{prefix}target_mask", targets.masks.shape[-1])
    check.same("target_mask", recorded, targets.masks)


SPN = {
    spn_losses: "*loss",
    spn_match: "spn_match",
    gradients: "grad*",
    moving_statistics: "moving_*",
    spn_end_points: "*",
}
HEADS = {
    head_losses: "*loss",
    gradients: "grad*",
    moving_statistics: "moving_*",
    head_end_points: "rois target_* rpointnet_* fb_prob bbox_ins_pred",
}


def cases(golden: Golden) -> Iterator[Case]:
    """For each of `eval_` and `train_`, or of the variants of the labels."""
    keys = golden.keys()
    prefixes = {k.removesuffix("spn_match") for k in keys if k.endswith("_spn_match")}
    comparisons = HEADS if "rpointnet" in golden.name else SPN
    for prefix in sorted(prefixes) * has_weights():
        table = {
            compare.__name__: (partial(compare, prefix=prefix), patterns)
            for compare, patterns in comparisons.items()
        }
        yield from pattern_cases(golden, table, prefix)
