"""Goes through the rows and seeds of an experiment, one process after the other."""

import contextlib
import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from rich.console import Console

from gspn_tf import startup
from gspn_tf.experiments import worker
from gspn_tf.experiments.plan import Job
from gspn_tf.experiments.progress import Display

LOOK_SECONDS = 1.0  # between two looks at the files of the run at work


class Failure(ValueError):
    """A process that did not do what it was to do."""


def run(
    jobs: Sequence[Job], logs: Path, console: Console, after: Callable[[], None]
) -> list[str]:
    """Do all that is missing; `after` is called when a row's seed is finished.

    A row that fails does not stop the others. Returns a sentence for each that did.
    """
    failed = []
    with Display(jobs, console) as display:
        for number, job in enumerate(jobs):
            if not job.missing():
                continue
            log = logs / f"{job.measurements[0].result.parent.name}.log"
            try:
                with process(worker.perform, job.missing(), log) as child:
                    while child.is_alive():
                        display.update(number)
                        child.join(LOOK_SECONDS)
                check(child, log)
            except Failure as error:
                failed.append(f"{job.row.name}, seed {job.seed}: {error}")
                console.print(failed[-1], highlight=False, soft_wrap=True)
            after()
    return failed


def isolated(target: Callable, *arguments) -> None:
    """Call `target` in a process of its own; its errors are raised here."""
    heard, said = multiprocessing.get_context("spawn").Pipe(duplex=False)
    with process(_call, said, target, *arguments) as child:
        child.join()
    if child.exitcode:
        raise Failure(heard.recv() if heard.poll() else f"{target.__name__} failed")


def _call(said: Connection, target: Callable, *arguments) -> None:
    startup.follow_parent()
    try:
        target(*arguments)
    except (ValueError, OSError, MemoryError) as error:
        said.send(str(error))
        sys.exit(1)


@contextlib.contextmanager
def process(target: Callable, *arguments) -> Iterator[multiprocessing.Process]:
    """A process that is ended when the block is left, however that happens."""
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=target, args=arguments)
    child.start()
    try:
        yield child
    finally:
        child.terminate()
        child.join()


def check(child: multiprocessing.Process, log: Path) -> None:
    """Raise Failure unless the process has done its work."""
    code = child.exitcode
    if code == 0:
        return
    if code and code < 0:
        name = signal.Signals(-code).name
        why = f"ended by {name}" + (", out of memory?" if code == -9 else "")
    else:
        text = log.read_text(encoding="utf-8").strip() if log.is_file() else ""
        why = text.splitlines()[-1] if text else f"exit status {code}"
    raise Failure(f"{why} (see {log})")
