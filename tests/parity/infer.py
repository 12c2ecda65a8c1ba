"""A whole scene through the released model, end point by end point."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import tensorflow as tf

from gspn_tf.data.classes import ClassList
from gspn_tf.models import scoring
from gspn_tf.models.heads import PointFeatures
from gspn_tf.nn import boxes as box_lib
from gspn_tf.nn import suppression
from gspn_tf.nn.layers import PointRoIAlign
from gspn_tf.nn.pyramid import interpolate, take
from gspn_tf.types import Proposals
from parity.golden import Case, Check, Compare, Golden, not_checked
from parity.released import REVERSED, Inference, has_weights, inference

FILES = ("infer_*.npz",)
SCANNET = Path(__file__).parents[2] / "configs" / "classes" / "scannet.txt"


def compare(g: Golden, check: Check, ours: dict) -> None:
    """Every end point of `ours` that was recorded, in full or in part."""
    recorded = {key.split("__")[0] for key in g.keys()}
    for name in sorted(recorded & set(ours)):
        check.same(name, *g.end_point(name, ours[name]))


def geometry(run: Inference) -> dict:
    look, out = run.taps["look"], run.taps["network"]
    points = run.batch["points"]
    found = {
        "ind_seed": out.seeds,
        "ind_sem": look.pyramid.order[:, :1024],
        "pc_seed": take(points, out.seeds),
    }
    for k, level in enumerate(look.pyramid.levels):
        count = level.points.shape[1]
        first = look.pyramid.order[:, :count] if k == 0 else tf.range(count)[None]
        for net in ("shift", "sem"):
            found[f"{net}_l{k + 1}_fps"] = first
            found[f"{net}_l{k + 1}_ball"] = level.neighbors
    for k, near in enumerate(look.spheres.neighbors):
        found[f"ctx_ball{k}"] = near
        found[f"ctx_cnt{k}"] = look.spheres.counts[k]
    return found


def centers(run: Inference) -> dict:
    out, levels = run.taps["network"], ("l1", "l2", "l3", "l4", "fa1", "fa2", "fa3")
    direction, distance = out.centers.direction, out.centers.distance[..., None]
    return {
        **{f"shift_{name}": run.taps[f"shift_{name}"] for name in levels},
        "shift_pred_full_4d": run.taps["center"],
        "center_pos": out.centers.everywhere,
        "shift_pred_seed_4d": tf.concat([direction, distance], -1),
        "shift_pred_seed": direction * distance,
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
    instance = take(targets["instance"], out.seeds) + 1
    centers = tf.pad(targets["boxes"][..., :3], [[0, 0], [1, 0], [0, 0]])
    seeds = take(run.batch["points"], out.seeds)[:, :, None]
    valid = tf.pad(targets["valid"], [[0, 0], [1, 0]], constant_values=True)
    logits = out.proposed.objectness
    return found | {
        "pcfea_seed": out.context,
        "entity_fea": interpolate(out.context, out.to_seeds),
        "gcfeat": run.taps["reduced"],
        "fb_logits": logits,
        "fb_prob": tf.nn.softmax(logits),
        "cmean": out.proposed.generated.prior.mean,
        "clog_var": out.proposed.generated.prior.log_variance,
        "mean": out.proposed.generated.posterior.mean,
        "log_var": out.proposed.generated.posterior.log_variance,
        "instance_fea": tf.boolean_mask(run.taps["instances"], valid),
        "pc_ins_pred": out.proposed.generated.points - seeds,
        "bbox_ins_pred": out.proposals.boxes,
        "seg_label_per_group": tf.pad(targets["classes"], [[0, 0], [1, 0]]),
        "pc_ins_center_seed": take(centers, instance)[:, :, None],
    }


def padded(values, real, count: int) -> np.ndarray:
    """The real rows of values [1, R, ...], then zeros: [1, count, ...]."""
    values = np.asarray(values)[0][np.asarray(real)[0]]
    padding = [(0, count - len(values))] + [(0, 0)] * (values.ndim - 1)
    return np.pad(values, padding)[None]


def proposals(g: Golden, check: Check) -> None:
    """Suppression, of what was recorded and of ours; boxes without points go."""
    if "fb_prob" not in g:  # regions were given
        check.same("rois", g["rois"], inference(g.path).found.proposals.boxes)
        return
    run, count = inference(g.path), g["rois"].shape[1]
    c = run.model.config
    limits = c.max_candidates_inference, c.max_proposals_inference, c.proposal_iou
    scores, selected = g["fb_prob"][..., 1], g["selected_indices"]
    real = selected >= 0
    given = Proposals(g["bbox_ins_pred"], scores, np.ones_like(scores, bool))
    kept = suppression.select_proposals(given, *limits)
    boxes = take(given.boxes, np.maximum(selected, 0))
    boxes = padded(boxes, real, real.shape[1])
    check.same("of recorded", boxes, padded(kept.boxes, kept.valid, real.shape[1]))

    # Scores that differ by less than the tolerance may change places.
    ours = suppression.select_proposals(run.taps["network"].proposals, *limits)
    ours = ours._replace(scores=tf.sigmoid(ours.scores))
    check.same("count", real.sum(1), ours.valid.numpy().sum(1))
    recorded = padded(take(scores, np.maximum(selected, 0)), real, count)
    check.same("scores", recorded, padded(ours.scores, ours.valid, count))
    check.same(
        "spn_rois", by_place(boxes), by_place(padded(ours.boxes, ours.valid, count))
    )
    if "spn_rois" in g:
        check.same("spn_rois", by_place(g["spn_rois"]), by_place(boxes))
    probe = PointRoIAlign(1, c.region_margin_inference)
    points, number = run.batch["points"], run.batch["num_points"]
    held = probe(points, ours.boxes, ours.valid, number, tf.zeros(2, tf.int32))
    rois = padded(ours.boxes, held.valid, count)
    check.same("rois", by_place(g["rois"]), by_place(rois))


def by_place(boxes) -> np.ndarray:
    """Boxes [1, R, 6] in the order of their centres, to the millimetre."""
    keys = np.round(boxes[0, :, :3], 3).T
    return boxes[:, np.lexsort(keys)]


def heads(g: Golden, check: Check) -> None:
    run = inference(g.path)
    logits, deltas = run.taps["boxes"]
    regions = run.taps.calls["regions"][0]
    support = run.taps.arguments["refined"][0][3]
    classes = tf.argmax(logits, -1, output_type=tf.int32)
    semantic = tf.reduce_mean(take(support.semantic, regions.indices), 2)
    objectness = take(support.objectness, regions.indices)
    found = {
        "rpointnet_class_logits": logits,
        "rpointnet_class": tf.nn.softmax(logits),
        "rpointnet_bbox": tf.gather(deltas, REVERSED, axis=-1),
        "fb_prob_cropped": tf.reduce_mean(objectness, -1),
        "sem_prob_cropped": scoring.of_class(semantic, classes),
    }
    for name in found.keys() & set(g.keys()):
        check.same(name, g[name], found[name])
    detections = run.taps["refined"]
    columns = (
        detections.boxes,
        tf.cast(detections.classes, tf.float32)[..., None],
        detections.confidence[..., None],
    )
    check.same("points", g["mask_selection_idx"], regions.indices)
    check.same("detections", g["detections"], tf.concat(columns, -1))
    check.same("rois_final", g["rois_final"], detections.boxes)


def masks(g: Golden, check: Check) -> None:
    run = inference(g.path)
    detections = run.taps["refined"]
    logits = run.taps["masks"]  # [1, D, C, M]
    real = detections.valid.numpy()
    selected = tf.sigmoid(scoring.of_class(logits, detections.classes)).numpy()
    key = next(k for k in g.keys() if k.startswith("rpointnet_mask_selected"))
    real = real[:, : g[key].shape[1]]
    fed = run.taps.calls["regions"][1].indices.numpy()[:, : real.shape[1]]
    check.same("points", g["mask_selection_idx_final"][real], fed[real])
    check.same("selected", g[key][real], selected[:, : real.shape[1]][real])
    if any(k.startswith("rpointnet_mask__") for k in g.keys()):
        every = tf.transpose(logits, [0, 1, 3, 2])
        check.same("rpointnet_mask", *g.end_point("rpointnet_mask", every))


def crops(g: Golden, check: Check) -> None:
    """Features of regions' points, put together as the release does."""
    run = inference(g.path)
    regions = run.taps.calls["regions"][0]
    features: PointFeatures = run.taps.arguments["boxes"][0][0]
    support = run.taps.arguments["refined"][0][3]
    scene = features.scene
    entity = interpolate(scene.context, scene.to_seeds)
    everything = [
        entity,
        features.levels,
        support.objectness[..., None],
        support.semantic,
    ]
    rows_of = take(tf.concat(everything, -1), regions.indices)
    for name, place in (
        ("center", scene.centers.everywhere),
        ("coord", features.points),
    ):
        local = box_lib.normalize(take(place, regions.indices), regions.boxes)
        check.same(name, *g.end_point(f"crop_{name}", local))
    check.same("features", *g.end_point("crop_fea", rows_of))


def results(g: Golden, check: Check) -> None:
    """What test.py of the release writes. Ours leaves out empty masks, later."""
    run, count = inference(g.path), len(g["post_label_ids"])
    scored, soft, support = run.taps.arguments["exported"][0]
    scores, key = (x.numpy()[0, :count] for x in run.taps["exported"])
    area = tf.reduce_sum(soft, -1) + 1e-8
    objectness = tf.linalg.matvec(soft, support.objectness) / area
    semantic = tf.matmul(soft, support.semantic)
    semantic = scoring.of_class(semantic, scored.classes) / area
    order = np.argsort(-key, kind="stable")
    check.same("order", np.concatenate([g["post_sidx"], g["post_sidx2"]]), order)
    classes = scored.classes.numpy()[0, :count]
    masks = soft.numpy()[0, :count] > run.model.config.mask_threshold
    points = run.batch["points"].shape[1]
    check.same("masks", g.bits("post_masks", points), masks[order])
    ids = ClassList.read(SCANNET).to_raw(classes)
    check.same("label_ids", g["post_label_ids"], ids[order])
    check.same("confidence", g["post_confidence"], scores[order])
    check.same("fb_conf", g["post_fb_conf"], objectness[0, :count].numpy()[order])
    check.same("sem_conf", g["post_sem_conf"], semantic[0, :count].numpy()[order])
    table = g["post_detections_sorted"]
    check.same("classes", table[:, 6], np.float32(classes[order]))
    check.same("class probability", table[:, 7], scored.confidence.numpy()[0, order])


def end_points(part) -> Compare:
    return lambda g, check: compare(g, check, part(inference(g.path)))


GROUPS: dict[str, tuple[Compare, tuple[str, ...]]] = {
    "geometry": (
        end_points(geometry),
        ("pc_seed", "ind_*", "*_fps", "*_ball*", "ctx_*"),
    ),
    "centres": (end_points(centers), ("shift_*", "center_pos")),
    "semantics": (end_points(semantics), ("sem_l*", "sem_fa*", "sem_fea*", "fpn*")),
    "semantic classes": (end_points(semantics), ("sem_class_logits", "sub")),
    "shapes": (
        end_points(shapes),
        (
            *("pcfea_seed", "entity_fea*", "gcfeat", "fb_logits", "fb_prob"),
            *("cmean*", "clog_var", "mean", "log_var", "instance_fea", "upconv*"),
            *("pc_ins_pred*", "bbox_ins_pred", "seg_label_per_group"),
            "pc_ins_center_seed",
        ),
    ),
    "proposals": (proposals, ("rois", "spn_rois", "selected_indices", "fb_prob")),
    "heads": (
        heads,
        (
            *("mask_selection_idx", "rpointnet_class*", "rpointnet_bbox"),
            *("fb_prob_cropped", "sem_prob_cropped", "detections", "rois_final"),
        ),
    ),
    "masks": (masks, ("mask_selection_idx_final", "rpointnet_mask*")),
    "crops": (crops, ("crop_*",)),
    "results": (results, ("post_*",)),
}


def cases(golden: Golden) -> Iterator[Case]:
    """The groups of which a file has something; none without the weights."""
    left = {key for key in golden.keys() if not not_checked(key)}
    for name, (run, patterns) in GROUPS.items():
        mine = {k for k in left if any(fnmatchcase(k, p) for p in patterns)}
        left -= mine
        if mine and has_weights():
            yield Case(name, frozenset(mine), run)
