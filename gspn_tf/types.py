"""Values that travel between modules, with their shapes.

Axes:  B batch   N scene points   S seeds   G ground-truth instances
       P points of one shape   R regions   M points of one region   D detections
       C channels
Units: metres in the world frame, z up. A box is (centre xyz, size xyz).
"""

from typing import Any, NamedTuple

import tensorflow as tf

# A batch of scenes, see gspn_tf.data.load, and the ground truth under its "targets".
Batch = dict[str, Any]
Targets = dict[str, tf.Tensor]
Terms = dict[str, tf.Tensor]  # of a loss, by their names


class Interpolation(NamedTuple):
    """A table that carries features from coarse points to fine ones."""

    indices: tf.Tensor  # [B, N, 3]  int32 rows of the coarse points
    weights: tf.Tensor  # [B, N, 3]  sum to one


class Gaussian(NamedTuple):
    """A diagonal Gaussian over the latent code of each seed."""

    mean: tf.Tensor  # [B, S, Z]
    log_variance: tf.Tensor  # [B, S, Z]


class Proposals(NamedTuple):
    """Boxes that may hold one object each."""

    boxes: tf.Tensor  # [B, S, 6]
    scores: tf.Tensor  # [B, S]     objectness logits
    valid: tf.Tensor  # [B, S]     False marks padding


class Regions(NamedTuple):
    """Points sampled inside boxes: the output of PointRoIAlign."""

    boxes: tf.Tensor  # [B, R, 6]
    indices: tf.Tensor  # [B, R, M]  int32 rows of the scene's points
    valid: tf.Tensor  # [B, R]     False: padding, or no point inside


class Detections(NamedTuple):
    """Instances found in a scene, best first."""

    boxes: tf.Tensor  # [B, D, 6]
    classes: tf.Tensor  # [B, D]     int32, 1..C-1; 0 on padding
    scores: tf.Tensor  # [B, D]     0..1
    masks: tf.Tensor  # [B, D, N]  bool over the scene's points
    valid: tf.Tensor  # [B, D]     False marks padding
