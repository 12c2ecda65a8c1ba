"""The rounding of the recording.

A network of random weights doubts: where two neighbours of a maximum, or the two sides
of a ReLU, differ by a rounding, another rounding sends the gradient elsewhere. Moving
every weight by at most one unit in its last place moves our own outputs by 1e-4 of
their maximum, but the gradient of the median variable by 2e-3 of its maximum without
batch statistics and 5e-3 with them, and of the worst one by 4e-2 and 2e-1. Gradients
are therefore compared after a forward pass that rounds as the recording did, which
shows that both are derivatives of the same function.

The recording was made by TensorFlow 1.15 on two cores. Its products add terms in order,
multiplication and addition fused, in panels of at most 320 terms; column sums are
sequential; exp is Cephes's polynomial and 1 / sqrt the processor's estimate, improved
once. All of this was found by running that TensorFlow on the same processor.
"""

import ctypes
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

SOURCE = Path(__file__).with_suffix(".c")
PANEL = 320
# Sum of the estimates of 1 / sqrt(1 + k / 2048) for k below 2048 and of those of
# 1 / sqrt(2 + k / 1024): every processor has its own.
ESTIMATES = 5792.75
POLYNOMIAL = (  # of exp(x) - 1 - x, divided by x^2
    *(1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3),
    *(4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1),
)


@functools.cache
def kernels() -> ctypes.CDLL:
    """The functions of arithmetic.c; skips the test where they cannot be had."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs gcc, to round as the recording did")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "arithmetic.so"
        flags = ("-O3", "-mavx2", "-mfma", "-ffp-contract=off", "-shared", "-fPIC")
        command = [compiler, *flags, str(SOURCE), "-o", str(library)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            pytest.skip(f"cannot round as the recording did: {made.stderr}")
        found = ctypes.CDLL(str(library))
    steps = (np.uint32(0x3F800000) + np.arange(8192, dtype=np.uint32) * 2048).view("f4")
    if _estimate(found, steps).astype(np.float64).sum() != ESTIMATES:
        pytest.skip("rsqrtps of this processor is not that of the recording")
    return found


def _pointer(values: np.ndarray) -> ctypes.c_void_p:
    return values.ctypes.data_as(ctypes.c_void_p)


def _estimate(library: ctypes.CDLL, x: np.ndarray) -> np.ndarray:
    y = np.empty_like(x)
    library.estimate(_pointer(x), _pointer(y), ctypes.c_long(x.size))
    return y


def reciprocal_root(x: np.ndarray) -> np.ndarray:
    """1 / sqrt(x) of x [n], n a multiple of 8: an estimate and a step of Newton's."""
    guess = _estimate(kernels(), np.ascontiguousarray(x))
    return guess * (np.float32(1.5) + np.float32(-0.5) * x * (guess * guess))


@tf.custom_gradient
def exp(x: tf.Tensor):
    """Cephes's expf, every product rounded."""
    number = np.float32
    power = np.floor(x.numpy() * number(1.44269504088896341) + number(0.5))
    rest = x.numpy() - power * number(0.693359375)
    rest -= power * number(-2.12194440e-4)
    y = number(0)
    for term in POLYNOMIAL:
        y = y * rest + number(term)
    y = tf.constant((y * (rest * rest) + rest + number(1)) * np.exp2(power))
    return y, lambda gradient: gradient * y


def matmul(x: tf.Tensor, kernel: tf.Tensor, panel: int = 0) -> tf.Tensor:
    """x [..., C] times kernel [C, D], C in equal panels of a multiple of 8."""
    depth = kernel.shape[0]
    panel = panel or -(-(depth // -(-depth // PANEL)) // 8) * 8
    rows = tf.reshape(x, [-1, depth])
    parts = [slice(start, start + panel) for start in range(0, depth, panel)]
    product = functools.reduce(
        tf.add,
        (_product("product_in_order", rows[:, part], kernel[part]) for part in parts),
    )
    return tf.reshape(product, [*x.shape[:-1], kernel.shape[1]])


def vector_products(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """x [R, C] times kernel [C, D], as the release multiplies one row by a matrix."""
    return _product("product_by_16", x, kernel)


def _product(name: str, x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """x [R, C] times kernel [C, D] by a function of arithmetic.c."""

    @tf.custom_gradient
    def multiply(x, kernel):
        a, b = np.ascontiguousarray(x), np.ascontiguousarray(kernel)
        product = np.empty((len(a), b.shape[1]), np.float32)
        sizes = map(ctypes.c_long, (*a.shape, b.shape[1]))
        getattr(kernels(), name)(_pointer(a), _pointer(b), _pointer(product), *sizes)

        def backward(gradient):
            of_x = tf.matmul(gradient, kernel, transpose_b=True)
            return of_x, tf.matmul(x, gradient, transpose_a=True)

        return tf.constant(product), backward

    return multiply(x, kernel)


def column_sums(rows: tf.Tensor) -> np.ndarray:
    """Sums rows [R, C], one row after the other."""
    return np.add.reduce(rows.numpy(), axis=0)


class Fused:
    """Batch norm of rows [R, C] as by TensorFlow 1.15's kernel for 2D layers."""

    @staticmethod
    def mean(rows: tf.Tensor) -> np.ndarray:
        return column_sums(rows) * np.float32(1 / len(rows))

    @staticmethod
    def forward(rows, mean, scale, beta):
        return (rows - mean) * scale + beta

    @staticmethod
    def gradients(rows, dy, mean, root, gamma, learning):
        """Gives the gradients in rows, gamma and beta."""
        centred, total = rows - mean, column_sums(dy)
        dx = dy
        if learning:
            share = np.float32(1 / len(rows))
            slope = column_sums(dy * centred) / np.float32(len(rows))
            dx = (dy - total * share) - centred * (root * root * slope)
        return dx * (gamma * root), column_sums(dy * (centred * root)), total


class Composed:
    """Batch norm of rows [R, C] as composed of other operations, for 1D layers."""

    @staticmethod
    def mean(rows: tf.Tensor) -> np.ndarray:
        return column_sums(rows) / np.float32(len(rows))

    @staticmethod
    def forward(rows, mean, scale, beta):
        return rows * scale + (beta - mean * scale)

    @staticmethod
    def gradients(rows, dy, mean, root, gamma, learning):
        """Gives the gradients in rows, gamma and beta."""
        total, count = column_sums(dy), np.float32(len(rows))
        of_scale = column_sums(dy * rows) - total * mean
        dx = dy * (root * gamma)
        if learning:
            of_variance = of_scale * gamma * (np.float32(-0.5) * root * root * root)
            spread = np.float32(2) * (of_variance / count)
            dx += spread * (rows - mean) - total * (root * gamma) / count
        return dx, of_scale * root, total
