"""Every hyper-parameter, typed, with its unit and its source.

The defaults are the paper's (Tables 7 and 8 and the text); `configs/` derives
variants from them. Where the paper is silent the released code decides
(github.com/ericyi/GSPN, cited as file:line) or a sentence says why.
"""

import dataclasses as dc
import json
import typing
from pathlib import Path
from typing import Any, Literal


@dc.dataclass(kw_only=True, slots=True)
class BackboneConfig:
    """PointNet++ of the centre and the semantic network (Table 7)."""

    num_centers: tuple[int, ...] = (2048, 512, 128, 32)
    radii: tuple[float, ...] = (0.2, 0.4, 0.8, 1.6)  # metres
    num_neighbors: int = 32
    abstraction_units: tuple[tuple[int, ...], ...] = (
        (32, 32, 64),
        (64, 64, 128),
        (128, 128, 256),
        (256, 256, 512),
    )
    propagation_units: tuple[tuple[int, ...], ...] = (
        (256, 256),
        (256, 256),
        (256, 128),
        (128, 128, 128),
    )
    # A neighbour at distance d weighs 1/d^power: 1 in section 3.2, 2 in the release
    # (pointnet_util.py:156).
    interpolation_power: float = 1.0


@dc.dataclass(kw_only=True, slots=True)
class GSPNConfig:
    """Generative Shape Proposal Network (section 3.1, Tables 7 and 8)."""

    kind: Literal["gspn"] = "gspn"
    # What makes a proposal of a seed's context: generated shapes; in Table 4 also 27
    # regressed anchors, or a segmentation of the largest context.
    proposer: Literal["shapes", "boxes", "segments"] = "shapes"
    num_classes: int = 19  # background and ScanNet's 18
    num_seeds: int = 512  # training; Table 8
    num_seeds_inference: int = 2048  # Table 8
    num_semantic_points: int = 1024  # of the semantic loss; model_rpointnet.py:354
    backbone: BackboneConfig = dc.field(default_factory=BackboneConfig)
    # Section 3.3 draws seeds at random; the release takes the first of the farthest
    # point order (model_rpointnet.py:324).
    seed_sampling: Literal["random", "farthest"] = "random"
    # Context: smallest scale = smallest object, largest = largest (section 3.3).
    context_radii: tuple[float, ...] = (0.5, 1.0, 1.5)  # metres
    context_neighbors: tuple[int, ...] = (256, 256, 512)
    context_units: tuple[int, ...] = (64, 128, 256)
    # What the spheres are around: the seed (section 3.1 crops there and then moves
    # the crop, as the release does), or the predicted centre itself.
    context_spheres: Literal["seed", "center"] = "seed"
    context_color: bool = True  # as in the release; the paper does not say
    # Points that contexts are drawn from: the first of the farthest point order, which
    # cover each sphere evenly; 0: all of the scene's, as they come.
    num_context_points: int = 0
    # Share of the seed's colour that is taken off its context's; 0: none.
    context_color_reference: float = 0.0
    # Centre prediction: "pointnet2" of Table 7 and the release, or "context" of the
    # text, or none (Table 5). The direction is a unit vector (section 3.3), or as it
    # comes (release).
    center_network: Literal["pointnet2", "context", "none"] = "pointnet2"
    center_units: tuple[int, ...] = (256, 128)  # MLP of "context"; not in the paper
    center_direction: Literal["unit", "raw"] = "unit"
    # Whether prior and posterior (and "context" centres) also see the semantic feature
    # of the seed, as in the release (model_rpointnet.py:388); the paper: context alone.
    semantic_conditioning: bool = False
    # The paper trains the semantic network on classes alone; in the release the shapes
    # train it too, through the feature above.
    detach_semantics: bool = True
    # Conditional VAE, or a plain encoder and decoder in its place (Table 5).
    generator: Literal["cvae", "encoder_decoder"] = "cvae"
    latent_size: int = 256
    prior_units: tuple[int, ...] = (256, 512)
    shape_units: tuple[int, ...] = (64, 256, 512)  # recognition PointNet
    shape_feature_units: int = 256
    # Context reduced for the generator: 0: as it is (section 3.1); the release has a
    # layer of 256, "dec_fc" (model_rpointnet.py:399).
    generator_context_units: int = 0
    grid_units: tuple[int, int, int] = (512, 256, 128)  # deconv branch, 256 points
    dense_units: tuple[int, ...] = (512, 512)
    num_dense_points: int = 256  # fc branch
    # Per-point confidence e, its loss, and boxes of confident points alone (section
    # 3.1); the release has none of it.
    point_confidence: bool = True
    objectness_units: tuple[int, ...] = (256, 64)
    semantic_dropout: float = 0.5
    # Losses (section 3.1). "half_diagonal": metres are divided by half the diagonal
    # of the object's box, so that a lamp and a bed weigh the same.
    generation_unit: Literal["half_diagonal", "metre"] = "half_diagonal"  # release
    center_unit: Literal["half_diagonal", "metre"] = "metre"  # release: half_diagonal
    # KL(prior || posterior) is Eq. 2 and the release, KL(posterior || prior) is Eq. 1.
    kl_divergence: Literal["prior_posterior", "posterior_prior"] = "prior_posterior"
    kl_reduction: Literal["mean", "sum"] = "mean"  # over the latent; mean: release
    # One logit and binary cross-entropy (section 3.1), or two and softmax (release).
    objectness_loss: Literal["binary", "softmax"] = "binary"
    positive_iou: float = 0.5
    # Objects whose best overlapping seed is positive below that IoU too: "all" as the
    # release means, its "first" as it ran (model_rpointnet.py:629); the paper: none.
    best_seeds: Literal["none", "first", "all"] = "none"
    confidence_radius: float = 0.1  # epsilon, in half diagonals; not in the paper
    min_confidence: float = 0.5  # points that make the box; section 3.2
    kl_weight: float = 1.0
    kl_warmup_steps: int = 110_000  # optimiser steps to 1 - 0.7^4; see callbacks
    center_weight: float = 1.0
    generation_weight: float = 1.0  # of shapes; box deltas and segmentations have 1
    confidence_weight: float = 1.0
    objectness_weight: float = 1.0
    semantic_weight: float = 1.0
    # Moving variances of layers that the release runs as conv1d: of the sample (n - 1,
    # as all others), or of the batch (n, as TensorFlow 1's unfused kernel).
    flat_variance: Literal["sample", "batch"] = "sample"


@dc.dataclass(kw_only=True, slots=True)
class RPointNetConfig:
    """Region-based PointNet (section 3.2, Tables 7 and 8)."""

    # The network of the paper, or that of the release; see gspn_tf/models/released.py.
    kind: Literal["rpointnet", "released_rpointnet"] = "rpointnet"
    proposal: GSPNConfig = dc.field(default_factory=GSPNConfig)  # Frozen; section 3.3.
    num_seeds: int = 512  # Seeds of a training scene in stage two; Table 8.
    # Proposals with the best scores of a training scene; Table 8.
    max_candidates: int = 192
    max_proposals: int = 128  # Those of them that suppression keeps; Table 8.
    max_candidates_inference: int = 1536  # The first number at inference; Table 8.
    max_proposals_inference: int = 384  # The second number at inference; Table 8.
    proposal_iou: float = 0.5  # IoU above which a proposal is suppressed; Table 8.
    region_iou: float = 0.5  # Least IoU of a positive region; section 3.2.
    # Jittered copies of each object's box that join the training proposals while those
    # are still poor; the paper has none.
    truth_copies: int = 0
    num_regions: int = 64  # Regions of a training scene; Table 8.
    # Share of positive regions; 1 : 3 in section 3.3, 0.33 in the release.
    positive_fraction: float = 0.25
    # Regions of a training scene without positives; 0 in the release.
    background_regions: int = 3
    num_region_points: int = 256  # Points of a training region; Table 8.
    num_region_points_inference: int = 1024  # Points of a region; Table 8.
    # Metres that a training region is enlarged by on every side when its points are
    # drawn; model_rpointnet.py:647.
    region_margin: float = 0.0
    # The same number at inference; model_rpointnet.py:749.
    region_margin_inference: float = 1e-3
    # Features of a region's points besides their positions (Table 6): the instance
    # sensitive ones with the predicted centres, the semantic ones, or both.
    region_features: Literal["both", "semantic", "context"] = "both"
    # Semantic features come from the network that stage one trained, or from one that
    # the heads train alone (Table 6).
    semantic_training: Literal["pretrained", "end_to_end"] = "pretrained"
    level_units: int = 64  # Width of a hypercolumn: one dense layer a level.
    region_units: tuple[int, ...] = (128, 256, 512)  # Widths of the region PointNet.
    head_units: tuple[int, ...] = (256, 256)  # Widths of the layers of class and box.
    mask_local_units: tuple[int, ...] = (64, 64)  # Widths before the maximum of a mask.
    mask_global_units: tuple[int, ...] = (64, 128, 512)  # Widths up to that maximum.
    mask_units: tuple[int, ...] = (
        256,
        256,
    )  # Widths after it; appendix A has them all.
    # Deviation of box deltas, of the centre and of the log size; config.py:32.
    box_deviation: tuple[float, float] = (0.1, 0.2)
    min_score: float = 0.5  # Least class probability; Table 8, 0.7 in the release.
    # IoU above which an instance is suppressed by another of its class; config.py:40.
    detection_iou: float = 0.1
    max_detections: int = 100  # Most instances of a scene; Table 8.
    # Metres that a detection's box is enlarged by on every side before its mask is
    # drawn in it: half the thickness of a thin part is little more. Not in the paper.
    detection_margin: float = 0.0
    # Power of the region's mean objectness and semantic probability in the score,
    # beside the class probability; 1 in the release, the paper gives no score.
    support_power: float = 0.0
    mask_threshold: float = 0.4  # Least probability of a mask's points; test.py.
    # IoU with a better mask of its class above which a mask is a duplicate; 1: none is,
    # as in the paper, whose boxes are suppressed at 0.1 already.
    mask_iou: float = 1.0
    class_weight: float = 1.0  # Weight of the classification loss.
    box_weight: float = 1.0  # Weight of the box loss.
    mask_weight: float = 1.0  # Weight of the mask loss.

    num_classes_field = "proposal.num_classes"

    def stages(self) -> "dict[str, GSPNConfig | RPointNetConfig]":
        """Networks that are trained, in this order: name -> config."""
        return {"gspn": self.proposal, "rpointnet": self}


@dc.dataclass(kw_only=True, slots=True)
class SGPNConfig:
    """Similarity Group Proposal Network (Wang et al., CVPR 2018), to compare with.

    Sections and numbers are of that paper and of its release
    (github.com/laughtervv/SGPN, cited as file:line); the backbone is this project's.
    """

    kind: Literal["sgpn"] = "sgpn"  # The only one.
    num_classes: int = 19  # The background and ScanNet's 18 classes.
    backbone: BackboneConfig = dc.field(default_factory=BackboneConfig)  # PointNet++.
    branch_units: tuple[int, ...] = (128,)  # Widths before the output of each branch.
    similarity_size: int = 128  # Numbers whose distances are similarities.
    # Random points on objects of a training scene, of which pairs are made; all 4096 of
    # a block in train.py.
    num_similarity_points: int = 4096
    # Factor of the squared distance of two points' features; models/model.py.
    similarity_scale: float = 10.0
    # K1, the least similarity that two objects of one class should have; section 3.2.
    same_class_margin: float = 10.0
    other_class_margin: float = 80.0  # K2, that of objects of two classes.
    # Weight of pairs of one class: alpha, growing from the first to the second, as in
    # train.py.
    same_class_weight: tuple[float, float] = (2.0, 10.0)
    same_class_warmup_steps: int = 20_000  # Optimiser steps from one to the other.
    similarity_weight: float = 1.0  # Weight of the similarity loss.
    confidence_weight: float = 1.0  # Weight of the confidence loss.
    semantic_weight: float = 1.0  # Weight of the semantic loss.
    # Similarity within the group whose IoU the confidence is: K1, models/model.py.
    confidence_similarity: float = 10.0
    # Th_S, below which points are of one group: K1. The tests of the release have a
    # threshold for each class, of training data.
    group_similarity: float = 10.0
    # Th_C, the least confidence of a point that proposes a group; utils/test_utils.py.
    min_confidence: float = 0.4
    min_group_points: int = 50  # Th_M2, least points of a group; utils/test_utils.py.
    # Th_M1, IoU with a group that is kept above which it is the same;
    # utils/test_utils.py.
    max_group_iou: float = 0.6
    # Share of a group's points that are in one that is kept, above which it is the
    # same; utils/test_utils.py, not in the paper.
    max_group_share: float = 0.8
    # Of the groups that are the same the largest is kept (section 3.3), or the surest.
    group_order: Literal["size", "confidence"] = "size"
    max_detections: int = 100  # Most instances of a scene.

    num_classes_field = "num_classes"

    def stages(self) -> "dict[str, SGPNConfig]":
        """Networks that are trained, in this order: name -> config."""
        return {"sgpn": self}


@dc.dataclass(kw_only=True, slots=True)
class DataConfig:
    """The tf.data pipeline."""

    num_points: int = 18_000  # points of a training scene
    num_points_inference: int = 18_000
    # Points of a scene and of a shape: at random, or the first of the farthest point
    # order, as the release takes them (dataset.py:87).
    sampling: Literal["random", "farthest"] = "random"
    num_shape_points: int = 512  # points of a ground-truth shape, section 3.3
    max_instances: int = 256  # a scene with more is an error
    rotate: bool = True  # about z, uniform over the circle
    translate_std: float = 1.0  # metres; dataset.py of the release
    color_jitter: float = 0.0  # standard deviation of a shift of each channel
    shuffle_buffer: int = 256  # scenes
    cache: bool = False  # whole training scenes in memory after the first epoch


@dc.dataclass(kw_only=True, slots=True)
class StageConfig:
    """One call of `fit`."""

    epochs: int = 800
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-5
    schedule: Literal["staircase", "cosine"] = "staircase"
    decay_steps: int = 27_500  # staircase: factor 0.7 each; train.py of the release
    warmup_steps: int = 0
    clip_norm: float = 0.0  # 0: no clipping


@dc.dataclass(kw_only=True, slots=True)
class TrainConfig:
    """All stages (section 3.3)."""

    batch_size: int = 2
    scene_repeats: int = 1  # times that an epoch shows each scene; for small data sets
    gspn: StageConfig = dc.field(default_factory=StageConfig)
    rpointnet: StageConfig = dc.field(default_factory=StageConfig)
    sgpn: StageConfig = dc.field(default_factory=StageConfig)
    validation_every: int = 10  # epochs
    seed: int = 0


@dc.dataclass(kw_only=True, slots=True)
class Config:
    """A whole experiment: what `--config=configs/FILE.py:VARIANT` gives."""

    model: RPointNetConfig | SGPNConfig = dc.field(default_factory=RPointNetConfig)
    data: DataConfig = dc.field(default_factory=DataConfig)
    train: TrainConfig = dc.field(default_factory=TrainConfig)


def from_dict(cls: type, data: dict[str, Any]):
    """Inverse of `dataclasses.asdict` for any class above; lists become tuples.

    Raises ValueError that names an unknown field.
    """
    fields = {field.name: field for field in dc.fields(cls)}
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise ValueError(f"{cls.__name__} has no field {unknown}, has {sorted(fields)}")
    return cls(**{k: _restore(fields[k].type, v) for k, v in data.items()})


def _restore(kind: Any, value: Any):
    classes = [x for x in (kind, *typing.get_args(kind)) if dc.is_dataclass(x)]
    if classes and isinstance(value, dict):
        named = [x for x in classes[1:] if x().kind == value.get("kind")]
        return from_dict((named or classes)[0], value)
    if isinstance(value, list | tuple):
        return tuple(_restore(None, item) for item in value)
    return value


def to_json(config: Any) -> str:
    """A config dataclass as indented JSON."""
    return json.dumps(dc.asdict(config), indent=2) + "\n"


def read_json(path: str | Path) -> Config:
    """The `config.json` of a run folder."""
    return from_dict(Config, json.loads(Path(path).read_text()))
