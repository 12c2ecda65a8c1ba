"""The hidden folder beside a data directory in which it is made.

It is locked by the one run that writes it, kept when that run is killed, and renamed to
the directory when all is there: a directory is complete or not there.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from gspn_tf import files
from gspn_tf.data import manifest as manifests
from gspn_tf.training import run_folder

_PLAN = "plan.json"


def is_there(output: Path, plan: dict, force: bool) -> bool:
    """Whether the directory is complete; ValueError where it must be left alone.

    With `force`, a data directory is never complete, so that it is made anew.

    Raises:
      manifest.ShardError: a shard of it is gone or damaged.
    """
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return False
    if not (output / manifests.NAME).is_file():
        raise ValueError(f"{output} exists and is no data folder; it is left alone")
    if force:
        return False
    _check_same(manifests.read_manifest(output), plan, f"{output} exists")
    damaged = manifests.damaged_shards(output)
    if damaged:
        raise manifests.ShardError(
            f"damaged shard {', '.join(map(str, damaged))}; --force makes all anew"
        )
    shutil.rmtree(_beside(output, "replaced"), ignore_errors=True)
    return True


@contextlib.contextmanager
def unfinished(output: Path, plan: dict, force: bool) -> Iterator[Path]:
    """The folder of a run with this plan, locked; removed where nothing is finished.

    Raises:
      ValueError: another run holds it, or, without `force`, it has another plan.
    """
    folder = _beside(output, "unfinished")
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)  # a lock on the folder itself leaves no file
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"another run is writing {output}") from None
        _begin(folder, plan, force)
        try:
            yield folder
        finally:
            if folder.exists() and not any(folder.glob("*.tfrecord")):
                shutil.rmtree(folder)
    finally:
        os.close(lock)


def _begin(folder: Path, plan: dict, force: bool) -> None:
    """Keep what a run of the same plan left, and begin where there is none."""
    paths = [folder / name for name in (manifests.NAME, _PLAN)]
    old = next((path for path in paths if path.exists()), None)
    if old:
        try:
            there = json.loads(old.read_text(encoding="utf-8"))
            _check_same(there, plan, f"{folder} holds an unfinished run")
            return
        except ValueError:
            if not force:
                raise
    _remove(folder.iterdir())
    files.write_json(folder / _PLAN, plan)


def publish(folder: Path, output: Path) -> None:
    """Rename the finished folder, less its scaffolding, to what it is to be called."""
    splits = manifests.read_manifest(folder)["splits"].values()
    kept = {name for split in splits for name in split["shards"]}
    kept |= {manifests.NAME, manifests.SOURCES}
    _remove(path for path in folder.iterdir() if path.name not in kept)
    output, replaced = output.resolve(), _beside(output, "replaced")
    if output.exists():
        shutil.rmtree(replaced, ignore_errors=True)
        os.rename(output, replaced)
    os.rename(folder, output)
    shutil.rmtree(replaced, ignore_errors=True)


def _check_same(there: dict, plan: dict, what: str) -> None:
    """Raise ValueError that lists how a manifest or a plan differs from this plan."""
    there = {key: there.get(key) for key in plan}
    entries = there["splits"] or {}
    known = {key for entry in plan["splits"].values() for key in entry}
    there["splits"] = {
        split: {key: value for key, value in entry.items() if key in known}
        for split, entry in entries.items()
    }
    differing = run_folder.differences(there, plan, "")
    if differing:
        short = [text if len(text) < 100 else text[:96] + " ..." for text in differing]
        raise ValueError(
            f"{what} with other data or options, {', '.join(short[:4])}; "
            "--force replaces it"
        )


def _beside(output: Path, state: str) -> Path:
    output = output.resolve()
    return output.with_name(f".{output.name}.{state}")


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
