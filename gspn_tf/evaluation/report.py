"""What `gspn evaluate` leaves beside its table: figures to compute with and a page.

evaluation.json   what was measured and how, per class and per scene
evaluation.csv    a row a class, one for their mean, and a row a scene
evaluation.html   the same to look at, with curves and scenes; one file, no network

Each of them says under which protocol, with which scores and preset, and on which bytes
of which split it was measured.
"""

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gspn_tf import visualize
from gspn_tf.metrics import APResult, Evaluation, Judged
from gspn_tf.visualize import Drawings, Figure, Report, Section, Table

NAMES = ("evaluation.json", "evaluation.csv", "evaluation.html")
CARRIED = ("protocol", "scores", "preset", "split", "data_sha256")
WORDS = {
    "proposal_miou": "mIoU of the proposals",
    "proposal_chamfer": "Chamfer distance of the proposals, metres",
}
SHOWN_SCENES = 200  # rows of the page's table from either end; the CSV has all
VIEW = visualize.View(width=420, height=330)


def write(
    directory: str | Path,
    evaluation: Evaluation,
    about: Mapping[str, Any],
    figures: Mapping[str, Any],
) -> None:
    """Write the three files; they are moved in place when all of them are whole.

    Args:
        directory: a folder, made where it is missing.
        evaluation: of `metrics.evaluate_scenes`.
        about: what the figures carry; `CARRIED` at least.
        figures: further figures, such as the quality of the proposals.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".evaluation-", dir=directory) as scratch:
        folder = Path(scratch)
        values = as_dict(evaluation, about, figures)
        text = json.dumps(values, indent=2, allow_nan=False) + "\n"
        (folder / NAMES[0]).write_text(text, encoding="utf-8")
        (folder / NAMES[1]).write_text(as_csv(evaluation, about), encoding="utf-8")
        pictures = [
            [_picture(folder / "scene.png", judged, evaluation) for judged in judgeds]
            for judgeds in (evaluation.best, evaluation.worst)
        ]
        page = _page(evaluation, about, figures, *pictures)
        visualize.write_report(folder / NAMES[2], page)
        for name in NAMES:
            os.replace(folder / name, directory / name)


def as_dict(
    evaluation: Evaluation, about: Mapping[str, Any], figures: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything but curves and pictures, as plain values; None in place of NaN."""
    scenes = [
        {"scene": name} | dict(_measures(alone)) for name, alone in evaluation.scenes
    ]
    values = evaluation.result.as_dict()
    return _plain({**about, **values, **figures, "per_scene": scenes})


def as_csv(evaluation: Evaluation, about: Mapping[str, Any]) -> str:
    """Rows of classes, of their mean and of scenes; an empty cell is NaN."""
    measures = list(evaluation.result.by_class)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["row", "name", *measures, "objects", *CARRIED])
    carried = [about[name] for name in CARRIED]
    *classes, mean = evaluation.result.rows()
    rows = [("class", row) for row in classes] + [("mean", mean)]
    for name, alone in evaluation.scenes:
        *_, (_, *values) = alone.rows()
        rows.append(("scene", (name, *values)))
    for kind, row in rows:
        writer.writerow([kind, *map(_plain, row), *carried])
    return buffer.getvalue()


def _page(
    evaluation: Evaluation,
    about: Mapping[str, Any],
    figures: Mapping[str, Any],
    best: list[Figure],
    worst: list[Figure],
) -> Report:
    result = evaluation.result
    measured = (
        "{protocol} protocol, {scores} scores, preset {preset}, split {split}, {n} "
        "scenes, data {data_sha256}."
    )
    numbers = [*_measures(result), *_measures_by_scene(result)]
    numbers += [(WORDS[name], figures[name]) for name in WORDS if name in figures]
    header = ("class", *result.by_class, "objects")
    return Report(
        title=f"Instances on the split {about['split']}"
        if about["split"]
        else "Instances on the scenes given",
        summary=measured.format(**about, n=len(evaluation.scenes)),
        numbers=numbers,
        tables=[
            Table(
                "Average precision of each class; a dash where the truth has no object",
                header,
                list(result.rows()),
                total=True,
            )
        ],
        sections=[
            *_curves(result),
            *_looks("Best scenes", best, evaluation),
            *_looks("Worst scenes", worst, evaluation),
            _scenes(evaluation),
        ],
        environment=[
            (name, _listed(value)) for name, value in {**about, **figures}.items()
        ],
    )


def _measures_by_scene(result: APResult) -> Iterator[tuple[str, float]]:
    for measure, value in result.by_scene.items():
        yield f"{measure}, mean over scenes", value


def _measures(result: APResult) -> Iterator[tuple[str, float]]:
    for measure in result.by_class:
        yield measure, result.mean(measure)


def _curves(result: APResult) -> Iterator[Section]:
    """A drawing a class that the truth has, with a line an IoU."""
    drawings = []
    for row, name in enumerate(result.class_names):
        lines = {
            f"IoU {iou:.2f}": (curves[row].recall, curves[row].precision)
            for iou, curves in result.curves.items()
            if curves[row] is not None
        }
        if lines:
            drawings.append((name, visualize.precision_recall(name, lines)))
    text = "No class has an object in the truth, so there is no curve."
    if drawings:
        text = "Each point keeps the predictions of at least one score."
    absent = len(result.class_names) - len(drawings)
    caption = f"{len(drawings)} classes; {absent} without an object in the truth"
    parts = [Drawings(drawings, caption)] if drawings else []
    yield Section("Precision and recall", text, parts)


def _looks(title: str, figures: list[Figure], evaluation: Evaluation):
    """Pictures, where the scenes' points are known."""
    text = "" if figures else _why_none(evaluation)
    if figures or title == "Best scenes":
        yield Section(title, text, figures)


def _why_none(evaluation: Evaluation) -> str:
    if not evaluation.scenes:
        return "There is no scene."
    return "No picture: no scene has known points and an object that counts."


def _picture(path: Path, judged: Judged, evaluation: Evaluation) -> Figure:
    """A scene as it is, as it was segmented and as it should be."""
    found = np.full(len(judged.semantic), -1)
    for row in np.argsort(judged.found.scores, kind="stable"):  # the surest on top
        found[judged.found.masks[row]] = row
    true = np.maximum(np.where(judged.semantic > 0, judged.instance, -1), -1)
    grey = visualize.instance_colors(np.full(len(found), -1))
    panels = [
        visualize.Panel("scene", grey if judged.colors is None else judged.colors),
        visualize.Panel("found", visualize.instance_colors(found)),
        visualize.Panel("truth", visualize.instance_colors(true)),
    ]
    visualize.render_panels(path, judged.points, panels, view=VIEW)
    alone = dict(evaluation.scenes)[judged.name]
    values = ", ".join(f"{n} {visualize.cell_text(v)}" for n, v in _measures(alone))
    counts = (
        f"{len(judged.found.masks)} instances found, "
        f"{int(alone.num_instances.sum())} in the truth"
    )
    return Figure(
        path.read_bytes(),
        f"{judged.name}: {values}; {counts}",
        f"Scene {judged.name} from above at an angle, three times: in its own colours, "
        f"with a colour for each of the instances found, and with one for each of the "
        f"true ones; grey is neither. {counts}; {values}.",
    )


def _scenes(evaluation: Evaluation) -> Section:
    """All scenes, the best first; of very many both ends."""
    rows = []
    for name, alone in evaluation.scenes:
        *_, (_, *values) = alone.rows()
        rows.append((name, *values))
    rows.sort(key=lambda row: np.nan_to_num(row[-2], nan=-1.0), reverse=True)
    text = f"{len(rows)} scenes."
    if len(rows) > 2 * SHOWN_SCENES:
        text += f" Shown are the {SHOWN_SCENES} best and worst; {NAMES[1]} has all."
        rows = rows[:SHOWN_SCENES] + rows[-SHOWN_SCENES:]
    header = ("scene", *evaluation.result.by_class, "objects")
    caption = "Mean over the classes of each scene; a dash where it has no object"
    return Section("Scenes", text, [Table(caption, header, rows)] if rows else [])


def _listed(value: Any) -> Any:
    return ", ".join(map(str, value)) or None if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """The same value as JSON and CSV can hold it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if np.isnan(value) else float(value)
    return value
