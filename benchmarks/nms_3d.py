"""Non-maximum suppression of the proposals of a scene."""

import numpy as np
import reference
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case, Target
from gspn_tf import ops

THRESHOLD = 0.5


def _overlap(box, others, maximum, minimum, product):
    """IoU of one box [6] with others [R, 6]."""
    low = maximum(box[:3] - box[3:] / 2, others[:, :3] - others[:, 3:] / 2)
    high = minimum(box[:3] + box[3:] / 2, others[:, :3] + others[:, 3:] / 2)
    common = product(maximum(high - low, 0), -1)
    volumes = product(box[3:], -1) + product(others[:, 3:], -1)
    return common / (volumes - common + 1e-8)


def numpy(boxes, scores, count):
    """NumPy, greedy."""

    def run():
        left, taken = np.argsort(-scores, kind="stable"), []
        while len(left) and len(taken) < count:
            taken.append(left[0])
            iou = _overlap(boxes[left[0]], boxes[left], np.maximum, np.minimum, np.prod)
            iou[0] = 1
            left = left[iou <= THRESHOLD]
        return np.pad(taken, (0, count - len(taken)))

    return run


def xla(boxes, scores, count):
    """TF XLA, greedy."""
    boxes, scores = tf.constant(boxes), tf.constant(scores)

    @tf.function(jit_compile=True)
    def run():
        left, taken = scores, tf.TensorArray(tf.int32, count)
        for i in tf.range(count):
            best = tf.argmax(left, output_type=tf.int32)
            some = tf.reduce_max(left) > -np.inf
            taken = taken.write(i, tf.where(some, best, 0))
            iou = _overlap(boxes[best], boxes, tf.maximum, tf.minimum, tf.reduce_prod)
            gone = (iou > THRESHOLD) | (tf.range(len(scores)) == best)
            left = tf.where(gone, -np.inf, left)
        return taken.stack()

    return lambda: run().numpy()


def cases(scan):
    """1,536 proposals, eight of each object: 384 are taken."""
    boxes, scores = _proposals(inputs.scan(scan, 18_000), 1536)
    return [_case(boxes, scores, 384)]


def _proposals(points, count):
    boxes = inputs.boxes(points, count, copies=8)
    return boxes, np.random.default_rng(2).random(count, np.float32)


def _call(boxes, scores, count):
    valid = tf.ones_like(scores, tf.bool)
    return ops.nms_3d(boxes, scores, valid, iou_threshold=THRESHOLD, max_outputs=count)


def _case(boxes, scores, count):
    def expected():
        valid = np.ones(len(boxes), bool)
        return [(slice(64), reference.nms_3d(boxes, scores, valid, THRESHOLD, 64)[0])]

    all_boxes, all_scores = tf.constant(boxes[None]), tf.constant(scores[None])
    return Case(
        f"NMS {len(boxes):,} -> {count}",
        lambda: _call(all_boxes, all_scores, count),
        lambda found: found[0][0].numpy(),
        expected,
        (boxes, scores, count),
        (numpy, xla),
        (Target(20, "NumPy"), Target(3, "TF XLA")),
    )


def scaled(count):
    """As many boxes; 384 are taken."""
    boxes, scores = _proposals(inputs.room(count), count)
    call = lambda b, s: _call(b, s, 384)  # noqa: E731
    return (tf.constant(boxes[None]), tf.constant(scores[None])), call
