"""Scenes on disk -> augmented, padded batches, in TensorFlow ops from end to end.

Every random choice is stateless and keyed by `(seed, epoch, step)`: two datasets
built with the same arguments give the same batches, in every epoch.
"""

import tensorflow as tf
from tensorflow_graphics.geometry.transformation import rotation_matrix_3d

from gspn_tf import boxes as box_lib
from gspn_tf.config import DataConfig
from gspn_tf.data import manifest, sampling, shards
from gspn_tf.data.observation import observe, take

_PADDING = {"points": 0.0, "colors": 0.0, "num_points": 0}
_TARGET_PADDING = {
    "semantic": 0,
    "weights": 0.0,
    "instance": -1,
    "shapes": 0.0,
    "boxes": 0.0,
    "classes": 0,
    "valid": False,
}


def load(
    directory: str,
    split: str,
    options: DataConfig,
    *,
    batch_size: int,
    training: bool,
    seed: int,
) -> tf.data.Dataset:
    """Batches of a split, one epoch long; every new pass over it is a new epoch.

    Training shuffles the scenes, draws other points and another rotation and
    translation in every epoch, and drops a smaller last batch unless it is the only
    one. Otherwise the scenes come in the order written, in place, always with the same
    points, and all of them.

    A batch has N = `num_points` of each scene, drawn without replacement as
    `sampling` says and then in random order for training (fewer only where the scene
    has fewer: then padding follows), G = most instances of a scene in it, and P =
    `num_shape_points`:

        points      float32 [B, N, 3]  metres      colors  float32 [B, N, 3]  0..1
        num_points  int32   [B]        the rest of N is padding
        targets     semantic int32 [B, N] 0 = background and padding
                    weights float32 [B, N] of the points' classes; 0 = padding
                    instance int32 [B, N] row in G, -1 = none and padding
                    shapes float32 [B, G, P, 3] metres, world
                    boxes  float32 [B, G, 6] centre, size: tight on the instance, or
                    on its shape where that is of its farthest points
                    classes int32  [B, G] majority vote   valid bool [B, G]

    Shapes and boxes come of all points of the scene, so an instance can have few or
    none of the N points and still be valid.

    Raises:
      ValueError: unknown split, training on one without labels, or batch size below
        one.
      tf.errors.InvalidArgumentError: on reading, a scene of more than
        `max_instances` instances.
      tf.errors.DataLossError: on reading, a damaged shard; `manifest.naming_damage`
        turns it into an error that names the file.
      FileNotFoundError: `directory` has no manifest.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    if training and not manifest.is_labelled(directory, split):
        raise ValueError(f"split {split!r} of {directory} has no labels to train on")
    keys = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=training)
    dataset = shards.records(directory, split)
    if training:
        dataset = dataset.shuffle(options.shuffle_buffer, seed=seed)
    num_classes = len(manifest.read_classes(directory))

    def element(record: tf.Tensor, key: tf.Tensor) -> dict:
        stream = tf.random.split(tf.stack([tf.constant(seed, tf.int64), key]), 5)
        scene = shards.parse(record)
        _check_instances(scene["instance"], options.max_instances)
        if training:
            scene = augment(scene, options, stream[:2])
        count = options.num_points if training else options.num_points_inference
        targets = instances(scene, num_classes, options, stream[2])
        rows = sampling.POINTS[options.sampling](scene["points"], count, stream[3])
        if training:
            rows = tf.random.experimental.stateless_shuffle(rows, stream[4])
        return resample(scene, targets, rows, count)

    dataset = tf.data.Dataset.zip(dataset, keys)
    dataset = dataset.map(element, num_parallel_calls=tf.data.AUTOTUNE)
    num_scenes = manifest.num_scenes(directory, split)
    dataset = _batch(dataset, batch_size, num_scenes, training)
    ordered = tf.data.Options()
    ordered.deterministic = True
    return dataset.with_options(ordered).prefetch(tf.data.AUTOTUNE)


def _batch(
    dataset: tf.data.Dataset, size: int, num_scenes: int, training: bool
) -> tf.data.Dataset:
    """Padded batches, and how many there are."""
    drop = training and num_scenes >= size
    padding = _PADDING | {"targets": _TARGET_PADDING}
    dataset = dataset.padded_batch(size, padding_values=padding, drop_remainder=drop)
    count = num_scenes // size if drop else -(-num_scenes // size)
    return dataset.apply(tf.data.experimental.assert_cardinality(count))


def _check_instances(instance: tf.Tensor, limit: int) -> None:
    tf.debugging.assert_less(
        tf.reduce_max(instance),
        limit,
        f"a scene may have at most max_instances = {limit} instances",
    )


def augment(scene: dict, options: DataConfig, seeds: tf.Tensor) -> dict:
    """Rotates about z, translates, and shifts the colours; one draw a scene."""
    points = tf.cast(scene["points"], tf.float32)
    uniform = tf.random.stateless_uniform([3], seeds[0])
    normal = tf.random.stateless_normal([6], seeds[1])
    if options.rotate:
        angles = uniform * [0.0, 0.0, 2.0 * 3.14159265]
        rotation = rotation_matrix_3d.from_euler(angles)
        # Their `rotate` cannot broadcast over an unknown number of points.
        points = tf.matmul(points, rotation, transpose_b=True)
    points = points + options.translate_std * normal[:3]
    colors = tf.cast(scene["colors"], tf.float32)
    colors = colors + 255.0 * options.color_jitter * normal[3:]
    return scene | {"points": points, "colors": tf.clip_by_value(colors, 0.0, 255.0)}


def instances(
    scene: dict, num_classes: int, options: DataConfig, seed: tf.Tensor
) -> dict:
    """Shape, box and class of every instance, from all points of the scene.

    scene    points [V, 3], semantic [V], instance [V]
    Returns  shapes [G, P, 3], boxes [G, 6], classes [G] (1..C), valid [G]; G may be 0.
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
    votes = tf.one_hot(tf.gather(scene["semantic"], order) - 1, num_classes)
    votes = tf.math.unsorted_segment_sum(votes, rows, total)  # background: no vote
    return {
        "shapes": shapes,
        "boxes": boxes[options.sampling],
        "classes": tf.argmax(votes, axis=-1, output_type=tf.int32) + 1,
        "valid": counts > 0,
    }


def resample(scene: dict, targets: dict, picks: tf.Tensor, num_points: int) -> dict:
    """An element of `load`: the rows `picks` of the scene, padded to `num_points`."""
    labels = {
        "semantic": take(scene["semantic"], picks, num_points),
        "weights": take(tf.ones_like(scene["semantic"], tf.float32), picks, num_points),
        "instance": take(scene["instance"], picks, num_points, -1),
    }
    targets = labels | {k: _at_least_one(v) for k, v in targets.items()}
    return observe(scene, picks, num_points) | {"targets": targets}


def _at_least_one(values: tf.Tensor) -> tf.Tensor:
    """Pads an empty first axis to one row of zeros; keeps the others' static shape."""
    missing = tf.maximum(1 - tf.shape(values)[0], 0)
    return tf.pad(values, [[0, missing]] + [[0, 0]] * (values.shape.rank - 1))
