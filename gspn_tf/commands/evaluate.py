"""`gspn evaluate`."""

from argparse import Namespace
from pathlib import Path

from gspn_tf.commands.command import (
    Command,
    UserError,
    writable_file,
    writable_folder,
    write_metrics,
)
from gspn_tf.commands.evaluands import find_evaluand
from gspn_tf.commands.flags import (
    DEFAULT_MODEL,
    JSON,
    POINT_SEED,
    PRECISION,
    flag,
    integer,
)
from gspn_tf.metrics import PROTOCOLS, evaluate_scenes
from gspn_tf.metrics.judging import as_objects, constant_scores

FLAGS = (
    flag(
        "--run",
        f"Run folder, or preset or its folder; default: {DEFAULT_MODEL}, unless "
        "--predictions are given.",
    ),
    flag("--data", "Folder that `gspn prepare` made."),
    flag(
        "--frames",
        "Folder with a folder of frames for each scan of --data, by its name: --run is "
        "a Mask R-CNN, whose instances are merged on the scans (PMRCNN).",
    ),
    flag("--every", "Take each n-th frame of --frames; default: all.", type=integer(1)),
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
    check_places(flags)
    given = find_evaluand(flags)
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


def check_places(flags: Namespace) -> None:
    """UserError where a file or folder that the flags ask for cannot be written."""
    if flags.json:
        writable_file(flags.json, "--json")
    if flags.predictions and flags.run:
        writable_folder(flags.predictions, "--predictions")
    if flags.report:
        writable_folder(flags.report, "--report")
    elif flags.run and Path(flags.run).is_dir():
        writable_folder(flags.run, "--report is a folder in --run unless given")


COMMAND = Command("evaluate", FLAGS, run)
