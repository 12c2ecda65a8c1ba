"""Geometry of a scene: one order, its prefixes, neighbours and interpolation."""

import dataclasses as dc

import numpy as np
import pytest
import reference
import tensorflow as tf

from gspn_tf.nn import pyramid as pyramid_lib
from gspn_tf.nn.pyramid import build_context, build_pyramid

NUM_ORDERED = 100  # more than the centres of the first level


@pytest.fixture(scope="module")
def backbone(tiny_config):
    return tiny_config.proposal.backbone


@pytest.fixture(scope="module")
def built(tiny_batch, backbone):
    points, num_points = tiny_batch["points"], tiny_batch["num_points"]
    return build_pyramid(points, num_points, backbone, NUM_ORDERED)


@pytest.mark.parametrize("length", [30, 512])
def test_a_known_order_is_taken_and_then_the_first_row(tiny_batch, backbone, length):
    points, num_points = tiny_batch["points"], tiny_batch["num_points"]
    known = tf.tile(tf.range(length)[None, ::-1], [2, 1])
    found = build_pyramid(points, num_points, backbone, NUM_ORDERED, known).order
    expected = np.zeros((2, NUM_ORDERED), np.int32)
    expected[:, :length] = known[:, :NUM_ORDERED]
    np.testing.assert_array_equal(found, expected)


def naive_interpolation(coarse, fine):
    squared, indices = reference.knn(coarse, fine, 3)
    inverse = 1 / np.maximum(squared, 1e-10)
    return indices, inverse / inverse.sum(1, keepdims=True)


def test_interpolation_tables_join_the_right_levels(built):
    fine = [level.points for level in built.levels]
    pairs = list(zip(built.up, fine[1:], fine, strict=False))
    to_points = zip(built.to_points, fine, strict=True)
    pairs += [(table, coarse, built.points) for table, coarse in to_points]
    assert len(pairs) == 5
    for table, coarse, points in pairs:
        for b in range(2):
            indices, weights = naive_interpolation(coarse[b].numpy(), points[b].numpy())
            np.testing.assert_array_equal(table.indices[b], indices)
            np.testing.assert_allclose(table.weights[b], weights, rtol=1e-5)


@pytest.mark.parametrize("subset", [0, 70])
def test_contexts_are_spheres_around_the_seeds(subset, built, tiny_batch, tiny_config):
    config = dc.replace(
        tiny_config.proposal, num_context_points=subset, context_color_reference=0.5
    )
    rows = built.order[:, :20]
    context = build_context(tiny_batch, built, rows, config)
    for b, count in enumerate((512, 400)):
        chosen = built.order[b, :subset].numpy() if subset else np.arange(512)
        points, colors = (tiny_batch[key][b].numpy() for key in ("points", "colors"))
        np.testing.assert_array_equal(context.points[b], points[chosen])
        np.testing.assert_array_equal(context.colors[b], colors[chosen])
        np.testing.assert_array_equal(context.seeds[b], points[rows[b]])
        np.testing.assert_allclose(context.seed_colors[b], colors[rows[b]] / 2)
        scales = zip(config.context_radii, config.context_neighbors, strict=True)
        found = zip(context.neighbors, context.counts, scales, strict=True)
        for neighbors, counts, (radius, number) in found:
            expected = reference.ball_query(
                points[chosen][:count], points[rows[b]], radius, number
            )
            np.testing.assert_array_equal(neighbors[b], expected[0])
            np.testing.assert_array_equal(counts[b], expected[1])


def test_random_seeds_are_distinct_real_points(built):
    few = built._replace(num_points=tf.constant([512, 5]))
    first, again, other = (
        pyramid_lib.random_seeds(few, 20, tf.constant([0, seed])).numpy()
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert len(set(first[0])) == 20 and first[0].max() > 100
    assert sorted(first[1, :5]) == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(first[1, 5:], 0)


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_weights_fall_with_a_power_of_the_distance(power):
    coarse = tf.constant([[[0.0, 0, 0], [3, 0, 0], [0, 9, 9]]])
    fine = tf.constant([[[1.0, 0, 0]]])
    found = pyramid_lib.interpolation(coarse, fine, tf.constant([2]), power)
    near, far = 1.0, 2.0**-power
    expected = np.array([near, far, 0]) / (near + far)
    np.testing.assert_allclose(found.weights[0, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_fewer_points_than_centres(count, tiny_batch, backbone):
    points = tiny_batch["points"]
    total = min(count, 1)  # of the weights: without points they are 0
    built = build_pyramid(points, tf.constant([count, count]), backbone, NUM_ORDERED)
    assert built.order.numpy().max() == max(count - 1, 0)
    np.testing.assert_array_equal(built.order[:, count:], 0)
    for level, size in zip(built.levels, backbone.num_centers, strict=True):
        np.testing.assert_array_equal(level.num_points, min(count, size))
        assert level.neighbors.numpy().max() < max(count, 1)
    for table in (*built.up, *built.to_points):
        assert table.indices.numpy().max() < max(count, 1)
        np.testing.assert_allclose(tf.reduce_sum(table.weights, -1), total, rtol=1e-6)


SHARES = (1 / 8, 1 / 16, 1 / 64)


def test_centres_are_shares_of_the_points_and_no_more_rows_than_needed(
    tiny_batch, backbone
):
    shared = dc.replace(backbone, num_centers=(512, 9, 512), center_shares=SHARES)
    points, counts = tiny_batch["points"], tf.constant([512, 300])
    built = build_pyramid(points, counts, shared, 20)
    expected = [[64, 38], [9, 9], [8, 5]]  # of both scenes, rounded up, at most 9
    for level, each in zip(built.levels, expected, strict=True):
        np.testing.assert_array_equal(level.num_points, each)
        assert level.points.shape[1] == max(each)
    assert built.order.shape[1] == 64


def test_shares_keep_levels_of_a_scene_whatever_else_is_in_the_batch(
    tiny_batch, backbone
):
    shared = dc.replace(backbone, num_centers=(512,) * 3, center_shares=SHARES)
    points, counts = tiny_batch["points"], tf.constant([512, 300])
    both = build_pyramid(points, counts, shared, 1)
    alone = build_pyramid(points[1:], counts[1:], shared, 1)
    for ours, theirs in zip(both.levels, alone.levels, strict=True):
        count = int(theirs.num_points[0])
        np.testing.assert_array_equal(ours.points[1, :count], theirs.points[0])
        np.testing.assert_array_equal(ours.neighbors[1, :count], theirs.neighbors[0])


@pytest.mark.parametrize("shares", [(1 / 8, 1.0, 1.0), (1 / 16, 1 / 8, 1 / 4)])
def test_a_level_has_no_more_centres_than_the_one_below(tiny_batch, backbone, shares):
    shared = dc.replace(backbone, num_centers=(512,) * 3, center_shares=shares)
    points, counts = tiny_batch["points"], tf.constant([512, 90])
    first, *others = build_pyramid(points, counts, shared, 1).levels
    for level in others:
        np.testing.assert_array_equal(level.num_points, first.num_points)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_shares_of_few_points(count, tiny_batch, backbone):
    shared = dc.replace(backbone, num_centers=(512,) * 3, center_shares=SHARES)
    built = build_pyramid(tiny_batch["points"], tf.constant([count] * 2), shared, 1)
    for level in built.levels:
        np.testing.assert_array_equal(level.num_points, min(count, 1))
        assert level.points.shape[1] == 1


def test_contexts_of_a_share_of_the_points(tiny_batch, tiny_config):
    config = dc.replace(
        tiny_config.proposal, num_context_points=400, context_share=1 / 4
    )
    counts = tf.constant([512, 300])
    rows, context = pyramid_lib.context_count(counts, config)
    assert int(rows) == 128
    np.testing.assert_array_equal(context, [128, 75])
    whole = dc.replace(config, context_share=1.0)
    rows, context = pyramid_lib.context_count(counts, whole)
    assert rows == 400
    np.testing.assert_array_equal(context, [400, 300])
