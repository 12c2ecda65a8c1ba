"""The figures of all seeds that are there, as a table to read, compute with and see.

OUTPUT/tables/table4-rooms-small.md     to paste
                                .csv    a line for each system and figure
                                .json   everything, with versions and machine
                                .html   with the training curves
"""

import csv
import io
import json
import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gspn_tf import files
from gspn_tf.data import manifest
from gspn_tf.paper.experiments.plan import Experiment, Job, measured_split
from gspn_tf.paper.experiments.tables import Metric, PaperTable, System
from gspn_tf.training.run_folder import RunFolder
from gspn_tf.visualize.charts import Series, as_svg, line_charts
from gspn_tf.visualize.report import Figure, Report, ReportTable, Section, write_report

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


LEGEND = "Mean ± standard deviation over seeds (the paper's figure, on its own data)"
CSV_COLUMNS = ("row", "figure", "mean", "spread", "paper", "seeds", "values")


def write_table(experiment: Experiment, jobs: Sequence[Job], command: str) -> str:
    """Write the table's files with what is there so far.

    Args:
        experiment: the experiment.
        jobs: all of its jobs.
        command: what to type to have the same again.

    Returns:
        The Markdown text.
    """
    found = summarize(experiment.table, jobs)
    base = experiment.output / "tables" / experiment.name
    text = markdown_text(experiment, found, command)
    page = _table_page(experiment, jobs, found, command)
    files.write_text(f"{base}.md", text)
    files.write_text(f"{base}.csv", csv_text(found))
    files.write_json(f"{base}.json", json_values(experiment, found, command))
    write_report(f"{base}.html", page)
    return text


def grid(experiment: Experiment, found: Summary) -> list[list[str]]:
    """Lay out header and rows of text as the paper does."""
    rows = [["", *(metric.name for metric in found.metrics), "seeds"]]
    for result in found.results:
        cells = [result.cells[metric.name].text() for metric in found.metrics]
        rows.append([result.system.name, *cells, str(len(result.seeds))])
    if experiment.table.transposed:
        rows = [list(column) for column in zip(*rows, strict=True)]
    return rows


def markdown_text(experiment: Experiment, found: Summary, command: str) -> str:
    """Write the table, and below it what there is to know of it."""
    header, *rows = grid(experiment, found)
    lines = [f"## {_title(experiment)}", "", f"    {command}", ""]
    lines += [
        f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)
    ]
    lines += ["", f"{LEGEND}. {_data(experiment)} {_machines(found)}", ""]
    lines += [f"- {sentence}" for sentence in found.agreement()]
    return "\n".join(lines).rstrip() + "\n"


def csv_text(found: Summary) -> str:
    """Write a line for each system and figure; values of the seeds in their order."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for result in found.results:
        seeds = " ".join(map(str, result.seeds))
        for name, cell in result.cells.items():
            values = " ".join(f"{value:.6g}" for value in cell.values)
            known = (cell.mean, cell.spread, cell.paper)
            writer.writerow([result.system.name, name, *known, seeds, values])
    return buffer.getvalue()


def json_values(experiment: Experiment, found: Summary, command: str) -> dict[str, Any]:
    """Collect everything as JSON knows it."""
    rows = [
        {
            "row": result.system.key,
            "name": result.system.name,
            "seeds": result.seeds,
            "figures": {name: cell._asdict() for name, cell in result.cells.items()},
            "measured": result.measured,
        }
        for result in found.results
    ]
    return {
        "table": experiment.table.name,
        "title": experiment.table.title,
        "command": command,
        "budget": experiment.budget.name,
        "data": experiment.data.label,
        "agreement": list(found.agreement()),
        "rows": rows,
    }


def _table_page(
    experiment: Experiment, jobs: Sequence[Job], found: Summary, command: str
) -> Report:
    header, *rows = grid(experiment, found)
    sections = [Section(parts=[ReportTable(experiment.table.title, header, rows)])]
    if ranks := [sentence.split(": ", 1) for sentence in found.agreement()]:
        order = ReportTable("Best first", ("metric", "systems"), ranks)
        sections.append(Section("Order", parts=[order]))
    if curves := _loss_curves(jobs):
        text = "Loss of each epoch, one line a seed."
        image = as_svg(line_charts(curves, "epoch", "loss"))
        chart = Figure(image, "Losses of different systems have different terms")
        sections.append(Section("Training", text, [chart]))
    measured = [one for result in found.results for one in result.measured]
    versions = measured[0]["versions"].items() if measured else ()
    return Report(
        title=_title(experiment),
        summary=f"{LEGEND}. {_data(experiment)}",
        sections=sections,
        commands=[command],
        environment=[("machine", _machines(found)), *versions],
    )


def _loss_curves(jobs: Sequence[Job]) -> dict[str, list[Series]]:
    """Collect the losses of each system and stage whose training is done."""
    charts: dict[str, list[Series]] = defaultdict(list)
    for job in jobs:
        for training in [each for each in job.trainings if each.is_done()]:
            for stage in training.stages:
                rows = RunFolder(training.path).read_metrics(stage)
                if lines := list(_losses(rows)):
                    name = f"{job.system.name}: {stage} on {training.data.label}"
                    charts[name] += lines
    return charts


def _losses(rows: Sequence[dict[str, str]]) -> Iterator[Series]:
    for label, key in (("training", "loss"), ("validation", "val_loss")):
        values = ((int(r["epoch"]), float(r[key])) for r in rows if r.get(key))
        known = [(epoch, loss) for epoch, loss in values if math.isfinite(loss)]
        if known:
            yield Series(label, *zip(*known, strict=True))


def _title(experiment: Experiment) -> str:
    name = experiment.table.name.replace("table", "Table ")
    return f"{name}'s form: {experiment.table.title}"


def _data(experiment: Experiment) -> str:
    """Say in a sentence which scenes it is on."""
    data = experiment.data
    if experiment.folds:
        rooms = len(experiment.folds)
        return f"Data {data.label}: the scans of {rooms} rooms, each held out once."
    splits = manifest.read_manifest(data.path)["splits"]
    counts = ", ".join(f"{n} {split['scenes']}" for n, split in splits.items())
    split = measured_split(data.path)
    digest = manifest.checksum(data.path, split)[:8]
    return f"Data {data.label} ({counts} scenes), measured on {split} ({digest})."


def _machines(found: Summary) -> str:
    """Say on what it was trained."""
    machines = [one["machine"] for result in found.results for one in result.measured]
    texts = [", ".join([f"{m['cpus']} x {m['cpu']}", *m["gpus"]]) for m in machines]
    return f"Machine: {', '.join(dict.fromkeys(texts))}." if texts else ""
