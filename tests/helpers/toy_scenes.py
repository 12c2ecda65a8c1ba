"""Small scenes and a data set of them, read without TensorFlow as real ones are."""

import logging
import operator
from unittest import mock

import numpy as np

from gspn_tf.data.classes import ClassList
from gspn_tf.data.scene import Scene
from gspn_tf.datasets.reading import DataSet, SceneSource

CLASSES = ClassList((3, 5, 9), ("cabinet", "chair", "window"))


def make_scene(seed: int, num_points: int = 120, num_instances: int = 3) -> Scene:
    """Points in labelled blobs; instance i has class i % 3 + 1."""
    rng = np.random.default_rng(seed)
    instance = rng.integers(-1, num_instances, num_points)
    instance[: num_instances + 1] = np.arange(-1, num_instances)
    points = rng.normal(0, 0.3, (num_points, 3)) + 2.0 * instance[:, None]
    return Scene(
        name=f"scene_{seed}",
        points=points.astype(np.float32),
        colors=rng.integers(0, 256, (num_points, 3)).astype(np.uint8),
        semantic=np.where(instance < 0, 0, instance % 3 + 1).astype(np.int32),
        instance=instance.astype(np.int32),
    )


def read_file(source: SceneSource) -> Scene:
    """A toy format: the seed of `make_scene`, and an optional remark to log."""
    text = source.files[0].read_text()
    seed, _, remark = text.partition(" ")
    if remark:
        logging.getLogger("gspn_tf.toy").warning("%s", remark)
    return make_scene(int(seed))


def toy_data(folder, counts, read=read_file, **options) -> DataSet:
    folder.mkdir(exist_ok=True)
    splits = {}
    for split, count in counts.items():
        paths = [folder / f"{split}_{i:02d}.toy" for i in range(count)]
        for i, path in enumerate(paths):
            if not path.exists():
                path.write_text(str(i))
        splits[split] = [SceneSource(path.stem, (path,)) for path in paths]
    return DataSet("toy", CLASSES, splits, read, root=folder, **options)


def write_folder(
    directory, classes=CLASSES, name="toy", per_shard=16, options=None, **splits
) -> None:
    """A data folder of the scenes of each split, made as `gspn prepare` does."""
    from gspn_tf.datasets import preparing, writing  # with TensorFlow, unlike readers

    sources = {
        split: [SceneSource(scene.name, detail=scene) for scene in scenes]
        for split, scenes in splits.items()
    }
    read = operator.attrgetter("detail")
    data = DataSet(name, classes, sources, read, options or {})
    with mock.patch.object(writing, "SCENES_PER_SHARD", per_shard):
        preparing.prepare_scenes(directory, data, jobs=1, force=True)


def write_own_scans(folder, count, **options) -> None:
    """Scans as users bring them to `gspn prepare own`, and their classes.txt."""
    folder.mkdir()
    lines = (f"{number} {name}\n" for number, name in CLASSES.pairs())
    (folder / "classes.txt").write_text("".join(lines))
    for i in range(count):
        scene = make_scene(i, **options)
        np.savez(
            folder / f"{i}.npz",
            points=scene.points,
            colors=scene.colors,
            semantic=CLASSES.to_raw(scene.semantic),
            instance=scene.instance + 1,
        )
