"""The way from a scan to its instances: one function of tensors.

`Segmenter` runs it in Python and the signatures of `gspn_tf.inference.serving` run it
on servers, so both give the same instances.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from gspn_tf import models, ops
from gspn_tf.data.observation import ObservedScan, finite_rows

InstanceNetwork = models.RPointNet | models.SGPN
CHUNK = 65_536  # points that masks are carried to at once; a multiple of 8


class FoundInstances(NamedTuple):
    """D instances of a scan of V points, best first, and the R boxes proposed."""

    boxes: tf.Tensor  # [D, 6] float32 metres, in the scan's frame
    classes: tf.Tensor  # [D] int32, 1..C
    scores: tf.Tensor  # [D] float32, 0..1
    masks: tf.Tensor  # [D, ceil(V / 8)] uint8; each has a point, see `pack_bits`
    semantic: tf.Tensor  # [V] int32, 0 = background; or [0]
    proposals: tf.Tensor  # [R, 6] float32, as boxes; best first
    proposal_scores: tf.Tensor  # [R] float32 objectness, 0..1


def find_instances(
    model: InstanceNetwork, scan: ObservedScan, *, classify_points: bool = True
) -> FoundInstances:
    """Run a network on the points that it sees and carry the result to all V points.

    Points that are not finite belong to no instance and are background.

    Args:
        model: A trained network.
        scan: What it sees.
        classify_points: False leaves `semantic` empty and saves the search for the
            nearest points, without which an R-PointNet can make its masks.
    """
    outputs = model.detect(scan.batch)
    found, proposals = outputs.detections, outputs.proposals
    nearest = tf.zeros([0], tf.int32)
    if classify_points:
        _, rows = ops.knn(scan.batch["points"], scan.points[None], 1)
        nearest = rows[0, :, 0]
    masks = carry_masks(model, outputs, scan.points, nearest)
    seen = tf.argmax(outputs.semantic_logits[0], -1, output_type=tf.int32)
    semantic = tf.gather(seen, nearest)
    if classify_points:
        semantic = tf.where(finite_rows(scan.points), semantic, 0)
    filled = tf.reduce_any(masks > 0, axis=1)
    rows = tf.boolean_mask(tf.where(found.valid[0])[:, 0], filled)
    real = proposals.valid[0]
    return FoundInstances(
        boxes=scan.in_scan_frame(tf.gather(found.boxes[0], rows)),
        classes=tf.gather(found.classes[0], rows),
        scores=tf.gather(found.scores[0], rows),
        masks=tf.boolean_mask(masks, filled),
        semantic=semantic,
        proposals=scan.in_scan_frame(tf.boolean_mask(proposals.boxes[0], real)),
        proposal_scores=tf.sigmoid(tf.boolean_mask(proposals.scores[0], real)),
    )


def carry_masks(
    model: Any, outputs: Any, points: tf.Tensor, nearest: tf.Tensor
) -> tf.Tensor:
    """Carry the masks of valid detections to points [V, 3], packed by `pack_bits`.

    They are made for CHUNK points at a time, which bounds memory.

    Args:
        model: An `InstanceNetwork`.
        outputs: What its `detect` returned for one scene.
        points: Near the origin, as the network saw some of them.
        nearest: [V] int32, for each point the nearest one that the network saw.
    """

    def step(start: tf.Tensor, bits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        chunk = points[start : start + CHUNK]
        masks = model.project(outputs, chunk[None], nearest[start : start + CHUNK])
        masks &= finite_rows(chunk)
        return start + CHUNK, tf.concat([bits, pack_bits(masks)], 1)

    count = tf.math.count_nonzero(outputs.detections.valid[0], dtype=tf.int32)
    _, bits = tf.while_loop(
        lambda start, bits: start < tf.shape(points)[0],
        step,
        (0, tf.zeros([count, 0], tf.uint8)),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, None])),
        parallel_iterations=1,
    )
    return bits


def pack_bits(masks: tf.Tensor) -> tf.Tensor:
    """Pack eight of bool [D, V] into a byte, the first as its lowest bit.

    Returns:
        [D, ceil(V / 8)] uint8; the bits after the last point are zero.
    """
    count, length = tf.unstack(tf.shape(masks))
    masks = tf.pad(masks, [[0, 0], [0, -length % 8]])
    eights = tf.reshape(masks, [count, (length + 7) // 8, 8])
    weights = tf.constant([1 << bit for bit in range(8)], tf.uint8)
    return tf.reduce_sum(tf.cast(eights, tf.uint8) * weights, -1)
