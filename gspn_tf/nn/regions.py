"""Points of boxes."""

from typing import Any

import tensorflow as tf

from gspn_tf import ops
from gspn_tf.nn.layers import FloatLayer
from gspn_tf.types import Regions


class PointRoIAlign(FloatLayer):
    """Equally many scene points for every box (section 3.2).

    Points are drawn with replacement from those inside the box.

    Args:
      num_points: points drawn for a box.
      margin: metres by which a box is enlarged on every side to draw its points.

    Inputs: points [B, N, 3], boxes [B, R, 6], valid [B, R], the scenes' num_points
    [B], seed [2] int32. Output: Regions; a box without points becomes invalid.
    """

    def __init__(self, num_points: int, margin: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_points, self.margin = num_points, margin

    def call(
        self,
        points: tf.Tensor,
        boxes: tf.Tensor,
        valid: tf.Tensor,
        num_points: tf.Tensor,
        seed: tf.Tensor,
    ) -> Regions:
        indices, counts = ops.sample_in_boxes(
            points,
            boxes,
            seed,
            num_samples=self.num_points,
            margin=self.margin,
            num_points=num_points,
        )
        return Regions(boxes, indices, valid & (counts > 0))
