"""The figures of all seeds that are there -> mean and spread, beside the paper's."""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gspn_tf.paper.experiments.plan import Job
from gspn_tf.paper.experiments.tables import Metric, PaperTable, System
from gspn_tf.training.run_folder import RunFolder

MINUTES = Metric("min", "minutes", "less")  # of training, pretraining counted


class Cell(NamedTuple):
    """One figure of one system: over the seeds, and in the paper."""

    values: tuple[float, ...]  # one a seed
    mean: float | None
    spread: float | None  # standard deviation of a sample, of two seeds at least
    paper: float | None

    def text(self) -> str:
        """Write 0.193 ± 0.010 (0.193): mean, spread and the paper's figure."""
        text = "–" if self.mean is None else f"{self.mean:.3f}"
        text += "" if self.spread is None else f" ± {self.spread:.3f}"
        return text if self.paper is None else f"{text} ({self.paper:g})"


class SystemResult(NamedTuple):
    """One system of a table with the seeds that are done."""

    system: System
    seeds: tuple[int, ...]
    measured: list[dict[str, Any]]  # of each seed, its measurement's file
    cells: dict[str, Cell]  # by the name of the metric


class Summary(NamedTuple):
    """A table with what there is so far."""

    metrics: list[Metric]
    results: list[SystemResult]

    def agreement(self) -> Iterator[str]:
        """Say of each column that two systems have how they rank."""
        for metric in self.metrics:
            cells = {r.system.name: r.cells[metric.name] for r in self.results}
            cells = {name: cell for name, cell in cells.items() if cell.values}
            if len(cells) > 1 and metric != MINUTES and "/" not in metric.name:
                yield _ranking(metric, cells)


def summarize(table: PaperTable, jobs: Sequence[Job]) -> Summary:
    """Summarise the jobs of a table that are done."""
    measured = {
        (job.system.key, job.seed): _read_measured(job)
        for job in jobs
        if not job.missing()
    }
    names = dict.fromkeys(n for one in measured.values() for n in one["figures"])
    metrics = [*table.metrics, *_part_metrics(table, list(names)), MINUTES]
    results = []
    for system in table.systems:
        mine = {n: one for (key, n), one in measured.items() if key == system.key}
        figures = [one["figures"] for one in mine.values()]
        cells = {metric.name: _make_cell(metric, system, figures) for metric in metrics}
        results.append(SystemResult(system, tuple(mine), list(mine.values()), cells))
    return Summary(metrics, results)


def _read_measured(job: Job) -> dict[str, Any]:
    """Read what was measured, and add the minutes that the training took."""
    measured = json.loads(job.measurement.path.read_text(encoding="utf-8"))
    runs = [(RunFolder(t.path), stage) for t in job.trainings for stage in t.stages]
    rows = (row for run, stage in runs for row in run.read_metrics(stage))
    measured["figures"][MINUTES.figure] = sum(float(r["seconds"]) for r in rows) / 60
    return measured


def _make_cell(
    metric: Metric, system: System, figures: Sequence[Mapping[str, float | None]]
) -> Cell:
    found = (each.get(metric.figure) for each in figures)
    values = tuple(value for value in found if value is not None)
    mean = statistics.mean(values) if values else None
    spread = statistics.stdev(values) if len(values) > 1 else None
    return Cell(values, mean, spread, system.paper.get(metric.name))


def _part_metrics(table: PaperTable, names: Sequence[str]) -> Iterator[Metric]:
    """Make a column for each part of the table that the data has."""
    order = list(table.systems[0].paper)
    for metric in table.metrics if table.parts else ():
        prefix = f"{metric.figure}/{table.parts}/"
        known = [n.removeprefix(prefix) for n in names if n.startswith(prefix)]
        known.sort(key=lambda part: order.index(part) if part in order else len(order))
        for part in known:
            name = part if len(table.metrics) == 1 else f"{metric.name} {part}"
            yield Metric(name, prefix + part, metric.better)


def _ranking(metric: Metric, cells: Mapping[str, Cell]) -> str:
    means = {name: statistics.mean(cell.values) for name, cell in cells.items()}
    order = _ordered(means, metric)
    gaps = [abs(means[a] - means[b]) for a, b in zip(order, order[1:], strict=False)]
    text = f"{metric.name}: {', then '.join(order)}; smallest gap {min(gaps):.3f}"
    if spreads := [c.spread for c in cells.values() if c.spread is not None]:
        text += f", largest spread {max(spreads):.3f}"
    paper = {n: cell.paper for n, cell in cells.items() if cell.paper is not None}
    if len(paper) == len(cells):
        expected = _ordered(paper, metric)
        same = expected == order
        text += f"; the paper: {'the same order' if same else ', then '.join(expected)}"
    return text


def _ordered(figures: Mapping[str, float], metric: Metric) -> list[str]:
    """Sort systems, the best first."""
    return sorted(figures, key=figures.__getitem__, reverse=metric.better == "more")
