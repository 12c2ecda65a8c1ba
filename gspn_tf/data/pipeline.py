"""Scenes on disk -> augmented, padded batches, in TensorFlow ops from end to end.

Every random choice is stateless and keyed by the seed, the epoch and the scene's name:
two datasets built with the same arguments give the same batches, in every epoch, on any
number of threads and wherever they are made.
"""

from pathlib import Path

import tensorflow as tf

from gspn_tf.config import DataConfig
from gspn_tf.data import manifest, preprocessing, sampling, shards


def load(
    directory: str,
    split: str,
    options: DataConfig,
    *,
    batch_size: int,
    training: bool,
    seed: int,
    service: str | None = None,
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

    `options.cache` keeps the scenes of the first pass in memory, as they are on disk:
    what is drawn afterwards differs from epoch to epoch as it does without.

    With `service` ("grpc://host:port"), the workers of that tf.data service prepare the
    scenes and this process batches them. They see `directory` at the same path and have
    loaded the op library (`gspn serve-data` does that). A scene is as it is here in the
    first epoch, but several workers deliver in no fixed order, and a second pass
    repeats the first: give each epoch a seed of its own.

    Raises:
      ValueError: unknown split, training on one without labels, or batch size below
        one.
      tf.errors.InvalidArgumentError: on reading, a scene of more than
        `max_instances` instances.
      tf.errors.DataLossError: on reading, a damaged shard; `manifest.naming_damage`
        turns it into an error that names the file.
      FileNotFoundError: `directory` has no manifest.
    """
    found = _whole_scenes(directory, split, training)
    if options.cache and service is None:
        found = found.cache()
    found = _elements(found, options, training, seed, service)
    return _batch(found, batch_size, manifest.num_scenes(directory, split), training)


def scenes(directory: str, split: str, *, training: bool) -> tf.data.Dataset:
    """Whole scenes of a split in the order written: dicts, see `shards.parse`.

    Raises:
      ValueError: unknown split, or training on one without labels.
      FileNotFoundError: `directory` has no manifest.
    """
    count = manifest.num_scenes(directory, split)
    found = _whole_scenes(directory, split, training)
    return found.apply(tf.data.experimental.assert_cardinality(count))


def batches(
    scenes: tf.data.Dataset,
    options: DataConfig,
    *,
    batch_size: int,
    training: bool,
    seed: int,
) -> tf.data.Dataset:
    """The batches of `load` from those of `scenes`, which may be cached before."""
    count = int(scenes.cardinality())
    if count < 0:
        raise ValueError("scenes must have a known number of elements")
    found = _elements(scenes, options, training, seed)
    return _batch(found, batch_size, count, training)


def _whole_scenes(directory: str, split: str, training: bool) -> tf.data.Dataset:
    if training and not manifest.is_labelled(directory, split):
        raise ValueError(f"split {split!r} of {directory} has no labels to train on")
    folder = Path(directory).absolute()  # workers stand elsewhere
    return shards.records(folder, split).map(
        shards.parse, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )


def _elements(
    scenes: tf.data.Dataset,
    options: DataConfig,
    training: bool,
    seed: int,
    service: str | None = None,
) -> tf.data.Dataset:
    """The scenes of a batch one by one, made here or by the workers of a service."""
    if training:
        scenes = scenes.shuffle(options.shuffle_buffer, seed=seed)
    epochs = _epoch_keys(seed, training)
    if service:  # whose workers would divide the keys among them
        first = next(epochs.as_numpy_iterator())
        dataset = scenes.map(lambda scene: (scene, tf.constant(first)))
    else:
        dataset = tf.data.Dataset.zip(scenes, epochs)

    def element(scene: dict, epoch: tf.Tensor) -> dict:
        name = tf.strings.to_hash_bucket_fast(scene["name"], 1 << 62)
        key = tf.stack([tf.constant(seed, tf.int64) ^ epoch, name])
        return _element(scene, options, training, tf.random.split(key, 5))

    dataset = dataset.map(element, num_parallel_calls=tf.data.AUTOTUNE)
    if service:
        policy = tf.data.experimental.service.ShardingPolicy.DYNAMIC  # each scene once
        dataset = dataset.apply(
            tf.data.experimental.service.distribute(policy, service=service)
        )
    return dataset


def _epoch_keys(seed: int, training: bool) -> tf.data.Dataset:
    """One number without end; in training another one in every pass."""
    keys = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=training)
    return keys.take(1).flat_map(lambda key: tf.data.Dataset.from_tensors(key).repeat())


def _element(
    scene: dict, options: DataConfig, training: bool, seeds: tf.Tensor
) -> dict:
    """One scene of a batch; seeds [5, 2]."""
    tf.debugging.assert_less(
        tf.reduce_max(scene["instance"]),
        options.max_instances,
        f"a scene may have at most max_instances = {options.max_instances} instances",
    )
    if training:
        scene = preprocessing.augment(scene, options, seeds[:2])
    count = options.num_points if training else options.num_points_inference
    targets = preprocessing.instances(scene, options, seeds[2])
    rows = sampling.POINTS[options.sampling](scene["points"], count, seeds[3])
    if training:
        rows = tf.random.experimental.stateless_shuffle(rows, seeds[4])
    return preprocessing.resample(scene, targets, rows, count)


def _batch(
    dataset: tf.data.Dataset, size: int, num_scenes: int, training: bool
) -> tf.data.Dataset:
    """Padded batches in a fixed order, and how many there are."""
    if size < 1:
        raise ValueError(f"batch_size must be at least 1, got {size}")
    drop = training and num_scenes >= size
    padding = tf.nest.map_structure(lambda _: None, dataset.element_spec)  # zeros
    padding["targets"]["instance"] = -1
    dataset = dataset.padded_batch(size, padding_values=padding, drop_remainder=drop)
    count = num_scenes // size if drop else -(-num_scenes // size)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(count))
    ordered = tf.data.Options()
    ordered.deterministic = True
    return dataset.with_options(ordered).prefetch(tf.data.AUTOTUNE)
