"""Every number of the networks, typed, with its unit and its source.

The defaults are the paper's (Tables 7 and 8 and the text); `configs/` derives
variants from them. Where the paper is silent the released code decides
(github.com/ericyi/GSPN, cited as file:line) or a sentence says why.
"""

import dataclasses as dc
from typing import Literal, Self


@dc.dataclass(kw_only=True, slots=True)
class BackboneConfig:
    """PointNet++ of the centre and the semantic network (Table 7)."""

    # Centres of each set abstraction level, at most.
    num_centers: tuple[int, ...] = (2048, 512, 128, 32)
    # Share of a scene's points that are centres of each level: where scenes are drawn
    # by density, this keeps the distances of the centres. (): as many as may be.
    center_shares: tuple[float, ...] = ()
    radii: tuple[float, ...] = (0.2, 0.4, 0.8, 1.6)  # Metres, of each level's balls.
    num_neighbors: int = 32  # Points of a ball.
    # The unit of a ball's points around its centre: a metre, as in the release, or the
    # radius, by which they count as much as features do; PointNeXt (NeurIPS 2022).
    offset_unit: Literal["metre", "radius"] = "metre"
    # Widths of the set abstractions, from fine to coarse.
    abstraction_units: tuple[tuple[int, ...], ...] = (
        (32, 32, 64),
        (64, 64, 128),
        (128, 128, 256),
        (256, 256, 512),
    )
    # Widths of the feature propagations, from coarse to fine.
    propagation_units: tuple[tuple[int, ...], ...] = (
        (256, 256),
        (256, 256),
        (256, 128),
        (128, 128, 128),
    )
    # A neighbour at distance d weighs 1/d^power: 1 in section 3.2, 2 in the release
    # (pointnet_util.py:156).
    interpolation_power: float = 1.0
    # Training steps of a stair of the momentum of all batch normalisations, of these
    # networks and of those on them: 0.5, 0.75, ... 0.99, as in train.py; 0: 0.9 always.
    norm_decay_steps: int = 27_500


@dc.dataclass(kw_only=True, slots=True)
class GSPNConfig:
    """Generative Shape Proposal Network (section 3.1, Tables 7 and 8)."""

    # The network of the paper, or that of the release: as it was meant, or literally.
    # See gspn_tf/models/released.py.
    kind: Literal["gspn", "released_gspn", "released_literal_gspn"] = "gspn"
    # A proposal is the box of a generated shape, or in Table 4 one of 27 regressed
    # anchors, or the box of a segment of the largest context.
    proposer: Literal["shapes", "boxes", "segments"] = "shapes"
    num_classes: int = 19  # The background and ScanNet's 18 classes.
    num_seeds: int = 512  # Seeds of a training scene; Table 8.
    num_seeds_inference: int = 2048  # Seeds of a scene at inference; Table 8.
    # Points of a training scene in the semantic loss; model_rpointnet.py:354.
    num_semantic_points: int = 1024
    # What the semantic network sees of points: colours, as in the release, or heights
    # above the floor, as VoteNet (ICCV 2019) does.
    semantic_inputs: Literal["colors", "height", "colors_and_height"] = "colors"
    # Channels of the image features that follow those of its points (section 4.3): 256
    # of AlexNet's fifth convolution, for single frames; 0: none.
    image_features: int = 0
    # Power of its share of the loss points by which a class weighs less; 0: none.
    semantic_balance: float = 0.0
    # Whether the semantic network has a stage of its own, before stage one (section
    # 3.3); the release trains it in stage one.
    semantic_stage: bool = False
    backbone: BackboneConfig = dc.field(default_factory=BackboneConfig)  # PointNet++.
    # Section 3.3 draws seeds at random; the release takes the first of the farthest
    # point order (model_rpointnet.py:324).
    seed_sampling: Literal["random", "farthest"] = "random"
    # Metres of the spheres around a seed: the smallest is as large as the smallest
    # object, the largest as the largest (section 3.3).
    context_radii: tuple[float, ...] = (0.5, 1.0, 1.5)
    # Points of each sphere; model_rpointnet.py:377.
    context_neighbors: tuple[int, ...] = (256, 256, 512)
    context_units: tuple[int, ...] = (64, 128, 256)  # Widths of each context PointNet.
    # Points that contexts are drawn from: the first of the farthest point order, which
    # cover each sphere evenly; 0: all points of the scene, as they come.
    num_context_points: int = 0
    # Share of a scene's points that they are at most.
    context_share: float = 1.0
    # Share of the seed's colour that is taken off its context's; 0: none.
    context_color_reference: float = 0.0
    # Centres are predicted by the PointNet++ of Table 7 and the release, or from the
    # context as in the text, or not at all (Table 5).
    center_network: Literal["pointnet2", "context", "none"] = "pointnet2"
    center_units: tuple[int, ...] = (256, 128)  # MLP of "context"; not in the paper.
    # The direction to the centre is a unit vector (section 3.3), or as it comes
    # (release).
    center_direction: Literal["unit", "raw"] = "unit"
    # Whether prior and posterior (and "context" centres) also see the semantic feature
    # of the seed, which shapes then train too, as in the release
    # (model_rpointnet.py:388); in the paper they see the context alone.
    semantic_conditioning: bool = False
    # A conditional VAE makes the shapes, or a plain encoder and decoder (Table 5).
    generator: Literal["cvae", "encoder_decoder"] = "cvae"
    latent_size: int = 256  # Means, and as many log variances (Table 7).
    prior_units: tuple[int, ...] = (256, 512)  # Widths of prior and posterior.
    shape_units: tuple[int, ...] = (64, 256, 512)  # Widths of the recognition PointNet.
    shape_feature_units: int = 256  # Width of its layer after the maximum.
    # Width of a layer between context and generator; 0: none (section 3.1). The
    # release has one of 256, "dec_fc" (model_rpointnet.py:399).
    generator_context_units: int = 0
    # Widths of the deconvolution branch of the generator, which makes 256 points.
    grid_units: tuple[int, int, int] = (512, 256, 128)
    dense_units: tuple[int, ...] = (512, 512)  # Widths of its fully connected branch.
    num_dense_points: int = 256  # Points of the fully connected branch.
    objectness_units: tuple[int, ...] = (256, 64)  # Widths of the objectness MLP.
    semantic_dropout: float = 0.5  # Before the classes; model_rpointnet.py:129.
    # The unit of distances in the centre loss: a metre, or half the diagonal of the
    # object's box, as in the release.
    center_unit: Literal["half_diagonal", "metre"] = "metre"
    positive_iou: float = 0.5  # Least IoU of a seed's box with an object; section 3.1.
    # Half diagonals from the object within which a generated point is a confident one;
    # epsilon, of which the paper gives no value.
    confidence_radius: float = 0.1
    min_confidence: float = 0.5  # Least confidence of points in the box; section 3.2.
    kl_weight: float = 1.0  # Weight of the KL term after its warm-up.
    kl_warmup_steps: int = 110_000  # Training steps to 1 - 0.7^4; GSPN.kl_weight.
    center_weight: float = 1.0  # Weight of the centre loss.
    # Weight of the Chamfer loss; box deltas and segmentations have 1.
    generation_weight: float = 1.0
    confidence_weight: float = 1.0  # Weight of the loss of the points' confidences.
    objectness_weight: float = 1.0  # Weight of the objectness loss.
    semantic_weight: float = 1.0  # Weight of the semantic loss.


@dc.dataclass(kw_only=True, slots=True)
class SemanticConfig(GSPNConfig):
    """The semantic network of a GSPN by itself; most fields do not touch it."""

    kind: Literal["semantic"] = "semantic"  # type: ignore[assignment]

    @classmethod
    def of(cls, proposal: GSPNConfig) -> Self:
        """Take the fields of a GSPN."""
        names = {field.name for field in dc.fields(proposal)} - {"kind"}
        return cls(**{name: getattr(proposal, name) for name in names})


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
    # Widths after it; appendix A has them all.
    mask_units: tuple[int, ...] = (256, 256)
    # Deviation of box deltas, of the centre and of the log size; config.py:32.
    box_deviation: tuple[float, float] = (0.1, 0.2)
    min_score: float = 0.5  # Least class probability; Table 8, 0.7 in the release.
    # IoU above which an instance is suppressed by another of its class; config.py:40.
    detection_iou: float = 0.1
    max_detections: int = 100  # Most instances of a scene; Table 8.
    # Classes that a region may be of: "any", so that one that is most probably
    # background is left out, as in the release; or "objects" alone, whose probability
    # is the score, as in Mask R-CNN. Not in the paper.
    region_classes: Literal["any", "objects"] = "any"
    # Power of a region's mean semantic probabilities in the choice among "objects".
    semantic_power: float = 0.0
    # Whether instances are scored and suppressed as objects, whatever their class.
    class_agnostic: bool = False
    shown_score: float = 0.0  # Least score of an instance that `gspn segment` shows.
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
    image_features_field = "proposal.image_features"

    @property
    def num_classes(self) -> int:
        """Classes of the proposal network, which the heads share."""
        return self.proposal.num_classes

    @property
    def image_features(self) -> int:
        """Channels of the image features that both networks see; 0: none."""
        return self.proposal.image_features

    def stages(self) -> "dict[str, GSPNConfig | RPointNetConfig]":
        """Networks that are trained, in this order: name -> config."""
        first: dict[str, GSPNConfig | RPointNetConfig] = {}
        if self.proposal.semantic_stage:
            first["semantic"] = SemanticConfig.of(self.proposal)
        return {**first, "gspn": self.proposal, "rpointnet": self}


@dc.dataclass(kw_only=True, slots=True)
class SGPNConfig:
    """Similarity Group Proposal Network (Wang et al., CVPR 2018), to compare with.

    Sections and numbers are of that paper and of its release
    (github.com/laughtervv/SGPN, cited as file:line); the backbone is this project's.
    """

    kind: Literal["sgpn"] = "sgpn"  # The only one.
    num_classes: int = 19  # The background and ScanNet's 18 classes.
    backbone: BackboneConfig = dc.field(default_factory=BackboneConfig)  # PointNet++.
    # Channels of the image features that follow the backbone's before the branches, as
    # in SGPN-CNN: 256 of AlexNet's fifth convolution, for single frames; 0: none.
    image_features: int = 0
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
    shown_score: float = 0.0  # Least score of an instance that `gspn segment` shows.

    num_classes_field = "num_classes"
    image_features_field = "image_features"

    def stages(self) -> "dict[str, SGPNConfig]":
        """Networks that are trained, in this order: name -> config."""
        return {"sgpn": self}
