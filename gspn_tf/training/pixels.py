"""Training of a network on the classes of the pixels of single frames."""

from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow as tf

from gspn_tf import files
from gspn_tf.data import manifest
from gspn_tf.data.pixel_features import paint_points
from gspn_tf.data.shards import SplitScenes, find_scenes
from gspn_tf.image.pixel_classifier import PixelClassifier

STRIDE = 4  # pixels of an image for one of `PixelClassifier`'s map
_UNKNOWN = -1  # class of a pixel that was not measured, see `paint_points`


class PixelOptions(NamedTuple):
    """How `train_pixel_classifier` trains."""

    epochs: int = 12  # times that each image is shown
    batch_size: int = 4  # images
    learning_rate: float = 2e-3  # of Adam, falling to 0 along a cosine
    seed: int = 0  # of the weights and of all draws


def train_pixel_classifier(
    data_dir: str | Path,
    output: str | Path,
    options: PixelOptions = PixelOptions(),  # noqa: B008
    verbose: int = 2,
) -> dict[str, list[float]]:
    """Train a `PixelClassifier` on a data folder's images and write it.

    Images are mirrored by chance. A pixel's class is that of its point; pixels that
    were not measured count for nothing.

    Args:
        data_dir: A folder of `gspn prepare nyuv2` or `views`.
        output: The `.keras` file to write.
        options: Of the training.
        verbose: Of Keras's `fit`.

    Returns:
        Loss and accuracy of each epoch, by Keras's names, on the split `val` too where
        there is one.

    Raises:
        FileNotFoundError: There is no data folder.
        ValueError: It has no images.
    """
    keras.utils.set_random_seed(options.seed)
    train = find_scenes(data_dir, "train")
    train.check_images()
    batches = pixel_batches(train, options.batch_size, options.seed)
    validation = None
    if manifest.has_scenes(data_dir, "val"):
        validation = pixel_batches(find_scenes(data_dir, "val"), options.batch_size)
    model = PixelClassifier(len(manifest.read_classes(data_dir)) + 1)
    steps = -(-len(train) // options.batch_size) * options.epochs
    rate = keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=["accuracy"],
        jit_compile=False,
    )
    with manifest.naming_damage(data_dir):
        history = model.fit(
            batches,
            epochs=options.epochs,
            validation_data=validation,
            shuffle=False,  # the data set shuffles
            verbose=verbose,
        ).history
    with files.replacing(output) as beside:
        model.save(beside)
    return history


def pixel_batches(
    scenes: SplitScenes, batch_size: int, seed: int | None = None
) -> tf.data.Dataset:
    """Images, classes and weights of their pixels, at the stride of the network.

    Args:
        scenes: With images.
        batch_size: Images; smaller ones are padded.
        seed: Of the order and of mirror images, other ones in each pass; None: none.

    Returns:
        Batches of color [B, H, W, 3] uint8, semantic [B, H', W'] int32 and weights
        [B, H', W'] float32, where a side H' is H / STRIDE rounded upwards.
    """

    def images(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        scene, image = scenes.read_both(index)
        return image["color"], paint_points(scene["semantic"], image["depth"])

    def mirrored(index: tf.Tensor, draw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        found = images(index)
        turned = tuple(tf.reverse(each, [1]) for each in found)
        return tf.cond(draw % 2 == 0, lambda: turned, lambda: found)

    def strided(color: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, ...]:
        labels = labels[:, ::STRIDE, ::STRIDE]
        known = labels != _UNKNOWN
        return color, tf.where(known, labels, 0), tf.cast(known, tf.float32)

    indices = tf.data.Dataset.range(len(scenes))
    if seed is None:
        found = indices.map(images, num_parallel_calls=tf.data.AUTOTUNE)
    else:
        draws = tf.data.Dataset.random(seed, rerandomize_each_iteration=True)
        indices = indices.shuffle(len(scenes), seed)
        found = tf.data.Dataset.zip(indices, draws).map(
            mirrored, num_parallel_calls=tf.data.AUTOTUNE
        )
    shapes = ([None, None, 3], [None, None])
    nothing = (tf.constant(0, tf.uint8), _UNKNOWN)
    batches = found.padded_batch(batch_size, shapes, nothing)
    return batches.map(strided).prefetch(tf.data.AUTOTUNE)
