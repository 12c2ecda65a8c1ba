"""Non-maximum suppression of the proposals of a scene."""

import numpy as np
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case, Target, batched
from gspn_tf import ops

THRESHOLD, TAKEN = 0.5, 384


def _overlap(box, others, maximum, minimum, product):
    """IoU of one box [6] with others [R, 6]."""
    low = maximum(box[:3] - box[3:] / 2, others[:, :3] - others[:, 3:] / 2)
    high = minimum(box[:3] + box[3:] / 2, others[:, :3] + others[:, 3:] / 2)
    common = product(maximum(high - low, 0), -1)
    volumes = product(box[3:], -1) + product(others[:, 3:], -1)
    return common / (volumes - common + 1e-8)


def numpy(boxes, scores):
    """Take the best and drop what overlaps it."""

    def run():
        left, taken = np.argsort(-scores, kind="stable"), []
        while len(left) and len(taken) < TAKEN:
            taken.append(left[0])
            iou = _overlap(boxes[left[0]], boxes[left], np.maximum, np.minimum, np.prod)
            iou[0] = 1
            left = left[iou <= THRESHOLD]
        return np.pad(taken, (0, TAKEN - len(taken)))

    return run


def xla(boxes, scores):
    """Do the same in a compiled loop."""
    boxes, scores = tf.constant(boxes), tf.constant(scores)

    @tf.function(jit_compile=True)
    def run():
        left, taken = scores, tf.TensorArray(tf.int32, TAKEN)
        for i in tf.range(TAKEN):
            best = tf.argmax(left, output_type=tf.int32)
            some = tf.reduce_max(left) > -np.inf
            taken = taken.write(i, tf.where(some, best, 0))
            iou = _overlap(boxes[best], boxes, tf.maximum, tf.minimum, tf.reduce_prod)
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
        {"NumPy, greedy": numpy, "TF XLA, greedy": xla},
        (Target(20, "NumPy"), Target(3, "TF XLA")),
    )
    return [case]


def scaled(count):
    """As many boxes as points; 384 are taken."""
    return batched(*_proposals(inputs.room(count), count)), _call
