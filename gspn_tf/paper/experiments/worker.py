"""Does tasks in a process of its own, which ends with its parent.

A process for every row and seed, as TensorFlow gives back no memory, and so that no
network depends on what was trained before it. The lock on a task's folder makes a
second experiment that needs the same run wait for it, and find it done.
"""

import contextlib
import dataclasses as dc
import fcntl
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gspn_tf import files, startup
from gspn_tf.paper.experiments import tasks
from gspn_tf.paper.experiments.tasks import Measurement, Task, Training
from gspn_tf.training import run_folder


def perform(todo: Sequence[Task], log: Path) -> None:
    """Do what is not done yet, in order; what is printed goes to the log."""
    startup.follow_parent()
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", encoding="utf-8") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    startup.load_tensorflow()
    for task in todo:
        with locked(task.result.parent):
            if not tasks.is_done(task):
                print(f"{task.label}: {task.result}", flush=True)
                execute = _train if isinstance(task, Training) else _measure
                tasks.write_result(task, execute(task))


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Nobody else works in the folder meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)  # a lock on the folder itself leaves no file
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _train(task: Training) -> dict[str, Any]:
    from rich.console import Console

    from gspn_tf.training import loop as training

    if task.proposals:
        _take_proposals(task)
    training.train(
        task.config,
        task.data.path,
        task.folder,
        init=task.init and task.init.folder,
        stages=(task.stage,),
        console=Console(file=sys.stdout, width=200),
    )
    return {
        "stage": task.stage,
        "epochs": task.epochs,
        "seconds": sum(float(row["seconds"]) for row in metrics(task)),
        **_provenance(),
    }


def _take_proposals(task: Training) -> None:
    """Stage one's weights and curve, so that the folder is that of a whole run."""
    there, here = (run_folder.RunFolder(t.folder) for t in (task.proposals, task))
    with files.replacing(here.weights("gspn")) as beside:
        shutil.copyfile(there.weights("gspn"), beside)
    rows = [dict(row) for row in there.read_metrics("gspn")]
    here.write_metrics("gspn", rows)


def metrics(task: Training) -> list[dict[str, str]]:
    """The rows of a training's metrics.csv: one an epoch."""
    return run_folder.RunFolder(task.folder).read_metrics(task.stage)


def _measure(task: Measurement) -> dict[str, Any]:
    from gspn_tf.paper.experiments.measuring import measure

    start = time.monotonic()
    figures = measure(task)
    trained = {t.folder: t for last in task.trainings for t in last.needs()}
    seconds: dict[str, float] = {}
    for each in trained.values():
        spent = tasks.read_result(each)["seconds"]
        seconds[each.stage] = seconds.get(each.stage, 0.0) + spent
    first = task.trainings[0]
    return {
        "figures": figures,
        "seconds": seconds | {"measuring": time.monotonic() - start},
        "split": task.split,
        "data": {
            each.data.label: {
                "training": each.data.checksum("train", "val"),
                "measured": each.data.checksum(task.split),
            }
            for each in task.trainings
        },
        "config": dc.asdict(first.config),
        **_provenance(),
    }


def _provenance() -> dict[str, Any]:
    """What a result depends on besides config and data."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(g) for g in gpus]
    return {
        "versions": run_folder.versions(),
        "machine": {
            "cpu": cpu_name(),
            "cpus": len(os.sched_getaffinity(0)),
            "gpus": [str(each.get("device_name", "unknown")) for each in names],
        },
    }


def cpu_name() -> str:
    """The processor's name, or at least its architecture."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()
