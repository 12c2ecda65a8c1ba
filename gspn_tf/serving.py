"""What a server runs: whole scans in, instances on every point out, as one graph.

The graph does all that `gspn_tf.inference.Segmenter` does in Python, so that clients
need none of this package: it moves a scan to the origin, draws the network's points,
scales colours, and carries the masks back to every point.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from gspn_tf import models, ops
from gspn_tf.data.observation import observe, origin
from gspn_tf.data.sampling import POINTS
from gspn_tf.pyramid import interpolate, take
from gspn_tf.requests import EVERY_ROW, Scans, checked

CHUNK = 65_536  # points that masks are carried to at once; a multiple of 8
INPUTS = (
    # Of unknown rank, as one signature takes [N, 3] and [B, N, 3].
    tf.TensorSpec(None, tf.float32, "points"),
    tf.TensorSpec(None, tf.uint8, "colors"),
    tf.TensorSpec(None, tf.int32, "num_points"),
)


class View(NamedTuple):
    """What the network sees of the scans of a request, relative to their origins."""

    points: tf.Tensor  # [B, n, 3]  metres
    colors: tf.Tensor  # [B, n, 3]  0..1
    num_points: tf.Tensor  # [B]
    origins: tf.Tensor  # [B, 3]  metres

    def batch(self) -> dict[str, tf.Tensor]:
        """The network's input."""
        return {name: getattr(self, name) for name in self._fields[:3]}


class Served(NamedTuple):
    """How a model is served."""

    model: models.RPointNet
    num_points: int  # that the network sees of a scan
    sampling: str  # how they are drawn: "random" or "farthest", see `DataConfig`
    max_points: int  # of a scan in a request

    def signatures(self) -> dict[str, Any]:
        """Name -> `tf.function` of points, colors and num_points, not yet traced."""
        return {name: self._signature(run) for name, run in SIGNATURES.items()}

    def _signature(self, run: Callable) -> Any:
        def serve(points, colors, num_points=EVERY_ROW):
            scans = checked(points, colors, num_points, self.max_points)
            view = look(scans, self.num_points, self.sampling)
            shifted = scans.points - view.origins[:, None]
            return run(self.model, scans._replace(points=shifted), view)

        return tf.function(serve, input_signature=INPUTS, autograph=False)


def look(scans: Scans, num_points: int, sampling: str) -> View:
    """Draws at most `num_points` of each scan, whatever the padding and the others."""
    width = tf.minimum(num_points, tf.reduce_max(scans.counts))

    def one(scan):
        points, colors, count = scan
        points, colors = points[:count], colors[:count]
        center = origin(points)
        points = points - center
        picks = POINTS[sampling](points, num_points, tf.zeros(2, tf.int64))
        scan = {"points": points, "colors": colors}
        return View(**observe(scan, picks, width), origins=center)

    kinds = View(
        points=tf.TensorSpec([None, 3], tf.float32),
        colors=tf.TensorSpec([None, 3], tf.float32),
        num_points=tf.TensorSpec([], tf.int32),
        origins=tf.TensorSpec([3], tf.float32),
    )
    inputs = (scans.points, scans.colors, scans.counts)
    return tf.map_fn(one, inputs, fn_output_signature=kinds)


def segment(model: models.RPointNet, scans: Scans, view: View) -> dict:
    """Instances, best first; D is the most that any of the scans has.

    Returns boxes [B, D, 6] metres, classes [B, D] int32, scores [B, D],
    masks_bytes [B, D] strings (see `as_bytes`) and num_detections [B] int32; zero and
    empty where there is no instance.
    """
    outputs = model.detect(view.batch())
    found = outputs["detections"]
    counts = tf.reduce_sum(tf.cast(found.valid, tf.int32), 1)
    most = tf.reduce_max(counts)
    valid, boxes = found.valid[:, :most], found.boxes[:, :most]
    bits = project(
        scans,
        outputs["region_points"][:, :most],
        outputs["region_masks"][:, :most],
        boxes,
        model.config.mask_threshold,
    )
    sizes = tf.where(valid, (scans.counts[:, None] + 7) // 8, 0)
    shift = tf.pad(view.origins, [[0, 0], [0, 3]])[:, None]
    return {
        "boxes": tf.where(valid[..., None], boxes + shift, 0.0),
        "classes": found.classes[:, :most],
        "scores": found.scores[:, :most],
        "masks_bytes": as_bytes(bits, sizes),
        "num_detections": counts,
    }


def features(model: models.RPointNet, scans: Scans, view: View) -> dict:
    """What the proposal network knows of every point; others as the nearest it sees.

    Returns features [B, N, C], the instance sensitive ones (section 3.1) as Point
    RoIAlign takes them, centers [B, N, 3] of the points' objects in metres, and
    classes [B, N] int32, 0 = background; zero on padding.
    """
    scene = model.proposal_network(view.batch(), training=False)["scene"]
    _, rows = ops.three_nn(view.points, scans.points, num_points=view.num_points)
    context = interpolate(scene.context, scene.to_seeds)
    centers = scene.centers + view.origins[:, None]
    classes = tf.argmax(scene.semantic_logits, -1, output_type=tf.int32)
    real = scans.real
    return {
        "features": tf.where(real[..., None], take(context, rows[..., 0]), 0.0),
        "centers": tf.where(real[..., None], take(centers, rows[..., 0]), 0.0),
        "classes": tf.where(real, take(classes, rows[..., 0]), 0),
    }


SIGNATURES = {"serving_default": segment, "segment_features": features}


def project(scans: Scans, samples, values, boxes, threshold: float) -> tf.Tensor:
    """Masks on all points as bits, uint8 [B, D, ceil(N / 8)], chunk by chunk."""
    count = tf.shape(scans.points)[1]

    def step(start, bits):
        points = scans.points[:, start : start + CHUNK]
        here = tf.clip_by_value(scans.counts - start, 0, tf.shape(points)[1])
        soft = ops.nearest_assign(points, samples, values, boxes, num_points=here)
        return start + CHUNK, tf.concat([bits, pack(soft > threshold)], 2)

    empty = tf.zeros([*tf.unstack(tf.shape(boxes)[:2]), 0], tf.uint8)
    _, bits = tf.while_loop(
        lambda start, bits: start < count,
        step,
        (0, empty),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, None, None])),
        parallel_iterations=1,
    )
    return bits


def pack(mask: tf.Tensor) -> tf.Tensor:
    """Eight of mask [B, D, N] a byte, uint8 [B, D, ceil(N / 8)]: the first is bit 0."""
    mask = tf.pad(mask, [[0, 0], [0, 0], [0, -tf.shape(mask)[2] % 8]])
    eights = tf.reshape(mask, [*tf.unstack(tf.shape(mask)[:2]), tf.shape(mask)[2] // 8, 8])
    weights = tf.constant([1 << bit for bit in range(8)], tf.uint8)
    return tf.reduce_sum(tf.cast(eights, tf.uint8) * weights, -1)


def as_bytes(bits: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
    """The first `sizes` [B, D] bytes of each row of bits [B, D, W], as strings [B, D].

    Strings travel as they are by gRPC and as base64 by REST, where TensorFlow Serving
    sends uint8 as numbers. No op casts to them: the bytes are the end of the protocol
    buffer of a tensor.
    """
    width = tf.shape(bits)[2]

    def one(row):
        buffer = tf.io.serialize_tensor(row[0])
        return tf.strings.substr(buffer, tf.strings.length(buffer) - width, row[1])

    rows = (tf.reshape(bits, [tf.size(sizes), width]), tf.reshape(sizes, [-1]))
    strings = tf.map_fn(one, rows, fn_output_signature=tf.string)
    return tf.reshape(strings, tf.shape(sizes))
