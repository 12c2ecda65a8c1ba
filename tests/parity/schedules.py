"""Learning rate, batch-norm decay and KL weight against ops.npz."""

from functools import partial

import numpy as np

from gspn_tf.config import GSPNConfig, StageConfig
from gspn_tf.training.schedules import (
    batch_norm_momentum_at,
    kl_weight_at,
    learning_rate_at,
)
from parity.golden import Check, Golden, group_cases

FILES = ("ops*.npz",)
SCENES = 55_000  # seen between two stairs of all three: config.py of the release


def schedules(g: Golden, check: Check) -> None:
    steps, size = g["steps"].tolist(), int(g["batch_size"])
    stair = SCENES // size
    stage, model = StageConfig(decay_steps=stair), GSPNConfig(kl_warmup_steps=4 * stair)

    def at_steps(function, *options) -> np.ndarray:
        return np.float32([function(step, *options) for step in steps])

    last = steps[-1] + 1
    rates = at_steps(learning_rate_at, stage, last)
    check.same("learning_rate", g["learning_rate"], rates)
    momenta = at_steps(batch_norm_momentum_at, stair)
    check.same("bn_decay", g["bn_decay"], momenta)
    check.same("alpha", g["alpha"], at_steps(kl_weight_at, model))


cases = partial(group_cases, groups={"schedules": schedules})
