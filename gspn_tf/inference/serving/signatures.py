"""The signatures of an export: whole scans in, instances or features out, as one graph.

The graph does all that `Segmenter` does, by the same functions, so that clients need
none of this package; but points far from all others are to be left out by these.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import tensorflow as tf

from gspn_tf import models, ops
from gspn_tf.data.observation import ObservedScan, observe_scan, padded_rows
from gspn_tf.inference.graph import find_instances
from gspn_tf.inference.serving.requests import EVERY_ROW, check_request
from gspn_tf.nn.pyramid import interpolate, take

SCANS_AT_ONCE = 2  # scans of a request that are worked on at the same time
INPUTS = (
    # Of unknown rank, as one signature takes [N, 3] and [B, N, 3].
    tf.TensorSpec(None, tf.float32, "points"),
    tf.TensorSpec(None, tf.uint8, "colors"),
    tf.TensorSpec(None, tf.int32, "num_points"),
)


class ServedModel(NamedTuple):
    """A model and how it is served."""

    model: models.RPointNet
    num_points: int  # most that the network sees of a scan
    sampling: Literal["random", "farthest"]  # how they are drawn, see `DataConfig`
    max_points: int  # of a scan in a request
    density: float = 0.0  # points of a square metre, see `DataConfig`

    def signatures(self) -> dict[str, Any]:
        """Name -> `tf.function` of points, colors and num_points, not yet traced."""
        return {
            name: tf.function(
                self._serve(*parts), input_signature=INPUTS, autograph=False
            )
            for name, parts in SIGNATURES.items()
        }

    def _serve(self, answer: Callable, kinds: dict[str, tf.TensorSpec]) -> Callable:
        # A tensor: other defaults do not become those of a signature.
        def serve(
            points: tf.Tensor,
            colors: tf.Tensor,
            num_points: tf.Tensor = tf.constant(EVERY_ROW),  # noqa: B008
        ) -> dict[str, tf.Tensor]:
            scans = check_request(points, colors, num_points, self.max_points)
            length = tf.shape(scans.points)[1]

            def one(scan: tuple) -> dict[str, tf.Tensor]:
                points, colors, count = scan
                observed = observe_scan(
                    points[:count],
                    colors[:count],
                    self.num_points,
                    self.sampling,
                    density=self.density,
                )
                return answer(self.model, observed, length)

            # One by one, so that no answer depends on the other scans of a request.
            answers = tf.map_fn(
                one,
                tuple(scans),
                fn_output_signature=kinds,
                parallel_iterations=SCANS_AT_ONCE,
            )
            return without_empty_rows(answers)

        return serve


def answer_instances(
    model: models.RPointNet, scan: ObservedScan, length: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Answer with the instances of a scan of V points; zero and empty after the last.

    Returns:
        boxes [D, 6] metres, classes [D] int32, scores [D], masks_bytes [D] strings of
        ceil(V / 8) bytes (see `pack_bits`) and num_detections int32.
    """
    found = find_instances(model, scan, classify_points=False)
    most = model.config.max_detections
    return {
        "boxes": padded_rows(found.boxes, most),
        "classes": padded_rows(found.classes, most),
        "scores": padded_rows(found.scores, most),
        "masks_bytes": padded_rows(as_strings(found.masks), most, ""),
        "num_detections": tf.shape(found.scores)[0],
    }


def answer_features(
    model: models.RPointNet, scan: ObservedScan, length: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Answer with features, centres and classes of the V points of a scan; then zeros.

    A point has the values of the nearest point that the network sees.

    Returns:
        features [length, C], the instance sensitive ones (section 3.1) as Point
        RoIAlign takes them, centers [length, 3] of the points' objects in metres, and
        classes [length] int32, 0 = background.
    """
    found = model.proposal_network(scan.batch, training=False)
    _, rows = ops.knn(scan.batch["points"], scan.points[None], 1)
    values = {
        "features": interpolate(found.context, found.to_seeds),
        "centers": scan.in_scan_frame(found.centers.everywhere),
        "classes": tf.argmax(found.semantic_logits, -1, output_type=tf.int32),
    }
    return {
        name: padded_rows(take(value, rows[..., 0])[0], length)
        for name, value in values.items()
    }


# Each signature: the function that answers for one scan, and what it returns.
SIGNATURES = {
    "serving_default": (
        answer_instances,
        {
            "boxes": tf.TensorSpec([None, 6], tf.float32),
            "classes": tf.TensorSpec([None], tf.int32),
            "scores": tf.TensorSpec([None], tf.float32),
            "masks_bytes": tf.TensorSpec([None], tf.string),
            "num_detections": tf.TensorSpec([], tf.int32),
        },
    ),
    "segment_features": (
        answer_features,
        {
            "features": tf.TensorSpec([None, None], tf.float32),
            "centers": tf.TensorSpec([None, 3], tf.float32),
            "classes": tf.TensorSpec([None], tf.int32),
        },
    ),
}


def without_empty_rows(answers: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Cut instances [B, D, ...] to the rows that some scan needs; others stay."""
    if "num_detections" not in answers:
        return answers
    most = tf.reduce_max(answers["num_detections"])
    return {
        name: value[:, :most] if value.shape.rank > 1 else value
        for name, value in answers.items()
    }


def as_strings(rows: tf.Tensor) -> tf.Tensor:
    """Make each row of uint8 [D, W] a string of W bytes.

    Strings travel as they are by gRPC and as base64 by REST, where TensorFlow Serving
    sends uint8 as numbers. No op casts to them: the bytes are the end of the protocol
    buffer of a tensor.
    """
    width = tf.shape(rows)[1]

    def one(row: tf.Tensor) -> tf.Tensor:
        buffer = tf.io.serialize_tensor(row)
        return tf.strings.substr(buffer, tf.strings.length(buffer) - width, width)

    return tf.map_fn(one, rows, fn_output_signature=tf.string)
