"""Scenes on disk: TFRecord shards beside one manifest.

    DIRECTORY/manifest.json                   see `gspn_tf.data.manifest`
    DIRECTORY/train-00000-of-00004.tfrecord   scenes 0, 4, 8, ... of the split

A record is a tf.train.Example of bytes features: `name` (UTF-8) and the raw
little-endian bytes of `points`, `colors`, `semantic` and `instance`. A scene that is a
single frame of a camera has its image too: bytes of `image/color`, `image/depth` and
`image/features`, and numbers, `image/shape` (H, W, h, w, C) and `image/camera` (fx, fy,
cx, cy). TensorFlow checks the CRC of every record that it reads. Scenes are read one at
a time, in any order.
"""

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from gspn_tf import files
from gspn_tf.data import manifest as manifests
from gspn_tf.data.rgbd_image import RgbdImage
from gspn_tf.data.scene import FIELDS, Scene
from gspn_tf.files.depth import Intrinsics

READ_AHEAD = 1 << 16  # bytes, of a shard whose records are skipped


def shard_names(split: str, num_shards: int) -> list[str]:
    """File names of the shards of a split."""
    return [f"{split}-{i:05d}-of-{num_shards:05d}.tfrecord" for i in range(num_shards)]


def write_shard(path: str | Path, scenes: Iterable[Scene]) -> str:
    """Writes scenes as one shard, and returns its SHA-256 as a manifest has it."""
    with tf.io.TFRecordWriter(os.fsencode(path)) as writer:
        for scene in scenes:
            writer.write(serialize(scene))
    return files.sha256(path)


@dataclass(frozen=True, eq=False, slots=True)
class SplitScenes:
    """The S scenes of a split, in the order in which they were written."""

    paths: np.ndarray  # [S] of each scene's shard
    rows: np.ndarray  # [S] int64, how many records of the shard stand before it
    records: tf.Tensor | None = None  # [S] strings, where all are in memory

    def __len__(self) -> int:
        """Number of scenes S."""
        return len(self.paths)

    def read(self, index: tf.Tensor) -> dict[str, tf.Tensor]:
        """Read scene `index`, in a graph too: the fields of `Scene`, as tensors."""
        return parse(self._record(index))

    def read_image(self, index: tf.Tensor) -> dict[str, tf.Tensor]:
        """Read the image of scene `index`, in a graph too; see `parse_image`."""
        return parse_image(self._record(index))

    def read_both(self, index: tf.Tensor) -> tuple[dict, dict]:
        """Read scene `index` and its image at once; see `read` and `read_image`."""
        record = self._record(index)
        return parse(record), parse_image(record)

    def dataset(self) -> tf.data.Dataset:
        """Read all of them, one after another; see `read`."""
        return self._each(self.read)

    def images(self) -> tf.data.Dataset:
        """Read all of their images, one after another; see `read_image`."""
        return self._each(self.read_image)

    def with_images(self) -> tf.data.Dataset:
        """Read all scenes and their images, one after another; see `read_both`."""
        return self._each(self.read_both)

    def _each(self, read: Callable[[tf.Tensor], dict | tuple]) -> tf.data.Dataset:
        return tf.data.Dataset.range(len(self)).map(
            read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )

    def in_memory(self) -> "SplitScenes":
        """Read all records now, once."""
        indices = tf.data.Dataset.range(len(self))
        records = indices.map(self._record, num_parallel_calls=tf.data.AUTOTUNE)
        kept = records.batch(len(self)).get_single_element()
        return dataclasses.replace(self, records=kept)

    def _record(self, index: tf.Tensor) -> tf.Tensor:
        if self.records is not None:
            return tf.gather(self.records, index)
        path, row = tf.gather(self.paths, index), tf.gather(self.rows, index)
        shard = tf.data.TFRecordDataset(path, buffer_size=READ_AHEAD)
        return shard.skip(row).take(1).get_single_element()


def find_scenes(directory: str | Path, split: str) -> SplitScenes:
    """Find the scenes of a split in its shards.

    Raises:
      manifest.ShardError: the shards do not hold as many as the manifest says.
    """
    entry = manifests.read_split(directory, split)
    paths = [Path(directory).absolute() / name for name in entry["shards"]]
    # One of each shard in turn, as they were written.
    found = sorted((r, i) for i, p in enumerate(paths) for r in range(count_records(p)))
    if len(found) != entry["scenes"]:
        raise manifests.damage(directory)
    rows, shards = np.array(found, np.int64).T
    return SplitScenes(np.array(list(map(os.fsencode, paths)))[shards], rows)


def count_records(path: Path) -> int:
    """Count the whole records of a shard by their lengths; 0 where there is none."""
    if not path.is_file():
        return 0
    count = end = 0
    with open(path, "rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        # A length of 8 bytes, its checksum of 4, that many bytes, their checksum of 4.
        while end < size and len(length := file.read(8)) == 8:
            end += 16 + int.from_bytes(length, "little")
            count += end <= size
            file.seek(min(end, size))
    return count


def read_scenes(
    directory: str | Path, split: str, images: bool = False
) -> Iterator[Scene]:
    """Scenes of a split in the order in which they were written.

    Args:
      directory: a data folder.
      split: such as "val".
      images: whether they are read with their images, which all of them must have.

    Raises:
      manifest.ShardError: on reading, a shard that is damaged or cut short.
    """
    with manifests.naming_damage(directory):
        found = find_scenes(directory, split)
        if not images:
            for values in found.dataset().as_numpy_iterator():
                yield Scene(values.pop("name").decode(), **values)
            return
        for values, image in found.with_images().as_numpy_iterator():
            name = values.pop("name").decode()
            yield Scene(name, **values, image=_image_of(image))


def serialize(scene: Scene) -> bytes:
    """A scene as the bytes of a tf.train.Example."""
    values = {"name": scene.name.encode()}
    for field, kind in FIELDS.items():
        values[field] = np.ascontiguousarray(getattr(scene, field), kind).tobytes()
    features = {key: _bytes(value) for key, value in values.items()}
    if scene.image is not None:
        features |= _of_image(scene.image)
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _of_image(image: RgbdImage) -> dict[str, tf.train.Feature]:
    features = image.features
    if features is None:
        features = np.zeros((0, 0, 0), np.float16)
    shape = tf.train.Int64List(value=[*image.depth.shape, *features.shape])
    camera = tf.train.FloatList(value=[*image.camera.focal, *image.camera.center])
    return {
        "image/color": _bytes(image.color.tobytes()),
        "image/depth": _bytes(np.ascontiguousarray(image.depth, "<f4").tobytes()),
        "image/features": _bytes(np.ascontiguousarray(features, "<f2").tobytes()),
        "image/shape": tf.train.Feature(int64_list=shape),
        "image/camera": tf.train.Feature(float_list=camera),
    }


def _image_of(values: dict[str, np.ndarray]) -> RgbdImage:
    """The image of what `parse_image` gives, in NumPy."""
    fx, fy, cx, cy = values["camera"].tolist()
    features = values["features"] if values["features"].size else None
    camera = Intrinsics((fx, fy), (cx, cy))
    return RgbdImage(values["color"], values["depth"], camera, features)


def parse(record: tf.Tensor) -> dict[str, tf.Tensor]:
    """A record as tensors: the fields of `Scene` but its image, `name` a string."""
    spec = {key: tf.io.FixedLenFeature([], tf.string) for key in ("name", *FIELDS)}
    scene = tf.io.parse_single_example(record, spec)
    kinds = {"<f4": tf.float32, "|u1": tf.uint8, "<i4": tf.int32}
    for field, kind in FIELDS.items():
        scene[field] = tf.io.decode_raw(scene[field], kinds[kind])
    for field in ("points", "colors"):
        scene[field] = tf.reshape(scene[field], [-1, 3])
    return scene


def parse_image(record: tf.Tensor) -> dict[str, tf.Tensor]:
    """The image of a record: the fields of `RgbdImage` as tensors, and the `name`.

    `camera` is [4]: fx, fy, cx, cy; `features` is [0, 0, 0] where there are none.

    Raises:
      tf.errors.InvalidArgumentError: on reading, a scene without an image.
    """
    spec = {
        "name": tf.io.FixedLenFeature([], tf.string),
        "image/color": tf.io.FixedLenFeature([], tf.string),
        "image/depth": tf.io.FixedLenFeature([], tf.string),
        "image/features": tf.io.FixedLenFeature([], tf.string),
        "image/shape": tf.io.FixedLenFeature([5], tf.int64),
        "image/camera": tf.io.FixedLenFeature([4], tf.float32),
    }
    found = tf.io.parse_single_example(record, spec)
    size, maps = found["image/shape"][:2], found["image/shape"][2:]
    color = tf.io.decode_raw(found["image/color"], tf.uint8)
    depth = tf.io.decode_raw(found["image/depth"], tf.float32)
    features = tf.io.decode_raw(found["image/features"], tf.float16)
    return {
        "name": found["name"],
        "color": tf.reshape(color, tf.concat([size, [3]], 0)),
        "depth": tf.reshape(depth, size),
        "camera": found["image/camera"],
        "features": tf.reshape(features, maps),
    }
