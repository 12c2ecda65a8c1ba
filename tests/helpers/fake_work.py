"""Stands in for training: processes that import no TensorFlow and wait for each other.

What they do is told in a file `told` beside their logs: a line for each that begins.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from gspn_tf import files
from gspn_tf.data import manifest
from gspn_tf.paper.experiments.plan import Job, Step, Training
from gspn_tf.training import run_folder

PATIENCE_SECONDS = 60


def finish(todo: Sequence[Step], log: Path) -> None:
    """Do all steps."""
    begin(log)
    for step in todo:
        do(step)


def fail(todo: Sequence[Step], log: Path) -> None:
    """Do nothing but to leave an error in the log."""
    begin(log)
    log.write_text("Traceback ...\nValueError: a bad scene\n")
    sys.exit(1)


def finish_if_first(todo: Sequence[Step], log: Path) -> None:
    """The first to begin ends, the others do not."""
    if not begin(log):
        time.sleep(PATIENCE_SECONDS)


def fail_if_first(todo: Sequence[Step], log: Path) -> None:
    """The first to begin fails, the others finish."""
    if begin(log):
        fail(todo, log)
    finish(todo, log)


def finish_job(job: Job, **figures: float) -> None:
    """Pretend that a job has been done, with these figures."""
    for step in job.missing():
        do(step, **figures)


def do(step: Step, **figures: float) -> None:
    """Pretend that a step has been done; every epoch took three seconds."""
    if not isinstance(step, Training):
        result = {"figures": figures, "split": step.split, "versions": {"cpu": "toy"}}
        files.write_json(step.path, result)
        return
    run, data = run_folder.RunFolder(step.path), step.data.path
    classes = manifest.read_classes(data).pairs()
    run.start(step.config, classes, run_folder.training_checksums(data))
    for stage in step.stages:
        epochs = range(1, getattr(step.config.train, stage).epochs + 1)
        rows = [{"epoch": i, "seconds": 3, "loss": 1, "val_loss": 2} for i in epochs]
        run.write_metrics(stage, rows)


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


def begun(logs: Path) -> list[list]:
    """Read of each that has begun the name of its log, its id and its cores."""
    return [json.loads(line) for line in (logs / "told").read_text().splitlines()]
