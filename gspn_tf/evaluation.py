"""Figures of a trained model on the scenes of a split."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from gspn_tf import data, inference, metrics
from gspn_tf.config import Config
from gspn_tf.data import Scene, manifest, shards, synthetic
from gspn_tf.metrics import APResult, InstancePredictions

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


def instance_precision(
    segmenter: inference.Segmenter, split: Split, seed: int = 0
) -> APResult:
    """Average precision on every point of the scenes, ScanNet's protocol."""

    def predict(scene: Scene):
        found = segmenter.segment(scene.points, scene.colors, seed=seed)
        predictions = InstancePredictions(found.masks, found.classes, found.scores)
        return predictions, scene.semantic, scene.instance

    scenes = split.track(split.scenes(), "instances", split.count())
    return metrics.average_precision(map(predict, scenes), split.class_names())


def component_precision(split: Split) -> APResult:
    """What connected components of the *true* semantic labels score: a yardstick.

    A component has the class of its points, and its size as score.
    """

    def predict(scene: Scene):
        owner = synthetic.oracle_components(scene)
        masks = [np.flatnonzero(owner == i) for i in range(owner.max(initial=-1) + 1)]
        classes = np.array([scene.semantic[mask[0]] for mask in masks], np.int32)
        scores = np.array([len(mask) for mask in masks], np.float64)
        predictions = InstancePredictions(masks, classes, scores)
        return predictions, scene.semantic, scene.instance

    scenes = split.track(split.scenes(), "components", split.count())
    return metrics.average_precision(map(predict, scenes), split.class_names())


def proposal_figures(
    network: keras.Model, split: Split, config: Config
) -> dict[str, float]:
    """Mean IoU and Chamfer distance (metres) of a GSPN's proposals (Table 5).

    Over all seeds that lie on an object, each against that object.
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
    iou = np.concatenate([quality.iou for quality in found])
    chamfer = np.concatenate([quality.chamfer for quality in found])
    return {
        "proposal_miou": float(iou.mean()) if len(iou) else float("nan"),
        "proposal_chamfer": float(chamfer.mean()) if len(iou) else float("nan"),
    }


def figures(precision: APResult) -> dict[str, Any]:
    """AP, AP50, AP25 and their rows per class, as plain values."""
    values = precision.as_dict()
    return {
        "AP": values["ap"],
        "AP50": values["ap50"],
        "AP25": values["ap25"],
        "classes": values["classes"],
    }
