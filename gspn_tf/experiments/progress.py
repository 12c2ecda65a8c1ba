"""How far an experiment is, read from the files that its runs leave."""

import datetime
import statistics
import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from gspn_tf.experiments import tasks
from gspn_tf.experiments.plan import Job
from gspn_tf.experiments.tasks import Task, Training
from gspn_tf.run_folder import RunFolder

MEASURING = "measuring"  # counts as one epoch of its own kind


def epoch_seconds(training: Training) -> list[float]:
    """Seconds of the epochs that are done."""
    rows = RunFolder(training.folder).read_metrics(training.stage)
    return [float(row["seconds"]) for row in rows]


def seconds_left(todo: Sequence[Task]) -> float | None:
    """An estimate: epochs that are left, at the mean seconds of those of their stage.

    Stages that have not run yet count as the mean of those that have. None where
    nothing has run.
    """
    spent: dict[str, list[float]] = {}
    left: dict[str, int] = {}
    for task in todo:
        if isinstance(task, Training):
            kind, seconds = task.stage, epoch_seconds(task)
            total = task.epochs
        else:
            kind, total = f"{MEASURING} {task.kind}", 1
            done = tasks.is_done(task)
            seconds = [tasks.read_result(task)["seconds"][MEASURING]] if done else []
        spent.setdefault(kind, []).extend(seconds)
        left[kind] = left.get(kind, 0) + max(total - len(seconds), 0)
    known = {kind: statistics.mean(each) for kind, each in spent.items() if each}
    if not known:
        return None
    usual = statistics.mean(known.values())
    return sum(count * known.get(kind, usual) for kind, count in left.items())


def clock(seconds: float | None) -> str:
    """1:02:03, or a dash where it is not known."""
    return "–" if seconds is None else str(datetime.timedelta(seconds=round(seconds)))


class Display:
    """A line for the whole experiment and one for the row at work.

    On a terminal both move; in a log there is one line for each task that begins.
    """

    def __init__(self, jobs: Sequence[Job], console: Console):
        self.jobs, self.console = jobs, console
        self.all = list({t.result: t for job in jobs for t in job.tasks()}.values())
        self.start = time.monotonic()
        self.seen: tuple[str, int] = ("", 0)  # name of the task, its epochs
        self.left: float | None = None
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} {task.fields[told]}"),
            console=console,
            refresh_per_second=1,
            disable=not console.is_terminal,
        )
        self.whole = self.bar.add_task("all", total=len(self.all), told="tasks")
        self.current = self.bar.add_task("", total=1, told="")

    def __enter__(self) -> "Display":
        self.bar.start()
        return self

    def __exit__(self, *_) -> None:
        self.bar.stop()

    def update(self, number: int) -> None:
        """Look where job `number` is."""
        job = self.jobs[number]
        task = next(iter(job.missing()), None)
        if task is None:
            return
        training = isinstance(task, Training)
        done = len(epoch_seconds(task)) if training else 0
        title = f"{job.row.name}, seed {job.seed} ({number + 1} of {len(self.jobs)})"
        name = f"{title}: {task.label}"
        begins = name != self.seen[0]
        if (name, done) != self.seen:
            self.seen, self.left = (name, done), seconds_left(self.all)
        elapsed = clock(time.monotonic() - self.start)
        told = f"{elapsed} so far, about {clock(self.left)} left"
        if begins and not self.console.is_terminal:
            self.console.print(f"{name}; {told}", highlight=False, soft_wrap=True)
        finished = sum(map(tasks.is_done, self.all))
        self.bar.update(self.whole, completed=finished, told=f"tasks, {told}")
        self.bar.update(
            self.current,
            description=name,
            completed=done,
            total=task.epochs if training else 1,
            told="epochs" if training else "",
        )
