"""GroupMerging against a plain reading of SGPN's section 3.3."""

import numpy as np
import pytest
import tensorflow as tf

from gspn_tf.models import grouping
from gspn_tf.models.grouping import Rules, merge_groups

RULES = Rules(
    similarity=5.0,
    min_confidence=0.4,
    min_points=4,
    max_iou=0.6,
    max_share=0.8,
    order="size",
    max_groups=50,
)
SCALE = 10.0


def naive(features, confidence, scale, rules):
    """One point, one group, one comparison at a time, over the whole matrix."""
    count = len(features)
    near = np.array(
        [[scale * ((a - b) ** 2).sum() for b in features] for a in features]
    )
    near = near.reshape(count, count)
    groups = {
        i: set(np.flatnonzero(near[i] < rules.similarity).tolist())
        for i in range(count)
        if confidence[i] > rules.min_confidence
    }
    groups = {i: g for i, g in groups.items() if len(g) >= rules.min_points}
    sizes = {i: len(group) for i, group in groups.items()}
    rank = {"size": sizes, "confidence": confidence}[rules.order]
    kept = []
    while groups and len(kept) < rules.max_groups:
        best = max(groups, key=lambda i: (rank[i], -i))
        first = groups.pop(best)
        kept.append(best)
        groups = {
            i: g
            for i, g in groups.items()
            if len(g & first) <= rules.max_iou * len(g | first)
            and len(g & first) <= rules.max_share * len(g)
        }
    owner = np.full(count, -1)
    for j in range(count):
        row = near[j, kept]
        if len(kept) and row.min() < rules.similarity:
            owner[j] = row.argmin()
    for row in range(len(kept)):
        if (owner == row).sum() < rules.min_points:
            owner[owner == row] = -1
    return owner


def cloud(seed, count, clusters, spread=0.4):
    """Features on a grid, so that sums are exact, around some centres."""
    rng = np.random.default_rng(seed)
    centers = rng.uniform(-2, 2, (clusters, 4))
    points = centers[rng.integers(0, clusters, count)]
    points = points + rng.normal(0, spread, (count, 4))
    return np.float32(np.round(points * 16) / 16), np.float32(rng.uniform(size=count))


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("chunk", [7, 1024])
@pytest.mark.parametrize(
    "seed, count, clusters, spread",
    [(0, 60, 3, 0.1), (1, 90, 6, 0.25), (2, 120, 2, 0.5), (3, 80, 20, 0.05)],
)
def test_groups_are_those_of_the_paper(
    seed, count, clusters, spread, chunk, graph, monkeypatch
):
    monkeypatch.setattr(grouping, "CHUNK", chunk)
    merge = tf.function(merge_groups) if graph else merge_groups
    values = cloud(seed, count, clusters, spread)
    found = merge(*map(tf.constant, values), SCALE, RULES).numpy()
    np.testing.assert_array_equal(found, naive(*values, SCALE, RULES))
    assert found.max() >= 1  # more than one group: else it would show nothing


@pytest.mark.parametrize(
    "change",
    [
        {"similarity": 0.5},
        {"similarity": 30.0},
        {"min_confidence": 0.9},
        {"min_points": 12},
        {"max_iou": 0.1},
        {"max_share": 0.3},
        {"max_iou": 1.0, "max_share": 1.0},
        {"order": "confidence"},
        {"max_groups": 2},
    ],
    ids=str,
)
def test_every_rule_counts(change):
    values = cloud(5, 100, 6, 0.3)
    rules = RULES._replace(**change)
    found = merge_groups(*map(tf.constant, values), SCALE, rules).numpy()
    np.testing.assert_array_equal(found, naive(*values, SCALE, rules))
    assert (found != naive(*values, SCALE, RULES)).any()


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_points_are_no_group(count, graph):
    merge = tf.function(merge_groups) if graph else merge_groups
    found = merge(tf.zeros([count, 4]), tf.ones([count]), SCALE, RULES)
    np.testing.assert_array_equal(found, np.full(count, -1))


def test_no_confident_point_no_group():
    found = merge_groups(tf.zeros([9, 4]), tf.fill([9], 0.4), SCALE, RULES)
    assert (found.numpy() == -1).all()


def test_an_unsure_point_between_two_groups_does_not_join_them():
    """It proposes both as one, the largest group."""
    left, right = np.full((10, 1), 0.0), np.full((10, 1), 1.0)
    features = np.float32(np.concatenate([left, [[0.5]], right]))
    confidence = np.where(np.arange(21) == 10, 0.5, 0.9).astype("f4")
    rules = RULES._replace(order="confidence")
    found = merge_groups(features, confidence, SCALE, rules).numpy()
    assert len(set(found[:10])) == len(set(found[11:])) == 1
    assert found[0] != found[-1]
    largest_first = merge_groups(features, confidence, SCALE, RULES).numpy()
    assert (largest_first == 0).all()


def test_a_whole_scene_needs_no_whole_matrix():
    """40 000 points: the matrix would be 6.4 GB of floats, a chunk is 160 MB."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 30, 40_000)
    features = np.float32(truth[:, None] + rng.uniform(-0.1, 0.1, (40_000, 1)))
    largest = []
    watched = grouping.similarity

    def similarity(left, right, scale):
        found = watched(left, right, scale)
        largest.append(int(np.prod(found.shape)))
        return found

    grouping.similarity = similarity
    try:
        found = merge_groups(features, tf.ones([40_000]), SCALE, RULES).numpy()
    finally:
        grouping.similarity = watched
    assert max(largest) <= 40_000 * grouping.CHUNK
    pairs = set(zip(truth, found, strict=True))
    assert len(pairs) == 30 and len({row for _, row in pairs}) == 30
