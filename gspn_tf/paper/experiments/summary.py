"""The figures of all seeds that are there -> mean and spread, beside the paper's."""

import statistics
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from gspn_tf.paper.experiments import tasks
from gspn_tf.paper.experiments.plan import Experiment, Job
from gspn_tf.paper.experiments.tables import Column, Row

MINUTES = Column("min", "minutes", "less")  # of training, pretraining counted


class Cell(NamedTuple):
    """One figure of one system."""

    values: tuple[float, ...]  # one a seed
    paper: float | None

    @property
    def mean(self) -> float | None:
        """Over the seeds."""
        return statistics.mean(self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """Standard deviation of a sample; None for fewer than two seeds."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def text(self) -> str:
        """0.193 ± 0.010 (0.193): mean, spread and the paper's figure."""
        if self.mean is None:
            text = "–"
        elif self.spread is None:
            text = f"{self.mean:.3f}"
        else:
            text = f"{self.mean:.3f} ± {self.spread:.3f}"
        return text if self.paper is None else f"{text} ({self.paper:g})"


class Line(NamedTuple):
    """One system of the table."""

    row: Row
    seeds: tuple[int, ...]
    results: list[list[dict[str, Any]]]  # of each seed, its measurements
    cells: dict[str, Cell]  # by the name of the column


class Summary(NamedTuple):
    """What a table says so far."""

    columns: list[Column]
    lines: list[Line]

    def agreement(self) -> Iterator[str]:
        """A sentence for each column that at least two rows have: how they rank."""
        for column in self.columns:
            cells = {each.row.name: each.cells[column.name] for each in self.lines}
            there = {name: cell for name, cell in cells.items() if cell.values}
            if len(there) > 1 and column != MINUTES and "/" not in column.name:
                yield _ranking(column, there)


def summarize(experiment: Experiment, jobs: Sequence[Job]) -> Summary:
    """Of the jobs that are done."""
    done = [job for job in jobs if not job.missing()]
    found = []
    for row in experiment.table.rows:
        mine = [job for job in done if job.row == row]
        results = [[tasks.read_result(m) for m in job.measurements] for job in mine]
        found.append((row, tuple(job.seed for job in mine), results))
    figures = [[_figures(seed) for seed in results] for *_, results in found]
    columns = [*_columns(experiment, figures), MINUTES]
    lines = []
    for (row, seeds, results), by_seed in zip(found, figures, strict=True):
        cells = {}
        for column in columns:
            values = (seed.get(column.figure) for seed in by_seed)
            known = tuple(value for value in values if value is not None)
            cells[column.name] = Cell(known, row.paper.get(column.name))
        lines.append(Line(row, seeds, results, cells))
    return Summary(columns, lines)


def _figures(results: Sequence[dict[str, Any]]) -> dict[str, float | None]:
    """Of one seed: those of all its measurements, and its minutes of training."""
    figures: dict[str, float | None] = {}
    seconds: dict[str, float] = {}
    for result in results:
        figures |= result["figures"]
        seconds |= result["seconds"]
    seconds.pop("measuring", None)
    return figures | {MINUTES.figure: sum(seconds.values()) / 60}


def _columns(experiment: Experiment, figures: Sequence) -> Iterator[Column]:
    """Those of the table, and one for each part of it that the data has."""
    table = experiment.table
    yield from table.columns
    if not table.parts:
        return
    names = dict.fromkeys(n for seeds in figures for seed in seeds for n in seed)
    for column in table.columns:
        prefix = f"{column.figure}/{table.parts}/"
        known = [n.removeprefix(prefix) for n in names if n.startswith(prefix)]
        order = {name: i for i, name in enumerate(table.rows[0].paper)}
        for part in sorted(known, key=lambda name: order.get(name, len(order))):
            alone = len(table.columns) == 1
            name = part if alone else f"{column.name} {part}"
            yield Column(name, prefix + part, column.better)


def _ranking(column: Column, cells: dict[str, Cell]) -> str:
    sign = 1 if column.better == "less" else -1
    order = sorted(cells, key=lambda name: sign * cells[name].mean)
    means = [cells[name].mean for name in order]
    gaps = [abs(a - b) for a, b in zip(means, means[1:], strict=False)]
    spreads = [c.spread for c in cells.values() if c.spread is not None]
    text = f"{column.name}: {', then '.join(order)}; smallest gap {min(gaps):.3f}"
    if spreads:
        text += f", largest spread {max(spreads):.3f}"
    if all(cell.paper is not None for cell in cells.values()):
        expected = sorted(cells, key=lambda name: sign * cells[name].paper)
        same = expected == order
        text += f"; the paper: {'the same order' if same else ', then '.join(expected)}"
    return text
