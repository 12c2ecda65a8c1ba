"""Boxes, suppression, targets and detections against ops.npz."""

from functools import partial

import numpy as np

from gspn_tf import ops
from gspn_tf.models.scoring import of_class
from gspn_tf.nn import boxes
from gspn_tf.nn.pyramid import take
from gspn_tf.nn.suppression import select_proposals
from gspn_tf.types import Proposals
from parity.golden import Check, Golden, group_cases

FILES = ("ops*.npz",)
REVERSED = [2, 1, 0, 5, 4, 3]  # deltas of the release are (dz, dy, dx, dh, dw, dl)
UNIT = (1.0, 1.0)


def blank(values, real) -> np.ndarray:
    """Zeros where there is nothing, as the release pads."""
    return np.where(np.asarray(real)[..., None], values, np.float32(0))


def suppression(g: Golden, check: Check) -> None:
    limit = int(g["pre_nms_limit"])
    valid = g["scores"] > g["score_threshold"]
    found = select_proposals(
        Proposals(g["boxes"], g["scores"], valid),
        limit if limit > 0 else valid.shape[1],
        int(g["max_output_size"]),
        float(g["iou_threshold"]),
    )
    selected = g["selected"]
    check.same("count", selected >= 0, found.valid)
    for name, values in (("boxes", found.boxes), ("scores", found.scores[..., None])):
        recorded = take(np.atleast_3d(g[name]), np.maximum(selected, 0))
        check.same(name, blank(recorded, selected >= 0), blank(values, found.valid))


def selection(g: Golden, check: Check) -> None:
    real = g["idx"] >= 0
    rows = np.maximum(g["idx"], 0)
    check.same("out", g["out"], blank(take(g["source"], rows), real))


def encoded(g: Golden, check: Check) -> None:
    ours = boxes.encode(g["box"], g["gt"], UNIT)
    check.same("out", g["out"][:, REVERSED], ours)


def decoded(g: Golden, check: Check) -> None:
    ours = boxes.decode(g["box"], g["delta"][:, REVERSED], UNIT)
    check.same("out", g["out"], ours)


def inside(points, rois, margin: float = 0.0) -> np.ndarray:
    """Which points [N, 3] are in which boxes [R, 6]: bool [R, N]."""
    grown = rois + np.float32([0, 0, 0] + 3 * [2 * margin])
    anywhere, ones = np.zeros([1, len(rois), 1, 3]), np.ones([1, len(rois), 1])
    found = ops.nearest_assign(
        points[None], np.float32(anywhere), np.float32(ones), np.float32(grown[None])
    )
    return found[0].numpy() > 0


def draws(random, masks, count: int) -> np.ndarray:
    """The release's draws of points from masks [R, N]: int32 [R, count]."""
    some = [np.flatnonzero(mask) for mask in masks]
    nothing = np.zeros(count)
    picks = [random.choice(m, count) if len(m) else nothing for m in some]
    return np.int32(picks)


def drawn_points(g: Golden, check: Check) -> None:
    """Another random generator than NumPy's draws ours: the same points are possible.

    What is in a mask is put in a box, the rest outside.
    """
    masks, count = g["masks"], int(g["nsmp"])
    random = np.random.RandomState(int(g["seed"]))
    check.same("out", g["out"], draws(random, masks, count))
    points = np.where(masks[..., None], np.float32([0, 0, 0]), np.float32([9, 9, 9]))
    box = np.tile(np.float32([0, 0, 0, 1, 1, 1]), (len(masks), 1, 1))
    found, counts = ops.sample_in_boxes(points, box, [1, 2], num_samples=1000)
    check.same("counts", masks.sum(1).astype(np.int32), counts[:, 0])
    for row, mask in zip(found[:, 0].numpy(), masks, strict=True):
        some = np.flatnonzero(mask) if mask.any() else [0]
        check.same("points", np.unique(some), np.unique(row))


def regions_of_proposals(g: Golden, check: Check, drop_empty: bool) -> None:
    """Zero rows go, and boxes without points if so wanted; ours become invalid."""
    rois, points = g["proposals"], g["pc"]
    masks = inside(points, rois, margin=1e-3)
    _, counts = ops.sample_in_boxes(
        points[None], rois[None], [0, 0], num_samples=1, margin=1e-3
    )
    check.same("counts", masks.sum(1).astype(np.int32), counts[0])
    keep = rois.any(1) & (masks.any(1) | (not drop_empty))
    num, samples = int(g["num_rois"]), int(g["npoint_mask"])
    kept = np.pad(rois[keep], [(0, num - keep.sum()), (0, 0)])
    check.same("out_proposals", g["out_proposals"], kept)
    random = np.random.RandomState(int(g["seed"]))
    picks = draws(random, masks[keep], samples)
    check.same("idx", g["idx"], np.pad(picks, [(0, num - keep.sum()), (0, 0)]))


def cropped(g: Golden, check: Check) -> None:
    """Padded boxes, all zero, are compared where no coordinate is normalised."""
    rois, rows = g["rois"], g["idx"]
    real = rois.any(-1)
    check.same("out_fea", g["out_fea"], take(g["fea"], rows))
    check.same("out_coord_world", g["out_coord_world"], take(g["pc"], rows))
    for key, source in (("out_center", "center"), ("out_coord", "pc")):
        ours = boxes.normalize(take(g[source], rows), rois).numpy()
        check.same(key, g[key][real], ours[real])


def selected_masks(g: Golden, check: Check) -> None:
    masks, classes = np.moveaxis(g["masks"], -1, 2), np.int32(g["class_ids"])
    check.same("out", g["out"], of_class(masks, classes))


def projected_masks(g: Golden, check: Check) -> None:
    """The release has this and does it again in test.py, in NumPy."""
    masks, classes = np.moveaxis(g["masks"], -1, 2), np.int32(g["class_ids"])
    values = of_class(masks, classes)
    ours = ops.nearest_assign(g["pc"], g["coord"], values, g["rois"])
    check.same("out", g["out"], ours)


def shrunk(g: Golden, check: Check) -> None:
    """Off in the release (SHRINK_BOX), 1 mm larger than our tight box of points."""
    masks = inside(g["pc"][0], g["box"][0])
    tight = boxes.bounding(g["pc"], masks)
    check.same("out", g["out"][0], tight + np.float32([0, 0, 0, 1e-3, 1e-3, 1e-3]))


GROUPS = {
    "nms_3d_[0-9]": suppression,
    "gather_selection": selection,
    "box_refinement": encoded,
    "apply_box_delta*": decoded,
    "box_shrink": shrunk,
    "sample_points_within_box": drawn_points,
    "mask_selection_gen_True": partial(regions_of_proposals, drop_empty=True),
    "mask_selection_gen_False": partial(regions_of_proposals, drop_empty=False),
    "points_cropping": cropped,
    "select_segmentation": selected_masks,
    "unmold_segmentation": projected_masks,
}
cases = partial(group_cases, groups=GROUPS)
