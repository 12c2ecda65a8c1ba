"""Labels, targets and losses of recorded batches, from recorded network outputs."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.config import DataConfig, presets
from gspn_tf.data import preprocessing
from gspn_tf.models.released import released_labels
from gspn_tf.models.scoring import of_class
from gspn_tf.nn import assignment, losses, suppression
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn.pyramid import take
from gspn_tf.types import Proposals, Regions
from parity.golden import Case, Check, Golden, wanted
from parity.regions import REVERSED, blank, inside
from parity.targets import by_order, recorded_labels

FILES = ("train_*.npz", "spn_match_*.npz")
CONFIG = presets.released_literal()


def cases(golden: Golden) -> Iterator[Case]:
    """For `eval_` and `train_`, or the variants of the labels."""
    keys = golden.keys()
    prefixes = {k.removesuffix("spn_match") for k in keys if k.endswith("_spn_match")}
    for prefix in sorted(prefixes):
        for compare, names in COMPARISONS:
            mine = wanted(golden, names, prefix)
            if mine and truth_file(golden, prefix) is not None:
                name = f"{prefix}{compare.__name__}"
                yield Case(name, mine, partial(compare, prefix=prefix))


def truth_file(g: Golden, prefix: str) -> Golden | None:
    """The file with the objects; those called `pred` are of predicted boxes."""
    if "spn_match" not in g.name:
        return g
    other = "train_rpointnet" if prefix.startswith("pred") else "train_spn"
    return g.of_same_scene("spn_match", other)


def truth_of(g: Golden) -> dict[str, np.ndarray]:
    """Classes by our vote, of the objects that are the release's groups from 1 on."""
    classes = np.zeros(g["in_group_indicator"].shape, np.int32)
    for row, group in enumerate(g["in_group_label"]):
        scene = {
            "points": tf.zeros([len(group), 3]),
            "semantic": tf.constant(g["in_seg_label"][row]),
            "instance": tf.constant(group - 1),
        }
        options = DataConfig(num_shape_points=1)
        found = preprocessing.instances(scene, options, [0, 0])["classes"]
        classes[row, 1 : len(found) + 1] = found
    return {"boxes": g["in_bbox_ins"], "classes": classes, "valid": classes > 0}


def objectness(g: Golden, check: Check, prefix: str) -> None:
    """Labels of the seeds by both variants of the rule, and their loss."""
    source = truth_file(g, prefix)
    truth = truth_of(source)
    check.same(
        "seg_label_per_group", g[f"{prefix}seg_label_per_group"], truth["classes"]
    )
    seeds = seeds_of(g)
    foreground = take(source["in_seg_label"], seeds).numpy() > 0
    boxes = g[f"{prefix}bbox_ins_pred"]
    iou = assignment.iou_with_truth(boxes, truth["boxes"], truth["valid"])
    threshold, first_alone = CONFIG.proposal.positive_iou, "_all_" not in prefix
    labels = released_labels(iou, foreground, threshold, first_alone).numpy()
    check.same("spn_match", g[f"{prefix}spn_match"], recorded_labels(labels))
    each = losses.cross_entropy(logits_of(g, prefix), np.int32(labels == 1))
    loss = losses.masked_mean(each, labels >= 0)
    check.same("spn_class_loss", g[f"{prefix}spn_class_loss"], loss)


def spn_file(g: Golden) -> Golden:
    """The stage-one file of the scenes."""
    for kind in ("spn_match", "train_rpointnet"):
        if kind in g.name:
            return g.of_same_scene(kind, "train_spn")
    return g


def seeds_of(g: Golden) -> np.ndarray:
    return spn_file(g)["eval_ind_seed"]


def logits_of(g: Golden, prefix: str) -> np.ndarray:
    """Recorded logits of objectness, or those of the network without training."""
    if f"{prefix}fb_prob" in g:
        return np.log(g[f"{prefix}fb_prob"])
    name = f"{prefix}fb_logits"
    return g[name] if name in g else spn_file(g)["eval_fb_logits"]


def centers(g: Golden, check: Check, prefix: str) -> None:
    direction, distance = np.split(g[f"{prefix}shift_pred_seed_4d"], [3], -1)
    check.same("shift", g[f"{prefix}shift_pred_seed"], direction * distance)
    seeds = g[f"{prefix}ind_seed"]
    groups = take(g["in_group_label"], seeds)
    boxes = take(g["in_bbox_ins"], groups)
    offset = boxes[..., :3] - g[f"{prefix}pc_seed"]
    unit = box_lib.half_diagonal(boxes)
    each = losses.center_loss(direction, distance[..., 0], offset, unit)
    foreground = take(g["in_seg_label"], seeds) > 0
    loss = losses.masked_mean(each, foreground)
    check.same("shift_loss", g[f"{prefix}shift_loss"], loss)


def proposals(g: Golden, check: Check, prefix: str) -> None:
    boxes, probability = g[f"{prefix}bbox_ins_pred"], g[f"{prefix}fb_prob"]
    scores = np.log(probability[..., 1] / probability[..., 0])
    found = suppression.select_proposals(
        Proposals(boxes, scores, np.ones(scores.shape, bool)),
        CONFIG.max_candidates,
        CONFIG.max_proposals,
        CONFIG.proposal_iou,
    )
    selected = g[f"{prefix}selected_indices"]
    recorded = blank(take(boxes, np.maximum(selected, 0)), selected >= 0)
    ours = blank(found.boxes, found.valid)
    check.same("selected_indices", recorded, ours)
    check.same("spn_rois", g[f"{prefix}spn_rois"], ours)


def regions(g: Golden, check: Check, prefix: str) -> None:
    """With the recorded shuffles and draws of points."""
    points, truth = spn_file(g)["in_pc"], truth_of(g)
    boxes = g[f"{prefix}spn_rois"]
    truth["valid"] = truth["boxes"].any(-1)
    _, counts = ops.sample_in_boxes(points, boxes, [0, 0], num_samples=1)
    valid = (counts.numpy() > 0) & boxes.any(-1)
    shuffles = [
        [g[f"{prefix}shuffled_{kind}_b{row}"] for kind in ("pos", "neg")]
        for row in range(len(boxes))
    ]
    priority = [
        sum(by_order(np.flatnonzero(kept)[rows], len(kept)) + 1 for rows in both)
        for kept, both in zip(valid, shuffles, strict=True)
    ]
    truth["instance"] = g["in_group_label"]
    given = Proposals(boxes, np.zeros(valid.shape, np.float32), valid)
    chosen = assignment.sample_proposals(given, truth, np.stack(priority), CONFIG)
    # Ours keeps places for positives that are missing; the release does not.
    order = np.argsort(~chosen.valid.numpy(), axis=1, kind="stable")
    boxes, _, valid = (take(value, order).numpy() for value in chosen)
    rows = g[f"{prefix}target_mask_selection_idx"]
    regions = Regions(boxes, rows, valid)
    ours = assignment.region_targets(regions, truth, CONFIG)
    check.same("rois", g[f"{prefix}rois"], blank(boxes, valid))
    check.same("class_ids", g[f"{prefix}target_class_ids"], ours.classes)
    recorded = g[f"{prefix}target_bbox"][..., REVERSED]
    check.same("bbox", recorded, ours.deltas)
    check.same("mask", g.bits(f"{prefix}target_mask", rows.shape[-1]), ours.masks)
    for row, real in enumerate(ours.classes.numpy() > 0):
        drawn = inside(points[row], boxes[row])
        drawn = np.take_along_axis(drawn, rows[row], 1)[real]
        check.true("points drawn inside", drawn.all())


def head_losses(g: Golden, check: Check, prefix: str) -> None:
    """Of classes and boxes; of the masks too little was recorded."""
    classes = g[f"{prefix}target_class_ids"]
    valid = g[f"{prefix}rois"].any(-1)
    each = losses.cross_entropy(g[f"{prefix}rpointnet_class_logits"], classes)
    loss = losses.masked_mean(each, valid)
    check.same("class", g[f"{prefix}rpointnet_class_loss"], loss)
    deltas = of_class(g[f"{prefix}rpointnet_bbox"], classes)
    error = losses.smooth_l1(deltas - g[f"{prefix}target_bbox"])
    loss = losses.masked_mean(tf.reduce_sum(error, -1), valid & (classes > 0))
    check.same("bbox", g[f"{prefix}rpointnet_bbox_loss"], loss)


COMPARISONS = (
    (
        objectness,
        (
            "bbox_ins_pred",
            "seg_label_per_group",
            "spn_match",
            "spn_class_loss",
            "fb_logits?",
            "fb_prob?",
        ),
    ),
    (
        centers,
        ("shift_pred_seed_4d", "shift_pred_seed", "ind_seed", "pc_seed", "shift_loss"),
    ),
    (proposals, ("bbox_ins_pred", "fb_prob", "selected_indices", "spn_rois")),
    (
        regions,
        (
            "spn_rois",
            "shuffled_pos_b0",
            "shuffled_neg_b0",
            "shuffled_pos_b1",
            "shuffled_neg_b1",
            "rois",
            "target_class_ids",
            "target_bbox",
            "target_mask_selection_idx",
            "target_mask",
        ),
    ),
    (
        head_losses,
        (
            "target_class_ids",
            "target_bbox",
            "rois",
            "rpointnet_class_logits",
            "rpointnet_bbox",
            "rpointnet_class_loss",
            "rpointnet_bbox_loss",
        ),
    ),
)
