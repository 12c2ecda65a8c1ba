"""`gspn evaluate`."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from absl import flags as absl_flags

from gspn_tf.commands.command import (
    Arguments,
    Command,
    UserError,
    define_json,
    existing_folder,
    load_tensorflow,
    timed,
    write_figures,
)
from gspn_tf.commands.prepare import tracked
from gspn_tf.config import presets
from gspn_tf.data import manifest
from gspn_tf.data.classes import SCANNET, ClassList
from gspn_tf.evaluation import submission
from gspn_tf.metrics import PROTOCOLS, Judged, evaluate
from gspn_tf.metrics.judging import constant_scores

if TYPE_CHECKING:
    from gspn_tf.evaluation.measures import Split

PROTOCOL_OF = {"partnet": "partnet", "parts": "partnet", "nyuv2": "nyuv2"}
QUALITY = {
    "proposal_miou": "mIoU {:.3f}",
    "proposal_chamfer": "Chamfer {:.4f} m",  # of shapes alone
}
SOURCES = ({"run", "data"}, {"predictions", "data"}, {"predictions", "truth"})


class Source(NamedTuple):
    """What there is to evaluate, and what its figures carry."""

    scenes: Iterable[Judged]
    classes: ClassList
    count: int  # of the scenes, with or without predictions
    about: dict[str, Any]  # protocol, scores, preset, split, data_sha256, ...
    proposals: Callable[[], dict[str, float]] = dict


def define_flags(flags: absl_flags.FlagValues) -> None:
    """Flags of this command."""
    texts = {
        "run": "Run folder.",
        "data": "Folder that `gspn prepare` made.",
        "split": "Its split to evaluate on; default: val.",
        "predictions": "Folder of predictions in the files of --format: read; with "
        "--run written.",
        "truth": "Folder of the truth in the same files: read in place of --data; with "
        "--run written.",
        "classes": 'Class list of --truth, one "id name" a line; default: ScanNet\'s.',
    }
    for name, text in texts.items():
        absl_flags.DEFINE_string(name, None, text, flag_values=flags)
    choices = {
        "format": (["scannet"], "Whose files; the masks are of all vertices."),
        "protocol": ([*PROTOCOLS], "Whose measures; default: those of the data set."),
        "scores": (
            ["ranked", "constant"],
            "Confidences as they rank instances, or 1.0 and 0.97 as the release writes "
            "them; default: ranked, but for a run of the release's network.",
        ),
    }
    for name, (values, text) in choices.items():
        first = values[0] if len(values) == 1 else None
        absl_flags.DEFINE_enum(name, first, values, text, flag_values=flags)
    absl_flags.DEFINE_integer(
        "seed", 0, "Of the points that the network sees.", 0, flag_values=flags
    )
    absl_flags.DEFINE_string(
        "report",
        None,
        "Folder for the figures as JSON, CSV and a page; default: with --run one in "
        "the run folder, named by split, protocol, scores and data.",
        flag_values=flags,
    )
    define_json(flags)


def run(arguments: Arguments) -> None:
    """Print the measures per class and, of a run, the quality of its proposals."""
    flags = arguments.flags
    figures: dict[str, Any] = {}
    with timed(figures):
        source = _source(flags)
        evaluation = evaluate(
            source.scenes, source.classes.names, source.about["protocol"]
        )
        proposals = source.proposals()
    result = evaluation.result
    count, left_out = len(evaluation.scenes), source.count - len(evaluation.scenes)
    about = source.about | {"scenes": count, "scenes_left_out": left_out}
    print(
        "{protocol} protocol, {scores} scores, preset {preset}, split {split}, "
        "{scenes} scenes, data {data_sha256:.12}".format(**about)
    )
    if left_out:  # as by the benchmark's script
        print(f"{left_out} of {source.count} scenes have no predictions: left out")
    print(result.table())
    words = [text.format(proposals[k]) for k, text in QUALITY.items() if k in proposals]
    if words:
        print(f"proposals: {', '.join(words)}")
    from gspn_tf.evaluation import report as evaluation_report

    further = proposals | figures
    write_figures(flags, evaluation_report.evaluation_dict(evaluation, about, further))
    if folder := _report_folder(flags, about):
        evaluation_report.write_evaluation(folder, evaluation, about, further)
        print(f"open {folder / evaluation_report.NAMES[-1]}")


def _report_folder(flags: absl_flags.FlagValues, about: dict) -> Path | None:
    """Where the report goes; figures of other data or measures are not overwritten."""
    if flags.report:
        return Path(flags.report)
    if not flags.run:
        return None
    name = "{split}-{protocol}-{scores}-{data_sha256:.8}".format(**about)
    return Path(flags.run) / "evaluation" / name


def _source(flags: absl_flags.FlagValues) -> Source:
    """What the flags name."""
    names = ("run", "data", "predictions", "truth")
    given = {name for name in names if flags[name].value}
    if flags.run and flags.data:
        return _of_run(flags)
    if given not in SOURCES:
        raise UserError(
            "give --run and --data, or --predictions and --data, or --predictions and "
            f"--truth; got {' and '.join(f'--{n}' for n in names if n in given)}"
        )
    existing_folder(flags.predictions, "--predictions")
    return _of_data(flags) if flags.data else _of_files(flags)


def _of_run(flags: absl_flags.FlagValues) -> Source:
    """A run's instances on a split, also written where --predictions says."""
    folder = existing_folder(flags.run, "--run")
    split = _split(flags)
    from gspn_tf.evaluation import measures as evaluation
    from gspn_tf.inference import segmenter as inference
    from gspn_tf.training.run_folder import RunFolder

    for path in filter(None, (flags.predictions, flags.truth)):
        if Path(path).exists() and any(Path(path).iterdir()):
            raise UserError(f"{path} is not empty: runs' predictions are never mixed")
    exported = RunFolder(folder).config().model.exported_score
    scores = flags.scores or ("constant" if exported == "released" else "ranked")
    ranking = "ranking" if exported == "released" else exported
    model, config, pairs = inference.load_run(
        folder, {"constant": "released", "ranked": ranking}[scores]
    )
    classes = manifest.read_classes(split.directory)
    if tuple(name for _, name in pairs) != classes.names:
        raise UserError(f"{flags.data} has other classes than {flags.run}")
    segmenter = inference.Segmenter.from_config(model, config.data)
    preset, changed = presets.nearest(config.model)
    network = model.proposal_network
    scenes = evaluation.segmented(segmenter, split, flags.seed)
    return Source(
        _written(scenes, classes, flags.predictions, flags.truth),
        classes,
        split.count(),
        _about(flags, split, scores)
        | {"run": flags.run, "preset": preset, "preset_changed": changed},
        lambda: evaluation.proposal_figures(network, split, config) if network else {},
    )


def _of_data(flags: absl_flags.FlagValues) -> Source:
    """Files of predictions for the scenes of a split."""
    split = _split(flags)
    from gspn_tf.evaluation import measures as evaluation

    scenes = evaluation.submitted(flags.predictions, split)
    classes = manifest.read_classes(split.directory)
    about = _about(flags, split, flags.scores or "ranked")
    return Source(_scored(scenes, flags), classes, split.count(), about)


def _of_files(flags: absl_flags.FlagValues) -> Source:
    """Files of predictions and of the truth."""
    existing_folder(flags.truth, "--truth")
    classes = ClassList.read(flags.classes) if flags.classes else SCANNET
    pairs = submission.find_scenes(flags.predictions, flags.truth)
    scenes = submission.read_scenes(tracked(pairs, "instances", len(pairs)), classes)
    about = {
        "protocol": flags.protocol or "scannet",
        "scores": flags.scores or "ranked",
        "preset": None,
        "truth": flags.truth,
        "split": flags.split,
        "data_sha256": submission.checksum(pair.truth for pair in pairs),
        "predictions": flags.predictions,
    }
    count = len(submission.list_truth(flags.truth))
    return Source(_scored(scenes, flags), classes, count, about)


def _split(flags: absl_flags.FlagValues) -> "Split":
    existing_folder(flags.data, "--data")
    load_tensorflow()
    from gspn_tf.evaluation.measures import Split

    split = Split(flags.data, flags.split or "val", tracked)
    if not manifest.is_labelled(split.directory, split.name):
        raise UserError(f"split {split.name} of {flags.data} has no labels")
    return split


def _about(flags: absl_flags.FlagValues, split: "Split", scores: str) -> dict[str, Any]:
    """What figures on a split carry."""
    name = manifest.read_manifest(split.directory).get("data")
    return {
        "protocol": flags.protocol or PROTOCOL_OF.get(name, "scannet"),
        "scores": scores,
        "preset": None,
        "data": flags.data,
        "split": split.name,
        "data_sha256": manifest.checksum(split.directory, split.name),
        "predictions": flags.predictions,
    }


def _scored(scenes: Iterator[Judged], flags: absl_flags.FlagValues) -> Iterator[Judged]:
    return constant_scores(scenes) if flags.scores == "constant" else scenes


def _written(
    scenes: Iterator[Judged], classes: ClassList, predictions: str, truth: str
) -> Iterator[Judged]:
    """The same, each also written in the benchmark's files on its way."""
    for judged in scenes:
        if predictions:
            submission.write_scene(predictions, judged, classes)
        if truth:
            submission.write_truth(truth, judged, classes)
        yield judged


COMMAND = Command(
    name="evaluate",
    summary="Average precision and proposal quality of a run, or of predictions.",
    usage="(--run DIR | --predictions DIR) (--data DIR | --truth DIR)",
    define_flags=define_flags,
    run=run,
)
