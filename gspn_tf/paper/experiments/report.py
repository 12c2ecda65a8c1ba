"""A table as it is read, computed with and looked at.

OUTPUT/tables/table4-rooms-small.md     to paste
                                .csv    a line for each row and figure
                                .json   everything, with versions and machine
                                .html   with the training curves
"""

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

from gspn_tf import files
from gspn_tf.data import manifest
from gspn_tf.paper.experiments.plan import Experiment, Job, measured_split
from gspn_tf.paper.experiments.summary import Line, Summary, summarize
from gspn_tf.paper.experiments.tasks import Training, is_done
from gspn_tf.training.run_folder import RunFolder
from gspn_tf.visualize.charts import Series, as_svg, line_charts
from gspn_tf.visualize.report import Figure, Report, ReportTable, Section, write_report

LEGEND = "Mean ± standard deviation over seeds (the paper's figure, on its own data)"


def write(experiment: Experiment, jobs: Sequence[Job], command: str) -> str:
    """Write the table's files with what is there so far; the Markdown text."""
    found = summarize(experiment, jobs)
    base = experiment.output / "tables" / experiment.name
    text = as_markdown(experiment, found, command)
    files.write_text(base.with_name(base.name + ".md"), text)
    files.write_text(base.with_name(base.name + ".csv"), as_csv(found))
    files.write_json(
        base.with_name(base.name + ".json"), as_dict(experiment, found, command)
    )
    page = _page(experiment, jobs, found, command)
    write_report(base.with_name(base.name + ".html"), page)
    return text


def grid(experiment: Experiment, found: Summary) -> list[list[str]]:
    """Header and rows of text, as the paper lays them out."""
    header = ["", *(column.name for column in found.columns), "seeds"]
    rows = [header]
    for line in found.lines:
        cells = [line.cells[column.name].text() for column in found.columns]
        rows.append([line.row.name, *cells, str(len(line.seeds))])
    if experiment.table.transposed:
        rows = [list(column) for column in zip(*rows, strict=True)]
    return rows


def as_markdown(experiment: Experiment, found: Summary, command: str) -> str:
    """The table and what there is to know of it."""
    header, *rows = (" | ".join(cells) for cells in grid(experiment, found))
    count = len(grid(experiment, found)[0])
    lines = [f"## {_title(experiment)}", "", f"    {command}", "", f"| {header} |"]
    lines += ["|---" * count + "|", *(f"| {row} |" for row in rows), ""]
    lines += [f"{LEGEND}. {_data(experiment)} {_machines(found)}", ""]
    lines += [f"- {sentence}" for sentence in found.agreement()]
    return "\n".join(lines).rstrip() + "\n"


def as_csv(found: Summary) -> str:
    """A line for each row and figure; values of the seeds in their order."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    names = ("row", "figure", "mean", "spread", "paper", "seeds", "values")
    writer.writerow(names)
    for line in found.lines:
        for column in found.columns:
            cell = line.cells[column.name]
            values = " ".join(f"{value:.6g}" for value in cell.values)
            seeds = " ".join(map(str, line.seeds))
            known = (cell.mean, cell.spread, cell.paper)
            writer.writerow([line.row.name, column.name, *known, seeds, values])
    return buffer.getvalue()


def as_dict(experiment: Experiment, found: Summary, command: str) -> dict[str, Any]:
    """Everything, as JSON knows it."""
    return {
        "table": experiment.table.name,
        "title": experiment.table.title,
        "command": command,
        "budget": experiment.budget.name,
        "data": experiment.source.data.label,
        "agreement": list(found.agreement()),
        "rows": [
            {
                "row": line.row.key,
                "name": line.row.name,
                "seeds": line.seeds,
                "figures": {
                    name: {
                        "values": cell.values,
                        "mean": cell.mean,
                        "spread": cell.spread,
                        "paper": cell.paper,
                    }
                    for name, cell in line.cells.items()
                },
                "measured": line.results,
            }
            for line in found.lines
        ],
    }


def _page(
    experiment: Experiment, jobs: Sequence[Job], found: Summary, command: str
) -> Report:
    header, *rows = grid(experiment, found)
    sections = [Section(parts=[ReportTable(experiment.table.title, header, rows)])]
    if ranks := [sentence.split(": ", 1) for sentence in found.agreement()]:
        order = ReportTable("Best first", ("metric", "systems"), ranks)
        sections.append(Section("Order", parts=[order]))
    if curves := _losses(jobs):
        text = "Loss of each epoch, one line a seed."
        image = as_svg(line_charts(curves, "epoch", "loss"))
        chart = Figure(image, "Losses of different systems have different terms")
        sections.append(Section("Training", text, [chart]))
    return Report(
        title=_title(experiment),
        summary=f"{LEGEND}. {_data(experiment)}",
        sections=sections,
        commands=[command],
        environment=[("machine", _machines(found)), *_versions(found.lines)],
    )


def _losses(jobs: Sequence[Job]) -> dict[str, list[Series]]:
    """Return the curves of each row and stage whose training is done."""
    charts: dict[str, list[Series]] = {}
    tasks = ((job.row.name, task) for job in jobs for task in job.tasks())
    for name, task in tasks:
        if not isinstance(task, Training) or not is_done(task):
            continue
        rows = RunFolder(task.folder).read_metrics(task.stage)
        for label, key in (("training", "loss"), ("validation", "val_loss")):
            values = ((int(r["epoch"]), float(r[key])) for r in rows if r.get(key))
            known = [(epoch, loss) for epoch, loss in values if math.isfinite(loss)]
            if known:
                line = Series(label, *zip(*known, strict=True))
                charts.setdefault(f"{name}: {task.label}", []).append(line)
    return charts


def _title(experiment: Experiment) -> str:
    name = experiment.table.name.replace("table", "Table ")
    return f"{name}'s form: {experiment.table.title}"


def _data(experiment: Experiment) -> str:
    """Which scenes, in a sentence."""
    data = experiment.source.data
    if experiment.folds:
        rooms = len(experiment.folds)
        return f"Data {data.label}: the scans of {rooms} rooms, each held out once."
    splits = manifest.read_manifest(data.path)["splits"]
    counts = ", ".join(f"{n} {split['scenes']}" for n, split in splits.items())
    split = measured_split(data.path)
    digest = manifest.checksum(data.path, split)[:8]
    return f"Data {data.label} ({counts} scenes), measured on {split} ({digest})."


def _machines(found: Summary) -> str:
    """On what it was trained."""
    machines = [
        result["machine"]
        for line in found.lines
        for seed in line.results
        for result in seed
    ]
    texts = [", ".join([f"{m['cpus']} x {m['cpu']}", *m["gpus"]]) for m in machines]
    return f"Machine: {', '.join(dict.fromkeys(texts))}." if texts else ""


def _versions(lines: Sequence[Line]) -> list[tuple[str, Any]]:
    """Of the first result that there is."""
    for line in lines:
        for seed in line.results:
            return list(seed[0]["versions"].items())
    return []
