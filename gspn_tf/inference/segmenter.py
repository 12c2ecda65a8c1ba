"""From a scan of any size to instances on every one of its points."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import tensorflow as tf

from gspn_tf import models, ops
from gspn_tf.config import Config, DataConfig, GSPNConfig, RPointNetConfig, SGPNConfig
from gspn_tf.data import observation
from gspn_tf.models.proposers.shapes import ShapeOutputs
from gspn_tf.nn import boxes as box_lib
from gspn_tf.training.run_folder import RunFolder

CHUNK = 65_536  # points projected at once: bounds memory at V = millions
NEUTRAL = 128  # uint8 grey of a scan without colours


class Segmentation(NamedTuple):
    """Instances of one scan of V points, best first."""

    boxes: np.ndarray  # [D, 6] float32 metres, in the scan's frame
    classes: np.ndarray  # [D] int32, 1..C
    scores: np.ndarray  # [D] float32, 0..1
    masks: list[np.ndarray]  # D sorted int32 arrays of rows of the scan's points
    semantic: np.ndarray  # [V] int32, 0 = background
    proposals: np.ndarray  # [R, 6] float32 boxes that GSPN proposed, best first; or 0
    proposal_scores: np.ndarray  # [R] objectness, 0..1

    def labels(self) -> np.ndarray:
        """One instance for each point, [V] int32: the best that holds it, or -1."""
        labels = np.full(len(self.semantic), -1, np.int32)
        for row in range(len(self.masks) - 1, -1, -1):
            labels[self.masks[row]] = row
        return labels


class Look(NamedTuple):
    """What a network sees of a scan of V points, F of them finite."""

    finite: np.ndarray  # [F] rows of the scan
    origin: np.ndarray  # [3] metres, in the scan's frame
    points: np.ndarray  # [F, 3] float32 metres from `origin`
    pick: np.ndarray  # [N] rows of `points` that the network sees
    batch: dict[str, tf.Tensor]  # of one scene


def look_at(
    points: np.ndarray,
    colors: np.ndarray | None,
    num_points: int,
    sampling: Literal["random", "farthest"],
    seed: int = 0,
) -> Look:
    """Points [V, 3] and colors [V, 3] uint8 as a network sees them.

    sampling: how `num_points` of them are drawn, by `seed`: see `DataConfig`.

    Raises:
      ValueError: wrong shapes, or no finite point.
    """
    points, colors = _checked(points, colors)
    finite = np.flatnonzero(np.isfinite(points).all(1))
    if not len(finite):
        raise ValueError(f"points has no finite row among {len(points)}")
    origin = observation.origin(points[finite]).numpy()
    local = (points[finite] - origin).astype(np.float32)
    key = tf.constant([0, seed], tf.int64)
    batch = observation.network_inputs(local, colors[finite], num_points, sampling, key)
    pick = batch.pop("rows")[0].numpy()
    return Look(finite, origin, local, pick, batch)


class Segmenter:
    """A trained network on whole scans.

    Args:
      model: a trained `RPointNet` or `SGPN`.
      num_points: points that the network sees of a scan.
      sampling: how they are drawn: "random" or "farthest", see `DataConfig`.
      track: goes through the chunks of a scan's points, and may show how far it is.
    """

    def __init__(
        self,
        model: models.RPointNet | models.SGPN,
        num_points: int,
        sampling: Literal["random", "farthest"] = "random",
        track: Callable[[range], Iterable[int]] = iter,
    ) -> None:
        self.model = model
        self.num_points = num_points
        self.sampling = sampling
        self.track = track
        self._detect = tf.function(
            model.detect,
            input_signature=[
                {
                    "points": tf.TensorSpec([1, None, 3], tf.float32),
                    "colors": tf.TensorSpec([1, None, 3], tf.float32),
                    "num_points": tf.TensorSpec([1], tf.int32),
                }
            ],
        )

    @classmethod
    def from_config(
        cls, model: models.RPointNet | models.SGPN, data: DataConfig
    ) -> "Segmenter":
        """With as many points as a config says, and drawn as it says."""
        return cls(model, data.num_points_inference, data.sampling)

    def segment(
        self, points: np.ndarray, colors: np.ndarray | None = None, seed: int = 0
    ) -> Segmentation:
        """Instances of points [V, 3] in metres, z up, with colors [V, 3] uint8.

        A scan without colours is seen in grey. Points that are not finite belong to
        no instance and are background. seed: of the draw of the network's points.

        Raises:
          ValueError: wrong shapes, or no finite point.
        """
        look = look_at(points, colors, self.num_points, self.sampling, seed)
        found = self._detect(look.batch)
        masks, semantic = self._project(found, look.points, look.points[look.pick])
        return self._assemble(
            found, masks, semantic, look.finite, look.origin, len(points)
        )

    def _project(self, found, points, seen):
        """Masks and semantic classes on all finite points, chunk by chunk."""
        classes = tf.argmax(found.semantic_logits[0], -1, output_type=tf.int32)
        count = int(tf.reduce_sum(tf.cast(found.detections.valid[0], tf.int32)))
        rows: list[list[np.ndarray]] = [[] for _ in range(count)]
        semantic = []
        for start in self.track(range(0, len(points), CHUNK)):
            chunk = points[None, start : start + CHUNK]
            _, nearest = ops.knn(seen[None], chunk, 1)
            masks = self.model.project(found, chunk, nearest[0, :, 0])
            for row, mask in zip(rows, masks.numpy(), strict=True):
                row.append((np.flatnonzero(mask) + start).astype(np.int32))
            semantic.append(tf.gather(classes, nearest[0, :, 0]).numpy())
        return [np.concatenate(row) for row in rows], np.concatenate(semantic)

    def _assemble(self, found, masks, semantic, finite, origin, count) -> Segmentation:
        detections, proposals = found.detections, found.proposals
        keep = detections.valid[0].numpy()
        shift = np.concatenate([origin, np.zeros(3)])
        everywhere = np.zeros(count, np.int32)
        everywhere[finite] = semantic
        real = proposals.valid[0].numpy()
        filled = np.array([len(mask) > 0 for mask in masks], bool)
        return Segmentation(
            boxes=(detections.boxes[0].numpy()[keep][filled] + shift).astype("f4"),
            classes=detections.classes[0].numpy()[keep][filled],
            scores=detections.scores[0].numpy()[keep][filled],
            masks=[finite[mask].astype(np.int32) for mask in masks if len(mask)],
            semantic=everywhere,
            proposals=(proposals.boxes[0].numpy()[real] + shift).astype("f4"),
            proposal_scores=tf.sigmoid(proposals.scores[0]).numpy()[real],
        )


def _checked(points: np.ndarray, colors: np.ndarray | None):
    points = np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
        raise ValueError(f"points must be [V, 3] with V >= 1, got {points.shape}")
    if colors is None:
        colors = np.full(points.shape, NEUTRAL, np.uint8)
    if colors.shape != points.shape or colors.dtype != np.uint8:
        raise ValueError(
            f"colors must be uint8 {points.shape}, got {colors.dtype} {colors.shape}"
        )
    return points, colors


class ProposalQuality(NamedTuple):
    """Proposed boxes, and shapes, against the truth, at seeds on objects."""

    iou: np.ndarray  # [K] of the seed's box with its object's
    # [K] metres: mean distances both ways, added; None where no shapes are proposed
    chamfer: np.ndarray | None


def proposal_quality(network: models.GSPN, batch: dict) -> ProposalQuality:
    """Proposals at all seed points on objects (section 4.4, Tables 4 and 5).

    Where a seed has several boxes, that of highest objectness.
    """
    targets = batch["targets"]
    scene = {key: value for key, value in batch.items() if key != "targets"}
    found = network(scene, training=False)
    instance = tf.gather(targets["instance"], found.seeds, axis=1, batch_dims=1)
    rows = tf.where((instance >= 0) & found.proposals.valid)
    own = tf.stack([rows[:, 0], tf.cast(tf.gather_nd(instance, rows), tf.int64)], 1)
    truth = tf.gather_nd(targets["boxes"], own)
    boxes = tf.gather_nd(found.proposals.boxes, rows)
    iou = box_lib.pairwise_iou(boxes[:, None], truth[:, None])[:, 0, 0]
    if not isinstance(found.proposed, ShapeOutputs):
        return ProposalQuality(iou.numpy(), None)
    there, _, back, _ = ops.nn_distance(
        tf.gather_nd(found.proposed.generated.points, rows),
        tf.gather_nd(targets["shapes"], own),
    )
    distance = tf.reduce_mean(tf.sqrt(there), 1) + tf.reduce_mean(tf.sqrt(back), 1)
    return ProposalQuality(iou.numpy(), distance.numpy())


def load_run(
    path: str | Path,
) -> tuple[models.RPointNet | models.SGPN, Config, Sequence]:
    """The best model of a run folder, its config and [(raw id, name), ...].

    Raises:
      FileNotFoundError: no run, or one whose last stage has no weights yet.
    """
    folder = RunFolder(Path(path))
    config = folder.config()
    *_, stage = config.model.stages()
    weights = folder.weights(stage)
    if not weights.is_file():
        raise FileNotFoundError(
            f"{folder.path} has no trained model: no {weights.name}"
        )
    return load_model(config.model, weights), config, folder.classes()


def load_proposal_network(path: str | Path) -> tuple[models.GSPN, Config]:
    """The GSPN of a run folder, as stage two has it or stage one left it; its config.

    Raises:
      FileNotFoundError: no run, or no weights of either stage.
      ValueError: a run of a model without proposals.
    """
    folder = RunFolder(Path(path))
    config = folder.config()
    if "rpointnet" not in config.model.stages():
        raise ValueError(
            f"{folder.path} is a run of an {config.model.kind.upper()}, which has no "
            "proposal network; needed is a run of an R-PointNet"
        )
    if folder.weights("rpointnet").is_file():
        return load_run(path)[0].proposal_network, config
    weights = folder.weights("gspn")
    if not weights.is_file():
        raise FileNotFoundError(f"{folder.path} has no stage one: no {weights.name}")
    return load_model(config.model.proposal, weights), config


def load_model(
    config: RPointNetConfig | SGPNConfig | GSPNConfig, weights: Path
) -> models.RPointNet | models.SGPN | models.GSPN:
    """A network with the weights of a file."""
    model = models.build(config)
    model.load_weights(weights)
    return model
