"""Runs as figures need them, and what their networks say of a scene.

All that figures read of a network's outputs is read here.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from gspn_tf.config import Config, MaskRCNNConfig
from gspn_tf.data.observation import observe_scan
from gspn_tf.data.pixel_features import PixelFeatures
from gspn_tf.image.lifting import COLORS
from gspn_tf.inference import segmenter as inference
from gspn_tf.models.proposers.segments import THRESHOLD, SegmentOutputs
from gspn_tf.models.proposers.shapes import ShapeOutputs
from gspn_tf.nn import pyramid
from gspn_tf.paper.figures.subjects import Subject
from gspn_tf.training.run_folder import RunFolder

KINDS = {"rpointnet": "R-PointNet", "sgpn": "SGPN", "mask_rcnn": "Mask R-CNN"}
PROPOSERS = {
    "shapes": "GSPN",
    "boxes": "box regression",
    "segments": "binary segmentation",
}


class Trained(NamedTuple):
    """A Trained is a network of a run."""

    name: str  # of the run's folder
    title: str  # of the kind of network
    model: keras.Model
    config: Config
    classes: tuple[str, ...]  # 1..C

    @property
    def sees_images(self) -> bool:
        """Whether scenes must be read with their images."""
        network = self.config.model
        return isinstance(network, MaskRCNNConfig) or network.image_features > 0


def whole(path: Path) -> Trained:
    """Load the trained model of a run; raises what `inference.load_run` does."""
    model, config, pairs = inference.load_run(path)
    classes = tuple(name for _, name in pairs)
    return Trained(path.name, _title(config), model, config, classes)


def _title(config: Config) -> str:
    """Say what kind of network it is, and what it sees beside the usual."""
    network, title = config.model, KINDS[config.model.kind]
    if isinstance(network, MaskRCNNConfig):
        return f"{title}, RGB + HHA" if network.num_channels > COLORS else title
    return f"{title}, image features" if network.image_features else title


def proposing(path: Path) -> Trained:
    """Load the proposal network of a run, as `load_proposal_network` does."""
    network, config = inference.load_proposal_network(path)
    title = PROPOSERS[network.config.proposer]
    classes = tuple(name for _, name in RunFolder(path).classes())
    return Trained(path.name, title, network, config, classes)


def titles(networks: Sequence[Trained]) -> list[str]:
    """Return what to call networks: their kinds where these differ, else their runs."""
    kinds = [network.title for network in networks]
    return kinds if len({*kinds}) == len(kinds) else [each.name for each in networks]


class Proposal(NamedTuple):
    """A Proposal is a network's box at one seed, with the points behind it."""

    title: str  # of the network
    seed: np.ndarray  # [3] metres
    box: np.ndarray  # [6]
    score: float  # objectness, 0..1
    points: np.ndarray  # [P, 3] generated or segmented; none of a regressed box


class Sensed(NamedTuple):
    """A Sensed is what a proposal network makes of the N points that it sees."""

    subject: Subject
    rows: np.ndarray  # [N] of the scene's points, those that the network sees
    origin: np.ndarray  # [3] metres, of the frame of the outputs
    outputs: Any  # GSPNOutputs
    min_confidence: float  # of a shape's points

    def context(self) -> np.ndarray:
        """Return instance sensitive features [N, C]: of the three nearest seeds."""
        found = pyramid.interpolate(self.outputs.context, self.outputs.to_seeds)
        return found[0].numpy()

    def centers(self) -> np.ndarray:
        """Return the predicted centre of each point's object, metres: [N, 3]."""
        return self.outputs.centers.everywhere[0].numpy() + self.origin

    def seeds(self) -> np.ndarray:
        """Return the scene's points [S] that are seeds."""
        return self.rows[self.outputs.seeds[0].numpy()[: len(self.rows)]]

    def nearest(self, place: np.ndarray, title: str) -> Proposal:
        """Return the proposal of the seed nearest to a place [3]."""
        points = self.subject.points[self.seeds()]
        row = int(np.linalg.norm(points - place, axis=1).argmin())
        proposals = self.outputs.proposals
        box = proposals.boxes[0, row].numpy().astype(np.float64)
        box[:3] += self.origin
        score = float(keras.ops.sigmoid(proposals.scores[0, row]))
        return Proposal(title, points[row], box, score, self._points_behind(row))

    def _points_behind(self, row: int) -> np.ndarray:
        """Return the confident points of a shape, or the points of a segment."""
        found = self.outputs.proposed
        if isinstance(found, ShapeOutputs):
            sure = keras.ops.sigmoid(found.generated.confidence[0, row]).numpy()
            shape = found.generated.points[0, row].numpy()
            return shape[sure > self.min_confidence] + self.origin
        if isinstance(found, SegmentOutputs):
            inside = keras.ops.sigmoid(found.membership[0, row]).numpy()
            counted = found.counted[0, row].numpy() & (inside > THRESHOLD)
            rows = self.rows[found.members[0, row].numpy()[counted]]
            return self.subject.points[rows]
        return np.zeros((0, 3))


def sense(trained: Trained, subject: Subject, seed: int) -> Sensed:
    """Run a proposal network on points of a scene that are drawn for it to see."""
    data, points = trained.config.data, subject.points.astype(np.float64)
    drawn = data.num_points_inference, data.sampling, (0, seed), data.density
    pixels = None
    if channels := trained.model.config.image_features:
        pixels = PixelFeatures.of_image(subject.image, len(points), channels)
    scan = observe_scan(points, subject.colors, *drawn, pixels)
    outputs = trained.model(scan.batch, training=False)
    rows, origin = scan.rows.numpy(), scan.origin.numpy()
    return Sensed(subject, rows, origin, outputs, trained.model.config.min_confidence)
