"""Raw files -> scenes, several at a time, in processes without TensorFlow.

A data set is described by a `DataSet`: the sources of each split, and the function that
makes a scene of a source. `gspn_tf.datasets.preparing` writes it to disk.
"""

import contextlib
import logging
import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from logging.handlers import BufferingHandler
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, NamedTuple

from gspn_tf import files, startup
from gspn_tf.data.classes import ClassList
from gspn_tf.data.scene import Scene, check_scene

_LOGGER = logging.getLogger("gspn_tf")
SCENES_AHEAD = 4  # of each process, in memory at most


class SceneSource(NamedTuple):
    """One scene that is still to be read or generated; sent to another process."""

    name: str  # unique in the data set
    files: tuple[Path, ...] = ()  # all must be there
    detail: Any = None  # whatever else the reader wants to know: a seed, a row


Splits = Mapping[str, Sequence[SceneSource]]


@dataclass(frozen=True)
class DataSet:
    """A data set to prepare.

    name        "scannet"
    classes     of the rows 1..C
    splits      sources of each split, in their order
    read        SceneSource -> Scene; a module's own function, or a `functools.partial`
                of one. Raises ValueError or OSError for files that it cannot use, and
                tells what else is odd by `logging.getLogger(__name__).warning(...)`
    options     whatever else the scenes depend on, as JSON knows it
    root        folder of the sources; sources.sha256 names them relative to it
    unlabelled  splits without labels: semantic 0, instance -1
    absent      names that a split should have, but whose files are not there
    licence     terms, shown once
    finish      Scene -> Scene, once a scene is read, in the process that writes: there
                may be TensorFlow. Raises ValueError for a scene that it cannot use
    """

    name: str
    classes: ClassList
    splits: Splits
    read: Callable[[SceneSource], Scene]
    options: Mapping[str, Any] = field(default_factory=dict)
    root: Path = Path()
    unlabelled: tuple[str, ...] = ()
    absent: Mapping[str, Sequence[str]] = field(default_factory=dict)
    licence: str = ""
    finish: Callable[[Scene], Scene] | None = None

    def __post_init__(self) -> None:
        names = Counter(each.name for split in self.splits.values() for each in split)
        if not names:
            raise ValueError(f"{self.name}: there are no scenes to prepare")
        empty = [split for split, sources in self.splits.items() if not sources]
        if empty:
            raise ValueError(f"{self.name}: split {empty[0]!r} has no scenes")
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise ValueError(
                f"{self.name}: every scene must be in one split, once; listed more "
                f"often: {', '.join(twice[:5])}"
            )


def choose_listed(
    lists: Mapping[str, Sequence[str]],
    there: Mapping[str, SceneSource],
    root: Path,
    keep_going: bool,
) -> tuple[dict[str, list[SceneSource]], dict[str, list[str]]]:
    """The sources of each split, and the names of its list that are not there.

    Splits of which nothing is there are left out.

    Raises:
      FileNotFoundError: a scene is listed and not there, unless `keep_going`.
    """
    splits = {s: [there[n] for n in names if n in there] for s, names in lists.items()}
    absent = {s: [n for n in names if n not in there] for s, names in lists.items()}
    missing = [name for names in absent.values() for name in names]
    if missing:
        text = f"{len(missing)} listed scenes have no folder in {root}: "
        text += ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        if not keep_going:
            raise FileNotFoundError(f"{text} (--keep-going leaves them out)")
        _LOGGER.warning("%s; left out", text)
    return {split: members for split, members in splits.items() if members}, absent


def read_generated(
    source: SceneSource, generate: Callable[..., Scene], **options: Any
) -> Scene:
    """The scene that is generated from the seed in the source's `detail`."""
    return generate(source.detail, **options)


class ReadResult(NamedTuple):
    """A scene that was read from its source, or the reason why it was not."""

    source: SceneSource
    scene: Scene | None  # None: `error` says why
    error: str = ""
    warnings: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()  # SHA-256 of each of the source's files


def read_source(
    read: Callable[[SceneSource], Scene], num_classes: int, source: SceneSource
) -> ReadResult:
    """Reads and checks one scene; what is wrong with its files is in the result."""
    scene, error, digests = None, "", tuple[str, ...]()
    with _heard_warnings() as heard:
        try:
            digests = tuple(files.sha256(path) for path in source.files)
            scene = read(source)
            check_scene(scene, num_classes)
        except (OSError, ValueError) as failure:
            error = str(failure)
    warnings = tuple(record.getMessage() for record in heard.buffer)
    return ReadResult(source, None if error else scene, error, warnings, digests)


def read_sources(
    sources: Sequence[SceneSource], data: DataSet, jobs: int
) -> Generator[ReadResult, None, None]:
    """Results in the order of the sources, a few ahead, read by `jobs` processes.

    One job reads in this process. More of them are spawned, which imports the main
    module again: a program of your own needs `if __name__ == "__main__":`.

    Raises:
      MemoryError: a process was killed.
      RuntimeError: none could start, as there is no such line.
    """
    work = partial(read_source, data.read, len(data.classes))
    jobs = min(jobs, len(sources))
    if jobs <= 1:
        yield from map(work, sources)
        return
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    pool = ProcessPoolExecutor(jobs, context, _start, (started,))
    try:
        for start in range(0, len(sources), SCENES_AHEAD * jobs):
            yield from pool.map(work, sources[start : start + SCENES_AHEAD * jobs])
    except BrokenProcessPool as error:
        if not started.is_set():
            raise RuntimeError(
                "no process could start to read scenes: a program that does so with "
                'several jobs needs `if __name__ == "__main__":` before it, or jobs=1'
            ) from error
        raise MemoryError(
            "a process was killed while it read a scene; fewer --jobs need less memory"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start(started: Event) -> None:
    """Begin a process that reads scenes, and tell that it could."""
    startup.follow_parent()
    started.set()


def tracked(items: Iterable, name: str, total: int) -> Iterator:
    """The items, with a progress bar where there is a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    hidden = not console.is_terminal
    yield from track(items, name, total=total, console=console, disable=hidden)


@contextlib.contextmanager
def _heard_warnings() -> Iterator[BufferingHandler]:
    """Keeps the warnings that this package logs meanwhile, instead of showing them."""
    handler = BufferingHandler(capacity=sys.maxsize)
    handler.setLevel(logging.WARNING)
    propagate, _LOGGER.propagate = _LOGGER.propagate, False
    _LOGGER.addHandler(handler)
    try:
        yield handler
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.propagate = propagate
