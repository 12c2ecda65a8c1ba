"""Sampling and neighbourhoods of recorded scenes, which no weight takes part in."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from gspn_tf.config import presets
from gspn_tf.nn.pyramid import build_context, build_pyramid, take
from parity.golden import Case, Check, Golden

FILES = ("infer_*.npz", "train_spn_*.npz")
CONFIG = presets.released_literal().proposal
LEVELS = range(1, len(CONFIG.backbone.num_centers) + 1)
SCALES = range(len(CONFIG.context_radii))


def cases(golden: Golden) -> Iterator[Case]:
    """Where the scene itself was recorded."""
    if "in_pc" not in golden:
        return
    keys = set(golden.keys())
    for prefix in ("", "eval_", "train_"):
        seeds = {prefix + key for key in ("ind_seed", "ind_sem", "pc_seed")} & keys
        labels = {f"{prefix}sem_labels"} & keys
        if seeds:
            yield Case(f"{prefix}seeds", frozenset(seeds | labels), seeds_of(prefix))
    for network in ("shift", "sem"):
        levels = {k for k in keys if k.startswith(f"{network}_l") and "_fps" in k}
        near = {k for k in keys if k.startswith(f"{network}_l") and "_ball" in k}
        if levels:
            yield Case(
                f"{network} levels", frozenset(levels | near), levels_of(network)
            )
    context = {k for k in keys if k.startswith(("ctx_ball", "ctx_cnt"))}
    if context:
        yield Case("context spheres", frozenset(context), spheres)


def scene(g: Golden):
    points = g["in_pc"]
    count = tf.fill([len(points)], points.shape[1])
    num_ordered = CONFIG.num_semantic_points
    return points, count, build_pyramid(points, count, CONFIG.backbone, num_ordered)


def seeds_of(prefix: str):
    def compare(g: Golden, check: Check) -> None:
        points, _, pyramid = scene(g)
        recorded = g[f"{prefix}ind_seed"]
        seeds = pyramid.order[:, : recorded.shape[1]]
        check.same("ind_seed", recorded, seeds)
        check.same("pc_seed", g[f"{prefix}pc_seed"], take(points, seeds))
        recorded = g[f"{prefix}ind_sem"]
        rows = pyramid.order[:, : recorded.shape[1]]
        check.same("ind_sem", recorded, rows)
        if f"{prefix}sem_labels" in g:
            labels = take(g["in_seg_label"], rows)
            check.same("sem_labels", g[f"{prefix}sem_labels"], labels)

    return compare


def levels_of(network: str):
    """Below the first level the farthest points are the first ones."""

    def compare(g: Golden, check: Check) -> None:
        *_, pyramid = scene(g)
        for number, level in zip(LEVELS, pyramid.levels, strict=True):
            recorded = g[f"{network}_l{number}_fps"]
            count = recorded.shape[1]
            first = np.tile(np.arange(count, dtype=np.int32), (len(recorded), 1))
            rows = pyramid.order[:, :count] if number == 1 else first
            check.same(f"centres {number}", recorded, rows)
            name = f"{network}_l{number}_ball"
            check.same(name, *g.end_point(name, level.neighbors))

    return compare


def spheres(g: Golden, check: Check) -> None:
    points, count, pyramid = scene(g)
    batch = {"points": points, "colors": g["in_color"], "num_points": count}
    counts = [g[f"ctx_cnt{scale}"] for scale in SCALES]
    context = build_context(
        batch, pyramid, pyramid.order[:, : counts[0].shape[1]], CONFIG
    )
    for scale in SCALES:
        check.same(f"ctx_cnt{scale}", counts[scale], context.counts[scale])
        name = f"ctx_ball{scale}"
        check.same(name, *g.end_point(name, context.neighbors[scale]))
