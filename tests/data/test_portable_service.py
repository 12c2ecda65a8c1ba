"""The data pipeline on a worker of tf.data's service, which has TensorFlow alone."""

import subprocess
import sys

import pytest
import tensorflow as tf
import toy_models

from gspn_tf import data, ops
from gspn_tf.config import DataConfig

pytestmark = pytest.mark.slow
WORKER = """
import sys
sys.modules["gspn_tf"] = None
import tensorflow as tf
service = tf.data.experimental.service
worker = service.WorkerServer(service.WorkerConfig(dispatcher_address=sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def dispatcher():
    """The dispatcher of one worker, in a process of its own."""
    server = tf.data.experimental.service.DispatchServer()
    address = server.target.split("://")[1]
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, address],
        stdin=subprocess.PIPE,  # it ends with this
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout.readline() == "ready\n"
        yield server.target


@pytest.mark.parametrize(
    "sampling, training", [("random", True), ("farthest", False), ("farthest", True)]
)
def test_a_worker_makes_the_same_batches(sampling, training, dispatcher, tmp_path):
    toy_models.write_data(tmp_path)
    options = DataConfig(num_points=32, num_points_inference=32, sampling=sampling)

    def load():
        return data.load(
            str(tmp_path), "train", options, batch_size=2, training=training, seed=3
        )

    with ops.portable():
        distributed = load().apply(
            tf.data.experimental.service.distribute("parallel_epochs", dispatcher)
        )
    found, expected = list(distributed), list(load())
    assert len(found) == len(expected) == (2 if training else 3)
    for ours, theirs in zip(found, expected, strict=True):
        tf.nest.map_structure(tf.debugging.assert_equal, ours, theirs)
