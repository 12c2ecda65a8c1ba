"""Mask R-CNN (He et al., ICCV 2017): instances in images of any number of channels.

The paper compares with it on NYUv2, of colours (MRCNN) and of colours with HHA
(MRCNN*). Layers and arithmetic are those of torchvision's `maskrcnn_resnet50_fpn`.
"""

from pathlib import Path
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from gspn_tf import files
from gspn_tf.config import MaskRCNNConfig
from gspn_tf.image import assignment
from gspn_tf.image.assignment import AnchorTargets, SampledRegions
from gspn_tf.image.heads import FastRCNNHead, FCNMaskHead
from gspn_tf.image.instances import ImageDetections, detect_boxes, with_masks
from gspn_tf.image.preparing import Prepared, prepare
from gspn_tf.image.proposals import AnchorScores, ProposalNetwork
from gspn_tf.image.pyramid import FeaturePyramid
from gspn_tf.image.resnet import ResNet
from gspn_tf.image.roi_align import pyramid_roi_align
from gspn_tf.models.base import LossModel
from gspn_tf.nn import losses
from gspn_tf.nn.replicas import across_replicas, uniform_like
from gspn_tf.types import Batch, Proposals, Terms

_BETA = 1 / 9  # error up to which the loss of proposals' and regions' boxes is squared


class MaskRCNNTraining(NamedTuple):
    """Outputs for the losses, on anchors and on regions around the ground truth."""

    anchors: AnchorScores
    anchor_targets: AnchorTargets
    targets: SampledRegions
    class_logits: tf.Tensor  # [B, R, classes]
    deltas: tf.Tensor  # [B, R, classes, 4]
    mask_logits: tf.Tensor  # [B, P, s, s, classes]  of the first, positive regions


class MaskRCNNInference(NamedTuple):
    """Instances, and what they were made of."""

    detections: ImageDetections
    proposals: Proposals  # in pixels of the resized images
    region_masks: tf.Tensor  # [B, D, s, s]  probabilities in the boxes


@keras.saving.register_keras_serializable("gspn_tf")
class MaskRCNN(LossModel):
    """Instances of images.

    Input: a dict with "images" [B, H, W, C], colours first, 0..255, of any number type.
    For `fit` and `evaluate` also "targets", a dict of the G objects, padded: "boxes"
    [B, G, 4] (x1, y1, x2, y2), "classes" [B, G] int32 from 1 on, "masks" [B, G, H, W]
    and "valid" [B, G] bool. Output: MaskRCNNTraining in training, else
    MaskRCNNInference; `predict` gives ImageDetections.
    """

    config_class = MaskRCNNConfig
    terms = ("objectness", "proposal", "class", "box", "mask")
    monitored = ("class", "box", "mask")
    class_layers = (
        "box_head.class_output",
        "box_head.box_output",
        "mask_head.mask_output",
    )
    sees = "an image, its colours from 0 to 255 in the order RGB"
    constant_scores = False

    def __init__(self, config: MaskRCNNConfig | None = None, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        c = self.config
        if len(c.mean) != len(c.deviation):
            raise ValueError(
                f"mean and deviation must have a number of each channel, got "
                f"{len(c.mean)} and {len(c.deviation)}"
            )
        self.backbone = ResNet(c)
        self.pyramid = FeaturePyramid(c.pyramid_units, self.backbone.widths)
        self.proposal_network = ProposalNetwork(c)
        self.box_head = FastRCNNHead(c)
        self.mask_head = FCNMaskHead(c)
        self.backbone.freeze(c.trained)
        self.seeds = keras.random.SeedGenerator(0)
        self.track(self.terms)
        for output in (
            self.proposal_network.object_output,
            self.proposal_network.box_output,
            self.box_head.class_output,
            self.box_head.box_output,
            self.mask_head.mask_output,
        ):
            output.dtype_policy = "float32"

    def describe(self, seen: Prepared) -> tuple[list[tf.Tensor], AnchorScores]:
        """Levels of the pyramid [B, h, w, C], and what the proposal network says."""
        levels = self.pyramid(self.backbone(seen.images))
        size = tf.shape(seen.images)[1:3]
        levels = [tf.cast(level, self.compute_dtype) for level in levels]
        anchors = self.proposal_network(levels, size)
        return [tf.cast(level, tf.float32) for level in levels[:-1]], anchors

    def learn(self, batch: Batch, training: bool) -> MaskRCNNTraining:
        """Outputs on regions sampled around the ground truth."""
        c, seen = self.config, prepare(batch["images"], self.config)
        boxes = batch["targets"]["boxes"] * seen.scale
        truth = batch["targets"] | {"boxes": boxes}
        levels, anchors = self.describe(seen)
        proposals = self.proposal_network.propose(anchors, seen.size, training)
        seed = self.draw_seed(self.seeds, training)
        seeds = tf.random.experimental.stateless_split(seed, 2)
        anchor_targets = assignment.anchor_targets(
            anchors.anchors, truth, uniform_like(anchors.logits, seeds[0]), c
        )
        candidates = tf.concat([proposals.scores, truth["boxes"][..., 0]], 1)
        targets = assignment.sample_regions(
            proposals, truth, uniform_like(candidates, seeds[1]), 1 / seen.scale, c
        )
        logits, deltas = self.box_head(
            pyramid_roi_align(levels, targets.boxes, c.box_size)
        )
        positive = targets.boxes[:, : targets.masks.shape[1]]
        masks = self.mask_head(pyramid_roi_align(levels, positive, c.mask_size))
        return MaskRCNNTraining(anchors, anchor_targets, targets, logits, deltas, masks)

    def detect(self, batch: Batch) -> MaskRCNNInference:
        """Instances of images, with their masks at the images' size."""
        c, seen = self.config, prepare(batch["images"], self.config)
        levels, anchors = self.describe(seen)
        proposals = self.proposal_network.propose(anchors, seen.size, training=False)
        logits, deltas = self.box_head(
            pyramid_roi_align(levels, proposals.boxes, c.box_size)
        )
        found = detect_boxes(proposals, logits, deltas, seen.size, c)
        masks = self.mask_head(pyramid_roi_align(levels, found.boxes, c.mask_size))
        own = tf.gather(masks, found.classes, axis=-1, batch_dims=2)
        own = tf.where(found.valid[..., None, None], tf.sigmoid(own), 0.0)
        size = tf.shape(batch["images"])[1:3]
        detections = with_masks(found, own, seen.scale, size, c.mask_threshold)
        return MaskRCNNInference(detections, proposals, own)

    def loss_terms(self, outputs: MaskRCNNTraining, batch: Batch) -> Terms:
        anchors, regions = outputs.anchor_targets, outputs.targets
        positive = regions.classes > 0
        objects = losses.binary_cross_entropy(
            outputs.anchors.logits, tf.cast(anchors.positive, tf.int32)
        )
        shift = outputs.anchors.deltas - anchors.deltas
        of_class = tf.gather(outputs.deltas, regions.classes, axis=2, batch_dims=2)
        classes = losses.cross_entropy(outputs.class_logits, regions.classes)
        on_object = positive[:, : regions.masks.shape[1]]
        own = regions.classes[:, : regions.masks.shape[1]]
        logits = tf.gather(outputs.mask_logits, own, axis=-1, batch_dims=2)
        masks = tf.nn.sigmoid_cross_entropy_with_logits(regions.masks, logits)
        return {
            "objectness": losses.masked_mean(objects, anchors.sampled),
            "proposal": box_loss(shift, anchors.positive, anchors.sampled),
            "class": losses.masked_mean(classes, regions.valid),
            "box": box_loss(of_class - regions.deltas, positive, regions.valid),
            "mask": losses.masked_mean(tf.reduce_mean(masks, [-1, -2]), on_object),
        }

    def labelled(self, data: Any) -> Batch:
        """Return a batch that Keras hands on, its labels checked.

        Raises:
            ValueError: it has no targets.
            tf.errors.InvalidArgumentError: a class for which there is no output.
        """
        batch, *_ = keras.utils.unpack_x_y_sample_weight(data)
        if not (isinstance(batch, dict) and {"images", "targets"} <= set(batch)):
            found = sorted(batch) if isinstance(batch, dict) else type(batch).__name__
            raise ValueError(
                f'fit and evaluate need dicts with "images" and "targets", got {found}'
            )
        check = tf.debugging.assert_less(
            tf.reduce_max(batch["targets"]["classes"]),
            self.config.num_classes,
            f"num_classes of the network is {self.config.num_classes}, with the "
            "background, which must be above the highest class of the images",
        )
        with tf.control_dependencies([check]):
            return batch | {
                "targets": tf.nest.map_structure(tf.identity, batch["targets"])
            }

    def export(self, folder: str | Path, version: int = 1) -> Path:  # type: ignore[override]
        """Save a SavedModel of TensorFlow's own operations, for any server.

        Its signature takes `images` [B, H, W, C] float32, and gives the fields of
        ImageDetections by their names, `masks` as uint8.

        Args:
            folder: Folder of all versions of this model.
            version: 1 or more.

        Returns:
            The folder of the version.

        Raises:
            FileExistsError: that version is there already.
        """
        target = Path(folder, str(version))
        if target.exists():
            raise FileExistsError(f"{target} exists; give another version or remove it")
        shape = [None, None, None, self.config.num_channels]

        @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, "images")])
        def serve(images: tf.Tensor) -> dict[str, tf.Tensor]:
            found = self.detect({"images": images}).detections._asdict()
            return found | {"masks": tf.cast(found["masks"], tf.uint8)}

        module = tf.Module()
        module.model_variables = [variable.value for variable in self.variables]
        with files.replacing(target) as beside:
            tf.saved_model.save(module, str(beside), signatures=serve)
        return target


def box_loss(error: tf.Tensor, positive: tf.Tensor, counted: tf.Tensor) -> tf.Tensor:
    """Sum over the errors [B, R, 4] of positive boxes by the number of counted ones."""
    loss = _BETA * tf.reduce_sum(losses.smooth_l1(error / _BETA), -1)
    total = tf.reduce_sum(tf.where(positive, loss, 0.0))
    count = tf.reduce_sum(tf.cast(counted, loss.dtype))
    return tf.math.divide_no_nan(*across_replicas([total, count]))
