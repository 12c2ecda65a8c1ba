"""A data set's raw files -> a data folder of shards, whatever interrupts it.

    data = DataSet("mine", classes, {"train": sources, "val": more}, read)
    prepare_scenes("datasets/mine", data)

A module of a data set has a function that lists its sources and one that reads a
source:

    def list_scans(folder, ...) -> dict[str, list[SceneSource]]
    def read_scan(source: SceneSource, ...) -> Scene

Both must work without TensorFlow (import `SceneSource`, `DataSet` of
`gspn_tf.datasets.reading` and `Scene` of `gspn_tf.data.scene`), as scenes are read in
processes of their own; the shards are written here, by one process.
`gspn_tf.commands.prepare` has the flags and the one call that a command
`gspn prepare ...` needs.

One temporary folder stands beside the data folder while that is made:

    .NAME.unfinished/plan.json            what is made, the head of the manifest
                     finished/SHARD.json  what is known of a finished shard
                     data/                the data folder to be

A shard is finished when its facts are there, which are written after it. A run that was
killed goes on with the other shards, if its plan is the same. In the end `data` is
renamed to what it is to be called. `gspn_tf.datasets.sharing` has several processes do
this together. The bytes of the result are a function of sources,
options and versions alone.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gspn_tf import config, files
from gspn_tf.data import manifest as manifests
from gspn_tf.datasets.reading import DataSet
from gspn_tf.datasets.writing import Shard, list_shards, write_missing
from gspn_tf.training import run_folder


def prepare_scenes(
    output: str | Path,
    data: DataSet,
    *,
    force: bool = False,
    keep_going: bool = False,
    jobs: int | None = None,
) -> dict[str, Any]:
    """Makes the data folder, or goes on where a killed run was.

    A folder that is complete already is left as it is.

    Args:
        output: folder to make.
        data: what it is made of.
        force: replace a data folder, or an unfinished one, that has other contents.
        keep_going: leave out scenes that cannot be read, and list them in the manifest.
        jobs: scenes read at a time, each by a process; as many as cores by default.

    Returns:
        The manifest.

    Raises:
        SceneError: a scene that cannot be read; the next run keeps finished shards.
        ValueError: no scene can be read, `output` holds something else, or another run
            is writing it.
    """
    output = checked_output(output)
    beside = unfinished_folder(output)
    plan = plan_of(data)
    if not is_complete(output, plan, force):
        with _unfinished(beside, plan, force) as folder:
            shards = list_shards(folder, data)
            write_missing(shards, data, keep_going, jobs)
            write_manifest(folder / "data", plan, shards)
            if output.exists():
                os.rename(output, folder / "replaced")
            os.rename(folder / "data", output)
    elif (beside / "plan.json").exists() and not (beside / "data").exists():
        shutil.rmtree(beside)  # a run was killed after it renamed its data
    return manifests.read_manifest(output)


def checked_output(output: str | Path) -> Path:
    """The absolute path of a folder to make; ValueError where it cannot be renamed."""
    output = Path(output).resolve()
    if output.is_mount():
        raise ValueError(
            f"{output} is a mount point, which cannot be replaced when all is done: "
            "give a folder in it"
        )
    return output


def unfinished_folder(output: Path) -> Path:
    """The temporary folder that stands beside a data folder while that is made."""
    return output.with_name(f".{output.name}.unfinished")


def plan_of(data: DataSet) -> dict[str, Any]:
    """The part of the manifest that is known beforehand."""
    versions = run_folder.versions()
    splits = {
        split: {
            "labelled": split not in data.unlabelled,
            "names": [source.name for source in sources],
        }
        for split, sources in data.splits.items()
    }
    plan = {
        "format": manifests.FORMAT,
        "data": data.name,
        "licence": data.licence,
        "classes": data.classes.pairs(),
        "options": dict(data.options),
        "versions": {
            key: versions[key] for key in ("gspn_tf", "python", "numpy", "tensorflow")
        },
        "absent": {split: names for split, names in data.absent.items() if names},
        "splits": splits,
    }
    return json.loads(json.dumps(plan))  # tuples become lists, as they will on disk


def is_complete(output: Path, plan: dict, force: bool) -> bool:
    """Whether the folder is there; with `force`, a data folder is made anew.

    Raises:
      ValueError: it holds something else.
      manifest.ShardError: a shard of it is gone or damaged.
    """
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return False
    if not (output / manifests.NAME).is_file():
        raise ValueError(f"{output} exists and is no data folder; it is left alone")
    if force:
        return False
    _is_same(manifests.read_manifest(output), plan, f"{output} exists")
    damaged = manifests.damaged_shards(output)
    if damaged:
        raise manifests.ShardError(
            f"damaged shard {', '.join(map(str, damaged))}; --force makes all anew"
        )
    return True


@contextlib.contextmanager
def _unfinished(folder: Path, plan: dict, force: bool) -> Iterator[Path]:
    """The temporary folder of a run, locked; it stays where a shard is finished.

    Raises:
      ValueError: another run holds it, or, without `force`, it has another plan.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with files.locked(folder, f"another run is writing {folder}"):
        if not goes_on(folder, plan, force):
            for path in folder.iterdir():
                path.unlink() if path.is_file() else shutil.rmtree(path)
            for name in ("finished", "data"):
                (folder / name).mkdir()
            files.write_json(folder / "plan.json", plan)
        try:
            yield folder
        finally:
            kept = (folder / "data").exists() and any(folder.glob("finished/*"))
            if not kept:
                shutil.rmtree(folder)


def goes_on(folder: Path, plan: dict, force: bool) -> bool:
    """Whether a run of this plan was killed here before it renamed its data."""
    if not (folder / "plan.json").exists() or not (folder / "data").exists():
        return False
    there = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    return _is_same(there, plan, f"{folder} holds an unfinished run", force)


def _is_same(there: dict, plan: dict, what: str, force: bool = False) -> bool:
    """Whether a manifest or a plan is of this plan.

    Raises:
      ValueError: it is not, without `force`; lists how it differs.
    """
    head = {key: there.get(key) for key in plan}
    head["splits"] = {
        split: {key: entry.get(key) for key in ("labelled", "names")}
        for split, entry in there["splits"].items()
    }
    found = config.differences(head, plan)
    if found and not force:
        differing = [f"{name} ({how})" for name, how in found.items()]
        raise ValueError(
            f"{what} with other data or options, {', '.join(differing)[:400]}; "
            "--force replaces it"
        )
    return not found


def write_manifest(folder: Path, plan: dict, shards: list[Shard]) -> None:
    """Write what came of finished shards; ValueError where that is no scene at all."""
    manifest = plan | {"splits": {}, "warnings": []}
    sources: dict[str, str] = {}
    for split, entry in plan["splits"].items():
        mine = {s.path.name: s.facts() for s in shards if s.split == split}
        facts = list(mine.values())
        totals = np.sum([each["instances"] for each in facts], axis=0).tolist()
        names = [name for _, name in plan["classes"]]
        manifest["splits"][split] = entry | {
            "skipped": {k: v for each in facts for k, v in each["skipped"].items()},
            "scenes": sum(each["scenes"] for each in facts),
            "points": sum(each["points"] for each in facts),
            "instances": dict(zip(names, totals, strict=True)),
            "shards": {name: each["sha256"] for name, each in mine.items()},
        }
        for each in facts:
            manifest["warnings"] += each["warnings"]
            sources |= each["sources"]
    if not any(entry["scenes"] for entry in manifest["splits"].values()):
        raise ValueError("none of the scenes can be read")
    if sources:
        lines = "".join(f"{d}  {name}\n" for name, d in sorted(sources.items()))
        files.write_text(folder / manifests.SOURCES, lines)
        digest = files.sha256(folder / manifests.SOURCES)
        manifest["sources"] = {"files": len(sources), "sha256": digest}
    files.write_json(folder / manifests.NAME, manifest)
