"""Scenes on disk -> augmented, padded batches, in TensorFlow ops from end to end.

All draws are stateless, see `gspn_tf.data.batching`.
"""

import tensorflow as tf

from gspn_tf.config import DataConfig
from gspn_tf.data import augmentation, manifest, preprocessing, sampling, shards
from gspn_tf.data.batching import ONE_HOST, Keys, batches_of, check_instances
from gspn_tf.data.pixel_features import PixelFeatures


def load(
    directory: str,
    split: str,
    options: DataConfig,
    *,
    batch_size: int,
    training: bool,
    seed: int,
    image_features: int = 0,
    service: str | None = None,
    context: tf.distribute.InputContext = ONE_HOST,
) -> tf.data.Dataset:
    """Batches of a split, one epoch long; every new pass over it is a new epoch.

    Training shuffles all scenes, draws other points and another rotation and
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

    With `image_features`, the number C of their channels, scenes are single frames, and
    a point also has the features of its pixel: image_features float32 [B, N, C].

    `options.cache` reads all scenes into memory first, as they are on disk: what is
    drawn afterwards differs from epoch to epoch as it does without.

    With `service` ("grpc://host:port"), the workers of that tf.data service prepare the
    scenes and this process batches them. They see `directory` at the same path and have
    loaded the op library (`gspn serve-data` does that). A scene is as it is here in the
    first epoch, but several workers deliver in no fixed order, and a second pass
    repeats the first: give each epoch a seed of its own. The scenes that a worker had
    when it died are prepared here; with no worker left, this waits for the next.

    With `context`, this is one host's share of the batches, of `batch_size` each: every
    host has as many in training, and together, one host's rows below another's, they
    are those of one host with larger batches.
    `strategy.distribute_datasets_from_function` gives it.

    Raises:
      ValueError: unknown split, training on one without labels, batch size below one,
        fewer scenes than hosts, options that are no `DataConfig`, or scenes without
        such image features.
      manifest.ShardError: the shards do not hold the scenes that they should.
      tf.errors.InvalidArgumentError: on reading, a scene of more than
        `max_instances` instances.
      tf.errors.DataLossError: on reading, a damaged shard; `manifest.naming_damage`
        turns it into an error that names the file.
      FileNotFoundError: `directory` has no manifest.
    """
    if not isinstance(options, DataConfig):
        kind = type(options).__name__
        raise ValueError(f"options must be a DataConfig, as config.data, got {kind}")
    if image_features:
        manifest.check_image_features(directory, image_features)
    cache = options.cache and service is None
    return batches(
        scenes(directory, split, training=training, cache=cache),
        options,
        batch_size=batch_size,
        training=training,
        seed=seed,
        image_features=image_features,
        service=service,
        context=context,
    )


def scenes(
    directory: str, split: str, *, training: bool, cache: bool = False
) -> shards.SplitScenes:
    """Find the whole scenes of a split, of which `batches` makes those of `load`.

    Args:
        directory: A data folder.
        split: Such as "train".
        training: Whether they need labels.
        cache: Whether they are read into memory, now and once.

    Raises:
      ValueError: unknown split, or training on one without labels.
      manifest.ShardError: the shards do not hold the scenes that they should.
      FileNotFoundError: `directory` has no manifest.
    """
    if training and not manifest.is_labelled(directory, split):
        raise ValueError(f"split {split!r} of {directory} has no labels to train on")
    found = shards.find_scenes(directory, split)
    return found.in_memory() if cache else found


def batches(
    scenes: shards.SplitScenes,
    options: DataConfig,
    *,
    batch_size: int,
    training: bool,
    seed: int,
    image_features: int = 0,
    service: str | None = None,
    context: tf.distribute.InputContext = ONE_HOST,
) -> tf.data.Dataset:
    """The batches of `load`, of scenes that are found, and perhaps read, before."""

    def read(index: tf.Tensor) -> dict:
        if not image_features:
            return scenes.read(index)
        scene, image = scenes.read_both(index)
        found = image["features"], image["depth"]
        return scene | {"pixels": PixelFeatures.of_map(*found, image_features)}

    def element(index: tf.Tensor, keys: Keys) -> dict:
        scene = read(index)
        key = keys.of(scene["name"])
        mixing = options.augmentation.mixing
        if training and mixing:
            draw = tf.random.fold_in(key, 1)
            row = tf.random.stateless_uniform([], draw, 0, len(scenes), tf.int64)
            scene = augmentation.mix(scene, lambda: read(row), mixing, draw)
        return _element(scene, options, training, tf.random.split(key, 5))

    return batches_of(
        element,
        len(scenes),
        batch_size=batch_size,
        training=training,
        seed=seed,
        service=service,
        context=context,
    )


def _element(
    scene: dict, options: DataConfig, training: bool, seeds: tf.Tensor
) -> dict:
    """One scene of a batch; seeds [5, 2]."""
    check_instances(scene["instance"], options)
    if training:
        scene = augmentation.augment(scene, options.augmentation, seeds[:2])
    count = options.num_points if training else options.num_points_inference
    if training and options.augmentation.crop:
        share = count / sampling.size_of(scene["points"], options.density)
        draw = tf.random.fold_in(seeds[1], 1)
        scene = augmentation.crop(scene, share, options.augmentation.crop, draw)
    targets = preprocessing.instances(scene, options, seeds[2])
    points, kind = scene["points"], options.sampling
    rows = sampling.draw(points, count, kind, options.density, seeds[3])
    if training:
        rows = tf.random.experimental.stateless_shuffle(rows, seeds[4])
        rows = sampling.thin(rows, options.augmentation.point_dropout, seeds[4])
    return preprocessing.resample(scene, targets, rows, count)
