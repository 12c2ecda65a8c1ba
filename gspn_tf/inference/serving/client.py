"""An export in the place of a `Segmenter`, wherever it runs: also for tiles.

    served = ServedSegmenter(predict)  # that of docs/serving/grpc_client.py, say
    found = tiling.segment_tiles(served, points, colors)

The client cuts a scan that is larger than a room, asks for each tile and merges the
answers by the rules of `gspn_tf.inference.tiling`.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gspn_tf.inference.segmenter import Segmentation

Predict = Callable[[np.ndarray, np.ndarray], Mapping[str, Any]]
"""Points [N, 3] float32 and colours [N, 3] uint8 -> outputs of `serving_default`."""


class ServedSegmenter:
    """Finds instances of scans by requests to an export.

    Classes of points are 0, as the signature does not answer them; nor does it answer
    proposals.

    Args:
        predict: Sends a request; what it raises passes through.
    """

    def __init__(self, predict: Predict) -> None:
        self._predict = predict

    def segment_checked(
        self, points: np.ndarray, colors: np.ndarray, seed: int = 0
    ) -> Segmentation:
        """Find the instances of a scan that `checked_scan` returned, or rows of it.

        Args:
            points: [V, 3] floats, metres, z up; rows that are not finite are not sent.
            colors: [V, 3] uint8.
            seed: Without effect: the draws of an export are always the same.
        """
        sent = np.flatnonzero(np.isfinite(points).all(1))
        near, offset = points[sent], np.zeros(3)
        if near.dtype != np.float32:  # which is coarse far from the origin
            offset = np.floor(near.min(0))
            near = (near - offset).astype(np.float32)
        outputs = self._predict(near, colors[sent])
        count = int(outputs["num_detections"][0])
        boxes = np.asarray(outputs["boxes"][0], np.float64).reshape(-1, 6)[:count]
        boxes[:, :3] += offset
        return Segmentation(
            boxes=boxes.astype(np.float32),
            classes=np.asarray(outputs["classes"][0], np.int32)[:count],
            scores=np.asarray(outputs["scores"][0], np.float32)[:count],
            masks=[
                sent[rows_of_mask(mask, len(sent))].astype(np.int32)
                for mask in outputs["masks_bytes"][0][:count]
            ],
            semantic=np.zeros(len(points), np.int32),
            proposals=np.zeros([0, 6], np.float32),
            proposal_scores=np.zeros(0, np.float32),
        )


def rows_of_mask(mask: bytes, num_points: int) -> np.ndarray:
    """Rows of the points of packed bits, point p at bit p % 8 of byte p // 8."""
    bits = np.frombuffer(mask, np.uint8)
    return np.flatnonzero(np.unpackbits(bits, bitorder="little", count=num_points))
