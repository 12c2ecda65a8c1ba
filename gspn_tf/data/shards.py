"""Scenes on disk: TFRecord shards beside one manifest.

    DIRECTORY/manifest.json                   see `gspn_tf.data.manifest`
    DIRECTORY/train-00000-of-00004.tfrecord   scenes 0, 4, 8, ... of the split

A record is a tf.train.Example of bytes features: `name` (UTF-8) and the raw
little-endian bytes of `points`, `colors`, `semantic` and `instance`. TensorFlow checks
the CRC of every record that it reads.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from gspn_tf import files
from gspn_tf.data import manifest as manifests
from gspn_tf.data.scene import FIELDS, Scene


def shard_names(split: str, num_shards: int) -> list[str]:
    """File names of the shards of a split."""
    return [f"{split}-{i:05d}-of-{num_shards:05d}.tfrecord" for i in range(num_shards)]


def write_shard(path: str | Path, scenes: Iterable[Scene]) -> str:
    """Writes scenes as one shard, and returns its SHA-256 as a manifest has it."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for scene in scenes:
            writer.write(serialize(scene))
    return files.sha256(path)


def records(directory: str | Path, split: str) -> tf.data.Dataset:
    """Serialized scenes of a split, in the order in which they were written."""
    names = manifests.read_split(directory, split)["shards"]
    paths = [str(Path(directory) / name) for name in names]
    return tf.data.Dataset.from_tensor_slices(paths).interleave(
        tf.data.TFRecordDataset, cycle_length=len(paths), block_length=1
    )


def read_scenes(directory: str | Path, split: str) -> Iterator[Scene]:
    """Scenes of a split, in the order in which they were written.

    Raises:
      manifest.ShardError: on reading, a shard that is damaged or cut short.
    """
    expected = manifests.num_scenes(directory, split)
    count = 0
    with manifests.naming_damage(directory):
        for values in records(directory, split).map(parse).as_numpy_iterator():
            yield Scene(values.pop("name").decode(), **values)
            count += 1
    if count != expected:
        raise manifests.ShardError(
            f"{directory}: the shards of split {split!r} must hold {expected} scenes, "
            f"got {count}"
        )


def serialize(scene: Scene) -> bytes:
    """A scene as the bytes of a tf.train.Example."""
    values = {"name": scene.name.encode()}
    for field, kind in FIELDS.items():
        values[field] = np.ascontiguousarray(getattr(scene, field), kind).tobytes()
    features = {
        key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for key, value in values.items()
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def parse(record: tf.Tensor) -> dict[str, tf.Tensor]:
    """A record as tensors: the fields of `Scene`, `name` a scalar string."""
    spec = {key: tf.io.FixedLenFeature([], tf.string) for key in ("name", *FIELDS)}
    scene = tf.io.parse_single_example(record, spec)
    kinds = {"<f4": tf.float32, "|u1": tf.uint8, "<i4": tf.int32}
    for field, kind in FIELDS.items():
        scene[field] = tf.io.decode_raw(scene[field], kinds[kind])
    for field in ("points", "colors"):
        scene[field] = tf.reshape(scene[field], [-1, 3])
    return scene
