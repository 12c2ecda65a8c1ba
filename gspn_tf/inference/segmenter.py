"""Trained networks on whole scans, from NumPy to NumPy."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import tensorflow as tf

from gspn_tf import config as config_lib
from gspn_tf import models
from gspn_tf.config import (
    Config,
    DataConfig,
    GSPNConfig,
    MaskRCNNConfig,
    RPointNetConfig,
    SGPNConfig,
)
from gspn_tf.data.observation import finite_rows, observe_scan
from gspn_tf.data.pixel_features import PixelFeatures
from gspn_tf.data.rgbd_image import RgbdImage
from gspn_tf.data.scene import GREY
from gspn_tf.files.stray import without_stray
from gspn_tf.inference.graph import FoundInstances, InstanceNetwork, find_instances
from gspn_tf.models import presets
from gspn_tf.models.weights import load_weights
from gspn_tf.training.run_folder import RunFolder


class Segmentation(NamedTuple):
    """Instances of one scan of V points, best first."""

    boxes: np.ndarray  # [D, 6] float32 metres, in the scan's frame
    classes: np.ndarray  # [D] int32, 1..C
    scores: np.ndarray  # [D] float32, 0..1
    masks: list[np.ndarray]  # D sorted int32 arrays of rows of the scan's points
    semantic: np.ndarray  # [V] int32, 0 = background
    proposals: np.ndarray  # [R, 6] float32 boxes that GSPN proposed, best first; or 0
    proposal_scores: np.ndarray  # [R] objectness, 0..1

    def scored(self, least: float) -> "Segmentation":
        """Leave out instances of a lesser score."""
        rows = np.flatnonzero(self.scores >= least)
        return self._replace(
            boxes=self.boxes[rows],
            classes=self.classes[rows],
            scores=self.scores[rows],
            masks=[self.masks[row] for row in rows],
        )

    def labels(self) -> np.ndarray:
        """Give each point the best instance that holds it, or -1: [V] int32."""
        labels = np.full(len(self.semantic), -1, np.int32)
        for row in range(len(self.masks) - 1, -1, -1):
            labels[self.masks[row]] = row
        return labels


class Segmenter:
    """A trained network on whole scans.

    Args:
        model: A trained `RPointNet` or `SGPN`.
        num_points: Most points that the network sees of a scan.
        sampling: How they are drawn: "random" or "farthest", see `DataConfig`.
        density: Points of a square metre, see `DataConfig`.
        graph: Whether the first scan traces a graph, which takes seconds and makes
            all later ones several times faster; False is for one scan.

    Raises:
        ValueError: A network that makes no instances, as a GSPN.
    """

    def __init__(
        self,
        model: InstanceNetwork,
        num_points: int,
        sampling: Literal["random", "farthest"] = "random",
        density: float = 0.0,
        graph: bool = True,
    ) -> None:
        if not hasattr(model, "project"):
            kind = type(model).__name__
            raise ValueError(
                f"model must find instances, as RPointNet and SGPN do, got {kind}"
            )

        def find(
            points: tf.Tensor,
            colors: tf.Tensor,
            seed: tf.Tensor,
            pixels: PixelFeatures | None = None,
        ) -> tuple:
            drawn = num_points, sampling, seed, density
            scan = observe_scan(points, colors, *drawn, pixels)
            return find_instances(model, scan)

        self.image_features = model.config.image_features
        self._find = find
        self._graphs = tf.function(find, autograph=False) if graph else None

    @classmethod
    def from_preset(cls, name: str | Path) -> "Segmenter":
        """Make one of a preset, by its name or folder, or of a run folder.

        Raises:
            FileNotFoundError: No such preset or folder.
            ValueError: A file is damaged, or it finds no instances.
        """
        model, config, _ = load_run(name)
        return cls.from_config(model, config.data)

    @classmethod
    def from_config(
        cls, model: InstanceNetwork, data: DataConfig, graph: bool = True
    ) -> "Segmenter":
        """Make one that sees as many points as a config says, drawn as it says.

        Raises:
            ValueError: The model is of another kind.
        """
        limit = data.num_points_inference
        return cls(model, limit, data.sampling, data.density, graph)

    def segment(
        self,
        points: np.ndarray,
        colors: np.ndarray | None = None,
        seed: int = 0,
        image: RgbdImage | None = None,
    ) -> Segmentation:
        """Find the instances of points [V, 3] in metres, z up.

        Points that are not finite, or far from all others (see `stray_points`), belong
        to no instance and are background.

        Args:
            points: [V, 3] numbers.
            colors: [V, 3] uint8; a scan without colours is seen in grey.
            seed: Seed of the draw of the points that the network sees.
            image: Of which they are the measured pixels, row by row, with the features
                that a network of `image_features` sees.

        Raises:
            ValueError: wrong shapes, no finite point, or no such image.
        """
        return self.segment_checked(*checked_scan(points, colors), seed, image)

    def segment_checked(
        self,
        points: np.ndarray,
        colors: np.ndarray,
        seed: int = 0,
        image: RgbdImage | None = None,
    ) -> Segmentation:
        """Do as `segment` does, for what `checked_scan` returned or rows of that."""
        key = tf.constant([0, seed], tf.int64)
        scan = [tf.constant(points), tf.constant(colors), key]
        specs = [
            tf.TensorSpec([None, 3], points.dtype),
            tf.TensorSpec([None, 3], tf.uint8),
            tf.TensorSpec([2], tf.int64),
        ]
        if channels := self.image_features:
            scan.append(PixelFeatures.of_image(image, len(points), channels))
            specs.append(PixelFeatures.spec(channels))
        find = self._find
        if self._graphs:
            # Traced once for each kind of floats, whatever the number of points.
            find = self._graphs.get_concrete_function(*specs)
        found = FoundInstances(*find(*scan))
        arrays = {name: value.numpy() for name, value in found._asdict().items()}
        masks = (np.unpackbits(x, bitorder="little") for x in arrays.pop("masks"))
        rows = [np.flatnonzero(mask).astype(np.int32) for mask in masks]
        return Segmentation(masks=rows, **arrays)


def checked_scan(
    points: np.ndarray, colors: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Check a scan and complete it: points [V, 3] floats, colors [V, 3] uint8.

    Points far from all others are NaN, so that no extent and no origin follows them.

    Raises:
        ValueError: wrong shapes, or no finite point.
    """
    points = np.asarray(points)
    if points.dtype not in (np.float32, np.float64):
        points = points.astype(np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
        raise ValueError(f"points must be [V, 3] with V >= 1, got {points.shape}")
    colors = np.full(points.shape, GREY, np.uint8) if colors is None else colors
    colors = np.asarray(colors)
    if colors.shape != points.shape or colors.dtype != np.uint8:
        raise ValueError(
            f"colors must be uint8 {points.shape}, got {colors.dtype} {colors.shape}"
        )
    if not finite_rows(points).numpy().any():
        raise ValueError(f"points has no finite row among {len(points)}")
    return without_stray(points), colors


def load_run(
    path: str | Path, precision: str | None = None
) -> tuple[InstanceNetwork, Config, Sequence]:
    """Load the best model of a run folder, its config and [(raw id, name), ...].

    A preset serves as well, by its name or folder; its config says nothing of training.
    `precision` is that of `models.build`.

    Raises:
        FileNotFoundError: no run, or one whose last stage has no weights yet.
        ValueError: a file of it is damaged; names the file. Or a preset without
            instances, classes or preprocessing.
    """
    path = config_lib.preset_folder(path)
    if presets.is_preset(path):
        return load_preset(path, precision)
    folder = RunFolder(path)
    config = folder.config()
    *_, stage = config.model.stages()
    weights = folder.weights(stage)
    if not weights.is_file():
        raise FileNotFoundError(
            f"{folder.path} has no trained model: no {weights.name}"
        )
    classes, expected = folder.classes(), config.model.num_classes - 1
    if len(classes) != expected:
        raise ValueError(
            f"{folder.path / 'classes.json'}: expected {expected} classes, as "
            f"config.json says, got {len(classes)}"
        )
    known: dict[str, Any] = {"classes": classes, "data": config.data}
    model = load_model(config.model, weights, precision, **known)
    return model, config, known["classes"]


def load_preset(
    path: Path, precision: str | None
) -> tuple[InstanceNetwork, Config, Sequence]:
    """Load what `load_run` gives from the folder of a preset."""
    model = presets.read_preset(path, precision and models.POLICIES[precision])
    if isinstance(model, models.GSPN):
        raise ValueError(f"{path} holds a GSPN: it makes proposals, no instances")
    for name, file in presets.KNOWN.items():
        if getattr(model, name) is None:
            raise ValueError(
                f"{path / file} must tell the {name}, which it was saved without"
            )
    return model, Config(model=model.config, data=model.data), model.classes


def load_proposal_network(path: str | Path) -> tuple[models.GSPN, Config]:
    """Load the GSPN of a run, as stage two has it or stage one left it; its config.

    Raises:
        FileNotFoundError: no run, or no weights of either stage.
        ValueError: a run of a model without proposals.
    """
    folder = RunFolder(Path(path))
    config = folder.config()
    if not isinstance(config.model, RPointNetConfig):
        raise ValueError(
            f"{folder.path} is a run of an {config.model.kind.upper()}, which has no "
            "proposal network; needed is a run of an R-PointNet"
        )
    if (weights := folder.weights("rpointnet")).is_file():
        return load_model(config.model, weights).proposal_network, config
    weights = folder.weights("gspn")
    if not weights.is_file():
        raise FileNotFoundError(f"{folder.path} has no stage one: no {weights.name}")
    return load_model(config.model.proposal, weights), config


def load_model(
    config: RPointNetConfig | SGPNConfig | GSPNConfig | MaskRCNNConfig,
    weights: Path,
    precision: str | None = None,
    **known: Any,
) -> Any:
    """Build a network with the weights of a file; `known` as of `PresetModel`."""
    model = models.build(config, precision, **known)
    load_weights(model, weights)
    return model
