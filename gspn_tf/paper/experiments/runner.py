"""Goes through the rows and seeds of an experiment, each in a process of its own."""

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from gspn_tf import startup
from gspn_tf.paper.experiments import worker
from gspn_tf.paper.experiments.plan import Job
from gspn_tf.paper.experiments.progress import Display

LOOK_SECONDS = 1.0  # between two looks at the files of the runs at work


class Failure(ValueError):
    """A process that did not do what it was to do."""


class Work(NamedTuple):
    """A job that is being done."""

    job: Job
    cores: list[int]
    log: Path


def run(
    jobs: Sequence[Job],
    logs: Path,
    console: Console,
    after: Callable[[], None],
    at_once: int = 1,
) -> list[str]:
    """Do all that is missing; `after` is called when a row's seed is finished.

    `at_once` jobs are done at a time, each on an equal share of the cores.
    A row that fails does not stop the others. Returns a sentence for each that did.
    """
    failed: list[str] = []
    waiting, free = list(jobs), shares(at_once)
    running: dict[BaseProcess, Work] = {}
    with Display(jobs, console, at_once) as display, ending(running):
        while True:
            waiting = [job for job in waiting if job.missing()]
            at_work = [work.job for work in running.values()]
            while free and (job := next_job(waiting, at_work)):
                work = Work(job, free.pop(0), log_of(job, logs))
                running[begin(work)] = work
                waiting.remove(job)
                at_work.append(job)
            if not running:
                return failed
            display.update(at_work)
            connection.wait([child.sentinel for child in running], LOOK_SECONDS)
            for child in [each for each in running if not each.is_alive()]:
                work = running.pop(child)
                free.append(work.cores)
                try:
                    check(child, work.log)
                except Failure as error:
                    failed.append(f"{work.job.row.name}, seed {work.job.seed}: {error}")
                    console.print(failed[-1], highlight=False, soft_wrap=True)
                after()


def next_job(waiting: Sequence[Job], running: Sequence[Job]) -> Job | None:
    """The first whose next task is not being done: a run that rows share is done once.

    None where there is no such job; cores are then left free for what comes next.
    """
    at_work = [job.missing()[:1] for job in running]
    return next((job for job in waiting if job.missing()[:1] not in at_work), None)


def shares(count: int) -> list[list[int]]:
    """`count` times as many of the cores that this process may use."""
    cores = sorted(os.sched_getaffinity(0))
    each = len(cores) // count
    return [cores[i * each : (i + 1) * each] for i in range(count)]


def log_of(job: Job, logs: Path) -> Path:
    """Where what a job prints is written."""
    return logs / f"{job.measurements[0].result.parent.name}.log"


def begin(work: Work) -> BaseProcess:
    """Start the process of a job, on its cores from the first instruction on."""
    with startup.bound_to(work.cores):
        return started(worker.perform, work.job.missing(), work.log)


def isolated(target: Callable, *arguments) -> None:
    """Call `target` in a process of its own; its errors are raised here."""
    heard, said = multiprocessing.get_context("spawn").Pipe(duplex=False)
    child = started(_call, said, target, *arguments)
    with ending([child]):
        child.join()
    if child.exitcode:
        raise Failure(heard.recv() if heard.poll() else f"{target.__name__} failed")


def _call(said: connection.Connection, target: Callable, *arguments) -> None:
    startup.follow_parent()
    try:
        target(*arguments)
    except (ValueError, OSError, MemoryError) as error:
        said.send(str(error))
        sys.exit(1)


def started(target: Callable, *arguments) -> BaseProcess:
    """A process that has just been started."""
    child = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    child.start()
    return child


@contextlib.contextmanager
def ending(children: Iterable[BaseProcess]) -> Iterator[None]:
    """End those that there are when the block is left, however that happens."""
    try:
        yield
    finally:
        for child in children:
            child.terminate()
            child.join()


def check(child: BaseProcess, log: Path) -> None:
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
