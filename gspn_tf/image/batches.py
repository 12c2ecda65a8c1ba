"""Frames of a data folder -> augmented, padded batches of images for Mask R-CNN.

The objects of an image are those of the frame's points: a pixel whose depth was not
measured belongs to none. All draws are stateless, see `gspn_tf.data.batching`.
"""

from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from gspn_tf.config import DataConfig
from gspn_tf.data import SplitScenes
from gspn_tf.data.batching import ONE_HOST, Keys, batches_of, check_instances
from gspn_tf.data.pixel_features import paint_points
from gspn_tf.data.preprocessing import instance_classes
from gspn_tf.files.depth import Intrinsics
from gspn_tf.image.augmentation import augment_image
from gspn_tf.image.hha import hha
from gspn_tf.image.lifting import COLORS, check_channels
from gspn_tf.types import Targets


@dataclass(frozen=True, eq=False, slots=True)
class SplitFrames:
    """The frames of a split as images with labelled pixels.

    Raises:
        ValueError: The scenes are no frames with images, or no such channels exist.
    """

    scenes: SplitScenes
    num_channels: int  # 3: colours; 6: colours and HHA
    keep: bool  # whether HHA images stay in memory once they are computed
    _kept: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_channels(self.num_channels)
        self.scenes.check_images()

    def read(self, index: tf.Tensor) -> dict[str, tf.Tensor]:
        """Read frame `index`, in a graph too.

        Returns:
            name; image [H, W, C] uint8; labels [H, W] int32, the instance of each
            pixel, -1 = none; classes [I] int32 of the instances.
        """
        scene, found = self.scenes.read_both(index)
        image, depth = found["color"], found["depth"]
        if self.num_channels > COLORS:
            given = (index, depth, found["camera"])
            channels = tf.numpy_function(self._hha, given, tf.uint8, stateful=False)
            image = tf.concat([image, tf.ensure_shape(channels, [None, None, 3])], -1)
        return {
            "name": scene["name"],
            "image": image,
            "labels": paint_points(scene["instance"], depth),
            "classes": instance_classes(scene["semantic"], scene["instance"]),
        }

    def _hha(self, index: int, depth: np.ndarray, camera: np.ndarray) -> np.ndarray:
        if (found := self._kept.get(int(index))) is None:
            fx, fy, cx, cy = camera.tolist()
            found = hha(depth, Intrinsics((fx, fy), (cx, cy)))
            if self.keep:
                self._kept[int(index)] = found
        return found


def image_batches(
    frames: SplitFrames,
    options: DataConfig,
    *,
    batch_size: int,
    training: bool,
    seed: int,
    context: tf.distribute.InputContext = ONE_HOST,
) -> tf.data.Dataset:
    """Batches of a split, one epoch long; every new pass over it is a new epoch.

    The order, a smaller last batch and the share of a host are as in
    `gspn_tf.data.load`. Training images are changed as `options.images` says. With G
    the most objects of an image in a batch:

        images      float32 [B, H, W, C]  0..255; smaller ones have zeros behind
        targets     masks   bool [B, G, H, W]
                    boxes   float32 [B, G, 4]  x1, y1, x2, y2 in pixels: tight
                    classes int32 [B, G] from 1 on     valid bool [B, G]

    Raises:
        ValueError: A batch size below one, or fewer frames than hosts.
        tf.errors.InvalidArgumentError: On reading, a frame of more than
            `max_instances` objects.
    """

    def element(index: tf.Tensor, keys: Keys) -> dict:
        frame = frames.read(index)
        check_instances(frame["labels"], options)
        image, labels = tf.cast(frame["image"], tf.float32), frame["labels"]
        if training:
            key = keys.of(frame["name"])
            image, labels = augment_image(image, labels, options.images, key)
        return {"images": image, "targets": targets_of(labels, frame["classes"])}

    return batches_of(
        element,
        len(frames.scenes),
        batch_size=batch_size,
        training=training,
        seed=seed,
        context=context,
    )


def targets_of(labels: tf.Tensor, classes: tf.Tensor) -> Targets:
    """Masks, boxes and classes of the objects of an image that have a pixel.

    Args:
        labels: [H, W] int32, instance of each pixel, -1 = none.
        classes: [I] int32 of the instances.

    Returns:
        masks [G, H, W], boxes [G, 4], classes [G], valid [G]; one row of zeros where
        there is no object.
    """
    numbers = tf.range(tf.shape(classes)[0])
    present = tf.reduce_any(labels[None] == numbers[:, None, None], [1, 2])
    numbers, classes = (tf.boolean_mask(x, present) for x in (numbers, classes))
    masks = labels[None] == numbers[:, None, None]
    (left, right), (top, bottom) = (_extent(tf.reduce_any(masks, i)) for i in (1, 2))
    boxes = tf.cast(tf.stack([left, top, right, bottom], -1), tf.float32)
    found = {"masks": masks, "boxes": boxes, "classes": classes}
    found["valid"] = tf.ones_like(classes, tf.bool)
    missing = 1 - tf.minimum(tf.shape(classes)[0], 1)
    return {
        name: tf.pad(x, [[0, missing]] + [[0, 0]] * (len(x.shape) - 1))
        for name, x in found.items()
    }


def _extent(used: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """First column of bool [G, L] that is True, and the one behind the last: [G]."""
    first, back = (
        tf.argmax(tf.cast(x, tf.int32), 1, output_type=tf.int32)
        for x in (used, tf.reverse(used, [1]))
    )
    return first, tf.shape(used)[1] - back
