"""Targets and padding of a scene: functions of tensors alone.

Training, inference and servers call the same ones. They read no file and keep no state:
all randomness comes from seeds that are arguments. So they work one call at a time, in
tf.data (here or in the workers of a tf.data service), and in a SavedModel.
"""

import tensorflow as tf

from gspn_tf.config import DataConfig
from gspn_tf.data import sampling
from gspn_tf.data.observation import observe, padded_rows
from gspn_tf.nn import boxes as box_lib


def instances(scene: dict, options: DataConfig, seed: tf.Tensor) -> dict:
    """Shape, box and class of every instance, from all points of the scene.

    scene    points [V, 3], semantic [V], instance [V]
    Returns  shapes [G, P, 3], boxes [G, 6], classes [G] from 1, valid [G]; G may be 0.
    """
    points, instance = scene["points"], scene["instance"]
    total = tf.maximum(tf.reduce_max(instance, axis=0), -1) + 1
    mine = tf.where(instance >= 0)[:, 0]
    order = tf.gather(mine, tf.argsort(tf.gather(instance, mine), stable=True))
    rows = tf.gather(instance, order)  # ascending
    points = tf.gather(points, order)
    counts = tf.math.unsorted_segment_sum(tf.ones_like(rows), rows, total)
    starts = tf.cumsum(counts, exclusive=True)
    size = options.num_shape_points
    picks = sampling.SHAPES[options.sampling](points, starts, counts, size, seed)
    shapes = tf.gather(points, picks)  # [G, P, 3]
    low = tf.math.unsorted_segment_min(points, rows, total)
    high = tf.math.unsorted_segment_max(points, rows, total)
    of_all = tf.concat([(low + high) / 2, high - low], axis=-1)
    boxes = {"random": of_all, "farthest": box_lib.bounding(shapes)}
    return {
        "shapes": shapes,
        "boxes": boxes[options.sampling],
        "classes": instance_classes(scene["semantic"], instance),
        "valid": counts > 0,
    }


def instance_classes(semantic: tf.Tensor, instance: tf.Tensor) -> tf.Tensor:
    """Class [G] of each instance from 1 on, by the majority of its points [V]."""
    total = tf.maximum(tf.reduce_max(instance, axis=0), -1) + 1
    mine = tf.where(instance >= 0)[:, 0]
    num_classes = tf.maximum(tf.reduce_max(semantic), 1)
    votes = tf.one_hot(tf.gather(semantic, mine) - 1, num_classes)  # background: none
    votes = tf.math.unsorted_segment_sum(votes, tf.gather(instance, mine), total)
    return tf.argmax(votes, axis=-1, output_type=tf.int32) + 1


def resample(scene: dict, targets: dict, rows: tf.Tensor, num_points: int) -> dict:
    """An element of `load`: the rows of the scene, padded to `num_points`."""
    semantic, instance = (tf.gather(scene[k], rows) for k in ("semantic", "instance"))
    labels = {
        "semantic": padded_rows(semantic, num_points),
        "weights": padded_rows(tf.ones_like(semantic, tf.float32), num_points),
        "instance": padded_rows(instance, num_points, -1),
    }
    # One row of zeros where there is no instance.
    most = tf.maximum(tf.shape(targets["valid"])[0], 1)
    targets = labels | {k: padded_rows(v, most) for k, v in targets.items()}
    return observe(scene, rows, num_points) | {"targets": targets}
