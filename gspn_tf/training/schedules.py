"""Optimisers, and the learning rate as a function of the step."""

import dataclasses as dc
import math
from typing import Any, Self

import keras
import tensorflow as tf

from gspn_tf import config as config_lib
from gspn_tf.config import Config, StageConfig
from gspn_tf.nn.replicas import across_replicas

_MOMENTUM = 0.9  # of gradient descent; config.py of matterport/Mask_RCNN


@keras.saving.register_keras_serializable("gspn_tf")
class StageSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of a stage: linear warm-up, then stairs or half a cosine.

    The stairs are those of the release: a factor 0.7 each `decay_steps`, never below
    `final_learning_rate`. The cosine ends there at `total_steps`.

    Args:
        options: the stage.
        total_steps: optimiser steps of the whole stage; of effect on a cosine alone.

    Raises:
        ValueError: a cosine without `total_steps`.
    """

    def __init__(self, options: StageConfig, total_steps: int | None = None) -> None:
        if options.schedule == "cosine" and total_steps is None:
            raise ValueError(
                "total_steps must be given, the steps of the whole training, as the "
                "learning rate falls along a cosine (schedule='cosine')"
            )
        self.options, self.total_steps = options, total_steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Return the learning rate of a step, which is counted from 0."""
        step, c = tf.cast(step, tf.float64), self.options
        top, bottom, warmup = c.learning_rate, c.final_learning_rate, c.warmup_steps
        if c.schedule == "staircase":
            rate = tf.maximum(top * 0.7 ** (step // c.decay_steps), bottom)
        else:
            rest = max((self.total_steps or 0) - warmup, 1)
            progress = tf.minimum((step - warmup) / rest, 1.0)
            rate = bottom + (top - bottom) * (1 + tf.cos(math.pi * progress)) / 2
        rising = top * (step + 1) / max(warmup, 1)
        return tf.cast(tf.where(step < warmup, rising, rate), tf.float32)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, for Keras's serialisation."""
        return {"options": dc.asdict(self.options), "total_steps": self.total_steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make the schedule of what `get_config` returned."""
        options = config_lib.from_dict(StageConfig, config["options"])
        return cls(options, config["total_steps"])


class _Summing(keras.optimizers.Optimizer):
    """An optimiser that clips the sum of the replicas' gradients, not each one's.

    Moving averages of the weights begin with short memories.
    """

    ema_momentum: Any

    def _clip_gradients(self, grads: list[tf.Tensor]) -> list[tf.Tensor]:
        return super()._clip_gradients(across_replicas(grads))

    def _update_model_variables_moving_average(self, trainable_variables: list) -> None:
        """Let an average forget the first weights, as tf.train's with `num_updates`.

        In a short training they would weigh: 0.999 ** 2400 is a tenth.
        """
        steps, momentum = tf.cast(self.iterations, tf.float32), self.ema_momentum
        try:
            self.ema_momentum = tf.minimum(momentum, (1 + steps) / (10 + steps))
            super()._update_model_variables_moving_average(trainable_variables)
        finally:
            self.ema_momentum = momentum

    def _all_reduce_sum_gradients(self, grads_and_vars: list) -> list:
        return grads_and_vars  # they are the sum already


@keras.saving.register_keras_serializable("gspn_tf")
class Adam(_Summing, keras.optimizers.Adam):
    """Keras's Adam, see `_Summing`."""


@keras.saving.register_keras_serializable("gspn_tf")
class SGD(_Summing, keras.optimizers.SGD):
    """Keras's stochastic gradient descent, see `_Summing`."""


def optimizer(
    config: StageConfig | Config,
    *,
    schedule: bool = True,
    total_steps: int | None = None,
) -> keras.optimizers.Optimizer:
    """Make the optimiser of a stage, as `gspn train` does.

    The release's Adam (train.py), or gradient descent as for Mask R-CNN.

    Args:
        config: the options of a stage, such as `config.train.rpointnet`, or a whole
            config, of which those of the first stage count.
        schedule: whether the learning rate follows the stage's schedule. Otherwise it
            is constant, and callbacks such as ReduceLROnPlateau can set it.
        total_steps: optimiser steps of the whole stage, epochs times batches.

    Raises:
        ValueError: a schedule along a cosine without `total_steps`.
    """
    stage: Any = config
    if isinstance(config, Config):
        stage = getattr(config.train, next(iter(config.model.stages())))
    rate = StageSchedule(stage, total_steps) if schedule else stage.learning_rate
    options: dict[str, Any] = {
        "global_clipnorm": stage.clip_norm or None,
        "use_ema": stage.average_momentum > 0,
        "ema_momentum": stage.average_momentum,
        "weight_decay": stage.weight_decay or None,
    }
    if stage.optimizer == "sgd":
        made = SGD(rate, momentum=_MOMENTUM, **options)
    else:
        made = Adam(rate, epsilon=1e-8, **options)
    if stage.weight_decay:
        made.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    return made
