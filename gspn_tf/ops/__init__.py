"""The only door to the ops: geometry on padded point clouds, native or portable.

Here live the ops (this module; those on boxes in `boxes`), the loading of their library
with their gradients (`library`), and their twins in plain TensorFlow (`portable`).
Nothing of `gspn_tf` is imported.

Clouds are padded to a common length; `num_points [B]` int32 says how many of the first
rows are real (all of them when it is None), and padding never changes a result.
Coordinates are float32 metres. Squared distances are float32
`(dx * dx + dy * dy) + dz * dz`, each operation rounded, and ties go to the lower index,
so that every result is exact and the same for any number of threads. A point with a NaN
or infinite coordinate matches nothing. Any axis may be empty or unknown while tracing.

Arguments of wrong shape, indices outside their axis and `num_points` outside 0..N raise
`tf.errors.InvalidArgumentError` (`ValueError` while tracing, where it can be known).

The native library is loaded on first use. A SavedModel made with its ops loads in a
process that has called `load_library()` (or any op) before; one that is traced inside
`portable()` holds plain TensorFlow ops, needs no library and gives the same results.
Where the library cannot be loaded, every op is a portable one.
"""

from collections.abc import Sequence

import tensorflow as tf

from gspn_tf.ops.boxes import nearest_assign as nearest_assign
from gspn_tf.ops.boxes import nms_3d as nms_3d
from gspn_tf.ops.boxes import sample_in_boxes as sample_in_boxes
from gspn_tf.ops.library import counts_of, kernels
from gspn_tf.ops.library import library_path as library_path
from gspn_tf.ops.library import load_library as load_library
from gspn_tf.ops.library import portable as portable


def farthest_point_sample(
    points: tf.Tensor, num_samples: int | tf.Tensor, num_points: tf.Tensor | None = None
) -> tf.Tensor:
    """Index 0, then again and again the point farthest from all points taken so far.

    Args:
        points: [B, N, 3] float32, metres.
        num_samples: M, an int or a scalar int32 tensor.
        num_points: [B] int32 or None.

    Returns:
        [B, M] int32. The first k samples are the result for M = k. Once every distinct
        point is taken, and for an empty cloud, index 0 is repeated.

    Reference: released code, tf_sampling_g.cu:105-173 (there ties follow the order of a
    512-thread reduction). Not differentiable.
    """
    points = tf.convert_to_tensor(points, tf.float32)
    counts = counts_of(points, num_points)
    return kernels().gspn_farthest_point_sample(points, num_samples, counts)


def ball_query(
    points: tf.Tensor,
    queries: tf.Tensor,
    *,
    radius: float | Sequence[float],
    num_neighbors: int | Sequence[int],
    num_points: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor] | list[tuple[tf.Tensor, tf.Tensor]]:
    """The first `num_neighbors` points nearer than `radius`, in index order.

    Args:
        points: [B, N, 3] float32, metres.
        queries: [B, M, 3] float32, metres.
        radius: metres, positive; a point at exactly this distance is outside. Several
            radii share one spatial index.
        num_neighbors: K, at least 1; one for each radius when there are several.
        num_points: [B] int32 or None.

    Returns:
        indices [B, M, K] int32 and counts [B, M] int32 (hits, at most K). Unused slots
        repeat the first hit; a query without hits has index 0 and count 0. A list of
        such pairs when `radius` is a sequence.

    Reference: released code, tf_grouping_g.cu:6-37. Not differentiable.
    """
    points = tf.convert_to_tensor(points, tf.float32)
    radii = list(radius) if isinstance(radius, Sequence) else [radius]
    sizes = num_neighbors if isinstance(num_neighbors, Sequence) else [num_neighbors]
    indices, counts = kernels().gspn_ball_query(
        points,
        queries,
        counts_of(points, num_points),
        num_radii=len(radii),
        radii=radii,
        num_neighbors=list(sizes),
    )
    pairs = list(zip(indices, counts, strict=True))
    return pairs if isinstance(radius, Sequence) else pairs[0]


def knn(
    points: tf.Tensor, queries: tf.Tensor, k: int, num_points: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """The k points nearest to each query.

    Args:
        points: [B, N, 3] float32, metres.
        queries: [B, M, 3] float32, metres.
        k: at least 1.
        num_points: [B] int32 or None; of the points, not the queries.

    Returns:
        squared distances [B, M, k] float32 (m^2), ascending, and indices [B, M, k]
        int32, ascending among equal distances. Where a cloud has fewer than k points:
        distance inf, index 0. Not differentiable.
    """
    points = tf.convert_to_tensor(points, tf.float32)
    distances, indices = kernels().gspn_knn(
        points, queries, counts_of(points, num_points), k=k
    )
    return distances, indices


def three_nn(
    points: tf.Tensor, queries: tf.Tensor, num_points: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """The three points nearest to each query: `knn` with k = 3.

    Reference: released code, tf_interpolate.cpp:60-103.
    """
    return knn(points, queries, 3, num_points)


def three_interpolate(
    features: tf.Tensor, indices: tf.Tensor, weights: tf.Tensor
) -> tf.Tensor:
    """Weighted sum of three rows of features per query.

    Args:
        features: [B, N, C], a floating type; summed in float32.
        indices: [B, M, 3] int32 within 0..N-1.
        weights: [B, M, 3] float32.

    Returns:
        [B, M, C] of the type of features. Differentiable in features and weights.
    """
    features = tf.convert_to_tensor(features)
    found = kernels().gspn_three_interpolate(
        tf.cast(features, tf.float32), indices, tf.cast(weights, tf.float32)
    )
    return tf.cast(found, features.dtype)


def group_points(features: tf.Tensor, indices: tf.Tensor) -> tf.Tensor:
    """Rows of features by index.

    Args:
        features: [B, N, C], a floating type.
        indices: [B, M, K] int32 within 0..N-1.

    Returns:
        [B, M, K, C] of the type of features. Differentiable in features; the gradient
        is summed in float32, always in the same order.
    """
    features = tf.convert_to_tensor(features)
    found = kernels().gspn_group_points(tf.cast(features, tf.float32), indices)
    return tf.cast(found, features.dtype)


def nn_distance(
    points_a: tf.Tensor,
    points_b: tf.Tensor,
    num_a: tf.Tensor | None = None,
    num_b: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Squared distance of every point to the nearest one of the other cloud, both ways.

    Args:
        points_a: [B, N, 3] float32, metres.
        points_b: [B, M, 3] float32, metres.
        num_a: [B] int32 or None, the real points of points_a.
        num_b: [B] int32 or None, the real points of points_b.

    Returns:
        distances_a [B, N] float32 (m^2), indices_a [B, N] int32 into points_b,
        distances_b [B, M] and indices_b [B, M] into points_a. Padding rows, and all
        rows when the other cloud is empty, have distance 0, index 0 and no gradient. A
        real point without a finite distance to any other has distance inf, index 0.

    The distances are differentiable in both clouds, at fixed indices. Reference:
    Chamfer distance of the paper, section 3.1; released code, tf_nndistance.
    """
    points_a = tf.convert_to_tensor(points_a, tf.float32)
    points_b = tf.convert_to_tensor(points_b, tf.float32)
    found = kernels().gspn_nn_distance(
        points_a, points_b, counts_of(points_a, num_a), counts_of(points_b, num_b)
    )
    return tuple(found)
