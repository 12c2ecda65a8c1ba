"""A labelled scene, and its form on disk: TFRecord shards beside one manifest.

    DIRECTORY/manifest.json                   {"classes": [[raw_id, name], ...],
                                               "splits": {"train": {"scenes": 200,
                                                          "shards": ["train-..."]}}}
    DIRECTORY/train-00000-of-00004.tfrecord   scenes 0, 4, 8, ... of the split

A record is a tf.train.Example of bytes features: `name` (UTF-8) and the raw
little-endian bytes of `points`, `colors`, `semantic` and `instance`. The manifest is
replaced last, so a split is either complete or not there.
"""

import contextlib
import fcntl
import itertools
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from gspn_tf import files
from gspn_tf.data.classes import ClassList

_FIELDS = {"points": "<f4", "colors": "|u1", "semantic": "<i4", "instance": "<i4"}


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene with its labels.

    name      of the scan or the generated room
    points    [V, 3] float32, metres, z up, all finite
    colors    [V, 3] uint8
    semantic  [V] int32, 0 = background, else row 1..C of the class list
    instance  [V] int32, -1 = none, else 0..I-1, every number in use
    """

    name: str
    points: np.ndarray
    colors: np.ndarray
    semantic: np.ndarray
    instance: np.ndarray

    def __post_init__(self):
        count = len(self.points)
        for field, kind in _FIELDS.items():
            value = getattr(self, field)
            shape = (count, 3) if field in ("points", "colors") else (count,)
            if value.shape != shape or value.dtype != np.dtype(kind):
                raise ValueError(
                    f"{field} of scene {self.name!r} must be {np.dtype(kind)} "
                    f"{list(shape)}, got {value.dtype} {list(value.shape)}"
                )

    @property
    def num_instances(self) -> int:
        """Number of instances I."""
        return int(self.instance.max(initial=-1)) + 1


def check_scene(scene: Scene, num_classes: int) -> None:
    """Raises ValueError unless the values of a scene keep the promises of `Scene`."""
    if not len(scene.points):
        raise ValueError(f"scene {scene.name!r} has no points")
    if not np.isfinite(scene.points).all():
        raise ValueError(f"points of scene {scene.name!r} are not all finite")
    low, high = int(scene.semantic.min()), int(scene.semantic.max())
    if low < 0 or high > num_classes:
        raise ValueError(
            f"semantic of scene {scene.name!r} must lie in 0..{num_classes}, "
            f"got {low}..{high}"
        )
    rows = np.unique(scene.instance)
    rows = rows[rows != -1]
    if not np.array_equal(rows, np.arange(len(rows))):
        raise ValueError(
            f"instance of scene {scene.name!r} must be -1 or number its instances "
            f"0..I-1 without gaps, got {rows[:20].tolist()}"
        )


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
    names = [f"{split}-{i:05d}-of-{num_shards:05d}.tfrecord" for i in range(num_shards)]
    token = f".{uuid.uuid4().hex}.tmp"
    staged = [directory / (name + token) for name in names]
    try:
        count = _write_shards(staged, scenes, len(classes))
        if count == 0:
            raise ValueError(f"split {split!r} has no scenes")
        with _lock(directory):
            manifest = _merge(directory, classes)
            for temporary, name in zip(staged, names, strict=True):
                os.replace(temporary, directory / name)
            old = manifest["splits"].get(split, {"shards": []})["shards"]
            manifest["splits"][split] = {"scenes": count, "shards": names}
            files.write_json(directory / "manifest.json", manifest)
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
    path = directory / "manifest.json"
    if not path.exists():
        return {"classes": classes.pairs(), "splits": {}}
    manifest = read_manifest(directory)
    if manifest["classes"] != classes.pairs():
        raise ValueError(
            f"{path} was written with other classes: expected {classes.pairs()}, "
            f"got {manifest['classes']}"
        )
    return manifest


def read_manifest(directory: str | Path) -> dict:
    """The manifest of a data directory; FileNotFoundError says how to make one."""
    path = Path(directory) / "manifest.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} not found: {directory} must be a folder made by `gspn prepare`"
        )
    return json.loads(path.read_text())


def read_classes(directory: str | Path) -> ClassList:
    """The class list of a data directory."""
    return ClassList.from_pairs(read_manifest(directory)["classes"])


def shard_paths(directory: str | Path, split: str) -> list[str]:
    """Paths of a split's shards; ValueError names the splits there are."""
    splits = read_manifest(directory)["splits"]
    if split not in splits:
        raise ValueError(f"split must be one of {sorted(splits)}, got {split!r}")
    return [str(Path(directory) / name) for name in splits[split]["shards"]]


def records(directory: str | Path, split: str) -> tf.data.Dataset:
    """Serialized scenes of a split, in the order in which they were written."""
    paths = shard_paths(directory, split)
    return tf.data.Dataset.from_tensor_slices(paths).interleave(
        tf.data.TFRecordDataset, cycle_length=len(paths), block_length=1
    )


def read_scenes(directory: str | Path, split: str) -> Iterator[Scene]:
    """Scenes of a split, in the order in which they were written."""
    for record in records(directory, split).as_numpy_iterator():
        feature = tf.train.Example.FromString(record).features.feature
        arrays = {
            field: np.frombuffer(feature[field].bytes_list.value[0], kind).copy()
            for field, kind in _FIELDS.items()
        }
        for field in ("points", "colors"):
            arrays[field] = arrays[field].reshape(-1, 3)
        yield Scene(name=feature["name"].bytes_list.value[0].decode(), **arrays)


def serialize(scene: Scene) -> bytes:
    """A scene as the bytes of a tf.train.Example."""
    values = {"name": scene.name.encode()}
    for field, kind in _FIELDS.items():
        values[field] = np.ascontiguousarray(getattr(scene, field), kind).tobytes()
    features = {
        key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for key, value in values.items()
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def parse(record: tf.Tensor) -> dict[str, tf.Tensor]:
    """Inverse of `serialize` as TensorFlow ops: the arrays of `Scene`, without name."""
    spec = {field: tf.io.FixedLenFeature([], tf.string) for field in _FIELDS}
    raw = tf.io.parse_single_example(record, spec)
    kinds = {"<f4": tf.float32, "|u1": tf.uint8, "<i4": tf.int32}
    scene = {f: tf.io.decode_raw(raw[f], kinds[kind]) for f, kind in _FIELDS.items()}
    for field in ("points", "colors"):
        scene[field] = tf.reshape(scene[field], [-1, 3])
    return scene
