"""Replicas with other numbers of scenes, one with none, compute as one does."""

import subprocess
import sys

PROGRAM = """
import numpy as np
import tensorflow as tf

from gspn_tf.nn import losses, replicas

two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], two
)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
whole = tf.random.stateless_normal([3, 4], [1, 2])


def compute(rows):
    noise = replicas.uniform_like(rows, [3, 4])
    normed, *moments = replicas.batch_norm(rows, tf.ones(4), tf.zeros(4), 1e-3)
    return noise, normed, *moments, losses.masked_mean(rows, rows > 0)


expected = compute(whole)
for first in (3, 2, 1, 0):
    parts = tf.split(whole, [first, 3 - first])
    rows = strategy.experimental_distribute_values_from_function(
        lambda context: parts[context.replica_id_in_sync_group]
    )
    results = map(strategy.experimental_local_results, strategy.run(compute, (rows,)))
    for i, (found, value) in enumerate(zip(results, expected, strict=True)):
        joined = [tf.concat(found, 0)] if i < 2 else found  # rows, else of them all
        for each in joined:
            np.testing.assert_allclose(each, value, rtol=1e-5, atol=1e-6)
    print("as one", first)
"""


def test_parts_of_a_batch_need_not_be_equal():
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [f"as one {first}" for first in (3, 2, 1, 0)]
