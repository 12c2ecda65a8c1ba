"""What a server runs: whole scans in, instances on every point out, as one graph.

The graph does all that `Segmenter` does in Python, so that clients
need none of this package: it moves a scan to the origin, draws the network's points,
scales colours, and carries the masks back to every point.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from gspn_tf import models, ops
from gspn_tf.data.observation import network_inputs, origin
from gspn_tf.data.sampling import order_of
from gspn_tf.inference.serving.requests import EVERY_ROW, checked
from gspn_tf.nn.pyramid import interpolate, take

CHUNK = 65_536  # points that masks are carried to at once; a multiple of 8
AT_ONCE = 2  # scans of a request that are worked on at the same time
INPUTS = (
    # Of unknown rank, as one signature takes [N, 3] and [B, N, 3].
    tf.TensorSpec(None, tf.float32, "points"),
    tf.TensorSpec(None, tf.uint8, "colors"),
    tf.TensorSpec(None, tf.int32, "num_points"),
)


class Look(NamedTuple):
    """One scan, relative to its origin, and what the network sees of it."""

    origin: tf.Tensor  # [3]     metres
    points: tf.Tensor  # [V, 3]  metres
    batch: dict  # points [1, n, 3], colors [1, n, 3], num_points [1]; order [1, n]


class Served(NamedTuple):
    """How a model is served."""

    model: models.RPointNet
    num_points: int  # that the network sees of a scan
    sampling: str  # how they are drawn: "random" or "farthest", see `DataConfig`
    max_points: int  # of a scan in a request

    def signatures(self) -> dict[str, Any]:
        """Name -> `tf.function` of points, colors and num_points, not yet traced."""
        return {
            name: tf.function(
                self._serve(run, kinds), input_signature=INPUTS, autograph=False
            )
            for name, (run, kinds) in SIGNATURES.items()
        }

    def look(self, points: tf.Tensor, colors: tf.Tensor) -> Look:
        """Draws the network's points of a scan [V, 3]."""
        center = origin(points)
        points = points - center
        batch = network_inputs(points, colors, self.num_points, self.sampling)
        rows = batch.pop("rows")
        if self.sampling == "farthest":
            batch["order"] = order_of(rows[0])[None]
        return Look(center, points, batch)

    def _serve(self, run: Callable, kinds: dict[str, tf.TensorSpec]) -> Callable:
        # A tensor: other defaults do not become those of a signature.
        def serve(points, colors, num_points=tf.constant(EVERY_ROW)):  # noqa: B008
            scans = checked(points, colors, num_points, self.max_points)
            length = tf.shape(scans.points)[1]

            def one(scan):
                points, colors, count = scan
                found = self.look(points[:count], colors[:count])
                return run(self.model, found, length)

            # One by one, so that no answer depends on the other scans of a request.
            answers = tf.map_fn(
                one,
                tuple(scans),
                fn_output_signature=kinds,
                parallel_iterations=AT_ONCE,
            )
            return without_empty_rows(answers)

        return serve


def segment(model: models.RPointNet, scan: Look, length: tf.Tensor) -> dict:
    """Instances of a scan of V points, best first; zero and empty after the last.

    Returns boxes [D, 6] metres, classes [D] int32, scores [D], masks_bytes [D] strings
    of ceil(V / 8) bytes (see `pack`) and num_detections int32.
    """
    outputs = model.detect(scan.batch)
    found = outputs.detections
    valid = found.valid[0]
    count = tf.reduce_sum(tf.cast(valid, tf.int32))
    bits = project(
        scan.points,
        outputs.region_points[:, :count],
        outputs.region_masks[:, :count],
        found.boxes[:, :count],
        model.config.mask_threshold,
    )
    masks = as_strings(bits)
    shift = tf.pad(scan.origin, [[0, 3]])
    return {
        "boxes": tf.where(valid[:, None], found.boxes[0] + shift, 0.0),
        "classes": found.classes[0],
        "scores": found.scores[0],
        "masks_bytes": tf.pad(masks, [[0, tf.size(valid) - count]], constant_values=""),
        "num_detections": count,
    }


def features(model: models.RPointNet, scan: Look, length: tf.Tensor) -> dict:
    """What the proposal network knows of the V points of a scan; then zeros.

    Returns features [length, C], the instance sensitive ones (section 3.1) as Point
    RoIAlign takes them, centers [length, 3] of the points' objects in metres, and
    classes [length] int32, 0 = background: those of the nearest point that it sees.
    """
    scene = model.proposal_network(scan.batch, training=False).scene
    _, rows = ops.knn(scan.batch["points"], scan.points[None], 1)
    values = {
        "features": interpolate(scene.context, scene.to_seeds),
        "centers": scene.centers + scan.origin,
        "classes": tf.argmax(scene.semantic_logits, -1, output_type=tf.int32),
    }
    missing = [[0, length - tf.shape(scan.points)[0]]]
    return {
        name: tf.pad(
            take(value, rows[..., 0])[0], missing + [[0, 0]] * (value.shape.rank - 2)
        )
        for name, value in values.items()
    }


# What computes a signature for one scan, and what that returns.
SIGNATURES = {
    "serving_default": (
        segment,
        {
            "boxes": tf.TensorSpec([None, 6], tf.float32),
            "classes": tf.TensorSpec([None], tf.int32),
            "scores": tf.TensorSpec([None], tf.float32),
            "masks_bytes": tf.TensorSpec([None], tf.string),
            "num_detections": tf.TensorSpec([], tf.int32),
        },
    ),
    "segment_features": (
        features,
        {
            "features": tf.TensorSpec([None, None], tf.float32),
            "centers": tf.TensorSpec([None, 3], tf.float32),
            "classes": tf.TensorSpec([None], tf.int32),
        },
    ),
}


def without_empty_rows(answers: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Instances [B, D, ...] without the rows that no scan needs; others as they are."""
    if "num_detections" not in answers:
        return answers
    most = tf.reduce_max(answers["num_detections"])
    return {
        name: value[:, :most] if value.shape.rank > 1 else value
        for name, value in answers.items()
    }


def project(points, samples, values, boxes, threshold: float) -> tf.Tensor:
    """Masks on points [V, 3] as bits, uint8 [D, ceil(V / 8)], chunk by chunk.

    samples [1, D, M, 3], values [1, D, M] and boxes [1, D, 6] as of `nearest_assign`.
    """

    def step(start, bits):
        chunk = points[None, start : start + CHUNK]
        soft = ops.nearest_assign(chunk, samples, values, boxes)[0]
        return start + CHUNK, tf.concat([bits, pack(soft > threshold)], 1)

    _, bits = tf.while_loop(
        lambda start, bits: start < tf.shape(points)[0],
        step,
        (0, tf.zeros([tf.shape(boxes)[1], 0], tf.uint8)),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, None])),
        parallel_iterations=1,
    )
    return bits


def pack(mask: tf.Tensor) -> tf.Tensor:
    """Eight of mask [D, V] a byte: uint8 [D, ceil(V / 8)], the first the lowest bit."""
    count, length = tf.unstack(tf.shape(mask))
    mask = tf.pad(mask, [[0, 0], [0, -length % 8]])
    eights = tf.reshape(mask, [count, (length + 7) // 8, 8])
    weights = tf.constant([1 << bit for bit in range(8)], tf.uint8)
    return tf.reduce_sum(tf.cast(eights, tf.uint8) * weights, -1)


def as_strings(rows: tf.Tensor) -> tf.Tensor:
    """Each row of uint8 [D, W] as a string of W bytes.

    Strings travel as they are by gRPC and as base64 by REST, where TensorFlow Serving
    sends uint8 as numbers. No op casts to them: the bytes are the end of the protocol
    buffer of a tensor.
    """
    width = tf.shape(rows)[1]

    def one(row):
        buffer = tf.io.serialize_tensor(row)
        return tf.strings.substr(buffer, tf.strings.length(buffer) - width, width)

    return tf.map_fn(one, rows, fn_output_signature=tf.string)
