"""Proposals: suppression, the points drawn in them, and the masks of their points."""

import numpy as np
import tensorflow as tf

from benchmarks import inputs
from benchmarks.case import Case, batched
from benchmarks.search import pykdtree
from gspn_tf import ops

THRESHOLD, PROPOSALS, TAKEN = 0.5, 1536, 384
SEED, SAMPLES = (1, 2), 1024
DETECTIONS, MASK_POINTS = 100, 256


def xla_greedy(boxes, scores):
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


def box_by_box(points, samples, values, boxes):
    """Project the masks box by box, each by a tree of its samples."""

    def run():
        assigned = np.zeros((len(boxes), len(points)), np.float32)
        for d, box in enumerate(boxes):
            half = np.float32(0.5) * box[3:]
            inside = (points >= box[:3] - half) & (points <= box[:3] + half)
            rows = np.flatnonzero(inside.all(axis=1))
            if len(rows):
                nearest = pykdtree(samples[d], points[rows], 1)()
                assigned[d, rows] = values[d][nearest.ravel()]
        return assigned

    return run


def cases(scan):
    """Boxes in 18,000 points; of the proposals, eight are of each object."""
    rng, points = np.random.default_rng(2), inputs.scan(scan, 18_000)
    proposals = inputs.boxes(points, PROPOSALS, copies=8)
    scores = rng.random(PROPOSALS, np.float32)
    candidates = *batched(proposals, scores), tf.ones([1, PROPOSALS], tf.bool)
    kept = {"iou_threshold": THRESHOLD, "max_outputs": TAKEN}
    boxes = inputs.boxes(points, TAKEN)
    drawn = batched(points, boxes)
    found = inputs.boxes(points, DETECTIONS)
    rows, _ = ops.sample_in_boxes(
        points[None], found[None], SEED, num_samples=MASK_POINTS
    )
    values = rng.random((DETECTIONS, MASK_POINTS), np.float32)
    masks = points, points[rows[0].numpy()], values, found
    assigned = batched(*masks)
    return [
        Case(
            f"NMS {PROPOSALS:,} -> {TAKEN}",
            lambda: ops.nms_3d(*candidates, **kept),
            (proposals, scores),
            {"TF XLA, greedy": xla_greedy},
        ),
        Case(
            f"sample_in_boxes {TAKEN} x {len(points):,} -> {SAMPLES:,}",
            lambda: ops.sample_in_boxes(*drawn, SEED, num_samples=SAMPLES),
            (points, boxes),
            {},
        ),
        Case(
            f"mask projection {DETECTIONS} x {MASK_POINTS} onto {len(points):,}",
            lambda: ops.nearest_assign(*assigned),
            masks,
            {"pykdtree": box_by_box},
        ),
    ]
