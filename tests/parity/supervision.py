"""Labels, targets and losses of recorded batches, from recorded network outputs."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import tensorflow as tf

from gspn_tf.config import presets
from gspn_tf.models.released import released_labels
from gspn_tf.nn import assignment
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import losses as loss_terms
from gspn_tf.nn.pyramid import take
from parity import losses
from parity.golden import Case, Check, Golden, wanted
from parity.regions import compare_proposals
from parity.released import truth_of
from parity.targets import compare_regions, recorded_labels

FILES = ("train_", "spn_match_")
CONFIG = presets.released_literal()


def cases(golden: Golden) -> Iterator[Case]:
    """For `eval_` and `train_`, or the variants of the labels."""
    keys = golden.keys()
    prefixes = {k.removesuffix("spn_match") for k in keys if k.endswith("_spn_match")}
    for prefix in sorted(prefixes):
        for compare, names in COMPARISONS.items():
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


def spn_file(g: Golden) -> Golden:
    """The stage-one file of the scenes."""
    for kind in ("spn_match", "train_rpointnet"):
        if kind in g.name:
            return g.of_same_scene(kind, "train_spn")
    return g


def logits_of(g: Golden, prefix: str) -> np.ndarray:
    """Recorded logits of objectness, or those of the network without training."""
    if f"{prefix}fb_prob" in g:
        return np.log(g[f"{prefix}fb_prob"])
    name = f"{prefix}fb_logits"
    return g[name] if name in g else spn_file(g)["eval_fb_logits"]


def objectness(g: Golden, check: Check, prefix: str) -> None:
    """Labels of the seeds by both variants of the rule, and their loss."""
    source = truth_file(g, prefix)
    truth = truth_of(source)
    classes = tf.pad(truth["classes"], [[0, 0], [1, 0]])
    check.same("seg_label_per_group", g[f"{prefix}seg_label_per_group"], classes)
    seeds = spn_file(g)["eval_ind_seed"]
    foreground = take(source["in_seg_label"], seeds).numpy() > 0
    boxes = g[f"{prefix}bbox_ins_pred"]
    iou = assignment.iou_with_truth(boxes, truth)
    threshold, first_alone = CONFIG.proposal.positive_iou, "_all_" not in prefix
    labels = released_labels(iou, foreground, threshold, first_alone).numpy()
    check.same("spn_match", g[f"{prefix}spn_match"], recorded_labels(labels))
    positive = np.int32(labels == 1)
    loss = losses.classification(logits_of(g, prefix), positive, labels >= 0)
    check.same("spn_class_loss", g[f"{prefix}spn_class_loss"], loss)


def centers(g: Golden, check: Check, prefix: str) -> None:
    direction, distance = np.split(g[f"{prefix}shift_pred_seed_4d"], [3], -1)
    check.same("shift", g[f"{prefix}shift_pred_seed"], direction * distance)
    seeds = g[f"{prefix}ind_seed"]
    boxes = take(g["in_bbox_ins"], take(g["in_group_label"], seeds))
    offset = boxes[..., :3] - g[f"{prefix}pc_seed"]
    unit = box_lib.half_diagonal(boxes)
    each = loss_terms.center_loss(direction, distance[..., 0], offset, unit)
    loss = loss_terms.masked_mean(each, take(g["in_seg_label"], seeds) > 0)
    check.same("shift_loss", g[f"{prefix}shift_loss"], loss)


def proposals(g: Golden, check: Check, prefix: str) -> None:
    boxes, probability = g[f"{prefix}bbox_ins_pred"], g[f"{prefix}fb_prob"]
    limits = CONFIG.max_candidates, CONFIG.max_proposals, CONFIG.proposal_iou
    scores, selected = logit(probability), g[f"{prefix}selected_indices"]
    ours = compare_proposals(check, boxes, scores, selected, *limits)
    check.same("spn_rois", g[f"{prefix}spn_rois"], ours)


def logit(probability: np.ndarray) -> np.ndarray:
    """The logit of the second of two probabilities."""
    return np.log(probability[..., 1] / probability[..., 0])


def shuffles_of(g: Golden, prefix: str) -> list[list[np.ndarray]]:
    """The recorded shuffles of positives and negatives of each scene."""
    return [
        [g[f"{prefix}shuffled_{kind}_b{row}"] for kind in ("pos", "neg")]
        for row in range(len(g[f"{prefix}spn_rois"]))
    ]


def regions(g: Golden, check: Check, prefix: str) -> None:
    rows = g[f"{prefix}target_mask_selection_idx"]
    recorded = {
        "rois": g[f"{prefix}rois"],
        "classes": g[f"{prefix}target_class_ids"],
        "deltas": g[f"{prefix}target_bbox"],
        "masks": g.bits(f"{prefix}target_mask", rows.shape[-1]),
        "rows": rows,
    }
    scene = spn_file(g)["in_pc"], g[f"{prefix}spn_rois"], truth_of(g)
    compare_regions(check, *scene, shuffles_of(g, prefix), recorded, CONFIG)


def head_losses(g: Golden, check: Check, prefix: str) -> None:
    """Compares those of classes and boxes; too little was recorded of the masks."""
    classes = g[f"{prefix}target_class_ids"]
    valid = g[f"{prefix}rois"].any(-1)
    logits, deltas = (g[f"{prefix}rpointnet_{k}"] for k in ("class_logits", "bbox"))
    loss = losses.classification(logits, classes, valid)
    check.same("class", g[f"{prefix}rpointnet_class_loss"], loss)
    loss = losses.box(deltas, g[f"{prefix}target_bbox"], classes, valid)
    check.same("bbox", g[f"{prefix}rpointnet_bbox_loss"], loss)


COMPARISONS = {
    objectness: (
        "bbox_ins_pred seg_label_per_group spn_match spn_class_loss fb_logits? fb_prob?"
    ),
    centers: "shift_pred_seed_4d shift_pred_seed ind_seed pc_seed shift_loss",
    proposals: "bbox_ins_pred fb_prob selected_indices spn_rois",
    regions: (
        "spn_rois shuffled_pos_b0 shuffled_neg_b0 shuffled_pos_b1 shuffled_neg_b1 rois "
        "target_class_ids target_bbox target_mask_selection_idx target_mask"
    ),
    head_losses: (
        "target_class_ids target_bbox rois rpointnet_class_logits rpointnet_bbox "
        "rpointnet_class_loss rpointnet_bbox_loss"
    ),
}
