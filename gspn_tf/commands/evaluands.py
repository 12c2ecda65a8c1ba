"""The scenes that `gspn evaluate` measures: of a run, or of files of predictions."""

from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from gspn_tf.commands.command import (
    UserError,
    existing_folder,
    model_folder,
    start_tensorflow,
)
from gspn_tf.commands.flags import DEFAULT_MODEL
from gspn_tf.config import RPointNetConfig, presets
from gspn_tf.data import manifest
from gspn_tf.data.classes import SCANNET, ClassList
from gspn_tf.datasets.reading import tracked
from gspn_tf.evaluation import submission
from gspn_tf.metrics import Judged

PROTOCOL_OF = {"partnet": "partnet", "parts": "partnet", "nyuv2": "nyuv2"}


class Evaluand(NamedTuple):
    """Scenes to evaluate, and what their metrics carry."""

    scenes: Iterable[Judged]
    classes: ClassList
    num_scenes: int  # with or without predictions
    about: dict[str, Any]  # protocol, scores, preset, split, data_sha256, ...
    proposals: Callable[[], dict[str, float]] = dict


def find_evaluand(flags: Namespace) -> Evaluand:
    """Find what the flags of `gspn evaluate` name; UserError where that is nothing."""
    names = ("run", "data", "predictions", "truth")
    if flags.data and not (flags.run or flags.predictions or flags.truth):
        flags.run = DEFAULT_MODEL
    given = {name for name in names if getattr(flags, name)}
    if flags.frames and "run" not in given:
        raise UserError("--frames is for --run, a Mask R-CNN, which is not given")
    if flags.every and not flags.frames:
        raise UserError("--every is for --frames, which is not given")
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
    if flags.frames:
        existing_folder(flags.frames, "--frames")
    start_tensorflow()
    from gspn_tf.evaluation import measures
    from gspn_tf.inference import segmenter as inference
    from gspn_tf.inference.scene_segmenter import scene_segmenter

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
    scenes: Iterable[Judged]
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
    if flags.frames:
        scenes = _by_frames(model, split, flags)
    else:
        segmenter = scene_segmenter(model, config.data)
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
    about |= {"frames": flags.frames, "every": flags.every} if flags.frames else {}
    quality: Callable[[], dict[str, float]] = dict
    network = model.proposal_network
    if network and isinstance(config.model, RPointNetConfig):
        quality = partial(measures.proposal_metrics, network, split, config)
    return Evaluand(scenes, classes, count, about, quality)


def _by_frames(model: Any, split: Any, flags: Namespace) -> Iterator[Judged]:
    """Segment the scans of a split by their frames (PMRCNN)."""
    from gspn_tf.evaluation.projected import projected
    from gspn_tf.image.lifting import segment_frame
    from gspn_tf.image.mask_rcnn import MaskRCNN

    if not isinstance(model, MaskRCNN):
        kind = type(model).__name__
        raise UserError(f"--frames needs a Mask R-CNN, {flags.run} holds an {kind}")
    find = partial(segment_frame, model)
    return projected(find, split, Path(flags.frames), flags.every or 1)
