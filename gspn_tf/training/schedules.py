"""Schedules as pure functions of the optimiser's step, and the callback around them."""

import math
from typing import Any

import keras

from gspn_tf.config import GSPNConfig, StageConfig

BATCH_NORM_LIMIT = 0.99  # train.py of the release: BN_DECAY_CLIP


def learning_rate_at(step: int, options: StageConfig, total_steps: int) -> float:
    """Learning rate: linear warm-up, then stairs of 0.7 or half a cosine.

    The stairs are those of the release: a factor 0.7 each `decay_steps`, never below
    `final_learning_rate`. The cosine ends there at `total_steps`.
    """
    top, bottom = options.learning_rate, options.final_learning_rate
    if step < options.warmup_steps:
        return top * (step + 1) / options.warmup_steps
    if options.schedule == "staircase":
        return max(top * 0.7 ** (step // options.decay_steps), bottom)
    rest = max(total_steps - options.warmup_steps, 1)
    progress = min((step - options.warmup_steps) / rest, 1.0)
    return bottom + (top - bottom) * (1 + math.cos(math.pi * progress)) / 2


def kl_weight_at(step: int, config: GSPNConfig) -> float:
    """Weight of the KL term: the staircase of the release, 1 - 0.7^k of the final one.

    k grows by one each quarter of `kl_warmup_steps` (there 27 500 steps of two
    scenes), so the first quarter trains without the term and after all of them 0.76
    of it counts. Without warm-up the weight is the final one throughout.
    """
    if config.kl_warmup_steps == 0:
        return config.kl_weight
    return config.kl_weight * (1 - 0.7 ** (4 * step // config.kl_warmup_steps))


def batch_norm_momentum_at(step: int, decay_steps: int) -> float:
    """Momentum of the moving means: 0.5, 0.75, 0.875, ... 0.99 (train.py, release)."""
    return min(BATCH_NORM_LIMIT, 1 - 0.5 ** (1 + step // decay_steps))


class Schedules(keras.callbacks.Callback):
    """The callback that sets everything that the step determines.

    Learning rate and KL weight are set before each step. The momentum of the batch
    norms, which only the staircase moves, is set before each epoch: Keras bakes it into
    the traced step, so each of its seven values costs a retrace.

    Args:
        options: the stage that is trained.
        total_steps: optimiser steps of the whole stage.
    """

    def __init__(self, options: StageConfig, total_steps: int):
        super().__init__()
        self.options, self.total_steps = options, total_steps

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Set the learning rate and the KL weight (called by Keras)."""
        step = int(self.model.optimizer.iterations)
        rate = learning_rate_at(step, self.options, self.total_steps)
        self.model.optimizer.learning_rate.assign(rate)
        if hasattr(self.model, "kl_weight"):
            self.model.kl_weight.assign(kl_weight_at(step, self.model.config))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the momentum and trace the step anew where it moved (called by Keras)."""
        if self.options.schedule != "staircase":
            return
        step = int(self.model.optimizer.iterations)
        momentum = batch_norm_momentum_at(step, self.options.decay_steps)
        stale = [norm for norm in batch_norms(self.model) if norm.momentum != momentum]
        for norm in stale:
            norm.momentum = momentum
        if stale:
            self.model.make_train_function(force=True)


def batch_norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """Collect every batch normalisation inside a model."""
    kind = keras.layers.BatchNormalization
    return [layer for layer in model._flatten_layers() if isinstance(layer, kind)]
