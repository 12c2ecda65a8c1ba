"""Proposals and detections of recorded scenes, from recorded outputs of the network."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.config import presets
from gspn_tf.data.classes import SCANNET
from gspn_tf.models import scoring
from gspn_tf.models.gspn import GSPNOutputs
from gspn_tf.models.proposers.shapes import ShapeOutputs
from gspn_tf.models.scoring import RefinedBoxes, Support
from gspn_tf.nn.pyramid import interpolation, take
from gspn_tf.types import Proposals, Regions
from parity import targets
from parity.golden import Case, Check, Golden, wanted
from parity.regions import compare_proposals, drawn_from, inside, selected_rows
from parity.supervision import logit

FILES = ("infer_",)
MARGIN = 1e-3  # metres


def cases(golden: Golden) -> Iterator[Case]:
    """Comparisons that can be made of the values that are there."""
    whole = scene_file(golden) is not None and "in_pc" in scene_file(golden)
    for compare, needs_scene, names in COMPARISONS:
        keys = wanted(golden, names)
        if keys and (whole or not needs_scene):
            yield Case(compare.__name__, keys, compare)


def scene_file(g: Golden) -> Golden | None:
    """The file with the scene, which other settings of the release share."""
    if "in_pc" in g:
        return g
    for setting in ("_explicit_rois", "_intended"):
        if setting in g.name:
            return g.of_same_scene(setting, "")
    return g


def config_of(g: Golden):
    """The release as meant keeps 384 proposals, as it ran 96."""
    presets_of = (presets.released_literal(), presets.released())
    count = g["selected_indices"].shape[1]
    return next(c for c in presets_of if c.max_proposals_inference == count)


def proposals(g: Golden, check: Check) -> None:
    c, scores = config_of(g), logit(g["fb_prob"])
    if "fb_logits" in g:
        check.same("fb_prob", g["fb_prob"], tf.nn.softmax(g["fb_logits"]))
    limits = c.max_candidates_inference, c.max_proposals_inference, c.proposal_iou
    boxes, selected = g["bbox_ins_pred"], g["selected_indices"]
    ours = compare_proposals(check, boxes, scores, selected, *limits)
    if "spn_rois" in g:
        check.same("spn_rois", g["spn_rois"], ours)


def regions(g: Golden, check: Check) -> None:
    """Regions are the proposals that hold a point; the rest is nothing."""
    points, selected = scene_file(g)["in_pc"], g["selected_indices"]
    boxes = selected_rows(g["bbox_ins_pred"], selected)
    _, counts = ops.sample_in_boxes(points, boxes, [0, 0], num_samples=1, margin=MARGIN)
    kept = boxes[(counts > 0) & (selected >= 0)]
    padding = [(0, selected.shape[1] - len(kept)), (0, 0)]
    check.same("rois", g["rois"][0], np.pad(kept, padding))
    masks = inside(points[0], g["rois"][0], MARGIN)
    check.true("points drawn inside", drawn_from(masks, g["mask_selection_idx"][0]))


def final_regions(g: Golden, check: Check) -> None:
    rows, rois = g["mask_selection_idx_final"][0], g["rois_final"]
    check.same("rois_final", rois, g["detections"][..., :6])
    masks = inside(scene_file(g)["in_pc"][0], rois[0, : len(rows)], MARGIN)
    check.true("points drawn inside", drawn_from(masks, rows))


def support_of(g: Golden) -> Support:
    """Recorded objectness and semantics at every point of the scene."""
    scene = scene_file(g)
    points, objectness = scene["in_pc"], (g if "fb_prob" in g else scene)["fb_prob"]
    count = objectness.shape[1]
    seeds = take(points, ops.farthest_point_sample(points, count))
    table = interpolation(seeds, points, tf.constant([count]))
    scores = logit(objectness)
    proposed = ShapeOutputs(Proposals(None, scores, scores > 0), None, None)
    logits = scene["sem_class_logits"]
    return scoring.support_of(
        GSPNOutputs(None, None, None, proposed, logits, None, table, (), None)
    )


def each_alone(both: Support) -> tuple[Support, Support]:
    """Objectness alone and semantics alone: the other is certain everywhere."""
    certain = tf.ones_like
    return (
        both._replace(semantic=certain(both.semantic)),
        both._replace(objectness=certain(both.objectness)),
    )


def support(g: Golden, check: Check) -> None:
    classes = np.argmax(g["rpointnet_class_logits"], -1)
    found = Regions(g["rois"], g["mask_selection_idx"], g["rois"].any(-1))
    names = ("fb_prob_cropped", "sem_prob_cropped")
    for name, part in zip(names, each_alone(support_of(g)), strict=True):
        semantic = scoring.mean_semantic(part, found)
        of_regions = scoring.of_regions(part, found, semantic, classes)
        check.same(name, g[name], of_regions)


def detected(g: Golden, check: Check) -> None:
    c = presets.released()
    probabilities = np.asarray(tf.nn.softmax(g["rpointnet_class_logits"]))
    if "rpointnet_class" in g:
        check.same("rpointnet_class", g["rpointnet_class"], probabilities)
    values = {
        "rois": g["rois"][0],
        "probs": probabilities[0],
        "deltas": g["rpointnet_bbox"][0],
        "fb": g["fb_prob_cropped"][0],
        "sem": g["sem_prob_cropped"][0],
    }
    recorded = g["detections"][0]
    ours = targets.detections(
        values, min_score=c.min_score, iou=c.detection_iou, number=len(recorded)
    )
    check.same("detections", recorded, ours)


def exported(g: Golden, check: Check) -> None:
    """test.py of the release, given its masks at the points drawn."""
    points, rows, found = g["in_pc"], g["mask_selection_idx_final"], g["detections"]
    soft = ops.nearest_assign(
        points, take(points, rows), g["rpointnet_mask_selected"], found[..., :6]
    )
    real = found[0, :, 6] > 0
    probability, classes = found[..., 7], found[..., 6].astype(np.int32)
    refined = RefinedBoxes(found[..., :6], classes, probability, probability, real)
    backing = support_of(g)
    released = scoring.released_scores(refined, soft, backing)
    scores, key = (x[0].numpy() for x in released)
    order = np.argsort(np.where(real, -key, 9), kind="stable")[: real.sum()]
    recorded_order = np.concatenate([g["post_sidx"], g["post_sidx2"]])
    check.same("order", recorded_order, order)
    check.same("confidence", g["post_confidence"], scores[order])
    check.same("sorted", g["post_detections_sorted"], found[0, order])
    certain = refined._replace(confidence=np.ones_like(probability))
    names = ("post_fb_conf", "post_sem_conf")
    for name, part in zip(names, each_alone(backing), strict=True):
        released = scoring.released_scores(certain, soft, part)
        ours, key = (x[0].numpy()[order] for x in released)
        check.same(name, g[name], key - 2 * (ours == 1))
    label_ids = SCANNET.to_raw(classes[0, order])
    check.same("label_ids", g["post_label_ids"], label_ids)
    masks = soft[0].numpy()[order] > presets.released().mask_threshold
    check.same("masks", g.bits("post_masks", masks.shape[1]), masks)


# Comparison, whether it needs the scene, and the values; those with ? may be missing.
COMPARISONS = (
    (proposals, False, "fb_prob bbox_ins_pred selected_indices fb_logits? spn_rois?"),
    (regions, True, "bbox_ins_pred selected_indices rois mask_selection_idx"),
    (
        support,
        True,
        "rois mask_selection_idx rpointnet_class_logits fb_prob_cropped "
        "sem_prob_cropped",
    ),
    (
        detected,
        False,
        "rois rpointnet_class_logits rpointnet_bbox fb_prob_cropped sem_prob_cropped "
        "detections rpointnet_class?",
    ),
    (final_regions, True, "detections rois_final mask_selection_idx_final"),
    (
        exported,
        True,
        "detections mask_selection_idx_final rpointnet_mask_selected post_sidx "
        "post_sidx2 post_confidence post_detections_sorted post_sem_conf post_fb_conf "
        "post_label_ids post_masks",
    ),
)
