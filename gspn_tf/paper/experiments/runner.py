"""Goes through the jobs of an experiment, each in a process of its own.

TensorFlow gives back no memory, and so no network depends on what was trained before.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

from gspn_tf import files, startup
from gspn_tf.paper.experiments.plan import Job, Step, Training

POLL_SECONDS = 1.0  # between two looks at the files of the runs at work


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
        print(f"{step.label}: {step.path}", flush=True)
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


class Work(NamedTuple):
    """A job that is being done."""

    job: Job
    title: str
    cores: list[int]
    log: Path

    def begin(self) -> BaseProcess:
        """Start its process, on its cores from the first instruction on."""
        arguments = (self.job.missing(), self.log)
        spawn = multiprocessing.get_context("spawn")
        child = spawn.Process(target=perform, args=arguments)
        with startup.bound_to(self.cores):
            child.start()
        return child


def run_jobs(
    jobs: Sequence[Job],
    logs: Path,
    tell: Callable[[str], object],
    after: Callable[[], object],
    at_once: int = 1,
) -> list[str]:
    """Do all that is missing.

    Args:
        jobs: the jobs, in their order.
        logs: the folder for what they print.
        tell: called with a sentence when a job begins, and when it fails.
        after: called whenever a job ends.
        at_once: how many jobs are done side by side, each on as many of the cores.

    Returns:
        A sentence for each job that failed, which does not stop the others.
    """
    failed: list[str] = []
    waiting, free = list(jobs), share_cores(at_once)
    running: dict[BaseProcess, Work] = {}
    try:
        while True:
            waiting = [job for job in waiting if job.missing()]
            at_work = [work.job for work in running.values()]
            while free and (job := next_job(waiting, at_work)):
                title = f"{job.system.name}, seed {job.seed}"
                work = Work(job, title, free.pop(0), logs / f"{job.name}.log")
                labels = ", ".join(step.label for step in job.missing())
                tell(f"{title} ({jobs.index(job) + 1} of {len(jobs)}): {labels}")
                running[work.begin()] = work
                waiting.remove(job)
                at_work.append(job)
            if not running:
                return failed
            connection.wait([child.sentinel for child in running], POLL_SECONDS)
            for child in [each for each in running if not each.is_alive()]:
                work = running.pop(child)
                free.append(work.cores)
                if child.exitcode:
                    failed.append(f"{work.title}: {why_failed(child, work.log)}")
                    tell(failed[-1])
                after()
    finally:
        for child in running:
            child.terminate()
            child.join()


def next_job(waiting: Sequence[Job], running: Sequence[Job]) -> Job | None:
    """Find the first job whose next step is not being done for another one.

    None where there is no such job; cores are then left free for what comes next.
    """
    at_work = [job.missing()[:1] for job in running]
    return next((job for job in waiting if job.missing()[:1] not in at_work), None)


def share_cores(count: int) -> list[list[int]]:
    """Divide the cores that this process may use into `count` equal shares."""
    cores = sorted(os.sched_getaffinity(0))
    each = len(cores) // count
    return [cores[i * each : (i + 1) * each] for i in range(count)]


def why_failed(child: BaseProcess, log: Path) -> str:
    """Say why a process failed: by its signal, or by the last line of its log."""
    code = child.exitcode or 0
    if code < 0:
        why = f"ended by {signal.Signals(-code).name}"
        why += ", out of memory?" if code == -signal.SIGKILL else ""
    else:
        text = log.read_text(encoding="utf-8").strip() if log.is_file() else ""
        why = text.splitlines()[-1] if text else f"exit status {code}"
    return f"{why} (see {log})"
