"""Non-maximum suppression of the proposals of a scene."""

import numpy as np
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case, batched
from gspn_tf import ops

THRESHOLD, TAKEN = 0.5, 384


def xla(boxes, scores):
    """Take the best and drop what overlaps it, in a compiled loop."""
    boxes, scores = tf.constant(boxes), tf.constant(scores)
    low, high = boxes[:, :3] - boxes[:, 3:] / 2, boxes[:, :3] + boxes[:, 3:] / 2
    volumes = tf.reduce_prod(boxes[:, 3:], -1)

    @tf.function(jit_compile=True)
    def run():
        left, taken = scores, tf.TensorArray(tf.int32, TAKEN)
        for i in tf.range(TAKEN):
            best = tf.argmax(left, output_type=tf.int32)
            some = tf.reduce_max(left) > -np.inf
            taken = taken.write(i, tf.where(some, best, 0))
            shared = tf.minimum(high, high[best]) - tf.maximum(low, low[best])
            common = tf.reduce_prod(tf.maximum(shared, 0), -1)
            iou = common / (volumes + volumes[best] - common + 1e-8)
            gone = (iou > THRESHOLD) | (tf.range(len(scores)) == best)
            left = tf.where(gone, -np.inf, left)
        return taken.stack()

    return lambda: run().numpy()


def _proposals(points, count):
    boxes = inputs.boxes(points, count, copies=8)
    return boxes, np.random.default_rng(2).random(count, np.float32)


def _call(boxes, scores):
    valid = tf.ones_like(scores, tf.bool)
    return ops.nms_3d(boxes, scores, valid, iou_threshold=THRESHOLD, max_outputs=TAKEN)


def cases(scan):
    """1,536 proposals, eight of each object: 384 are taken."""
    arrays = _proposals(inputs.scan(scan, 18_000), 1536)
    tensors = batched(*arrays)
    case = Case(
        f"NMS 1,536 -> {TAKEN}",
        lambda: _call(*tensors),
        arrays,
        {"TF XLA, greedy": xla},
    )
    return [case]
