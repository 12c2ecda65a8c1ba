"""The end of a PointNet in training: norm, ReLU, product, norm, ReLU, maximum.

The product of all points is the widest array of a training, and it is never kept. A
norm and a maximum need the greatest product of each set and the moments of them all,
which chunks of sets give; the moments follow from those of the products' inputs. Going
back, the gradient of a norm before a maximum is a sparse part, where the products are
greatest, and one that is linear in the products and so in their inputs.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from gspn_tf import ops
from gspn_tf.nn.normalization import fused_norm, gradients_of
from gspn_tf.nn.products import fold

Activate = Callable[[tf.Tensor], tf.Tensor]
Affine = tuple[tf.Tensor, tf.Tensor, float]


class Moments(NamedTuple):
    """The mean [C] of a number of rows, and their products [C, C] summed around it."""

    count: tf.Tensor
    mean: tf.Tensor
    squares: tf.Tensor

    def merged(self, other: "Moments") -> "Moments":
        """Join the moments of other rows to these (Chan, Golub and LeVeque, 1979)."""
        count = self.count + other.count
        share = other.count / tf.maximum(count, 1.0)
        apart = other.mean - self.mean
        between = self.count * share * apart[:, None] * apart
        squares = self.squares + other.squares + between
        return Moments(count, self.mean + share * apart, squares)


def pooled_product(
    sets: tf.Tensor, first: Affine, kernel: tf.Tensor, last: Affine
) -> tuple[tf.Tensor, tuple[tf.Tensor, ...], tuple[tf.Tensor, ...]]:
    """Norm of sets [n, K, C], ReLU, product with a kernel [C, D], norm, ReLU, maximum.

    A norm is its scale, its offset and the number that it adds to variances.

    Returns:
      The maxima [n, D] of the sets; mean [C] and variance (n - 1) of what the first
      norm was applied to, and those [D] of the last; these have no gradient. Of equal
      rows the first has the gradient.
    """

    @tf.custom_gradient
    def compute(*inputs: tf.Tensor) -> Any:
        sets, scale, offset, kernel, last_scale, last_offset = inputs
        rows, epsilon = tf.reshape(sets, [-1, sets.shape[-1]]), first[2]
        normed = fused_norm(rows, scale, offset, epsilon)
        count = tf.cast(tf.shape(rows)[0], tf.float32)
        # The greatest of outputs that fall is the least product: so turn their signs.
        sign = tf.where(last_scale < 0, -1.0, 1.0)
        signed, slope = kernel * sign, last_scale * sign

        def activate(some: tf.Tensor) -> tf.Tensor:
            part = tf.reshape(some, [-1, sets.shape[-1]])
            biased = normed.batch_variance * (count - 1) / count
            moments = normed.batch_mean, biased
            norm = fused_norm(part, scale, offset, epsilon, moments)
            return tf.reshape(tf.nn.relu(norm.y), tf.shape(part))

        moments, greatest, places = greatest_products(sets, activate, signed)
        squares = tf.reduce_sum(signed * tf.matmul(moments.squares, signed), 0)
        squares, mean = tf.maximum(squares, 0.0), times(moments.mean, signed)
        steep = tf.math.rsqrt(squares / count + last[2])
        standard = (greatest - mean) * steep
        maxima = tf.nn.relu(slope * standard + last_offset)

        def gradients(above: tf.Tensor, *_: tf.Tensor) -> Any:
            above = tf.cast(above, tf.float32)
            above = tf.raw_ops.ReluGrad(gradients=above, features=maxima)
            for_scale = tf.reduce_sum(above * standard, 0)
            for_offset = tf.reduce_sum(above, 0)
            tilt = signed * (slope * steep**2 * for_scale / count)
            peaks = Peaks(above * slope * steep, places, signed)
            plane = Plane(
                tf.matmul(tilt, signed, transpose_b=True),
                times(slope * steep * for_offset / count, tf.transpose(signed)),
                moments.mean,
            )
            below, sums = gradients_below(sets, activate, peaks, plane)
            for_kernel = sums - tf.matmul(moments.squares, tilt)
            back = gradients_of(normed, below, rows, scale, offset, epsilon)
            return (
                tf.reshape(back[0], tf.shape(sets)),
                *back[1:],
                for_kernel * sign,
                for_scale * sign,
                for_offset,
            )

        found = normed.batch_mean, normed.batch_variance, mean * sign
        variance = squares / tf.maximum(count - 1, 1.0)
        return (tf.cast(maxima, sets.dtype), *found, variance), gradients

    maxima, *moments = compute(sets, *first[:2], kernel, *last[:2])
    return maxima, tuple(moments[:2]), tuple(moments[2:])


def times(row: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """Product [D] of a row [C] and a matrix [C, D]."""
    return tf.linalg.matvec(matrix, row, transpose_a=True)


def greatest_products(
    sets: tf.Tensor, activate: Activate, kernel: tf.Tensor
) -> tuple[Moments, tf.Tensor, tf.Tensor]:
    """Find the greatest products of activated sets [n, K, C] and a kernel [C, D].

    Returns the moments of the activated rows; and the greatest product [n, D] of each
    set and its place [n, D] int64 in it.
    """
    (size, channels), width = sets.shape[1:], kernel.shape[1]
    kernel_rows, window = tf.cast(kernel, sets.dtype), [1, size, 1, 1]

    def add(found: Moments, chunk: slice) -> Any:
        rows = tf.cast(activate(sets[chunk]), tf.float32)
        count = tf.cast(tf.shape(rows)[0], tf.float32)
        mean = tf.reduce_sum(rows, 0) / tf.maximum(count, 1.0)
        rows = tf.cast(rows - mean, sets.dtype)
        squares = tf.cast(tf.matmul(rows, rows, transpose_a=True), tf.float32)
        best = tf.raw_ops.MaxPoolWithArgmax(
            input=tf.reshape(tf.matmul(rows, kernel_rows), [-1, size, 1, width]),
            ksize=window,
            strides=window,
            padding="VALID",
        )
        greatest = best.output[:, 0, 0]
        # Where all is NaN, and the training about to end, GPUs give -1.
        places = tf.maximum(best.argmax[:, 0, 0] // width, 0)
        greatest = tf.cast(greatest, tf.float32) + times(mean, kernel)
        return found.merged(Moments(count, mean, squares)), (greatest, places)

    none = (tf.zeros(shape) for shape in ([], [channels], [channels, channels]))
    rows = tf.TensorSpec([width]), tf.TensorSpec([width], tf.int64)
    moments, (greatest, places) = fold(
        add, Moments(*none), rows, tf.shape(sets)[0], size
    )
    return moments, greatest, places


class Peaks(NamedTuple):
    """Gradients of the greatest products of a kernel [C, D]."""

    values: tf.Tensor  # [n, D]
    places: tf.Tensor  # [n, D]  int64, in the sets
    kernel: tf.Tensor


class Plane(NamedTuple):
    """The gradient x -> (x - center) matrix + offset, to be taken off, of all rows."""

    matrix: tf.Tensor  # [C, C]
    offset: tf.Tensor  # [C]
    center: tf.Tensor  # [C]


def gradients_below(
    sets: tf.Tensor, activate: Activate, peaks: Peaks, plane: Plane
) -> tuple[tf.Tensor, tf.Tensor]:
    """Gradients of rows [n K, C] before their activation, and of the kernel [C, D].

    That of the kernel lacks the part of the plane.
    """
    size, channels = sets.shape[1:]
    kernel, matrix = peaks.kernel, tf.cast(plane.matrix, sets.dtype)
    offset = times(plane.center, tf.cast(matrix, tf.float32)) - plane.offset
    offset = tf.cast(offset, sets.dtype)

    def add(sums: tf.Tensor, chunk: slice) -> Any:
        active = activate(sets[chunk])
        rows = tf.cast(active, tf.float32)
        values, places = peaks.values[chunk], peaks.places[chunk]
        below, found = scattered(values, places, rows, kernel, size)
        level = tf.nn.bias_add(tf.matmul(active, -matrix), offset)
        below = tf.cast(below, sets.dtype) + level
        below = tf.raw_ops.ReluGrad(gradients=below, features=active)
        return sums + found, (below,)

    rows, none = (tf.TensorSpec([channels], sets.dtype),), tf.zeros(kernel.shape[::-1])
    sums, (below,) = fold(add, none, rows, tf.shape(sets)[0], size)
    sums -= tf.reduce_sum(peaks.values, 0)[:, None] * plane.center
    return below, tf.transpose(sums)


def scattered(
    values: tf.Tensor,
    places: tf.Tensor,
    rows: tf.Tensor,
    kernel: tf.Tensor,
    size: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Products with the matrix that is 0 but for values [m, D] at places [m, D].

    The matrix [m K, D] is multiplied with the transposed kernel [C, D], and transposed
    with rows [m K, C].
    """
    sets, width = tf.unstack(tf.shape(places))
    missing = -sets % 3  # three values at a time, as interpolation has it
    starts = tf.cast(size * tf.range(sets)[:, None], places.dtype)

    def triples(x: tf.Tensor) -> tf.Tensor:
        x = tf.reshape(tf.pad(x, [[0, missing], [0, 0]]), [-1, 3, width])
        return tf.reshape(tf.transpose(x, [0, 2, 1]), [1, -1, 3])

    with tf.GradientTape() as tape:
        tape.watch(rows)
        found = ops.three_interpolate(
            tf.expand_dims(rows, 0),
            tf.cast(triples(places + starts), tf.int32),
            triples(values),
        )
    each = tf.reshape(found, [-1, width, rows.shape[-1]])
    above = tf.broadcast_to(tf.transpose(kernel), tf.shape(each))
    above = tf.reshape(above, tf.shape(found))
    return tape.gradient(found, rows, above), tf.reduce_sum(each, 0)
