"""The shards of a data folder, one after another; those that are finished stay."""

import contextlib
import itertools
import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gspn_tf import files
from gspn_tf.data.scene import Scene
from gspn_tf.data.shards import shard_names, write_shard
from gspn_tf.datasets.reading import (
    DataSet,
    ReadResult,
    SceneSource,
    read_sources,
    tracked,
)

SCENES_PER_SHARD = 16  # what a kill can cost
_log = logging.getLogger(__name__)


class SceneError(ValueError):
    """A scene that cannot be read: names the scene, the file and what is wrong."""


class Shard(NamedTuple):
    """A Shard is a file of scenes, and one of facts about it once it is finished."""

    split: str
    path: Path
    facts_path: Path
    sources: list[SceneSource]

    def facts(self) -> dict[str, Any]:
        """Read what is known of it."""
        return json.loads(self.facts_path.read_text(encoding="utf-8"))


def list_shards(folder: Path, data: DataSet) -> list[Shard]:
    """Every shard there will be: i of n has the sources i, i + n, i + 2n, ..."""
    shards = []
    for split, sources in data.splits.items():
        count = -(-len(sources) // SCENES_PER_SHARD)
        for i, name in enumerate(shard_names(split, count)):
            paths = folder / "data" / name, folder / "finished" / f"{name}.json"
            shards.append(Shard(split, *paths, list(sources[i::count])))
    return shards


def write_missing(
    shards: list[Shard], data: DataSet, keep_going: bool, jobs: int | None
) -> None:
    """Write the shards that are not finished; see `preparing.prepare_scenes`.

    Raises:
        SceneError: a scene that cannot be read, without `keep_going`.
        ValueError: a source of a finished shard has changed.
    """
    missing = [shard for shard in shards if not shard.facts_path.exists()]
    for shard in shards:
        if shard not in missing:
            _check_sources(shard, data.root)
    sources = [source for shard in missing for source in shard.sources]
    jobs = jobs or len(os.sched_getaffinity(0))
    with contextlib.closing(read_sources(sources, data, jobs)) as results:
        done = (_finished(result, data) for result in results)
        shown = tracked(done, f"{data.name} scenes", len(sources))
        for shard in missing:
            mine = itertools.islice(shown, len(shard.sources))
            facts = _write_shard(shard.path, mine, data, keep_going)
            files.write_json(shard.facts_path, facts)


def _finished(result: ReadResult, data: DataSet) -> ReadResult:
    """Let the data set finish a scene; if it cannot, the result says why."""
    if data.finish is None or result.scene is None:
        return result
    try:
        return result._replace(scene=data.finish(result.scene))
    except ValueError as error:
        return result._replace(scene=None, error=str(error))


def _write_shard(
    path: Path, results: Iterable[ReadResult], data: DataSet, keep_going: bool
) -> dict[str, Any]:
    """Writes the scenes of a shard, and returns what is to be known of it."""
    scenes: list[Scene] = []
    skipped, warnings = dict[str, str](), list[str]()
    sources = dict[str, str]()
    for result in results:
        name = result.source.name
        told = [f"{name}: {text}" for text in result.warnings]
        if result.scene:
            scenes.append(result.scene)
            names = (os.path.relpath(p, data.root) for p in result.source.files)
            sources |= zip(names, result.digests, strict=True)
        elif keep_going:
            skipped[name] = result.error
            told.append(f"{name}: left out: {result.error}")
        else:
            raise SceneError(
                f"scene {name!r}: {result.error} (--keep-going leaves it out)"
            )
        for text in told:
            _log.warning("%s", text)
        warnings += told
    rows = [scene.instance_classes() for scene in scenes] or [np.zeros(0, int)]
    counts = np.bincount(np.concatenate(rows), minlength=len(data.classes) + 1)
    return {
        "scenes": len(scenes),
        "points": sum(len(scene.points) for scene in scenes),
        "skipped": skipped,
        "warnings": warnings,
        "sources": sources,
        "instances": counts[1:].tolist(),
        "sha256": write_shard(path, scenes),
    }


def _check_sources(shard: Shard, root: Path) -> None:
    """Raise ValueError where a file has changed since its scene was written."""
    for name, digest in shard.facts()["sources"].items():
        if files.sha256(root / name) != digest:
            raise ValueError(
                f"{root / name} has changed since {shard.path} was written of it; "
                "--force begins again"
            )
