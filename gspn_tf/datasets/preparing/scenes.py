"""A data set's raw files -> a data directory of shards, whatever interrupts it.

    data = DataSet("mine", classes, {"train": items, "val": more}, read)
    prepare_scenes("datasets/mine", data)

A module of a data set has a function that lists its items and one that reads an item:

    def list_scans(source, ...) -> dict[str, list[Item]]
    def read_scan(item: Item, ...) -> Scene

Both must work without TensorFlow (import `Item`, `DataSet` of
`gspn_tf.datasets.preparing.reading` and `Scene` of `gspn_tf.data.scene`), as scenes
are read in processes of their own; the
directory is written here, by one process. `gspn_tf.commands.prepare` has the flags and
the one call that a command `gspn prepare ...` needs.

While at work, everything lies in a hidden folder beside the directory:

    .NAME.unfinished/plan.json            what is made, the head of the manifest
                     SHARD.tfrecord       finished, never touched again
                     SHARD.tfrecord.json  what is known of it, written just before it
                     SHARD.tfrecord.tmp   the one being written

and is renamed to the directory when all is there. A run that was killed goes on with
the shards that are missing, if its plan is the same. The bytes of the result are a
function of sources, options and versions alone.
"""

import contextlib
import itertools
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gspn_tf import files
from gspn_tf.data import manifest as manifests
from gspn_tf.data.scene import Scene
from gspn_tf.data.shards import serialize, shard_names
from gspn_tf.datasets.preparing import staging
from gspn_tf.datasets.preparing.reading import DataSet, Item, Outcome, read_items
from gspn_tf.training import run_folder

SCENES_PER_SHARD = 16  # what a kill can cost
Track = Callable[[Iterable, str, int], Iterator]  # shows the progress of a loop
_log = logging.getLogger(__name__)


class SceneError(ValueError):
    """A scene that cannot be read: names the scene, the file and what is wrong."""


class _Shard(NamedTuple):
    split: str
    path: Path
    items: list[Item]

    @property
    def facts_path(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    def facts(self) -> dict:
        return json.loads(self.facts_path.read_text(encoding="utf-8"))


def prepare_scenes(
    output: str | Path,
    data: DataSet,
    *,
    force: bool = False,
    keep_going: bool = False,
    jobs: int | None = None,
    track: Track = lambda items, *_: iter(items),
) -> dict:
    """Makes the data directory, or goes on where a killed run was.

    A directory that is complete already is left as it is.

    output      directory to make
    force       replace a data directory, or an unfinished one, that has other contents
    keep_going  leave out scenes that cannot be read, and list them in the manifest
    jobs        scenes read at a time, each by a process; as many as cores by default
    track       wraps the loop over the scenes: (items, description, total)

    Returns the manifest.

    Raises:
      SceneError: a scene that cannot be read; the next run keeps finished shards.
      ValueError: no scene can be read, `output` holds something else, or another run is
        writing it.
    """
    output = Path(output)
    plan = _plan(data)
    if staging.is_there(output, plan, force):
        return manifests.read_manifest(output)
    with staging.unfinished(output, plan, force) as folder:
        if not (folder / manifests.NAME).exists():
            shards = _shards(folder, data)
            _write_missing(shards, data, keep_going, jobs, track)
            _write_manifest(folder, plan, shards)
        staging.publish(folder, output)
    return manifests.read_manifest(output)


def _plan(data: DataSet) -> dict:
    """The part of the manifest that is known beforehand."""
    versions = run_folder.versions()
    versions = {k: versions[k] for k in ("gspn_tf", "python", "numpy", "tensorflow")}
    splits = {
        split: {
            "labelled": split not in data.unlabelled,
            "names": [item.name for item in items],
        }
        for split, items in data.splits.items()
    }
    plan = {
        "format": manifests.FORMAT,
        "data": data.name,
        "licence": data.licence,
        "classes": data.classes.pairs(),
        "options": dict(data.options),
        "versions": versions,
        "absent": {split: names for split, names in data.absent.items() if names},
        "splits": splits,
    }
    return json.loads(json.dumps(plan))  # tuples become lists, as they will on disk


def _shards(folder: Path, data: DataSet) -> list[_Shard]:
    """Every shard there will be: number i of n has the items i, i + n, i + 2n, ..."""
    shards = []
    for split, items in data.splits.items():
        count = -(-len(items) // SCENES_PER_SHARD)
        for i, name in enumerate(shard_names(split, count)):
            shards.append(_Shard(split, folder / name, list(items[i::count])))
    return shards


def _write_missing(
    shards: list[_Shard],
    data: DataSet,
    keep_going: bool,
    jobs: int | None,
    track: Track,
) -> None:
    missing = [shard for shard in shards if not shard.path.exists()]
    for shard in shards:
        if shard not in missing:
            _check_sources(shard, data.root)
    items = [item for shard in missing for item in shard.items]
    jobs = jobs or len(os.sched_getaffinity(0))
    outcomes = read_items(items, data.read, len(data.classes), jobs)
    with contextlib.closing(outcomes):
        tracked = track(outcomes, f"{data.name} scenes", len(items))
        for shard in missing:
            mine = itertools.islice(tracked, len(shard.items))
            _write_shard(shard, mine, data, keep_going)


def _write_shard(
    shard: _Shard, outcomes: Iterable[Outcome], data: DataSet, keep_going: bool
) -> None:
    facts = {"scenes": 0, "points": 0, "skipped": {}, "warnings": [], "sources": {}}
    instances = np.zeros(len(data.classes), np.int64)
    temporary = shard.path.with_name(shard.path.name + ".tmp")
    with tf.io.TFRecordWriter(str(temporary)) as writer:
        for outcome in outcomes:
            name, scene = outcome.item.name, outcome.scene
            told = [f"{name}: {text}" for text in outcome.warnings]
            if scene is None and not keep_going:
                raise SceneError(
                    f"scene {name!r}: {outcome.error} (--keep-going leaves it out)"
                )
            if scene is None:
                facts["skipped"][name] = outcome.error
                told.append(f"{name}: left out: {outcome.error}")
            else:
                writer.write(serialize(scene))
                facts["scenes"] += 1
                facts["points"] += len(scene.points)
                instances += _count_instances(scene, len(instances))
                facts["sources"] |= _sources(outcome, data.root)
            for text in told:
                _log.warning("%s", text)
            facts["warnings"] += told
    facts |= {"instances": instances.tolist(), "sha256": files.sha256(temporary)}
    files.write_json(shard.facts_path, facts)
    os.replace(temporary, shard.path)


def _count_instances(scene: Scene, num_classes: int) -> np.ndarray:
    """Instances of each class [C], by the majority of their points."""
    votes = np.zeros((scene.num_instances, num_classes + 1), np.int64)
    mine = scene.instance >= 0
    np.add.at(votes, (scene.instance[mine], scene.semantic[mine]), 1)
    return np.bincount(votes[:, 1:].argmax(axis=1), minlength=num_classes)


def _sources(outcome: Outcome, root: Path) -> dict[str, list]:
    """Digest, size and time of each file of a scene, by its path from the root."""
    found = {}
    for path, digest in zip(outcome.item.sources, outcome.digests, strict=True):
        status = path.stat()
        name = os.path.relpath(path, root)
        found[name] = [digest, status.st_size, status.st_mtime_ns]
    return found


def _check_sources(shard: _Shard, root: Path) -> None:
    """Raise ValueError where a file has changed since its scene was written."""
    for name, (digest, size, time) in shard.facts()["sources"].items():
        path = root / name
        status = path.stat()
        if (status.st_size, status.st_mtime_ns) != (size, time):
            if files.sha256(path) != digest:
                raise ValueError(
                    f"{path} has changed since {shard.path} was written of it; "
                    "--force begins again"
                )


def _write_manifest(folder: Path, plan: dict, shards: list[_Shard]) -> None:
    manifest = plan | {"splits": {}, "warnings": []}
    sources: dict[str, str] = {}
    for split, entry in plan["splits"].items():
        mine = [shard for shard in shards if shard.split == split]
        facts = [shard.facts() for shard in mine]
        totals = np.sum([each["instances"] for each in facts], axis=0).tolist()
        names = [name for _, name in plan["classes"]]
        manifest["splits"][split] = entry | {
            "skipped": {k: v for each in facts for k, v in each["skipped"].items()},
            "scenes": sum(each["scenes"] for each in facts),
            "points": sum(each["points"] for each in facts),
            "instances": dict(zip(names, totals, strict=True)),
            "shards": {
                shard.path.name: each["sha256"]
                for shard, each in zip(mine, facts, strict=True)
            },
        }
        for each in facts:
            manifest["warnings"] += each["warnings"]
            sources |= {name: digest for name, (digest, *_) in each["sources"].items()}
    if not any(entry["scenes"] for entry in manifest["splits"].values()):
        raise ValueError("none of the scenes can be read")
    if sources:
        lines = "".join(f"{d}  {name}\n" for name, d in sorted(sources.items()))
        files.write_text(folder / manifests.SOURCES, lines)
        digest = files.sha256(folder / manifests.SOURCES)
        manifest["sources"] = {"files": len(sources), "sha256": digest}
    files.write_json(folder / manifests.NAME, manifest)
