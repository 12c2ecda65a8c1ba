"""Metrics of a trained model on the scenes of a split."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from gspn_tf import data, models, ops
from gspn_tf.config import Config
from gspn_tf.data import Scene, manifest, shards
from gspn_tf.datasets.reading import tracked
from gspn_tf.inference.scene_segmenter import SceneSegmenter
from gspn_tf.metrics import APResult, InstancePredictions, Judged, evaluate_scenes
from gspn_tf.models.proposers.shapes import ShapeOutputs
from gspn_tf.nn import boxes as box_lib
from gspn_tf.synthetic import rooms as synthetic

SIZES = {"small": (0.0, 1.0), "medium": (1.0, 2.0), "large": (2.0, np.inf)}
"""Diagonals of the boxes of objects of each size, metres."""


@dataclass(frozen=True)
class Split:
    """Scenes to evaluate on."""

    directory: str | Path
    name: str
    limit: int | None = None  # the most scenes, the first ones

    def scenes(self, what: str, images: bool = False) -> Iterable[Scene]:
        """Read the scenes one by one, with all their points, to find what is said.

        `images` is that of `read_scenes`.
        """
        scenes = shards.read_scenes(self.directory, self.name, images)
        return tracked(itertools.islice(scenes, self.limit), what, self.count())

    def count(self) -> int:
        """Number of scenes."""
        count = manifest.num_scenes(self.directory, self.name)
        return min(count, self.limit or count)


def segmented(
    segmenter: SceneSegmenter, split: Split, seed: int = 0
) -> Iterator[Judged]:
    """Segment the scenes of a split, each on all of its points.

    Args:
        segmenter: A trained network.
        split: The scenes.
        seed: Of the points that the network sees.

    Raises:
        ValueError: The scenes have no images, or none of such features, where the
            network sees them.
    """
    segmenter.check_split(split.directory, split.name)
    for scene in split.scenes("instances", images=segmenter.sees_images):
        found = segmenter.segment(scene, seed)
        yield _with_truth(
            scene, InstancePredictions(found.masks, found.classes, found.scores)
        )


def component_precision(split: Split) -> APResult:
    """Measure connected components of the *true* semantic labels: a yardstick.

    A component has the class of its points, and its size as score; the protocol is
    ScanNet's.
    """

    def components() -> Iterator[Judged]:
        for scene in split.scenes("components"):
            owner = synthetic.oracle_components(scene)
            rows = range(owner.max(initial=-1) + 1)
            masks = [np.flatnonzero(owner == row) for row in rows]
            classes = np.array([scene.semantic[mask[0]] for mask in masks], np.int32)
            scores = np.array([len(mask) for mask in masks], np.float64)
            yield _with_truth(scene, InstancePredictions(masks, classes, scores))

    names = manifest.read_classes(split.directory).names
    return evaluate_scenes(components(), names).result


def _with_truth(scene: Scene, found: InstancePredictions) -> Judged:
    return Judged(scene.name, found, scene.semantic, scene.instance)


def proposal_quality(network: models.GSPN, batch: dict) -> dict[str, np.ndarray]:
    """Compare proposals at all seeds on objects (section 4.4, Tables 4 and 5).

    Where a seed has several boxes, that of highest objectness counts.

    Returns:
        `proposal_miou` [K], of the seed's box with its object's, and what it would be
        with the true centre or the true size; those of objects by size (see `SIZES`);
        `proposal_center_error` [K], a share of the object's diagonal, and along the
        floor and upwards shares of the object's sides; the proposed sides over the true
        ones, along the floor and upwards; and where shapes are proposed
        `proposal_chamfer` [K], metres: mean distances both ways, added.
    """
    targets = batch["targets"]
    scene = {key: value for key, value in batch.items() if key != "targets"}
    found = network(scene, training=False)
    instance = tf.gather(targets["instance"], found.seeds, axis=1, batch_dims=1)
    rows = tf.where((instance >= 0) & found.proposals.valid)
    own = tf.stack([rows[:, 0], tf.cast(tf.gather_nd(instance, rows), tf.int64)], 1)
    truth = tf.gather_nd(targets["boxes"], own)
    boxes = tf.gather_nd(found.proposals.boxes, rows)
    (centers, sizes), (true_centers, true_sizes) = (
        tf.split(each, 2, axis=-1) for each in (boxes, truth)
    )
    compared = {
        "proposal_miou": boxes,
        "proposal_miou_true_centers": tf.concat([true_centers, sizes], -1),
        "proposal_miou_true_sizes": tf.concat([centers, true_sizes], -1),
    }
    quality = {
        name: box_lib.pairwise_iou(each[:, None], truth[:, None])[:, 0, 0].numpy()
        for name, each in compared.items()
    }
    miss = tf.abs(centers - true_centers)
    diagonal = tf.norm(true_sizes, axis=-1)
    share = tf.math.divide_no_nan(tf.norm(miss, axis=-1), diagonal)
    quality["proposal_center_error"] = share.numpy()
    for name, part in (("floor", slice(0, 2)), ("up", slice(2, 3))):
        for what, of in (("center_error", miss), ("size_ratio", sizes)):
            share = tf.math.divide_no_nan(of[:, part], true_sizes[:, part])
            key = f"proposal_{what}_{name}"
            quality[key] = tf.reduce_mean(share, axis=-1).numpy()
    for name, (least, most) in SIZES.items():
        rows_of_size = ((diagonal >= least) & (diagonal < most)).numpy()
        quality[f"proposal_miou_{name}"] = quality["proposal_miou"][rows_of_size]
    if not isinstance(found.proposed, ShapeOutputs):
        return quality
    there, _, back, _ = ops.nn_distance(
        tf.gather_nd(found.proposed.generated.points, rows),
        tf.gather_nd(targets["shapes"], own),
    )
    distance = tf.reduce_mean(tf.sqrt(there), 1) + tf.reduce_mean(tf.sqrt(back), 1)
    return quality | {"proposal_chamfer": distance.numpy()}


def proposal_metrics(
    network: models.GSPN, split: Split, config: Config
) -> dict[str, float]:
    """Measure a GSPN's proposals: means of `proposal_quality`.

    The mean IoU and the Chamfer distance are the numbers of Tables 4 and 5, over all
    seeds of the split that lie on an object, each against that object.
    """
    batches = data.load(
        str(split.directory),
        split.name,
        config.data,
        batch_size=1,
        training=False,
        seed=config.train.seed,
        image_features=network.config.image_features,
    )
    batches = tracked(batches.take(split.count()), "proposals", split.count())
    parts: dict[str, list[np.ndarray]] = defaultdict(list)
    for batch in batches:
        for name, values in proposal_quality(network, batch).items():
            parts[name].extend(values)
    return {
        name: float(np.mean(values)) if values else float("nan")
        for name, values in parts.items()
    }
