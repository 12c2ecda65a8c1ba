"""Runs as figures need them: whole models, or their proposal networks alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras

from gspn_tf.config import Config
from gspn_tf.data.observation import ObservedScan, observe_scan
from gspn_tf.inference import segmenter as inference
from gspn_tf.inference.segmenter import Segmenter
from gspn_tf.paper.figures.subjects import Subject
from gspn_tf.training.run_folder import RunFolder

TITLES = {"rpointnet": "R-PointNet", "sgpn": "SGPN"}


class Trained(NamedTuple):
    """A network of a run."""

    name: str  # of the run's folder
    model: keras.Model
    config: Config
    classes: tuple[str, ...]  # 1..C

    def segmenter(self) -> Segmenter:
        """The network on whole scans."""
        return Segmenter.from_config(self.model, self.config.data)

    def observe(self, subject: Subject, seed: int) -> ObservedScan:
        """Draw the points of a scene that the network sees."""
        data = self.config.data
        points, colors = inference.checked_scan(subject.points, subject.colors)
        count, kind = data.num_points_inference, data.sampling
        return observe_scan(points, colors, count, kind, (0, seed))


def whole(path: str | Path) -> Trained:
    """The trained model of a run; raises what `inference.load_run` does."""
    model, config, pairs = inference.load_run(path)
    return Trained(Path(path).name, model, config, tuple(name for _, name in pairs))


def proposing(path: str | Path) -> Trained:
    """The proposal network of a run; raises what `load_proposal_network` does."""
    network, config = inference.load_proposal_network(path)
    names = tuple(name for _, name in RunFolder(Path(path)).classes())
    return Trained(Path(path).name, network, config, names)


def titles(networks: Sequence[Trained], own: Sequence[str]) -> list[str]:
    """What to call networks: by their own titles; where these agree, by their runs."""
    if len(set(own)) == len(own):
        return list(own)
    return [network.name for network in networks]
