"""Runs as figures need them: whole models, or their proposal networks alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras

from gspn_tf import inference, models
from gspn_tf.config import Config
from gspn_tf.data.sampling import POINTS
from gspn_tf.figures.subjects import Subject
from gspn_tf.inference import Look, Segmenter
from gspn_tf.run_folder import RunFolder

TITLES = {"rpointnet": "R-PointNet", "sgpn": "SGPN"}


class Trained(NamedTuple):
    """A network of a run."""

    name: str  # of the run's folder
    model: keras.Model
    config: Config
    classes: tuple[str, ...]  # 1..C

    def segmenter(self) -> Segmenter:
        """The network on whole scans."""
        data = self.config.data
        return Segmenter(self.model, data.num_points_inference, data.sampling)

    def look_at(self, subject: Subject, seed: int) -> Look:
        """What the network sees of a scene."""
        data = self.config.data
        count, draw = data.num_points_inference, POINTS[data.sampling]
        return inference.look_at(subject.points, subject.colors, count, draw, seed)


def whole(path: str | Path) -> Trained:
    """The trained model of a run; raises what `inference.load_run` does."""
    model, config, pairs = inference.load_run(path)
    return Trained(Path(path).name, model, config, tuple(name for _, name in pairs))


def proposing(path: str | Path) -> Trained:
    """The proposal network of a run: as its second stage has it, or its first left it.

    Raises:
      FileNotFoundError: no run, or no weights of either stage.
      ValueError: a run of a model without proposals.
    """
    folder = RunFolder(Path(path))
    config = folder.config()
    if config.model.kind != "rpointnet":
        raise ValueError(
            f"{folder.path} is a run of {TITLES[config.model.kind]}, which has no "
            "proposal network; this figure needs a run of R-PointNet"
        )
    classes = tuple(name for _, name in folder.classes())
    if folder.weights("rpointnet").is_file():
        model, *_ = inference.load_run(path)
        return Trained(folder.path.name, model.proposal_network, config, classes)
    weights = folder.weights("gspn")
    if not weights.is_file():
        raise FileNotFoundError(f"{folder.path} has no stage one: no {weights.name}")
    network = models.build(config.model.proposal)
    network.load_weights(weights)
    return Trained(folder.path.name, network, config, classes)


def titles(networks: Sequence[Trained], own: Sequence[str]) -> list[str]:
    """What to call networks: by their own titles; where these agree, by their runs."""
    if len(set(own)) == len(own):
        return list(own)
    return [network.name for network in networks]
