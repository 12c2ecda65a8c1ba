"""Sampling and neighbourhoods of recorded scenes, which no weight takes part in."""

from collections.abc import Iterator
from functools import partial

import tensorflow as tf

from gspn_tf.config import presets
from gspn_tf.nn.pyramid import Context, Pyramid, build_context, build_pyramid, take
from parity.golden import Case, Check, Golden, pattern_cases

FILES = ("infer_", "train_spn_")
CONFIG = presets.released_literal().proposal
NETWORKS = ("shift", "sem")


def cases(golden: Golden) -> Iterator[Case]:
    """Where the scene itself was recorded."""
    if "in_pc" not in golden:
        return
    for prefix in ("", "eval_", "train_"):
        table = {"seeds": (partial(seeds, prefix=prefix), " ".join(SEEDS))}
        yield from pattern_cases(golden, table, prefix)
    table = {
        f"{name} levels": (partial(levels, name=name), f"{name}_l*_fps {name}_l*_ball*")
        for name in NETWORKS
    }
    table["context spheres"] = (spheres, "ctx_ball* ctx_cnt*")
    yield from pattern_cases(golden, table)


def scene(g: Golden):
    points = g["in_pc"]
    count = tf.fill([len(points)], points.shape[1])
    num_ordered = CONFIG.num_semantic_points
    return points, count, build_pyramid(points, count, CONFIG.backbone, num_ordered)


SEEDS = ("ind_seed", "ind_sem", "pc_seed", "sem_labels")


def seeds(g: Golden, check: Check, prefix: str) -> None:
    points, _, pyramid = scene(g)
    seeds = pyramid.order[:, : g[f"{prefix}ind_seed"].shape[1]]
    rows = pyramid.order[:, : g[f"{prefix}ind_sem"].shape[1]]
    labels = take(g["in_seg_label"], rows)
    ours = dict(zip(SEEDS, (seeds, rows, take(points, seeds), labels), strict=True))
    check.end_points(g, ours, prefix)


def level_end_points(pyramid: Pyramid, name: str) -> dict:
    """The levels of a network; below the first the farthest points are the first."""
    found = {}
    for number, level in enumerate(pyramid.levels, 1):
        batch, count, _ = level.points.shape
        first = tf.tile(tf.range(count)[None], [batch, 1])
        rows = pyramid.order[:, :count] if number == 1 else first
        found[f"{name}_l{number}_fps"] = rows
        found[f"{name}_l{number}_ball"] = level.neighbors
    return found


def levels(g: Golden, check: Check, name: str) -> None:
    *_, pyramid = scene(g)
    check.end_points(g, level_end_points(pyramid, name))


def sphere_end_points(context: Context) -> dict:
    near = {f"ctx_ball{k}": rows for k, rows in enumerate(context.neighbors)}
    return near | {f"ctx_cnt{k}": count for k, count in enumerate(context.counts)}


def spheres(g: Golden, check: Check) -> None:
    points, count, pyramid = scene(g)
    batch = {"points": points, "colors": g["in_color"], "num_points": count}
    seeds = pyramid.order[:, : g["ctx_cnt0"].shape[1]]
    context = build_context(batch, pyramid, seeds, CONFIG)
    check.end_points(g, sphere_end_points(context))
