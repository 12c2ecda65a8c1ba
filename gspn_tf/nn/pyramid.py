"""Sampling and neighbourhoods of a scene, computed once and shared by every network.

One farthest point sampling gives all centres: sampling an already sampled cloud
returns its first points, so each level is a prefix of one order, and so are the seeds.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from gspn_tf import ops
from gspn_tf.config import BackboneConfig, GSPNConfig
from gspn_tf.nn.replicas import uniform_like
from gspn_tf.types import Batch, Interpolation


class Level(NamedTuple):
    """One set abstraction: its centres and their neighbours one level below."""

    points: tf.Tensor  # [B, n, 3]
    num_points: tf.Tensor  # [B]       that count; no level above looks at the rest
    neighbors: tf.Tensor  # [B, n, K] int32 rows of the level below


class Pyramid(NamedTuple):
    """The geometry of a batch of scenes."""

    points: tf.Tensor  # [B, N, 3]
    num_points: tf.Tensor  # [B]
    order: tf.Tensor  # [B, n]    farthest point order, rows of points
    levels: tuple[Level, ...]
    up: tuple[Interpolation, ...]  # level k+1 -> level k, k = 0 ..; finest first
    to_points: tuple[Interpolation, ...]  # level k -> points


class Context(NamedTuple):
    """The surroundings of the seeds of a scene, in spheres of several radii."""

    points: tf.Tensor  # [B, n, 3]
    seeds: tf.Tensor  # [B, S, 3]
    colors: tf.Tensor  # [B, n, 3]  of the points
    seed_colors: tf.Tensor  # [B, S, 3]  the share of the seeds' that is taken off these
    neighbors: tuple[tf.Tensor, ...]  # [B, S, K] int32 rows of points, one a radius
    counts: tuple[tf.Tensor, ...]  # [B, S]  how many of them are real
    rows: tf.Tensor  # [B, n]  int32, of the points in the scene


def build_pyramid(
    points: tf.Tensor,
    num_points: tf.Tensor,
    config: BackboneConfig,
    num_ordered: int | tf.Tensor,
    order: tf.Tensor | None = None,
) -> Pyramid:
    """Geometry of points [B, N, 3], num_points [B], without any weight.

    num_ordered: length of `order` that callers need for seeds and loss points, an int
    or a scalar int32 tensor; at least the first level's centres are sampled.
    order: farthest point order [B, N] of the points, where it is known already.
    """
    counts = center_counts(num_points, config)
    sizes: Sequence[int | tf.Tensor] = config.num_centers
    if config.center_shares:  # no more rows than the largest scene needs
        sizes = [tf.maximum(tf.reduce_max(each), 1) for each in counts]
    count = tf.maximum(num_ordered, sizes[0])
    if order is None:
        order = ops.farthest_point_sample(points, count, num_points=num_points)
    else:
        missing = tf.maximum(count - tf.shape(order)[1], 0)
        order = tf.pad(order, [[0, 0], [0, missing]])[:, :count]
    levels: list[Level] = []
    below, num_below = points, num_points
    for size, num, radius in zip(sizes, counts, config.radii, strict=True):
        centers = (
            take(points, order[:, :size]) if not levels else levels[-1].points[:, :size]
        )
        neighbors, _ = ops.ball_query(
            below,
            centers,
            radius=radius,
            num_neighbors=config.num_neighbors,
            num_points=num_below,
        )
        below, num_below = centers, num
        levels.append(Level(centers, num_below, neighbors))
    power = config.interpolation_power
    up = tuple(
        interpolation(coarse.points, fine.points, coarse.num_points, power)
        for fine, coarse in zip(levels, levels[1:], strict=False)
    )
    to_points = tuple(
        interpolation(x.points, points, x.num_points, power) for x in levels
    )
    return Pyramid(points, num_points, order, tuple(levels), up, to_points)


def center_counts(num_points: tf.Tensor, config: BackboneConfig) -> list[tf.Tensor]:
    """Centres [B] of each level in scenes of num_points [B]: no more than below it."""
    shares = config.center_shares or (1.0,) * len(config.num_centers)
    counts, below = [], num_points
    for share, most in zip(shares, config.num_centers, strict=True):
        below = tf.minimum(tf.minimum(share_of(num_points, share), most), below)
        counts.append(below)
    return counts


def share_of(count: tf.Tensor, share: float) -> tf.Tensor:
    """A share of counts [B] int32, rounded up."""
    return tf.cast(tf.math.ceil(tf.cast(count, tf.float32) * share), tf.int32)


def random_seeds(pyramid: Pyramid, count: int, seed: tf.Tensor) -> tf.Tensor:
    """Rows [B, count] of the points, drawn without replacement; then row 0 again."""
    batch, total = tf.unstack(tf.shape(pyramid.points)[:2])
    real = tf.sequence_mask(pyramid.num_points, tf.maximum(total, count))
    noise = uniform_like(real, seed)
    values, rows = tf.math.top_k(tf.where(real, noise, -1.0), count)
    return tf.where(values >= 0, rows, 0)


def build_context(
    batch: Batch, pyramid: Pyramid, rows: tf.Tensor, config: GSPNConfig
) -> Context:
    """The spheres around the seeds rows [B, S] of the points (section 3.1)."""
    points, colors, count = batch["points"], batch["colors"], batch["num_points"]
    seeds, seed_colors = take(points, rows), take(colors, rows)
    chosen = tf.broadcast_to(tf.range(tf.shape(points)[1]), tf.shape(points)[:2])
    if config.num_context_points:
        size, count = context_count(count, config)
        chosen = pyramid.order[:, :size]
        points, colors = take(points, chosen), take(colors, chosen)
    found = ops.ball_query(
        points,
        seeds,
        radius=config.context_radii,
        num_neighbors=config.context_neighbors,
        num_points=count,
    )
    neighbors, counts = zip(*found, strict=True)
    return Context(
        points=points,
        seeds=seeds,
        colors=colors,
        seed_colors=config.context_color_reference * seed_colors,
        neighbors=neighbors,
        counts=counts,
        rows=chosen,
    )


def context_count(
    num_points: tf.Tensor, config: GSPNConfig
) -> tuple[int | tf.Tensor, tf.Tensor]:
    """Rows for the context's points of scenes of num_points [B], and points [B].

    The rows are `num_context_points`, or what the largest scene's share needs of them.
    """
    most, share = config.num_context_points, config.context_share
    count = tf.minimum(share_of(num_points, share), most)
    return (most if share == 1 else tf.maximum(tf.reduce_max(count), 1)), count


def interpolation(
    coarse: tf.Tensor, fine: tf.Tensor, num_coarse: tf.Tensor, power: float = 2.0
) -> Interpolation:
    """Three nearest of coarse [B, n, 3] for each of fine [B, m, 3].

    A neighbour at a distance of d metres weighs 1/d^power before normalisation.
    """
    squared, indices = ops.three_nn(coarse, fine, num_points=num_coarse)
    # A missing neighbour weighs 1/inf = 0. 1e-10: pointnet_util.py:157, release.
    inverse = tf.maximum(squared, 1e-10) ** (-power / 2)
    total = tf.reduce_sum(inverse, -1, keepdims=True)
    return Interpolation(indices, tf.math.divide_no_nan(inverse, total))


def interpolate(features: tf.Tensor, table: Interpolation) -> tf.Tensor:
    """Features [B, n, C] carried to the table's fine points: [B, m, C]."""
    indices, weights = table
    return ops.three_interpolate(features, indices, weights)


def first(order: tf.Tensor, count: int) -> tf.Tensor:
    """The first rows [B, count] of an order [B, n] of more, its size known."""
    return tf.ensure_shape(order[:, :count], [None, count])


def take(values: tf.Tensor, indices: tf.Tensor) -> tf.Tensor:
    """Rows of values [B, N, ...] at indices [B, ...], scene by scene."""
    return tf.gather(values, indices, axis=1, batch_dims=1)
