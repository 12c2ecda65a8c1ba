"""The files that `gspn evaluate` leaves beside its table: numbers and a page.

evaluation.json   what was measured and how, per class and per scene
evaluation.csv    a row a class, one for their mean, and a row a scene
evaluation.html   the same to look at, with curves and scenes; one file, no network

Each of them says under which protocol, with which scores and preset, and on which bytes
of which split it was measured.
"""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gspn_tf.files import writing_together
from gspn_tf.metrics import APResult, Evaluation, Judged
from gspn_tf.visualize.charts import Series, as_svg, line_charts
from gspn_tf.visualize.palette import instance_colors
from gspn_tf.visualize.raster import Viewpoint
from gspn_tf.visualize.render import Panel, PanelRow
from gspn_tf.visualize.report import Figure, Report, ReportTable, Section, write_report
from gspn_tf.visualize.sheet import write_sheet
from gspn_tf.visualize.templates import cell_text

NAMES = ("evaluation.json", "evaluation.csv", "evaluation.html")
CARRIED = ("protocol", "scores", "preset", "split", "data_sha256")
WORDS = {
    "proposal_miou": "mIoU of the proposals",
    "proposal_chamfer": "Chamfer distance of the proposals, metres",
}
VIEW = Viewpoint(width=420, height=330)


def write_evaluation(
    directory: str | Path, evaluation: Evaluation, about: Mapping[str, Any]
) -> None:
    """Write the three files; they are moved in place when all of them are whole.

    Args:
        directory: a folder, made where it is missing.
        evaluation: of `metrics.evaluate_scenes`.
        about: what the numbers carry, `CARRIED` at least, and further numbers, such
            as the quality of the proposals.
    """
    with writing_together(directory, NAMES) as folder:
        values = evaluation_dict(evaluation, about)
        text = json.dumps(values, indent=2, allow_nan=False) + "\n"
        (folder / NAMES[0]).write_text(text, encoding="utf-8")
        text = evaluation_csv(evaluation, about)
        (folder / NAMES[1]).write_text(text, encoding="utf-8")
        page = _page(evaluation, about, folder / "scene.png")
        write_report(folder / NAMES[2], page)


def evaluation_dict(evaluation: Evaluation, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return all but curves and pictures as plain values; None in place of NaN."""
    scenes = [{"scene": name} | _means(alone) for name, alone in evaluation.scenes]
    values = evaluation.result.as_dict()
    return _plain({**about, **values, "per_scene": scenes})


def evaluation_csv(evaluation: Evaluation, about: Mapping[str, Any]) -> str:
    """Return rows of classes, of their mean and of scenes; an empty cell is NaN."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    measures = list(evaluation.result.by_class)
    writer.writerow(["row", "name", *measures, "objects", *CARRIED])
    *classes, mean = evaluation.result.rows()
    rows: list[tuple[str, Sequence[Any]]] = [("class", row) for row in classes]
    rows += [("mean", mean)]
    rows += [("scene", row) for row in _scene_rows(evaluation)]
    for kind, row in rows:
        writer.writerow([kind, *map(_plain, row), *(about[name] for name in CARRIED)])
    return buffer.getvalue()


def _page(evaluation: Evaluation, about: Mapping[str, Any], scratch: Path) -> Report:
    result = evaluation.result
    measured = (
        "{protocol} protocol, {scores} scores, preset {preset}, split {split}, {n} "
        "scenes, data {data_sha256}."
    )
    by_scene = {f"{name}, mean over scenes": v for name, v in result.by_scene.items()}
    further = {WORDS[name]: about[name] for name in WORDS if name in about}
    classes = ReportTable(
        "Average precision of each class; a dash where the truth has no object",
        ("class", *result.by_class, "objects"),
        list(result.rows()),
        total=True,
    )
    pictures = []
    for title, scenes in (("Best", evaluation.best), ("Worst", evaluation.worst)):
        if scenes:
            figures = [_figure(scratch, judged, evaluation) for judged in scenes]
            pictures.append(Section(f"{title} scenes", parts=figures))
    rows = _scene_rows(evaluation)
    rows.sort(key=lambda row: np.nan_to_num(row[-2], nan=-1.0), reverse=True)
    caption = "Mean over the classes of each scene; a dash where it has no object"
    scenes_table = ReportTable(caption, ("scene", *classes.header[1:]), rows)
    text = f"{len(rows)} scenes."
    if not pictures:
        text += " No picture: none has known points and an object that counts."
    split = f"split {about['split']}" if about["split"] else "scenes given"
    return Report(
        title=f"Instances on the {split}",
        summary=measured.format(**about, n=len(evaluation.scenes)),
        numbers=list((_means(result) | by_scene | further).items()),
        sections=[
            Section(parts=[classes]),
            _curves(result),
            *pictures,
            Section("Scenes", text, [scenes_table]),
        ],
        environment=list(about.items()),
    )


def _means(result: APResult) -> dict[str, float]:
    return {measure: result.mean(measure) for measure in result.by_class}


def _scene_rows(evaluation: Evaluation) -> list[Sequence[Any]]:
    """Return a row for each scene: its name, and the means over its classes."""
    last = ((name, list(alone.rows())[-1]) for name, alone in evaluation.scenes)
    return [(name, *mean[1:]) for name, mean in last]


def _curves(result: APResult) -> Section:
    """Return a chart for each class that the truth has, with a line an IoU."""
    title, charts = "Precision and recall", defaultdict(list)
    for iou, curves in result.curves.items():
        for name, curve in zip(result.class_names, curves, strict=True):
            if curve is not None:
                line = Series(f"IoU {iou:.2f}", curve.recall, curve.precision)
                charts[name].append(line)
    if not charts:
        return Section(title, "No class has an object in the truth, so no curve.")
    canvas = line_charts(charts, "recall", "precision")
    for axes in canvas.axes:
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
    absent = len(result.class_names) - len(charts)
    caption = f"{len(charts)} classes; {absent} without an object in the truth"
    text = "Each point keeps the predictions of at least one score."
    return Section(title, text, [Figure(as_svg(canvas), caption)])


def _figure(scratch: Path, judged: Judged, evaluation: Evaluation) -> Figure:
    """Draw a scene as it is, as it was segmented and as it should be."""
    found = np.full(len(judged.semantic), -1)
    for row in np.argsort(judged.found.scores, kind="stable"):  # the surest on top
        found[judged.found.masks[row]] = row
    true = np.maximum(np.where(judged.semantic > 0, judged.instance, -1), -1)
    grey = instance_colors(np.full(len(found), -1))
    panels = [
        Panel("scene", grey if judged.colors is None else judged.colors),
        Panel("found", instance_colors(found)),
        Panel("truth", instance_colors(true)),
    ]
    write_sheet(scratch, [PanelRow("", np.asarray(judged.points), panels)], VIEW)
    alone = dict(evaluation.scenes)[judged.name]
    values = ", ".join(f"{n} {cell_text(v)}" for n, v in _means(alone).items())
    counts = (
        f"{len(judged.found.masks)} instances found, "
        f"{int(alone.num_instances.sum())} in the truth"
    )
    caption = f"{judged.name}: {values}; {counts}"
    seen = "in its own colours, with one for each instance found, and each true one"
    return Figure(scratch.read_bytes(), caption, f"{caption}. Three views: {seen}.")


def _plain(value: Any) -> Any:
    """Return a value as JSON and CSV can hold it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if np.isnan(value) else float(value)
    return value
