"""`gspn evaluate`."""

from argparse import Namespace
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from gspn_tf.commands.command import (
    Command,
    UserError,
    existing_folder,
    model_folder,
    start_tensorflow,
    write_metrics,
)
from gspn_tf.commands.flags import (
    DEFAULT_MODEL,
    JSON,
    POINT_SEED,
    PRECISION,
    flag,
    integer,
)
from gspn_tf.config import RPointNetConfig, presets
from gspn_tf.data import manifest
from gspn_tf.data.classes import SCANNET, ClassList
from gspn_tf.datasets.reading import tracked
from gspn_tf.evaluation import submission
from gspn_tf.metrics import PROTOCOLS, Judged, evaluate_scenes
from gspn_tf.metrics.judging import as_objects, constant_scores

PROTOCOL_OF = {"partnet": "partnet", "parts": "partnet", "nyuv2": "nyuv2"}


class Evaluand(NamedTuple):
    """Scenes to evaluate, and what their metrics carry."""

    scenes: Iterable[Judged]
    classes: ClassList
    num_scenes: int  # with or without predictions
    about: dict[str, Any]  # protocol, scores, preset, split, data_sha256, ...
    proposals: Callable[[], dict[str, float]] = dict


FLAGS = (
    flag(
        "--run",
        f"Run folder, or preset or its folder; default: {DEFAULT_MODEL}, unless "
        "--predictions are given.",
    ),
    flag("--data", "Folder that `gspn prepare` made."),
    flag("--split", "Its split to evaluate on; default: val."),
    flag(
        "--predictions",
        "Folder of predictions in the benchmark's files: read; with --run written.",
    ),
    flag(
        "--truth",
        "Folder of the truth in the benchmark's files, read in place of --data.",
    ),
    flag(
        "--classes", 'Class list of --truth, one "id name" a line; default: ScanNet\'s.'
    ),
    flag(
        "--protocol",
        "Whose measures; default: those of the data set.",
        choices=tuple(PROTOCOLS),
    ),
    flag(
        "--scores",
        "Confidences as they rank instances, or 1.0 and 0.97 as the release writes "
        "them; default: ranked, but for a run of the release's network.",
        choices=("ranked", "constant"),
    ),
    POINT_SEED,
    PRECISION,
    flag(
        "--report",
        "Folder for the metrics as JSON and a page; default: one in the folder of "
        "--run, named by split, protocol, scores and data.",
    ),
    flag(
        "--min_region --min-region",
        "Points of the smallest object that counts; default: 100, as in ScanNet's "
        "benchmark, which is too many for sparse scans; PartNet's has no such rule.",
        type=integer(1),
    ),
    flag(
        "--class_agnostic --class-agnostic",
        "Score and judge objects whatever their class.",
        False,
    ),
    flag(
        "--bootstrap",
        "Draws of the scenes by which 95 % intervals of the figures are estimated.",
        0,
        type=integer(0),
    ),
    JSON,
)


def run(flags: Namespace) -> None:
    """Average precision and proposal quality of a run, or of predictions."""
    given = _given(flags)
    scenes = given.scenes
    if given.about["scores"] == "constant":
        scenes = constant_scores(scenes)
    names, shown_score = given.classes.names, given.about.get("shown_score", 0.0)
    if flags.class_agnostic:
        names, scenes = ("object",), as_objects(scenes)
    protocol, draws = given.about["protocol"], flags.bootstrap
    if flags.min_region and protocol == "partnet":
        raise UserError(
            "--min_region: by PartNet's protocol objects of all sizes count"
        )
    evaluation = evaluate_scenes(
        scenes, names, protocol, shown_score, draws, flags.min_region
    )
    quality = given.proposals()
    count = len(evaluation.scenes)
    left_out = given.num_scenes - count
    about = given.about | {"scenes": count, "scenes_left_out": left_out}
    print(
        "{protocol} protocol, {scores} scores, preset {preset}, split {split}, "
        "{scenes} scenes, data {data_sha256:.12}".format(**about)
    )
    if left_out:  # as by the benchmark's script
        print(f"{left_out} of {given.num_scenes} scenes have no predictions: left out")
    if smaller := evaluation.num_smaller:
        least = evaluation.min_region_size
        whole = smaller + int(evaluation.result.num_instances.sum())
        print(
            f"{smaller} of {whole} objects have fewer than {least} points and do not "
            "count; --min_region 1 counts them"
        )
    print(evaluation.result.table())
    if shown := evaluation.shown:
        about |= {"precision25": shown.precision, "recall25": shown.recall}
        about["F1_25"] = shown.f1
        print(
            f"scored {shown.score:g} and more, all classes, IoU 0.25: {shown.right} "
            f"right, {shown.wrong} wrong, {shown.missed} missed, F1 {shown.f1:.3f}"
        )
    for name, (low, high) in evaluation.intervals.items():
        print(f"{name}: {low:.3f} to {high:.3f} in 95 % of {draws} draws of the scenes")
    for name, value in quality.items():
        print(f"{value:.4f}  {name}")
    from gspn_tf.evaluation import report

    about["min_region"] = evaluation.min_region_size
    about |= {"intervals": dict(evaluation.intervals)} if draws else {}
    about |= quality
    write_metrics(flags, report.evaluation_dict(evaluation, about))
    name = "{split}-{protocol}-{scores}-{data_sha256:.8}".format(**about)
    name += "-objects" * flags.class_agnostic
    default = Path(flags.run or "", "evaluation", name)
    if flags.report or (flags.run and Path(flags.run).is_dir()):
        folder = Path(flags.report or default)
        report.write_evaluation(folder, evaluation, about)
        print(f"open {folder / report.NAMES[-1]}")


def _given(flags: Namespace) -> Evaluand:
    """Find what the flags name."""
    names = ("run", "data", "predictions", "truth")
    if flags.data and not (flags.run or flags.predictions or flags.truth):
        flags.run = DEFAULT_MODEL
    given = {name for name in names if getattr(flags, name)}
    about = {
        "protocol": flags.protocol or "scannet",
        "scores": flags.scores or "ranked",
        "preset": None,
        "predictions": flags.predictions,
    }
    if given - {"predictions"} == {"run", "data"} or given == {"predictions", "data"}:
        return _on_split(flags, about)
    if given == {"predictions", "truth"}:
        return _on_files(flags, about)
    raise UserError(
        "give --run and --data, or --predictions and --data, or --predictions and "
        f"--truth; got {' and '.join(f'--{n}' for n in names if n in given)}"
    )


def _on_files(flags: Namespace, about: dict[str, Any]) -> Evaluand:
    """Read predictions and the truth."""
    existing_folder(flags.predictions, "--predictions")
    existing_folder(flags.truth, "--truth")
    classes = ClassList.read(flags.classes) if flags.classes else SCANNET
    predictions = submission.list_predictions(flags.predictions)
    there = submission.list_truth(flags.truth)
    truth = {name: there[name] for name in predictions if name in there}
    track = tracked(truth.items(), "instances", len(truth))
    labelled = ((name, *submission.read_truth(path, classes)) for name, path in track)
    scenes = submission.predicted(labelled, predictions, classes)
    about |= {
        "truth": flags.truth,
        "split": flags.split,
        "data_sha256": submission.truth_sha256(truth),
    }
    return Evaluand(scenes, classes, len(there), about)


def _on_split(flags: Namespace, about: dict[str, Any]) -> Evaluand:
    """Segment the scenes of a split by a run, or read predictions for them.

    What a run finds is written where --predictions says.
    """
    if flags.run:
        model_folder(flags.run, "--run")
    for name in ("data",) if flags.run else ("predictions", "data"):
        existing_folder(getattr(flags, name), f"--{name}")
    start_tensorflow()
    from gspn_tf.evaluation import measures
    from gspn_tf.inference import segmenter as inference

    split = measures.Split(flags.data, flags.split or "val")
    if not manifest.is_labelled(flags.data, split.name):
        raise UserError(f"split {split.name} of {flags.data} has no labels")
    data = str(manifest.read_manifest(flags.data).get("data"))
    about |= {
        "protocol": flags.protocol or PROTOCOL_OF.get(data, "scannet"),
        "data": flags.data,
        "split": split.name,
        "data_sha256": manifest.checksum(flags.data, split.name),
    }
    classes, count = manifest.read_classes(flags.data), split.count()
    if not flags.run:
        predictions = submission.list_predictions(flags.predictions)
        track = split.scenes("instances")
        labelled = ((scene.name, scene.semantic, scene.instance) for scene in track)
        scenes = submission.predicted(labelled, predictions, classes)
        return Evaluand(scenes, classes, count, about)
    folder = flags.predictions
    if folder and Path(folder).exists() and any(Path(folder).iterdir()):
        raise UserError(f"{folder} is not empty: runs' predictions are never mixed")
    model, config, pairs = inference.load_run(flags.run, flags.precision)
    if tuple(name for _, name in pairs) != classes.names:
        raise UserError(f"{flags.data} has other classes than {flags.run}")
    scores = flags.scores or ("constant" if model.constant_scores else "ranked")
    model.constant_scores = scores == "constant"
    if flags.class_agnostic and isinstance(config.model, RPointNetConfig):
        model.config.class_agnostic = True
    segmenter = inference.Segmenter.from_config(model, config.data)
    scenes = measures.segmented(segmenter, split, flags.seed)
    if folder:
        scenes = submission.written(scenes, folder, classes)
    preset, changed = presets.nearest_preset(config.model)
    about |= {
        "run": flags.run,
        "preset": preset,
        "preset_changed": changed,
        "shown_score": config.model.shown_score,
        "scores": scores,
    }
    quality: Callable[[], dict[str, float]] = dict
    if network := model.proposal_network:
        quality = partial(measures.proposal_metrics, network, split, config)
    return Evaluand(scenes, classes, count, about, quality)


COMMAND = Command("evaluate", FLAGS, run)
