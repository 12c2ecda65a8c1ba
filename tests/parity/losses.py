"""The loss terms against ops.npz."""

from functools import partial

import numpy as np
import tensorflow as tf

from gspn_tf.models.scoring import of_class
from gspn_tf.nn import losses
from gspn_tf.types import Gaussian
from parity.golden import Check, Golden, group_cases

FILES = ("ops*.npz",)


def smooth_l1(g: Golden, check: Check) -> None:
    check.same("out", g["out"], losses.smooth_l1(g["y_true"] - g["y_pred"]))


def divergence(g: Golden, check: Check) -> None:
    """KL(prior || posterior), the mean over the latent dimensions."""
    prior = Gaussian(g["cmean"], np.clip(g["clog_var_raw"], -10, 1))
    posterior = Gaussian(g["mean"], np.clip(g["log_var_raw"], -10, 1))
    check.same("out", g["out"], losses.gaussian_kl(prior, posterior))


def objectness(g: Golden, check: Check) -> None:
    """Softmax cross-entropy; 1 positive, -1 negative, 0 does not count."""
    match = g["match"]
    each = losses.cross_entropy(g["logits"], np.int32(match == 1))
    check.same("out", g["out"], losses.masked_mean(each, match != 0))


def no_objectness(g: Golden, check: Check) -> None:
    nothing = tf.zeros([2, 9])
    check.same("out", g["out"], losses.masked_mean(nothing + 1, nothing > 0))


def classification(g: Golden, check: Check) -> None:
    each = losses.cross_entropy(g["logits"], g["ids"])
    check.same("out", g["out"], losses.masked_mean(each, g["valid"] > 0))


def box(g: Golden, check: Check) -> None:
    deltas = of_class(g["pred"], g["ids"])
    each = tf.reduce_sum(losses.smooth_l1(deltas - g["gt"]), -1)
    positive = (g["ids"] > 0) & (g["valid"] > 0)
    check.same("out", g["out"], losses.masked_mean(each, positive))


def mask(g: Golden, check: Check) -> None:
    logits = of_class(np.moveaxis(g["pred"], -1, 2), g["ids"])
    each = losses.binary_cross_entropy(logits, np.int32(g["gt"]))
    positive = (g["ids"] > 0) & (g["valid"] > 0)
    ours = losses.masked_mean(tf.reduce_mean(each, -1), positive)
    check.same("out", g["out"], ours)


def no_positives(g: Golden, check: Check) -> None:
    nowhere = tf.zeros([2, 6], bool)
    for key in ("bbox", "mask"):
        check.same(key, g[key], losses.masked_mean(tf.ones([2, 6]), nowhere))


GROUPS = {
    "smooth_l1": smooth_l1,
    "kl": divergence,
    "spn_class_loss": objectness,
    "spn_class_loss_allneutral": no_objectness,
    "rpointnet_class_loss": classification,
    "rpointnet_bbox_loss": box,
    "rpointnet_mask_loss": mask,
    "rpointnet_losses_nopos": no_positives,
}
cases = partial(group_cases, groups=GROUPS)
