"""The figures of all seeds that are there, as a table to read and to compute with.

OUTPUT/tables/table4-rooms-small.md     to paste
                                .json   everything, with versions and machine
"""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gspn_tf import files
from gspn_tf.paper.experiments.plan import Experiment, Job
from gspn_tf.paper.experiments.tables import Metric, PaperTable, System

LEGEND = "Mean ± standard deviation over seeds (the paper's figure, on its own data)"


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
    measured: dict[int, dict[str, Any]]  # seed -> its measurement's file
    cells: dict[str, Cell]  # by the name of the metric


def write_table(experiment: Experiment, jobs: Sequence[Job], command: str) -> str:
    """Write the table's files with what there is so far.

    Args:
        experiment: the experiment.
        jobs: all of its jobs.
        command: what to type to have the same again.

    Returns:
        The Markdown text.
    """
    results = summarize(experiment.table, jobs)
    base = experiment.output / "tables" / experiment.name
    text = markdown_text(experiment, results, command)
    files.write_text(f"{base}.md", text)
    files.write_json(f"{base}.json", json_values(experiment, results, command))
    return text


def summarize(table: PaperTable, jobs: Sequence[Job]) -> list[SystemResult]:
    """Summarise the jobs of a table that are done."""
    measured = {
        (job.system.key, job.seed): json.loads(job.measurement.path.read_text())
        for job in jobs
        if not job.missing()
    }
    names = dict.fromkeys(n for one in measured.values() for n in one["figures"])
    metrics = [*table.metrics, *_part_metrics(table, list(names))]
    results = []
    for system in table.systems:
        mine = {n: one for (key, n), one in measured.items() if key == system.key}
        figures = [one["figures"] for one in mine.values()]
        cells = {metric.name: _make_cell(metric, system, figures) for metric in metrics}
        results.append(SystemResult(system, mine, cells))
    return results


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
            yield Metric(name, prefix + part)


def markdown_text(
    experiment: Experiment, results: Sequence[SystemResult], command: str
) -> str:
    """Lay the table out as the paper does, and say below it what it is of."""
    rows = [["", *results[0].cells, "seeds"]]
    for result in results:
        cells = [cell.text() for cell in result.cells.values()]
        rows.append([result.system.name, *cells, str(len(result.measured))])
    if experiment.table.transposed:
        rows = [list(column) for column in zip(*rows, strict=True)]
    rows.insert(1, ["---"] * len(rows[0]))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    measured = [one for result in results for one in result.measured.values()]
    machines = dict.fromkeys(one["versions"]["cpu"] for one in measured)
    splits = dict.fromkeys(one["split"] for one in measured)
    title = experiment.table.name.replace("table", "Table ")
    return "\n".join(
        [
            f"## {title}'s form: {experiment.table.title}\n",
            f"    {command}\n",
            *lines,
            f"\n{LEGEND}. Data {experiment.data.label}, measured on "
            f"{', '.join(splits)}. Machine: {', '.join(machines)}.\n",
        ]
    )


def json_values(
    experiment: Experiment, results: Sequence[SystemResult], command: str
) -> dict[str, Any]:
    """Collect everything as JSON knows it."""
    rows = [
        {
            "row": result.system.key,
            "name": result.system.name,
            "seeds": list(result.measured),
            "figures": {name: cell._asdict() for name, cell in result.cells.items()},
            "measured": list(result.measured.values()),
        }
        for result in results
    ]
    return {
        "table": experiment.table.name,
        "title": experiment.table.title,
        "command": command,
        "budget": experiment.budget.name,
        "data": experiment.data.label,
        "rows": rows,
    }
