"""A Keras model whose loss is a sum of named terms."""

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from gspn_tf.config import BackboneConfig
from gspn_tf.models.presets import PresetModel
from gspn_tf.nn import replicas
from gspn_tf.nn.mlp import BatchNorm
from gspn_tf.types import Batch, Terms

MOMENTUM_LIMIT = 0.99  # train.py of the release: BN_DECAY_CLIP
SCENES = ("points", "colors", "num_points")  # what networks see, see gspn_tf.data.load


def momentum_at(step: tf.Tensor, decay_steps: int) -> tf.Tensor:
    """Momentum of the moving means: 0.5, 0.75, 0.875, ... 0.99 (train.py, release)."""
    stair = tf.cast(step // decay_steps, tf.float32)
    return tf.minimum(1 - 0.5 ** (1 + stair), MOMENTUM_LIMIT)


class LossModel(PresetModel):
    """Subclasses give `monitored`, `loss_terms`, and `learn` and `detect`, or `call`.

    `fit` and `evaluate` take batches of dicts (the ground truth is under "targets",
    there is no y) and log every term by name; `predict` takes the same with or without
    it. Everything that training schedules but the learning rate follows `steps`, the
    training steps so far, which are saved with the weights. Coordinates stay float32
    under mixed precision.
    """

    # Attributes of the layers that depend on the number of classes.
    class_layers: tuple[str, ...]
    # Terms whose sum over the validation scenes selects the best weights (train.py of
    # the release): the total would move with the weight of the KL term.
    monitored: tuple[str, ...]
    # Keys that a batch must have.
    needs: tuple[str, ...] = ()

    def __init__(self, config: Any = None, **kwargs: Any) -> None:
        super().__init__(config, **kwargs)
        self.supports_jit = False  # XLA has no kernels for the point ops
        self.steps = self.add_weight(
            name="steps",
            shape=(),
            initializer="zeros",
            dtype="int64",
            trainable=False,
            aggregation="only_first_replica",
        )
        self.built = True

    def track(
        self, loss_names: tuple[str, ...], backbone: BackboneConfig | None = None
    ) -> None:
        """Name the terms, and let batch norms follow the steps; ends a constructor."""
        self.loss_names = loss_names
        # Where a `dtype` is given to the model, its layers were made without it.
        for layer in self._flatten_layers(include_self=False):
            if not isinstance(layer, keras.layers.Dense):  # outputs, always float32
                layer.dtype_policy = self.dtype_policy
        self.term_means = {name: keras.metrics.Mean(name) for name in loss_names}
        if backbone and (decay_steps := backbone.norm_decay_steps):
            for norm in batch_norms(self):
                norm.schedule = lambda: momentum_at(self.steps.value, decay_steps)

    def __call__(self, batch: Batch, *args: Any, **kwargs: Any) -> Any:
        """Call the network; ValueError where the batch lacks what it needs."""
        self.check_keys(batch, self.needs)
        return super().__call__(batch, *args, **kwargs)

    def call(self, batch: Batch, training: bool = False) -> Any:
        """Outputs for the losses in training, else instances."""
        return self.learn(batch, training=True) if training else self.detect(batch)

    def learn(self, batch: Batch, training: bool) -> Any:
        """Outputs for the losses, in training and in validation."""
        return self(batch, training=training)

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: None = None,
        loss_weights: None = None,
        metrics: None = None,
        weighted_metrics: None = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Take an optimiser, as Keras does; the losses are the model's own.

        Raises:
            ValueError: losses, metrics or XLA are asked for.
        """
        given = (loss, loss_weights, metrics, weighted_metrics)
        if any(each is not None for each in given):
            raise ValueError(
                "compile takes no loss, loss_weights, metrics or weighted_metrics: "
                f"{type(self).__name__} has losses of its own and logs each of "
                f"{self.loss_names}; to measure instances give fit the callback "
                "gspn_tf.AveragePrecision"
            )
        if jit_compile is True:
            raise ValueError(
                f"jit_compile must be False or 'auto', got True: {type(self).__name__} "
                "has operations that XLA cannot compile"
            )
        super().compile(
            optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=False,
            auto_scale_loss=auto_scale_loss,
        )

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as the model that was saved (called by Keras)."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def _maybe_symbolic_build(self, *data: Any, **named: Any) -> None:
        """Build the optimiser alone (called by Keras): all else is built."""
        if self._distribute_strategy and self.optimizer and not self.optimizer.built:
            with self._distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Take a step and count it (called by Keras)."""
        logs = super().train_step(self.labelled(data))
        self.steps.assign_add(1)
        return logs

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Track the losses of a batch outside of training (called by Keras)."""
        batch = self.labelled(data)
        outputs = self.learn(batch, training=False)
        loss = self.compute_loss(batch, None, outputs, training=False)
        rows = tf.shape(tf.nest.flatten(batch)[0])[0]
        self._loss_tracker.update_state(loss, rows)
        return self.get_metrics_result()

    def predict_step(self, data: Any) -> Any:
        """Return the detections of a batch (called by Keras)."""
        return self(without_targets(data), training=False).detections

    def loss_terms(self, outputs: Any, batch: Batch) -> Terms:
        """Named scalars, weighted and masked, whose sum is the loss."""
        raise NotImplementedError

    def compute_loss(
        self,
        x: Batch,
        y: Any,
        y_pred: Any,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """Track every term and return the sum (called by Keras).

        Raises:
            tf.errors.InvalidArgumentError: In training, a term is not finite; no weight
                has moved in that step.
        """
        terms = self.loss_terms(y_pred, x)
        for name, value in terms.items():
            self.term_means[name].update_state(value)
        if training and getattr(self, "optimizer", None):
            # The replicas' gradients are added up; the sum is that of one loss.
            return finite_sum(terms, self.optimizer.iterations) / replicas.count()
        return tf.add_n(list(terms.values()))

    def labelled(self, data: Any) -> Batch:
        """Return a batch that Keras hands on, its labels checked.

        Raises:
            ValueError: it has no targets.
            tf.errors.InvalidArgumentError: a label for which there is no output.
        """
        batch, *_ = keras.utils.unpack_x_y_sample_weight(data)
        self.check_keys(batch, (*self.needs, "targets"))
        targets, count = batch["targets"], self.config.num_classes
        check = tf.debugging.assert_less(
            tf.reduce_max(targets["semantic"]),
            count,
            f"num_classes of the network is {count}, with the background, which must "
            "be above the highest class of the scenes",
        )
        with tf.control_dependencies([check]):
            return batch | {"targets": tf.nest.map_structure(tf.identity, targets)}

    def check_keys(self, batch: Any, keys: tuple[str, ...]) -> None:
        """Raise ValueError unless a batch is a dict that has the keys."""
        found = sorted(batch) if isinstance(batch, dict) else type(batch).__name__
        if not isinstance(batch, dict) or not set(keys) <= set(batch):
            raise ValueError(
                f"{type(self).__name__} needs a batch as gspn_tf.data.load gives it, "
                f"a dict with {', '.join(keys)}, got {found}"
            )

    @staticmethod
    def draw_seed(draws: keras.random.SeedGenerator, training: bool) -> tf.Tensor:
        """A seed [2], fresh in training and fixed outside, so that results repeat."""
        return tf.cast(draws.next(), tf.int32) if training else tf.zeros(2, tf.int32)

    def load_own_variables(self, store: Any) -> None:
        """Read the steps; files of earlier versions have none, or the KL weight."""
        if len(store):
            super().load_own_variables(store)

    def get_build_config(self) -> None:
        """Return nothing: the constructor makes all weights."""
        return None


def batch_norms(model: keras.Model) -> Iterator[BatchNorm]:
    """Go through the batch normalisations that training moves."""
    for layer in model._flatten_layers():
        if isinstance(layer, BatchNorm) and layer.trainable:
            yield layer


def without_targets(data: Any) -> Batch:
    """Return the part of a batch that the networks see at test time."""
    batch, *_ = keras.utils.unpack_x_y_sample_weight(data)
    if not isinstance(batch, dict):
        return batch  # which the call refuses
    return {name: value for name, value in batch.items() if name != "targets"}


NOT_FINITE = "must be finite, they are in step"


def finite_sum(terms: Terms, step: tf.Tensor) -> tf.Tensor:
    """Add up the terms; the gradient waits until all of them are known to be finite.

    Args:
        terms: Named scalars.
        step: Steps that were made before, for the message.

    Raises:
        tf.errors.InvalidArgumentError: A term is not finite; the message has the names
            of all, `NOT_FINITE`, the step from 1 on and the values.
    """
    said = f"the loss terms {' '.join(terms)} {NOT_FINITE}"
    number = tf.convert_to_tensor(step) + 1

    @tf.custom_gradient
    def total(*values: tf.Tensor) -> tuple[tf.Tensor, Any]:
        stacked = tf.stack(values)
        finite = tf.reduce_all(tf.math.is_finite(stacked))
        check = tf.debugging.Assert(finite, [said, number, stacked], len(values))

        def gradient(upstream: tf.Tensor) -> list[tf.Tensor]:
            with tf.control_dependencies([check]):
                return [tf.identity(upstream)] * len(values)

        return tf.add_n(values), gradient

    return total(*terms.values())
