"""The released model with its recorded weights, and what it makes of a scene."""

import functools
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf

from gspn_tf import models
from gspn_tf.config import DataConfig, RPointNetConfig, presets
from gspn_tf.data import preprocessing
from gspn_tf.models import scoring
from gspn_tf.models.gspn import GSPNOutputs
from gspn_tf.nn import suppression
from gspn_tf.nn.pyramid import take
from gspn_tf.paper.release import checkpoint as import_checkpoint
from gspn_tf.types import Proposals, Regions
from parity.golden import Golden, folder

CHECKPOINT = "ckpt/model.ckpt"


def has_weights() -> bool:
    return (folder() / f"{CHECKPOINT}.index").exists()


def load(config: RPointNetConfig) -> models.RPointNet:
    """A model of the release's weights."""
    return import_checkpoint.read_model(folder() / CHECKPOINT, config)


def recorded_value(name: str) -> np.ndarray:
    """A variable of the recorded checkpoint."""
    return tf.train.load_variable(str(folder() / CHECKPOINT), name)


def truth_of(g: Golden) -> dict[str, tf.Tensor]:
    """The objects of recorded scenes, with classes by our vote.

    Group 0 of the release is the background; ours has no row for it.
    """
    classes = np.zeros(g["in_group_indicator"].shape, np.int32)
    for row, group in enumerate(g["in_group_label"]):
        scene = {
            "points": tf.zeros([len(group), 3]),
            "semantic": tf.constant(g["in_seg_label"][row]),
            "instance": tf.constant(group - 1),
        }
        options = DataConfig(num_shape_points=1)
        found = preprocessing.instances(scene, options, [0, 0])["classes"]
        classes[row, 1 : len(found) + 1] = found
    return {
        "semantic": tf.constant(g["in_seg_label"]),
        "instance": tf.constant(g["in_group_label"] - 1),
        "boxes": tf.constant(g["in_bbox_ins"][:, 1:]),
        "classes": tf.constant(classes[:, 1:]),
        "valid": tf.constant(g["in_group_indicator"][:, 1:] > 0),
    }


def scene_of(g: Golden, inputs: Golden) -> dict[str, tf.Tensor]:
    """The inputs `in_*` of a recorded file, as a batch with targets.

    inputs: the file with the points, where it is another one.
    """
    batch, count = g["in_group_label"].shape
    weights = tf.constant(g["in_smpw"]) if "in_smpw" in g else tf.ones([batch, count])
    shapes = tf.constant(g["in_pc_ins"][:, 1:])
    return {
        "points": tf.constant(inputs["in_pc"]),
        "colors": tf.constant(inputs["in_color"]),
        "num_points": tf.fill([batch], count),
        "targets": truth_of(g) | {"weights": weights, "shapes": shapes},
    }


def stage_one_end_points(out: GSPNOutputs, batch: dict, boxes) -> dict:
    """End points of the release's stage one, by their names there.

    boxes: those of the recorded groups, with the background's.
    """
    targets, seeds = batch["targets"], take(batch["points"], out.seeds)
    generated = out.proposed.generated
    direction, distance = out.centers.direction, out.centers.distance[..., None]
    group = take(targets["instance"], out.seeds) + 1
    return {
        "pc_ins_pred": generated.points - seeds[:, :, None],
        "pcfea_seed": out.context,
        "mean": generated.posterior.mean,
        "log_var": generated.posterior.log_variance,
        "cmean": generated.prior.mean,
        "clog_var": generated.prior.log_variance,
        "bbox_ins_pred": out.proposals.boxes,
        "shift_pred_seed_4d": tf.concat([direction, distance], -1),
        "shift_pred_seed": direction * distance,
        "fb_logits": out.proposed.objectness,
        "pc_ins_center_seed": take(boxes, group)[:, :, None, :3],
        "seg_label_per_group": tf.pad(targets["classes"], [[0, 0], [1, 0]]),
    }


class Taps:
    """Remembers what methods of a model were given and what they returned."""

    def __init__(self) -> None:
        self.calls: dict[str, list] = {}
        self.arguments: dict[str, list] = {}

    def add(self, name: str, owner, method: str = "call") -> None:
        inner = getattr(owner, method)
        calls = self.calls[name] = []
        arguments = self.arguments[name] = []

        def outer(*args, **kwargs):
            arguments.append(args)
            calls.append(inner(*args, **kwargs))
            return calls[-1]

        setattr(owner, method, outer)

    def __getitem__(self, name: str):
        (only,) = self.calls[name]
        return only


def replay_regions(recorded: list[np.ndarray]) -> Callable:
    """Point RoIAlign that draws what was recorded; a box may hold nothing."""
    remaining = list(recorded)

    def outer(points, boxes, valid, num_points, seed):
        rows = remaining.pop(0)
        short = boxes.shape[1] - rows.shape[1]
        return Regions(boxes, tf.pad(rows, [[0, 0], [0, short], [0, 0]]), valid)

    return outer


class Inference:
    """One pass over a recorded scene, its regions and their points as recorded."""

    def __init__(self, g: Golden, inputs: Golden, config: RPointNetConfig):
        self.model, self.taps = load(config), Taps()
        self.batch, self.boxes = scene_of(inputs, inputs), inputs["in_bbox_ins"]
        model, network, taps = self.model, self.model.proposal_network, self.taps
        for net in ("center_predictor.backbone", "semantic_predictor"):
            backbone = functools.reduce(getattr, net.split("."), network)
            short = "shift" if "center" in net else "sem"
            for k, layer in enumerate(backbone.abstractions):
                taps.add(f"{short}_l{k + 1}", layer)
            for k, layer in enumerate(backbone.propagations[:-1]):
                taps.add(f"{short}_fa{k + 1}", layer)
        taps.add("center", network.center_predictor.output_layer)
        taps.add("semantic", network.semantic_mlp)
        taps.add("reduced", network.proposer.vae.context)
        taps.add("generator", network.proposer.vae.generator)
        taps.add("instances", network.proposer.vae, "recognize")
        taps.add("look", network, "seed_context")
        taps.add("network", network)
        taps.add("hypercolumns", model.hypercolumns)
        taps.add("boxes", model.box_head)
        taps.add("masks", model.mask_head)
        recorded = [g["mask_selection_idx"], g["mask_selection_idx_final"]]
        model.align_inference.call = replay_regions(recorded)
        taps.add("regions", model.align_inference)
        taps.add("exported", model, "exported_scores")
        # A box whose points differ by one gives other draws and so other features.
        rois = tf.constant(g["rois"])
        given = Proposals(rois, rois[..., 0], tf.reduce_any(rois != 0, -1))
        with (
            mock.patch.object(suppression, "select_proposals", lambda *_: given),
            mock.patch.object(scoring, "refine", scoring.refine),  # until afterwards
        ):
            taps.add("refined", scoring, "refine")
            self.found = model.detect(self.batch)


@functools.cache
def inference(path: Path) -> Inference:
    """The pass of infer_SCENE.npz or with _intended or _explicit_rois behind SCENE."""
    scene = path.stem.removesuffix("_intended").removesuffix("_explicit_rois")
    meant = path.stem.endswith("_intended")
    config = presets.released() if meant else presets.released_literal()
    inputs = path.with_name(f"{scene}.npz")
    return Inference(Golden(path), Golden(inputs), config)
