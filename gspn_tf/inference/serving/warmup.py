"""Requests with which TensorFlow Serving warms a model up before it serves it.

A record is a PredictionLog of TensorFlow Serving's protocol buffers (apis/
prediction_log.proto), written here without them: each is fields in fields.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tensorflow as tf

from gspn_tf.inference.serving.requests import EVERY_ROW

FILE_NAME = "tf_serving_warmup_requests"  # in the folder assets.extra of a SavedModel


def write_requests(path: str | Path, names: Iterable[str], num_points: int) -> None:
    """Write a file of requests for the signatures of those names.

    For each, they are a scan of as many points as the network sees, and one of a few.
    """
    with tf.io.TFRecordWriter(str(path)) as writer:
        for name in names:
            for count in (min(100, num_points), num_points):
                writer.write(prediction_log(name, room_request(count)))


def room_request(count: int) -> dict[str, tf.Tensor]:
    """Make a request with `count` points of a room's walls, floor and ceiling."""
    rng = np.random.default_rng(0)
    points = rng.uniform(size=(count, 3))
    wall = np.eye(3, dtype=bool)[rng.integers(3, size=count)]
    points = np.where(wall, np.round(points), points) * [6, 5, 2.5]
    return {
        "points": tf.constant(points[None], tf.float32),
        "colors": tf.constant(rng.integers(0, 256, (1, count, 3)), tf.uint8),
        "num_points": tf.constant([EVERY_ROW], tf.int32),
    }


def prediction_log(signature: str, inputs: dict[str, tf.Tensor]) -> bytes:
    """Encode a PredictionLog of one PredictRequest."""
    request = _field(1, _field(1, b"gspn") + _field(3, signature.encode()))
    for name, value in inputs.items():
        tensor = tf.make_tensor_proto(value).SerializeToString()
        request += _field(2, _field(1, name.encode()) + _field(2, tensor))
    return _field(6, _field(1, request))


def _field(number: int, content: bytes) -> bytes:
    """Encode a field of bytes: its number and kind, its length, its content."""
    length, rest = [], len(content)
    while rest > 127:
        length.append(rest & 127 | 128)
        rest >>= 7
    return bytes([number << 3 | 2, *length, rest]) + content
