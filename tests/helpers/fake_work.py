"""Stands in for training: processes that import no TensorFlow and wait for each other.

What they do is told in a file `told` beside their logs: a line for each thing done.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from gspn_tf.paper.experiments import tasks
from gspn_tf.paper.experiments.tasks import Task

PATIENCE_SECONDS = 60


def fail(todo: Sequence[Task], log: Path) -> None:
    """Do nothing but to leave an error in the log."""
    log.write_text("Traceback ...\nValueError: a bad scene\n")
    sys.exit(1)


def refuse() -> None:
    """An error."""
    raise ValueError("nothing to do")


def finish(todo: Sequence[Task], log: Path) -> None:
    """Do all tasks."""
    begin(log)
    do(todo)


def do(todo: Sequence[Task]) -> None:
    """Pretend that these have been done."""
    for task in todo:
        task.result.parent.mkdir(parents=True, exist_ok=True)
        tasks.write_result(task, {"seconds": {"measuring": 1.0}})


def fail_if_first(todo: Sequence[Task], log: Path) -> None:
    """The first to begin fails, the others finish."""
    (fail if begin(log) else finish)(todo, log)


def finish_if_first(todo: Sequence[Task], log: Path) -> None:
    """The first to begin ends, the others do not."""
    if not begin(log):
        time.sleep(PATIENCE_SECONDS)


def begin(log: Path) -> bool:
    """Wait until another process is at work too; whether this was the first."""
    threads = [int(name) for name in os.listdir("/proc/self/task")]
    cores = set.union(*(os.sched_getaffinity(thread) for thread in threads))
    with open(log.parent / "told", "a") as file:
        file.write(json.dumps([log.stem, os.getpid(), sorted(cores)]) + "\n")
    end = time.monotonic() + PATIENCE_SECONDS
    while len(begun(log.parent)) < 2:
        if time.monotonic() > end:
            sys.exit("no other has begun")
        time.sleep(0.01)
    return begun(log.parent)[0][1] == os.getpid()


def begun(logs: Path) -> list[tuple[str, int, list[int]]]:
    """Of each that has begun, in order: the name of its log, its id and its cores."""
    lines = (logs / "told").read_text().splitlines()
    return [tuple(json.loads(line)) for line in lines]
