"""A Keras model whose loss is a sum of named terms."""

import dataclasses as dc
from typing import Any, Self

import keras
import tensorflow as tf

from gspn_tf import config as config_lib
from gspn_tf.types import Batch, Terms


class LossModel(keras.Model):
    """Subclasses give `monitored`, `loss_terms`, and `call` or its two parts.

    `fit` takes batches of dicts (the ground truth is under "targets", there is no y)
    and logs every term by name. Coordinates stay float32 under mixed precision.
    """

    config_class: type
    # Terms whose sum over the validation scenes selects the best weights (train.py of
    # the release): the total would move with the weight of the KL term.
    monitored: tuple[str, ...]

    def __init__(self, config: Any = None, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.config = config or self.config_class()
        self.built = True

    def track(self, loss_names: tuple[str, ...]) -> None:
        """Set the names of the terms of this model; called by the constructor."""
        self.loss_names = loss_names
        # Where a `dtype` is given to the model, its layers were made without it.
        for layer in self._flatten_layers(include_self=False):
            if not isinstance(layer, keras.layers.Dense):  # outputs, always float32
                layer.dtype_policy = self.dtype_policy
        self.term_means = {name: keras.metrics.Mean(name) for name in loss_names}

    def call(self, batch: Batch, training: bool = False) -> Any:
        """Outputs for the losses of a batch with "targets", else its instances."""
        return self.learn(batch, training) if "targets" in batch else self.detect(batch)

    def loss_terms(self, outputs: Any, batch: Batch) -> Terms:
        """Named scalars, weighted and masked, whose sum is the loss."""
        raise NotImplementedError

    def compute_loss(self, x: Batch, y: Any, y_pred: Any, *_: Any) -> tf.Tensor:
        """Track every term and return the sum (called by Keras)."""
        terms = self.loss_terms(y_pred, x)
        for name, value in terms.items():
            self.term_means[name].update_state(value)
        return tf.add_n(list(terms.values()))

    @staticmethod
    def draw_seed(draws: keras.random.SeedGenerator, training: bool) -> tf.Tensor:
        """A seed [2], fresh in training and fixed outside, so that results repeat."""
        return tf.cast(draws.next(), tf.int32) if training else tf.zeros(2, tf.int32)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, for Keras's serialisation."""
        return {**super().get_config(), "config": dc.asdict(self.config)}

    def get_build_config(self) -> None:
        """Return nothing: the constructor makes all weights."""
        return None

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make the model of what `get_config` returned."""
        values = config_lib.from_dict(cls.config_class, config["config"])
        return cls(**{**config, "config": values})
