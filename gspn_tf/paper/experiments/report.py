"""A table as it is read, computed with and looked at.

OUTPUT/tables/table4-rooms-small.md     to paste
                                .csv    a line for each system and figure
                                .json   everything, with versions and machine
                                .html   with the training curves
"""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from gspn_tf import files
from gspn_tf.data import manifest
from gspn_tf.paper.experiments.plan import Experiment, Job, measured_split
from gspn_tf.paper.experiments.summary import Summary, summarize
from gspn_tf.training.run_folder import RunFolder
from gspn_tf.visualize.charts import Series, as_svg, line_charts
from gspn_tf.visualize.report import Figure, Report, ReportTable, Section, write_report

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
