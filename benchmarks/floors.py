"""What the machine can do at most, measured: no op can be faster than this."""

import tensorflow as tf

from benchmarks.case import medians

SIDE = 2048
LENGTH = 1 << 26


def floors() -> dict[str, float]:
    """Billions of multiply-adds and of bytes (read and written) per second."""
    matrix = tf.random.stateless_normal([SIDE, SIDE], [0, 0])
    array = tf.zeros([LENGTH])
    times = medians(
        {
            "multiply-adds": lambda: tf.matmul(matrix, matrix),
            "bytes": lambda: array + 1.0,
        }
    )
    return {
        "giga_multiply_adds_per_second": SIDE**3 / times["multiply-adds"] / 1e6,
        "gigabytes_per_second": 2 * 4 * LENGTH / times["bytes"] / 1e6,
    }
