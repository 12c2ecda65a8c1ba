"""Boxes, suppression, targets and detections against ops.npz."""

from functools import partial

import numpy as np

from gspn_tf import ops
from gspn_tf.models.scoring import of_class
from gspn_tf.nn import boxes
from gspn_tf.nn.pyramid import take
from gspn_tf.nn.suppression import select_proposals
from gspn_tf.types import Proposals
from parity.golden import Check, Golden, out

REVERSED = [2, 1, 0, 5, 4, 3]  # deltas of the release are (dz, dy, dx, dh, dw, dl)
UNIT = (1.0, 1.0)


def blank(values, real) -> np.ndarray:
    """Zeros where there is nothing, as the release pads."""
    return np.where(np.asarray(real)[..., None], values, np.float32(0))


def selected_rows(values, selected) -> np.ndarray:
    """Rows of values [B, N, ...] by indices [B, K]; zeros where those are negative."""
    return blank(take(values, np.maximum(selected, 0)), selected >= 0)


def compare_proposals(check: Check, boxes, scores, selected, *limits) -> np.ndarray:
    """Compares our selection of recorded boxes with the recorded; returns our boxes."""
    found = select_proposals(
        Proposals(boxes, scores, np.ones(scores.shape, bool)), *limits
    )
    ours = blank(found.boxes, found.valid)
    check.same("count", selected >= 0, found.valid)
    check.same("selected", selected_rows(boxes, selected), ours)
    return ours


def suppression(g: Golden, check: Check) -> None:
    limit, selected = int(g["pre_nms_limit"]), g["selected"]
    valid = g["scores"] > g["score_threshold"]
    found = select_proposals(
        Proposals(g["boxes"], g["scores"], valid),
        limit if limit > 0 else valid.shape[1],
        int(g["max_output_size"]),
        float(g["iou_threshold"]),
    )
    check.same("count", selected >= 0, found.valid)
    for name, values in (("boxes", found.boxes), ("scores", found.scores[..., None])):
        recorded = selected_rows(np.atleast_3d(g[name]), selected)
        check.same(name, recorded, blank(values, found.valid))


def inside(points, rois, margin: float = 0.0) -> np.ndarray:
    """Which points [N, 3] are in which boxes [R, 6]: bool [R, N]."""
    grown = rois + np.float32([0, 0, 0] + 3 * [2 * margin])
    anywhere, ones = np.zeros([1, len(rois), 1, 3]), np.ones([1, len(rois), 1])
    found = ops.nearest_assign(
        points[None], np.float32(anywhere), np.float32(ones), np.float32(grown[None])
    )
    return found[0].numpy() > 0


def drawn_from(masks, rows) -> bool:
    """Whether rows [R, K] are of masks [R, N], and 0 where a mask is empty."""
    some = masks.any(1)
    return np.take_along_axis(masks, rows, 1)[some].all() and not rows[~some].any()


def drawn_points(g: Golden, check: Check) -> None:
    """Another random generator than NumPy's draws ours: the same points are possible.

    What is in a mask is put in a box, the rest outside.
    """
    masks = g["masks"]
    check.same("nsmp", g["nsmp"], g["out"].shape[1])
    check.true("drawn of the masks", drawn_from(masks, g["out"]))
    points = np.where(masks[..., None], np.float32([0, 0, 0]), np.float32([9, 9, 9]))
    box = np.tile(np.float32([0, 0, 0, 1, 1, 1]), (len(masks), 1, 1))
    found, counts = ops.sample_in_boxes(points, box, [1, 2], num_samples=1000)
    check.same("counts", masks.sum(1).astype(np.int32), counts[:, 0])
    for row, mask in zip(found[:, 0].numpy(), masks, strict=True):
        some = np.flatnonzero(mask) if mask.any() else [0]
        check.same("points", np.unique(some), np.unique(row))


def regions_of_proposals(g: Golden, check: Check, drop_empty: bool) -> None:
    """Zero rows go, and boxes without points if so wanted; ours become invalid."""
    rois, points, num = g["proposals"], g["pc"], int(g["num_rois"])
    masks = inside(points, rois, margin=1e-3)
    _, counts = ops.sample_in_boxes(
        points[None], rois[None], [0, 0], num_samples=1, margin=1e-3
    )
    check.same("counts", masks.sum(1).astype(np.int32), counts[0])
    keep = rois.any(1) & (masks.any(1) | (not drop_empty))
    rest = [(0, num - keep.sum()), (0, 0)]
    check.same("out_proposals", g["out_proposals"], np.pad(rois[keep], rest))
    check.same("npoint_mask", g["npoint_mask"], g["idx"].shape[1])
    check.true("drawn inside", drawn_from(np.pad(masks[keep], rest), g["idx"]))


def cropped(g: Golden, check: Check) -> None:
    """Padded boxes, all zero, are compared where no coordinate is normalised."""
    rois, rows = g["rois"], g["idx"]
    real = rois.any(-1)
    check.same("out_fea", g["out_fea"], take(g["fea"], rows))
    check.same("out_coord_world", g["out_coord_world"], take(g["pc"], rows))
    for key, source in (("out_center", "center"), ("out_coord", "pc")):
        ours = boxes.normalize(take(g[source], rows), rois).numpy()
        check.same(key, g[key][real], ours[real])


def selected_masks(g: Golden):
    return of_class(np.moveaxis(g["masks"], -1, 2), np.int32(g["class_ids"]))


def shrunk(g: Golden):
    """Off in the release (SHRINK_BOX), 1 mm larger than our tight box of points."""
    tight = boxes.bounding(g["pc"], inside(g["pc"][0], g["box"][0]))
    return tight[None] + np.float32([0, 0, 0, 1e-3, 1e-3, 1e-3])


GROUPS = {
    "nms_3d_[0-9]": suppression,
    "gather_selection": out(lambda g: selected_rows(g["source"], g["idx"])),
    "box_refinement": out(
        lambda g: boxes.encode(g["box"], g["gt"], UNIT).numpy()[:, REVERSED]
    ),
    "apply_box_delta*": out(
        lambda g: boxes.decode(g["box"], g["delta"][:, REVERSED], UNIT)
    ),
    "box_shrink": out(shrunk),
    "sample_points_within_box": drawn_points,
    "mask_selection_gen_True": partial(regions_of_proposals, drop_empty=True),
    "mask_selection_gen_False": partial(regions_of_proposals, drop_empty=False),
    "points_cropping": cropped,
    "select_segmentation": out(selected_masks),
    "unmold_segmentation": out(
        lambda g: ops.nearest_assign(g["pc"], g["coord"], selected_masks(g), g["rois"])
    ),
}
