"""A data folder that several processes prepare together, each a part of its shards.

Part i of n writes the shards i, i + n, i + 2n, ... of the folder, as one process alone
would write them, into the same temporary folder beside it (see `preparing`). The part
that finds all of them finished writes the manifest and renames the folder. So parts may
run at the same time on machines that share a disk, one after another, or again.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gspn_tf import files
from gspn_tf.data import manifest as manifests
from gspn_tf.data.job_share import JobShare
from gspn_tf.datasets import preparing
from gspn_tf.datasets.reading import DataSet
from gspn_tf.datasets.writing import Shard, list_shards, write_missing

_TURN = "turn.lock"  # held while the folder is begun or ended


def prepare_part(
    output: str | Path,
    data: DataSet,
    share: JobShare,
    *,
    keep_going: bool = False,
    jobs: int | None = None,
) -> dict[str, Any] | None:
    """Makes one part of the data folder, and ends it where all others are there.

    Args:
        output: folder to make, the same for all parts.
        data: what it is made of, the same for all parts.
        share: which part.
        keep_going: leave out scenes that cannot be read, and list them in the manifest.
        jobs: scenes read at a time, each by a process; as many as cores by default.

    Returns:
        The manifest of the whole, or None where other parts are still missing.

    Raises:
        SceneError: a scene that cannot be read; the next run keeps finished shards.
        ValueError: `output` holds something else, or the same part or a whole run is
            writing it.
    """
    output = preparing.checked_output(output)
    plan = preparing.plan_of(data)
    folder = preparing.unfinished_folder(output)
    try:
        if not preparing.is_complete(output, plan, False):
            folder.mkdir(parents=True, exist_ok=True)
            with _part_locked(folder, share):
                with _turn(folder):
                    _begin(folder, plan)
                shards = list_shards(folder, data)
                write_missing(list(share.of(shards)), data, keep_going, jobs)
                with _turn(folder):
                    if not _end(output, folder, plan, shards):
                        return None
    except FileNotFoundError:  # another part may have ended it meanwhile
        if not preparing.is_complete(output, plan, False):
            raise
    return manifests.read_manifest(output)


@contextlib.contextmanager
def _part_locked(folder: Path, share: JobShare) -> Iterator[None]:
    """Keep this part and whole runs from the folder; ValueError where one has it."""
    names = [
        f"part{JobShare(number, share.total).suffix}.lock"
        for number in range(1, share.total + 1)
    ]
    own = names[share.number - 1]
    if others := {path.name for path in folder.glob("part*.lock")} - {*names}:
        raise ValueError(
            f"{folder} is prepared in other parts ({min(others)}), not in "
            f"{share.total}: go on with these, or without --shard"
        )
    # A whole run locks the folder for itself, parts do so together.
    with (
        files.locked(folder, f"another run is writing {folder}", shared=True),
        files.locked(folder / own, f"another run is writing this part of {folder}"),
    ):
        yield


@contextlib.contextmanager
def _turn(folder: Path) -> Iterator[None]:
    with files.locked(folder / _TURN, "", wait=True):
        yield


def _begin(folder: Path, plan: dict[str, Any]) -> None:
    """Make what a run needs, unless another part has; ValueError where plans differ."""
    if preparing.goes_on(folder, plan, False):
        return
    for name in ("finished", "data"):
        (folder / name).mkdir(exist_ok=True)
    files.write_json(folder / "plan.json", plan)


def _end(
    output: Path, folder: Path, plan: dict[str, Any], shards: Sequence[Shard]
) -> bool:
    """Complete the data folder where all shards are there; whether they are."""
    if any(not shard.facts_path.exists() for shard in shards):
        return False
    preparing.write_manifest(folder / "data", plan, list(shards))
    os.rename(folder / "data", output)
    shutil.rmtree(folder, ignore_errors=True)
    return True
