"""Every number of data and training beside the networks', and configs as files."""

import dataclasses as dc
import json
import typing
from pathlib import Path
from typing import Any, Literal

from gspn_tf.config import old_runs
from gspn_tf.config.images import MaskRCNNConfig
from gspn_tf.config.networks import RPointNetConfig, SGPNConfig
from gspn_tf.files.errors import load_json


@dc.dataclass(kw_only=True, slots=True)
class AugmentationConfig:
    """How training scenes are changed, each kind by a strength; 0 turns it off."""

    # Greatest turn about z as a share of the circle, uniform; dataset.py.
    rotation: float = 1.0
    # Metres, standard deviation of a translation on each axis; dataset.py.
    translation: float = 1.0
    flip: float = 0.0  # Probability of a mirror image; DODA (ECCV 2022).
    # Greatest share by which a scene grows or shrinks, uniform; MinkowskiEngine's
    # indoor training (Choy et al., CVPR 2019).
    scale: float = 0.0
    # Standard deviation of what is added to each entry of a 3 x 3 unit matrix; DODA.
    shear: float = 0.0
    # Metres, standard deviation of a smooth displacement; PointGroup (CVPR 2020).
    elastic: float = 0.0
    elastic_spacing: float = 0.8  # Metres between its independent values.
    # Metres, scale of displacements over decimetres that are strong in some places and
    # nothing in half of them, as where a scan is badly fused; ours.
    crumple: float = 0.0
    # Metres, greatest standard deviation of a displacement of each point by itself,
    # uniform; PointNet (CVPR 2017).
    jitter: float = 0.0
    # Probability that a scene of more points than are drawn is cut to the part around
    # one of them, and not thinned; PointGroup.
    crop: float = 0.0
    # Greatest share of the drawn points that is left out, uniform; PointNet++.
    point_dropout: float = 0.0
    # Standard deviation of a shift of each colour channel, of 1; Choy et al.
    color_jitter: float = 0.0
    # Probability that a scene loses its colours; Point Transformer (ICCV 2021).
    color_drop: float = 0.0
    # Probability that colours are stretched to the whole range, in part; Choy et al.
    auto_contrast: float = 0.0
    # Probability that another scene lies across it; Mix3D (3DV 2021).
    mixing: float = 0.0


@dc.dataclass(kw_only=True, slots=True)
class ImageAugmentationConfig:
    """How training images are changed, each kind by a strength; 0 turns it off.

    The kinds are the paper's (section 4.3), which has no numbers for them.
    """

    flip: float = 0.5  # Probability of a mirror image.
    rotation: float = 5.0  # Degrees, greatest turn about the middle, uniform.
    # Greatest logarithm of the exponent of the colours, uniform; HHA stays.
    gamma: float = 0.4


@dc.dataclass(kw_only=True, slots=True)
class DataConfig:
    """The tf.data pipeline."""

    # Most points of a training scene; config.py:12.
    num_points: int = 18_000
    # Most points of a scene at inference; config.py:12.
    num_points_inference: int = 18_000
    # Points of a square metre of surface, as far as there are as many and the numbers
    # above allow; 0: those numbers, whatever the size of the scene, as in the release.
    density: float = 0.0
    # Points of a scene and of a shape are drawn at random, or are the first of the
    # farthest point order, as in the release (dataset.py:87).
    sampling: Literal["random", "farthest"] = "random"
    num_shape_points: int = 512  # Points of a ground-truth shape; section 3.3.
    max_instances: int = 256  # A scene with more instances is an error.
    # How training scenes are changed.
    augmentation: AugmentationConfig = dc.field(default_factory=AugmentationConfig)
    # How training images of a Mask R-CNN are changed.
    images: ImageAugmentationConfig = dc.field(default_factory=ImageAugmentationConfig)
    # Reads whole scenes into memory before the first epoch, and keeps HHA images there
    # from then on.
    cache: bool = False


@dc.dataclass(kw_only=True, slots=True)
class StageConfig:
    """One call of `fit`; the numbers are those of train.py of the release."""

    epochs: int = 800  # Times that each scene is shown, but for `scene_repeats`.
    learning_rate: float = 1e-3  # After the warm-up.
    final_learning_rate: float = 1e-5  # Least learning rate.
    # The learning rate falls by a factor of 0.7 in stairs, or along a cosine.
    schedule: Literal["staircase", "cosine"] = "staircase"
    decay_steps: int = 27_500  # Optimiser steps of a stair.
    warmup_steps: int = 0  # Optimiser steps in which the learning rate rises from 0.
    clip_norm: float = 0.0  # Largest norm of all gradients; 0: no clipping.
    # Adam, or stochastic gradient descent with a momentum of 0.9.
    optimizer: Literal["adam", "sgd"] = "adam"
    # Share of a kernel that a step of learning rate 1 takes off; biases have none.
    weight_decay: float = 0.0
    # Momentum of a moving average of the weights, which is validated and kept; 0: none.
    average_momentum: float = 0.0


@dc.dataclass(kw_only=True, slots=True)
class TrainConfig:
    """All stages (section 3.3)."""

    batch_size: int = 2  # Scenes; config.py:17.
    scene_repeats: int = 1  # Times that an epoch shows each scene; for small data sets.
    # The semantic network, where `model.proposal.semantic_stage`.
    semantic: StageConfig = dc.field(default_factory=StageConfig)
    gspn: StageConfig = dc.field(default_factory=StageConfig)  # Stage one.
    rpointnet: StageConfig = dc.field(default_factory=StageConfig)  # Stage two.
    # The only stage of an SGPN.
    sgpn: StageConfig = dc.field(default_factory=StageConfig)
    # The only stage of a Mask R-CNN, or its three below, see `model.trained`.
    mask_rcnn: StageConfig = dc.field(default_factory=StageConfig)
    # First convolution and heads.
    mask_rcnn_stem: StageConfig = dc.field(default_factory=StageConfig)
    # Stages 4 and 5 of the ResNet, and heads.
    mask_rcnn_4: StageConfig = dc.field(default_factory=StageConfig)
    mask_rcnn_3: StageConfig = dc.field(default_factory=StageConfig)  # Stage 3 as well.
    validation_every: int = 10  # Epochs between two validations.
    seed: int = 0  # Seed of the weights, the data and all draws of a training.


@dc.dataclass(kw_only=True, slots=True)
class Config:
    """A whole experiment, as `--config=configs/FILE.py:VARIANT` gives it."""

    model: RPointNetConfig | SGPNConfig | MaskRCNNConfig = dc.field(
        default_factory=RPointNetConfig
    )
    data: DataConfig = dc.field(default_factory=DataConfig)
    train: TrainConfig = dc.field(default_factory=TrainConfig)


def from_dict(cls: type, data: dict[str, Any]) -> Any:
    """Inverse of `dataclasses.asdict` for any class above; lists become tuples.

    Values of an earlier version become those of this one. Raises ValueError that names
    an unknown field.
    """
    data = old_runs.upgrade(data)
    fields = {field.name: field for field in dc.fields(cls)}
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise ValueError(f"{cls.__name__} has no field {unknown}, has {sorted(fields)}")
    return cls(**{k: _value_of(fields[k].type, v) for k, v in data.items()})


def _value_of(kind: Any, value: Any) -> Any:
    classes = [x for x in (kind, *typing.get_args(kind)) if isinstance(x, type)]
    classes = [x for x in classes if dc.is_dataclass(x)]
    if classes and isinstance(value, dict):
        kinds = {x: typing.get_args(x.__annotations__.get("kind")) for x in classes}
        named = [x for x in classes if value.get("kind") in kinds[x]]
        return from_dict((named or classes)[0], value)
    if isinstance(value, list | tuple):
        return tuple(_value_of(None, item) for item in value)
    return value


def to_json(config: Any) -> str:
    """A config dataclass as indented JSON."""
    return json.dumps(dc.asdict(config), indent=2) + "\n"


def read_config(path: str | Path) -> Config:
    """The `config.json` of a run folder, of this version or an earlier one.

    Raises ValueError that names the file and a field that does not fit.
    """
    data = load_json(path)
    names = [field.name for field in dc.fields(Config)]
    if not isinstance(data, dict) or not set(names) <= set(data):
        raise ValueError(f"{path} must hold a dict with {names}, got {data!r:.80}")
    try:
        return from_dict(Config, data)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: {error}") from error


def differences(left: Any, right: Any, path: str = "") -> dict[str, str]:
    """Where two trees of JSON differ, and how: "train.seed", "3 there, 4 here"."""
    if not (isinstance(left, dict) and isinstance(right, dict)):
        how = {path.lstrip("."): f"{left} there, {right} here"}
        return {} if left == right else how
    found: dict[str, str] = {}
    for key in left | right:
        found |= differences(left.get(key), right.get(key), f"{path}.{key}")
    return found
