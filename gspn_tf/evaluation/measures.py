"""Figures of a trained model on the scenes of a split."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from gspn_tf import data, metrics
from gspn_tf.config import Config
from gspn_tf.data import Scene, manifest, shards
from gspn_tf.evaluation import submission
from gspn_tf.inference import segmenter as inference
from gspn_tf.metrics import APResult, InstancePredictions, Judged
from gspn_tf.synthetic import rooms as synthetic

Track = Callable[[Iterable, str, int], Iterator]  # shows the progress of a loop


class Split(NamedTuple):
    """Scenes to evaluate on."""

    directory: str | Path
    name: str
    track: Track = lambda items, *_: iter(items)

    def scenes(self) -> Iterator[Scene]:
        """The scenes one by one, with all their points."""
        return shards.read_scenes(self.directory, self.name)

    def count(self) -> int:
        """Number of scenes."""
        return manifest.num_scenes(self.directory, self.name)

    def class_names(self) -> tuple[str, ...]:
        """Names of the classes 1..C."""
        return manifest.read_classes(self.directory).names


def segmented(
    segmenter: inference.Segmenter, split: Split, seed: int = 0
) -> Iterator[Judged]:
    """The scenes of a split with what a model finds on all of their points."""
    for scene in split.track(split.scenes(), "instances", split.count()):
        found = segmenter.segment(scene.points, scene.colors, seed=seed)
        yield _judged(
            scene, InstancePredictions(found.masks, found.classes, found.scores)
        )


def submitted(predictions: str | Path, split: Split) -> Iterator[Judged]:
    """The scenes of a split that have predictions in the benchmark's files.

    Raises:
      submission.SubmissionError: predictions of a scene that is not of the split, or
        what `submission.read_predictions` raises.
    """
    classes = manifest.read_classes(split.directory)
    paths = submission.list_predictions(predictions)
    for scene in split.track(split.scenes(), "instances", split.count()):
        if path := paths.pop(scene.name, None):
            count = len(scene.points)
            yield _judged(scene, submission.read_predictions(path, classes, count))
    for path in paths.values():
        raise submission.SubmissionError(f"{path}: no scene of split {split.name}")


def _judged(scene: Scene, found: InstancePredictions) -> Judged:
    labels = scene.semantic, scene.instance
    return Judged(scene.name, found, *labels, scene.points, scene.colors)


def instance_precision(
    segmenter: inference.Segmenter, split: Split, seed: int = 0
) -> APResult:
    """Average precision on every point of the scenes, ScanNet's protocol."""
    scenes = segmented(segmenter, split, seed)
    return metrics.evaluate(scenes, split.class_names()).result


def component_precision(split: Split) -> APResult:
    """What connected components of the *true* semantic labels score: a yardstick.

    A component has the class of its points, and its size as score.
    """

    def components() -> Iterator[Judged]:
        for scene in split.track(split.scenes(), "components", split.count()):
            owner = synthetic.oracle_components(scene)
            rows = range(owner.max(initial=-1) + 1)
            masks = [np.flatnonzero(owner == row) for row in rows]
            classes = np.array([scene.semantic[mask[0]] for mask in masks], np.int32)
            scores = np.array([len(mask) for mask in masks], np.float64)
            yield _judged(scene, InstancePredictions(masks, classes, scores))

    return metrics.evaluate(components(), split.class_names()).result


def proposal_figures(
    network: keras.Model, split: Split, config: Config
) -> dict[str, float]:
    """Mean IoU and Chamfer distance (metres) of a GSPN's proposals (Tables 4 and 5).

    Over all seeds that lie on an object, each against that object. No Chamfer distance
    of proposals without shapes.
    """
    batches = data.load(
        str(split.directory),
        split.name,
        config.data,
        batch_size=1,
        training=False,
        seed=config.train.seed,
    )
    batches = split.track(batches, "proposals", split.count())
    found = [inference.proposal_quality(network, batch) for batch in batches]
    parts = {
        "proposal_miou": [quality.iou for quality in found],
        "proposal_chamfer": [
            quality.chamfer for quality in found if quality.chamfer is not None
        ],
    }
    values = {name: np.concatenate(part) for name, part in parts.items() if part}
    return {
        name: float(value.mean()) if len(value) else float("nan")
        for name, value in values.items()
    }
