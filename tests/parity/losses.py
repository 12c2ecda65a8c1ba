"""Loss terms and schedules against ops.npz."""

import numpy as np
import tensorflow as tf

from gspn_tf.config import GSPNConfig, StageConfig
from gspn_tf.models.base import momentum_at
from gspn_tf.models.gspn import kl_weight_at
from gspn_tf.models.scoring import of_class
from gspn_tf.nn import losses
from gspn_tf.training.schedules import StageSchedule
from gspn_tf.types import Gaussian
from parity.golden import Check, Golden, out

SCENES = 55_000  # seen between two stairs of all three: config.py of the release


def divergence(g: Golden):
    """KL(prior || posterior), the mean over the latent dimensions."""
    prior = Gaussian(g["cmean"], np.clip(g["clog_var_raw"], -10, 1))
    posterior = Gaussian(g["mean"], np.clip(g["log_var_raw"], -10, 1))
    return losses.gaussian_kl(prior, posterior)


def objectness(g: Golden):
    """Softmax cross-entropy; 1 positive, -1 negative, 0 does not count."""
    match = g["match"]
    each = losses.cross_entropy(g["logits"], np.int32(match == 1))
    return losses.masked_mean(each, match != 0)


def classification(logits, classes, valid):
    return losses.masked_mean(losses.cross_entropy(logits, classes), valid)


def box(deltas, wanted, classes, valid):
    """Loss of the deltas [..., C, 6] that belong to the classes."""
    each = tf.reduce_sum(losses.smooth_l1(of_class(deltas, classes) - wanted), -1)
    return losses.masked_mean(each, valid & (classes > 0))


def mask(g: Golden):
    logits = of_class(np.moveaxis(g["pred"], -1, 2), g["ids"])
    each = losses.binary_cross_entropy(logits, np.int32(g["gt"]))
    positive = (g["ids"] > 0) & (g["valid"] > 0)
    return losses.masked_mean(tf.reduce_mean(each, -1), positive)


def no_positives(g: Golden, check: Check) -> None:
    nowhere = tf.zeros([2, 6], bool)
    for key in ("bbox", "mask"):
        check.same(key, g[key], losses.masked_mean(tf.ones([2, 6]), nowhere))


def stairs(g: Golden, check: Check) -> None:
    """Learning rate, batch-norm decay and KL weight."""
    steps, stair = g["steps"].tolist(), SCENES // int(g["batch_size"])
    config = GSPNConfig(kl_warmup_steps=4 * stair)
    for key, function in (
        ("learning_rate", StageSchedule(StageConfig(decay_steps=stair))),
        ("bn_decay", lambda step: momentum_at(step, stair)),
        ("alpha", lambda step: kl_weight_at(step, config)),
    ):
        check.same(key, g[key], [function(tf.constant(x, tf.int64)) for x in steps])


GROUPS = {
    "smooth_l1": out(lambda g: losses.smooth_l1(g["y_true"] - g["y_pred"])),
    "kl": out(divergence),
    "spn_class_loss": out(objectness),
    "spn_class_loss_allneutral": out(
        lambda _: losses.masked_mean(tf.ones([2, 9]), tf.zeros([2, 9], bool))
    ),
    "rpointnet_class_loss": out(
        lambda g: classification(g["logits"], g["ids"], g["valid"] > 0)
    ),
    "rpointnet_bbox_loss": out(
        lambda g: box(g["pred"], g["gt"], g["ids"], g["valid"] > 0)
    ),
    "rpointnet_mask_loss": out(mask),
    "rpointnet_losses_nopos": no_positives,
    "schedules": stairs,
}
