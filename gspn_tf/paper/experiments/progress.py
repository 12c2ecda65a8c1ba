"""How far an experiment is, read from the files that its runs leave."""

import datetime
import statistics
import time
from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from gspn_tf.paper.experiments import tasks
from gspn_tf.paper.experiments.plan import Job
from gspn_tf.paper.experiments.tasks import Task, Training
from gspn_tf.training.run_folder import RunFolder

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


class Place(NamedTuple):
    """Where a row's seed is."""

    name: str  # of the row and of its task
    done: int  # epochs of the task
    total: int
    unit: str = ""


class Display:
    """A line for the whole experiment and one for each row at work.

    On a terminal they move; in a log there is one line for each task that begins.
    """

    def __init__(self, jobs: Sequence[Job], console: Console, at_once: int = 1):
        self.jobs, self.console, self.at_once = jobs, console, at_once
        self.all = list({t.result: t for job in jobs for t in job.tasks()}.values())
        self.start = time.monotonic()
        self.places: dict[int, Place] = {}  # of the jobs at work, by their number
        self.lines: dict[int, TaskID] = {}  # theirs
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

    def __enter__(self) -> "Display":
        self.bar.start()
        return self

    def __exit__(self, *_) -> None:
        self.bar.stop()

    def update(self, working: Sequence[Job]) -> None:
        """Look where the jobs at work are."""
        numbers = [self.jobs.index(job) for job in working]
        places = {n: place for n in numbers if (place := self.place(n))}
        before = {place.name for place in self.places.values()}
        if places != self.places:
            self.places, self.left = places, self.estimate()
        elapsed = clock(time.monotonic() - self.start)
        told = f"{elapsed} so far, about {clock(self.left)} left"
        for name in [place.name for place in places.values()]:
            if name not in before and not self.console.is_terminal:
                self.console.print(f"{name}; {told}", highlight=False, soft_wrap=True)
        finished = sum(map(tasks.is_done, self.all))
        self.bar.update(self.whole, completed=finished, told=f"tasks, {told}")
        self.draw()

    def place(self, number: int) -> Place | None:
        """Where a job is; None where it is done."""
        job = self.jobs[number]
        task = next(iter(job.missing()), None)
        if task is None:
            return None
        title = f"{job.row.name}, seed {job.seed} ({number + 1} of {len(self.jobs)})"
        name = f"{title}: {task.label}"
        if isinstance(task, Training):
            return Place(name, len(epoch_seconds(task)), task.epochs, "epochs")
        return Place(name, 0, 1)

    def estimate(self) -> float | None:
        """Seconds that are left, with as many rows side by side as there will be."""
        left, rows = seconds_left(self.all), sum(bool(j.missing()) for j in self.jobs)
        return left and left / max(1, min(self.at_once, rows))

    def draw(self) -> None:
        """A line for each job at work, and none for others."""
        for number in self.lines.keys() - self.places.keys():
            self.bar.remove_task(self.lines.pop(number))
        for number, place in self.places.items():
            if number not in self.lines:
                self.lines[number] = self.bar.add_task("", told="")
            self.bar.update(
                self.lines[number],
                description=place.name,
                completed=place.done,
                total=place.total,
                told=place.unit,
            )
