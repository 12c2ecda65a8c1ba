"""The files that `gspn evaluate` leaves beside its table: numbers and a page.

evaluation.json   what was measured and how, per class and per scene
evaluation.html   the same to look at, with curves; one file, no network

Both say under which protocol, with which scores and preset, and on which bytes of which
split it was measured.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gspn_tf.files import write_json, writing_together
from gspn_tf.metrics import APResult, Evaluation
from gspn_tf.visualize.charts import Series, as_svg, line_charts
from gspn_tf.visualize.report import Figure, Report, ReportTable, Section, write_report

NAMES = ("evaluation.json", "evaluation.html")
WORDS = {
    "proposal_miou": "mIoU of the proposals",
    "proposal_miou_true_centers": "mIoU of the proposals at the true centres",
    "proposal_miou_true_sizes": "mIoU of the proposals with the true sizes",
    "proposal_center_error": "Distance of their centres, share of the diagonal",
    "proposal_center_error_floor": "The same along the floor, share of the sides",
    "proposal_center_error_up": "The same upwards, share of the height",
    "proposal_size_ratio_floor": "Their sides on the floor over the true ones",
    "proposal_size_ratio_up": "Their height over the true one",
    "proposal_miou_small": "mIoU of proposals for objects of a diagonal under 1 m",
    "proposal_miou_medium": "mIoU of proposals for objects of 1 to 2 m",
    "proposal_miou_large": "mIoU of proposals for objects from 2 m",
    "proposal_chamfer": "Chamfer distance of the proposals, metres",
}


def write_evaluation(
    directory: str | Path, evaluation: Evaluation, about: Mapping[str, Any]
) -> None:
    """Write the two files; they are moved in place when both of them are whole.

    Args:
        directory: a folder, made where it is missing.
        evaluation: of `metrics.evaluate_scenes`.
        about: what the numbers carry, `protocol`, `scores`, `preset`, `split` and
            `data_sha256` at least, and further numbers, such as the quality of the
            proposals.
    """
    with writing_together(directory, NAMES) as folder:
        write_json(folder / NAMES[0], evaluation_dict(evaluation, about))
        write_report(folder / NAMES[1], _page(evaluation, about))


def evaluation_dict(evaluation: Evaluation, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return all but the curves as plain values; None in place of NaN."""
    scenes = [{"scene": name} | _means(alone) for name, alone in evaluation.scenes]
    values = evaluation.result.as_dict()
    text = json.dumps({**about, **values, "per_scene": scenes})
    return json.loads(text, parse_constant=lambda _: None)


def _page(evaluation: Evaluation, about: Mapping[str, Any]) -> Report:
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
    scenes = ReportTable(
        "Mean over the classes of each scene; a dash where it has no object",
        ("scene", *result.by_class, "objects"),
        _scene_rows(evaluation),
    )
    split = f"split {about['split']}" if about["split"] else "scenes given"
    return Report(
        title=f"Instances on the {split}",
        summary=measured.format(**about, n=len(evaluation.scenes)),
        numbers=list((_means(result) | by_scene | further).items()),
        sections=[
            Section(parts=[classes]),
            _curves(result),
            Section("Scenes, the best first", parts=[scenes]),
        ],
        environment=list(about.items()),
    )


def _means(result: APResult) -> dict[str, float]:
    return {measure: result.mean(measure) for measure in result.by_class}


def _scene_rows(evaluation: Evaluation) -> list[Sequence[Any]]:
    """Return a row for each scene, the best first: its name, means over its classes."""
    last = ((name, list(alone.rows())[-1]) for name, alone in evaluation.scenes)
    rows = [(name, *mean[1:]) for name, mean in last]
    return sorted(rows, key=lambda row: -np.nan_to_num(row[-2], nan=-1.0))


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
    caption = f"{len(charts)} classes that have an object in the truth"
    text = "Each point keeps the predictions of at least one score."
    return Section(title, text, [Figure(as_svg(canvas), caption)])
