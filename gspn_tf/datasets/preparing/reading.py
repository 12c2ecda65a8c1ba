"""Raw files -> scenes, several at a time, in processes without TensorFlow.

A data set is described by a `DataSet`: the items of each split, and the function that
makes a scene of an item. `gspn_tf.datasets.preparing.scenes` writes it to disk.
"""

import contextlib
import logging
import multiprocessing
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from gspn_tf import files, startup
from gspn_tf.data.classes import ClassList
from gspn_tf.data.scene import Scene, check_scene

_LOGGER = logging.getLogger("gspn_tf")


class Item(NamedTuple):
    """One scene that is still to be read; sent to another process."""

    name: str  # unique in the data set
    sources: tuple[Path, ...] = ()  # files that make it; all must be there
    detail: Any = None  # whatever else the reader wants to know: a seed, a row


@dataclass(frozen=True)
class DataSet:
    """What to prepare.

    name        "scannet"
    classes     of the rows 1..C
    splits      items of each split, in their order
    read        Item -> Scene; a module's own function, or a `functools.partial` of one.
                Raises ValueError or OSError for files that it cannot use, and tells
                what else is odd by `logging.getLogger(__name__).warning(...)`
    options     whatever else the scenes depend on, as JSON knows it
    root        folder of the sources; sources.sha256 names them relative to it
    unlabelled  splits without labels: semantic 0, instance -1
    absent      names that a split should have, but whose files are not there
    licence     terms, shown once
    """

    name: str
    classes: ClassList
    splits: Mapping[str, Sequence[Item]]
    read: Callable[[Item], Scene]
    options: Mapping[str, Any] = field(default_factory=dict)
    root: Path = Path()
    unlabelled: tuple[str, ...] = ()
    absent: Mapping[str, Sequence[str]] = field(default_factory=dict)
    licence: str = ""

    def __post_init__(self):
        names = Counter(item.name for items in self.splits.values() for item in items)
        if not names:
            raise ValueError(f"{self.name}: there are no scenes to prepare")
        empty = [split for split, items in self.splits.items() if not items]
        if empty:
            raise ValueError(f"{self.name}: split {empty[0]!r} has no scenes")
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise ValueError(
                f"{self.name}: every scene must be in one split, once; listed more "
                f"often: {', '.join(twice[:5])}"
            )


def check_absent(
    source: Path, absent: Mapping[str, Sequence[str]], keep_going: bool
) -> None:
    """FileNotFoundError where scenes are listed and not there, or else a warning."""
    missing = [name for names in absent.values() for name in names]
    if not missing:
        return
    text = f"{len(missing)} listed scenes have no folder in {source}: "
    text += ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
    if not keep_going:
        raise FileNotFoundError(f"{text} (--keep-going leaves them out)")
    _LOGGER.warning("%s; left out", text)


class Outcome(NamedTuple):
    """What became of an item."""

    item: Item
    scene: Scene | None  # None: `error` says why
    error: str = ""
    warnings: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()  # SHA-256 of each of the item's sources


def read_item(read: Callable[[Item], Scene], num_classes: int, item: Item) -> Outcome:
    """Reads and checks one scene; what is wrong with its files is in the outcome."""
    with _warnings() as heard:
        try:
            digests = tuple(files.sha256(path) for path in item.sources)
            scene = read(item)
            check_scene(scene, num_classes)
        except OSError as error:
            reason = f"{error.filename}: {error.strerror}" if error.filename else error
            return Outcome(item, None, str(reason), tuple(heard))
        except ValueError as error:
            return Outcome(item, None, str(error), tuple(heard))
    return Outcome(item, scene, "", tuple(heard), digests)


def read_items(
    items: Sequence[Item],
    read: Callable[[Item], Scene],
    num_classes: int,
    jobs: int,
) -> Iterator[Outcome]:
    """Outcomes in the order of the items, a few ahead, read by `jobs` processes.

    One job reads in this process. More of them are spawned, which imports the main
    module again: a program of your own needs `if __name__ == "__main__":`.

    Raises:
      MemoryError: a process was killed; names the scenes that it may have read.
    """
    work = partial(read_item, read, num_classes)
    if min(jobs, len(items)) <= 1:
        yield from map(work, items)
        return
    pool = ProcessPoolExecutor(
        min(jobs, len(items)),
        multiprocessing.get_context("spawn"),
        initializer=startup.follow_parent,
    )
    pending: deque[tuple[Item, Future]] = deque()
    try:
        for item in items:
            pending.append((item, pool.submit(work, item)))
            if len(pending) > 2 * jobs:
                yield pending.popleft()[1].result()
        while pending:
            yield pending.popleft()[1].result()
    except BrokenProcessPool as error:
        names = ", ".join(item.name for item, _ in pending)
        raise MemoryError(
            f"a process was killed while it read a scene, one of or just before "
            f"{names}; fewer jobs need less memory"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _warnings() -> Iterator[list[str]]:
    """The warnings that this package logs meanwhile, instead of showing them."""
    heard: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: heard.append(record.getMessage())
    propagate, _LOGGER.propagate = _LOGGER.propagate, False
    _LOGGER.addHandler(handler)
    try:
        yield heard
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.propagate = propagate
