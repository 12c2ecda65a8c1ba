"""Goes through the jobs of an experiment, each in a process of its own.

TensorFlow gives back no memory, and so no network depends on what was trained before.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from gspn_tf import files, startup
from gspn_tf.paper.experiments.plan import Job, Step, Training


def perform(todo: Sequence[Step], log: Path) -> None:
    """Do the steps in a process that ends with its parent; print to the log.

    Where another experiment trains the same run, this one waits for it and goes on.
    """
    startup.follow_parent()
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", encoding="utf-8") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    startup.load_tensorflow()
    from rich.console import Console

    from gspn_tf.paper.experiments.measuring import measure_networks
    from gspn_tf.training import loop

    console = Console(file=sys.stdout, width=200)
    for step in todo:
        print(step.path, flush=True)
        if isinstance(step, Training):
            loop.train(
                step.config,
                step.data.path,
                step.path,
                init=step.init,
                stages=step.stages,
                console=console,
                wait=True,
            )
        else:
            files.write_json(step.path, measure_networks(step))


def run_jobs(jobs: Sequence[Job], logs: Path, after: Callable[[], object]) -> list[str]:
    """Do all that is missing, job by job, and say when one begins and when it fails.

    Args:
        jobs: the jobs, in their order.
        logs: the folder for what they print.
        after: called whenever a job ends.

    Returns:
        A sentence for each job that failed, which does not stop the others.
    """
    failed: list[str] = []
    for number, job in enumerate(jobs, start=1):
        if not (todo := job.missing()):
            continue
        title, log = f"{job.system.name}, seed {job.seed}", logs / f"{job.name}.log"
        print(f"{title} ({number} of {len(jobs)}): see {log}", flush=True)
        child = multiprocessing.get_context("spawn").Process(
            target=perform, args=(todo, log)
        )
        child.start()
        try:
            child.join()
        finally:
            child.terminate()  # it does not hear an interrupt
        if child.exitcode:
            failed.append(f"{title}: {why_failed(child.exitcode, log)}")
            print(failed[-1], flush=True)
        after()
    return failed


def why_failed(code: int, log: Path) -> str:
    """Say why a process failed: by its signal, or by the last line of its log."""
    if code < 0:
        why = f"ended by {signal.Signals(-code).name}"
    else:
        text = log.read_text(encoding="utf-8").strip() if log.is_file() else ""
        why = text.splitlines()[-1] if text else f"exit status {code}"
    return f"{why} (see {log})"
