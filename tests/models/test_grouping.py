"""GroupMerging against a plain reading of SGPN's section 3.3."""

import dataclasses as dc

import numpy as np
import pytest
import tensorflow as tf

from gspn_tf.config import SGPNConfig
from gspn_tf.models import grouping
from gspn_tf.models.grouping import merge_groups

RULES = SGPNConfig(group_similarity=5.0, min_group_points=4, max_detections=50)


def naive(features, confidence, rules):
    """One point, one group, one comparison at a time, over the whole matrix."""
    count, scale = len(features), rules.similarity_scale
    near = [[scale * ((a - b) ** 2).sum() for b in features] for a in features]
    near = np.reshape(near, (count, count))
    groups = {
        i: set(np.flatnonzero(near[i] < rules.group_similarity).tolist())
        for i in range(count)
        if confidence[i] > rules.min_confidence
    }
    groups = {i: g for i, g in groups.items() if len(g) >= rules.min_group_points}
    sizes = {i: len(group) for i, group in groups.items()}
    rank = {"size": sizes, "confidence": confidence}[rules.group_order]
    kept = []
    while groups and len(kept) < rules.max_detections:
        best = max(groups, key=lambda i: (rank[i], -i))
        first = groups.pop(best)
        kept.append(best)
        groups = {
            i: g
            for i, g in groups.items()
            if len(g & first) <= rules.max_group_iou * len(g | first)
            and len(g & first) <= rules.max_group_share * len(g)
        }
    owner = np.full(count, -1)
    for j in range(count):
        row = near[j, kept]
        if len(kept) and row.min() < rules.group_similarity:
            owner[j] = row.argmin()
    for row in range(len(kept)):
        if (owner == row).sum() < rules.min_group_points:
            owner[owner == row] = -1
    return owner


def cloud(seed, count, clusters, spread=0.4):
    """Features on a grid, so that sums are exact, around some centres."""
    rng = np.random.default_rng(seed)
    centers = rng.uniform(-2, 2, (clusters, 4))
    points = centers[rng.integers(0, clusters, count)]
    points = points + rng.normal(0, spread, (count, 4))
    return np.float32(np.round(points * 16) / 16), np.float32(rng.uniform(size=count))


@pytest.mark.parametrize(
    "seed, count, clusters, spread, chunk",
    [
        (0, 60, 3, 0.1, 7),
        (1, 90, 6, 0.25, 7),
        (2, 120, 2, 0.5, 1024),
        (3, 80, 20, 0.05, 1024),
    ],
)
def test_groups_are_those_of_the_paper(
    seed, count, clusters, spread, chunk, monkeypatch
):
    monkeypatch.setattr(grouping, "CHUNK", chunk)
    values = cloud(seed, count, clusters, spread)
    found = merge_groups(*map(tf.constant, values), RULES).numpy()
    np.testing.assert_array_equal(found, naive(*values, RULES))
    assert found.max() >= 1  # more than one group: else it would show nothing
    traced = tf.function(lambda *x: merge_groups(*x, RULES))(*values)
    np.testing.assert_array_equal(traced, found)


@pytest.mark.parametrize(
    "change",
    [
        {"group_similarity": 0.5},
        {"group_similarity": 30.0},
        {"min_confidence": 0.9},
        {"min_group_points": 12},
        {"max_group_iou": 0.1},
        {"max_group_share": 0.3},
        {"max_group_iou": 1.0, "max_group_share": 1.0},
        {"group_order": "confidence"},
        {"max_detections": 2},
    ],
    ids=str,
)
def test_every_rule_counts(change):
    values = cloud(5, 100, 6, 0.3)
    rules = dc.replace(RULES, **change)
    found = merge_groups(*map(tf.constant, values), rules).numpy()
    np.testing.assert_array_equal(found, naive(*values, rules))
    assert (found != naive(*values, RULES)).any()


@pytest.mark.parametrize("count, confidence", [(0, 1.0), (3, 1.0), (9, 0.4)])
def test_few_or_unsure_points_are_no_group(count, confidence):
    merge = tf.function(lambda *x: merge_groups(*x, RULES))
    found = merge(tf.zeros([count, 4]), tf.fill([count], confidence))
    np.testing.assert_array_equal(found, np.full(count, -1))
