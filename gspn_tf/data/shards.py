"""Scenes on disk: TFRecord shards beside one manifest.

    DIRECTORY/manifest.json                   see `gspn_tf.data.manifest`
    DIRECTORY/train-00000-of-00004.tfrecord   scenes 0, 4, 8, ... of the split

A record is a tf.train.Example of bytes features: `name` (UTF-8) and the raw
little-endian bytes of `points`, `colors`, `semantic` and `instance`. The manifest is
replaced last, so a split is either complete or not there. TensorFlow checks the CRC of
every record that it reads.
"""

import contextlib
import fcntl
import itertools
import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from gspn_tf import files
from gspn_tf.data import manifest as manifests
from gspn_tf.data.classes import ClassList
from gspn_tf.data.scene import FIELDS, Scene, check_scene


def shard_names(split: str, num_shards: int) -> list[str]:
    """File names of the shards of a split."""
    return [f"{split}-{i:05d}-of-{num_shards:05d}.tfrecord" for i in range(num_shards)]


def write_scenes(
    directory: str | Path,
    split: str,
    scenes: Iterable[Scene],
    *,
    num_shards: int,
    classes: ClassList,
) -> int:
    """Writes the scenes of a split, streaming, and returns how many there were.

    A split of the same name is replaced; the directory's other splits stay, and must
    have the same classes. If anything fails, the directory is as it was before.

    Raises:
      ValueError: a malformed scene, no scene at all, or other classes.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    names = shard_names(split, num_shards)
    token = f".{uuid.uuid4().hex}.tmp"
    staged = [directory / (name + token) for name in names]
    try:
        count = _write_shards(staged, scenes, len(classes))
        if count == 0:
            raise ValueError(f"split {split!r} has no scenes")
        shards = {n: files.sha256(p) for n, p in zip(names, staged, strict=True)}
        with _lock(directory):
            manifest = _merge(directory, classes)
            for temporary, name in zip(staged, names, strict=True):
                os.replace(temporary, directory / name)
            old = manifest["splits"].get(split, {"shards": []})["shards"]
            manifest["splits"][split] = {"scenes": count, "shards": shards}
            files.write_json(directory / manifests.NAME, manifest)
        for name in set(old) - set(names):
            (directory / name).unlink(missing_ok=True)
    finally:
        for temporary in staged:
            temporary.unlink(missing_ok=True)
    return count


def _write_shards(paths: list[Path], scenes: Iterable[Scene], classes: int) -> int:
    count = 0
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(tf.io.TFRecordWriter(str(p))) for p in paths]
        for writer, scene in zip(itertools.cycle(writers), scenes, strict=False):
            check_scene(scene, classes)
            writer.write(serialize(scene))
            count += 1
    return count


@contextlib.contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """One writer of the manifest at a time, also between processes."""
    with open(directory / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _merge(directory: Path, classes: ClassList) -> dict:
    path = directory / manifests.NAME
    if not path.exists():
        return {"format": manifests.FORMAT, "classes": classes.pairs(), "splits": {}}
    manifest = manifests.read_manifest(directory)
    if manifest["classes"] != classes.pairs():
        raise ValueError(
            f"{path} was written with other classes: expected {classes.pairs()}, "
            f"got {manifest['classes']}"
        )
    return manifest


def records(directory: str | Path, split: str) -> tf.data.Dataset:
    """Serialized scenes of a split, in the order in which they were written."""
    paths = manifests.shard_paths(directory, split)
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
        for record in records(directory, split).as_numpy_iterator():
            yield deserialize(record)
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


def deserialize(record: bytes) -> Scene:
    """Inverse of `serialize`."""
    feature = tf.train.Example.FromString(record).features.feature
    arrays = {
        field: np.frombuffer(feature[field].bytes_list.value[0], kind).copy()
        for field, kind in FIELDS.items()
    }
    for field in ("points", "colors"):
        arrays[field] = arrays[field].reshape(-1, 3)
    return Scene(name=feature["name"].bytes_list.value[0].decode(), **arrays)


def parse(record: tf.Tensor) -> dict[str, tf.Tensor]:
    """The same as TensorFlow ops: the arrays of `Scene`, without its name."""
    spec = {field: tf.io.FixedLenFeature([], tf.string) for field in FIELDS}
    raw = tf.io.parse_single_example(record, spec)
    kinds = {"<f4": tf.float32, "|u1": tf.uint8, "<i4": tf.int32}
    scene = {f: tf.io.decode_raw(raw[f], kinds[kind]) for f, kind in FIELDS.items()}
    for field in ("points", "colors"):
        scene[field] = tf.reshape(scene[field], [-1, 3])
    return scene


def parse_name(record: tf.Tensor) -> tf.Tensor:
    """The scene's name, a scalar string."""
    spec = {"name": tf.io.FixedLenFeature([], tf.string)}
    return tf.io.parse_single_example(record, spec)["name"]
