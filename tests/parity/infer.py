"""A whole scene through the released model, end point by end point."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from gspn_tf.data.classes import ClassList
from gspn_tf.models import scoring
from gspn_tf.models.heads import PointFeatures
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import suppression
from gspn_tf.nn.pyramid import interpolate, take
from gspn_tf.nn.regions import PointRoIAlign
from parity.geometry import NETWORKS, level_end_points, sphere_end_points
from parity.golden import Case, Check, Compare, Golden, pattern_cases
from parity.regions import REVERSED, blank, selected_rows
from parity.released import Inference, has_weights, inference, stage_one_end_points

FILES = ("infer_",)
SCANNET = Path(__file__).parents[2] / "configs" / "classes" / "scannet.txt"


def geometry(run: Inference) -> dict:
    look, out = run.taps["look"], run.taps["network"]
    found = {"ind_sem": look.pyramid.order[:, :1024]}
    for name in NETWORKS:
        found |= level_end_points(look.pyramid, name)
    seeds = {"ind_seed": out.seeds, "pc_seed": take(run.batch["points"], out.seeds)}
    return found | seeds | sphere_end_points(look.spheres)


def centers(run: Inference) -> dict:
    out, levels = run.taps["network"], ("l1", "l2", "l3", "l4", "fa1", "fa2", "fa3")
    return stage_one_end_points(out, run.batch, run.boxes) | {
        **{f"shift_{name}": run.taps[f"shift_{name}"] for name in levels},
        "shift_pred_full_4d": run.taps["center"],
        "center_pos": out.centers.everywhere,
    }


def semantics(run: Inference) -> dict:
    out, taps = run.taps["network"], run.taps
    names = ("l1", "l2", "l3", "l4", "fa1", "fa2", "fa3")
    found = {f"sem_{name}": taps[f"sem_{name}"] for name in names}
    colors, pairs = (
        run.batch["colors"],
        zip(out.levels, out.pyramid.to_points, strict=True),
    )
    for k, (level, table) in enumerate(pairs):
        columns = tf.concat([interpolate(level, table), colors], -1)
        found[f"sem_fea_full_l{k + 1}"] = columns
    for k, columns in enumerate(tf.split(taps["hypercolumns"], 4, axis=-1)):
        found[f"fpn{k + 1}"] = columns
    order = taps["look"].pyramid.order[:, :1024]
    return found | {
        "sem_fea_full": taps["semantic"],
        "sem_fea_seed": take(taps["semantic"], out.seeds),
        "sem_fea": take(taps["semantic"], order),
        "sem_class_logits": out.semantic_logits,
    }


def shapes(run: Inference) -> dict:
    out, vae = run.taps["network"], run.model.proposal_network.proposer.vae
    found, targets = {}, run.batch["targets"]
    x = tf.concat([out.proposed.generated.prior.mean, run.taps["reduced"]], -1)[
        0, :4, None, None
    ]
    for k, (layer, norm) in enumerate(
        zip(vae.generator.grid, vae.generator.grid_norms, strict=True)
    ):
        x = found[f"upconv{k + 1}"] = tf.nn.relu(norm(layer(x)))
    valid = tf.pad(targets["valid"], [[0, 0], [1, 0]], constant_values=True)
    return found | {
        **stage_one_end_points(out, run.batch, run.boxes),
        "entity_fea": interpolate(out.context, out.to_seeds),
        "gcfeat": run.taps["reduced"],
        "fb_prob": tf.nn.softmax(out.proposed.objectness),
        "instance_fea": tf.boolean_mask(run.taps["instances"], valid),
    }


def proposals(g: Golden, check: Check) -> None:
    """Suppression of what our network proposes; boxes without points go.

    detections.py compares the suppression of recorded boxes.
    """
    if "fb_prob" not in g:  # regions were given
        check.same("rois", g["rois"], inference(g.path).found.proposals.boxes)
        return
    run, selected = inference(g.path), g["selected_indices"]
    c = run.model.config
    limits = c.max_candidates_inference, c.max_proposals_inference, c.proposal_iou
    # Scores that differ by less than the tolerance may change places.
    ours = suppression.select_proposals(run.taps["network"].proposals, *limits)
    check.same("count", selected >= 0, ours.valid)
    scores = selected_rows(g["fb_prob"][..., 1:], selected)
    found = blank(tf.sigmoid(ours.scores)[..., None], ours.valid)
    check.same("scores", scores, found)
    boxes = by_place(blank(ours.boxes, ours.valid))
    check.same("selected", by_place(selected_rows(g["bbox_ins_pred"], selected)), boxes)
    if "spn_rois" in g:
        check.same("spn_rois", by_place(g["spn_rois"]), boxes)
    probe = PointRoIAlign(1, c.region_margin_inference)
    points, count = run.batch["points"], run.batch["num_points"]
    held = probe(points, ours.boxes, ours.valid, count, tf.zeros(2, tf.int32))
    rois = by_place(blank(ours.boxes, held.valid))
    check.same("rois", by_place(g["rois"]), rois)


def by_place(boxes) -> np.ndarray:
    """Boxes [1, R, 6] in the order of their centres, to the millimetre."""
    keys = np.round(boxes[0, :, :3], 3).T
    return boxes[:, np.lexsort(keys)]


def heads(run: Inference) -> dict:
    logits, deltas = run.taps["boxes"]
    regions, detections = run.taps.calls["regions"][0], run.taps["refined"]
    support = run.taps.arguments["refined"][0][3]
    classes = tf.argmax(logits, -1, output_type=tf.int32)
    semantic = tf.reduce_mean(take(support.semantic, regions.indices), 2)
    objectness = take(support.objectness, regions.indices)
    columns = (
        detections.boxes,
        tf.cast(detections.classes, tf.float32)[..., None],
        detections.confidence[..., None],
    )
    return {
        "mask_selection_idx": regions.indices,
        "rpointnet_class_logits": logits,
        "rpointnet_class": tf.nn.softmax(logits),
        "rpointnet_bbox": tf.gather(deltas, REVERSED, axis=-1),
        "fb_prob_cropped": tf.reduce_mean(objectness, -1),
        "sem_prob_cropped": scoring.of_class(semantic, classes),
        "detections": tf.concat(columns, -1),
        "rois_final": detections.boxes,
    }


def masks(g: Golden, check: Check) -> None:
    run = inference(g.path)
    detections, logits = run.taps["refined"], run.taps["masks"]  # [1, D, C, M]
    selected = tf.sigmoid(scoring.of_class(logits, detections.classes)).numpy()
    key = next(k for k in g.keys() if k.startswith("rpointnet_mask_selected"))
    count = g[key].shape[1]
    real = detections.valid.numpy()[:, :count]
    fed = run.taps.calls["regions"][1].indices.numpy()[:, :count]
    check.same("points", g["mask_selection_idx_final"][real], fed[real])
    check.same("selected", g[key][real], selected[:, :count][real])
    check.end_points(g, {"rpointnet_mask": tf.transpose(logits, [0, 1, 3, 2])})


def crops(run: Inference) -> dict:
    """Features of regions' points, put together as the release does."""
    regions = run.taps.calls["regions"][0]
    features: PointFeatures = run.taps.arguments["boxes"][0][0]
    support = run.taps.arguments["refined"][0][3]
    scene = features.scene
    entity = interpolate(scene.context, scene.to_seeds)
    parts = entity, features.levels, support.objectness[..., None], support.semantic

    def local(places):
        return box_lib.normalize(take(places, regions.indices), regions.boxes)

    return {
        "crop_fea": take(tf.concat(parts, -1), regions.indices),
        "crop_center": local(scene.centers.everywhere),
        "crop_coord": local(features.points),
    }


def results(g: Golden, check: Check) -> None:
    """Compares what test.py of the release writes. Ours drops empty masks later."""
    run, count = inference(g.path), len(g["post_label_ids"])
    scored, soft, support = run.taps.arguments["exported"][0]
    scores, key = (x.numpy()[0, :count] for x in run.taps["exported"])
    area = tf.reduce_sum(soft, -1) + 1e-8
    objectness = tf.linalg.matvec(soft, support.objectness) / area
    semantic = tf.matmul(soft, support.semantic)
    semantic = scoring.of_class(semantic, scored.classes) / area
    order = np.argsort(-key, kind="stable")
    check.same("order", np.concatenate([g["post_sidx"], g["post_sidx2"]]), order)
    classes = scored.classes.numpy()[0, order]
    ours = {
        "post_label_ids": ClassList.read(SCANNET).to_raw(classes),
        "post_confidence": scores[order],
        "post_fb_conf": objectness.numpy()[0, order],
        "post_sem_conf": semantic.numpy()[0, order],
    }
    check.end_points(g, ours)
    masks = soft.numpy()[0, order] > run.model.config.mask_threshold
    check.same("masks", g.bits("post_masks", masks.shape[1]), masks)
    table = g["post_detections_sorted"]
    check.same("classes", table[:, 6], np.float32(classes))
    check.same("class probability", table[:, 7], scored.confidence.numpy()[0, order])


def end_points(part) -> Compare:
    return lambda g, check: check.end_points(g, part(inference(g.path)))


TABLE: dict[str, tuple[Compare, str]] = {
    "geometry": (end_points(geometry), "pc_seed ind_* *_fps *_ball* ctx_*"),
    "centres": (end_points(centers), "shift_* center_pos"),
    "semantics": (end_points(semantics), "sem_l* sem_fa* sem_fea* fpn*"),
    "semantic classes": (end_points(semantics), "sem_class_logits sub"),
    "shapes": (
        end_points(shapes),
        "pcfea_seed entity_fea* gcfeat fb_logits fb_prob cmean* clog_var mean log_var "
        "instance_fea upconv* pc_ins_pred* bbox_ins_pred seg_label_per_group "
        "pc_ins_center_seed",
    ),
    "proposals": (proposals, "rois spn_rois selected_indices fb_prob"),
    "heads": (
        end_points(heads),
        "mask_selection_idx rpointnet_class* rpointnet_bbox fb_prob_cropped "
        "sem_prob_cropped detections rois_final",
    ),
    "masks": (masks, "mask_selection_idx_final rpointnet_mask*"),
    "crops": (end_points(crops), "crop_*"),
    "results": (results, "post_*"),
}


def cases(golden: Golden) -> Iterator[Case]:
    """The comparisons for which a file has something; none without the weights."""
    return pattern_cases(golden, TABLE) if has_weights() else iter(())
