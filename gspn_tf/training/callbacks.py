"""Schedules as pure functions of the step, and the callbacks around them."""

import math
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from gspn_tf import files
from gspn_tf.config import GSPNConfig, StageConfig
from gspn_tf.training import run_folder
from gspn_tf.training.run_folder import RunFolder, State

BATCH_NORM_LIMIT = 0.99  # train.py of the release: BN_DECAY_CLIP


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


def learning_rate_at(step: int, stage: StageConfig, total_steps: int) -> float:
    """Learning rate: linear warm-up, then stairs of 0.7 or half a cosine.

    The stairs are those of the release: a factor 0.7 each `decay_steps`, never below
    `final_learning_rate`. The cosine ends there at `total_steps`.
    """
    top, bottom = stage.learning_rate, stage.final_learning_rate
    if step < stage.warmup_steps:
        return top * (step + 1) / stage.warmup_steps
    if stage.schedule == "staircase":
        return max(top * 0.7 ** (step // stage.decay_steps), bottom)
    progress = (step - stage.warmup_steps) / max(total_steps - stage.warmup_steps, 1)
    return bottom + (top - bottom) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2


class LearningRate(keras.callbacks.Callback):
    """Sets the optimiser's learning rate before each step."""

    def __init__(self, stage: StageConfig, total_steps: int):
        super().__init__()
        self.stage = stage
        self.total_steps = total_steps

    def on_train_batch_begin(self, batch, logs=None):
        """Called by Keras."""
        step = int(self.model.optimizer.iterations)
        rate = learning_rate_at(step, self.stage, self.total_steps)
        self.model.optimizer.learning_rate.assign(rate)


class KLWarmup(keras.callbacks.Callback):
    """Moves `kl_weight` of a GSPN before each step, see `kl_weight_at`."""

    def __init__(self, proposal_network: keras.Model):
        super().__init__()
        self.network = proposal_network

    def on_train_batch_begin(self, batch, logs=None):
        """Called by Keras."""
        step = int(self.model.optimizer.iterations)
        self.network.kl_weight.assign(kl_weight_at(step, self.network.config))


class BatchNormMomentum(keras.callbacks.Callback):
    """Raises the momentum of every batch normalisation, see `batch_norm_momentum_at`.

    Keras bakes the momentum into the traced step, so each of the seven values costs
    one retrace; a value holds for whole epochs.
    """

    def __init__(self, decay_steps: int):
        super().__init__()
        self.decay_steps = decay_steps

    def on_epoch_begin(self, epoch, logs=None):
        """Called by Keras."""
        step = int(self.model.optimizer.iterations)
        momentum = batch_norm_momentum_at(step, self.decay_steps)
        stale = [norm for norm in batch_norms(self.model) if norm.momentum != momentum]
        for norm in stale:
            norm.momentum = momentum
        if stale:
            self.model.make_train_function(force=True)


def batch_norms(layer: keras.layers.Layer) -> list[keras.layers.BatchNormalization]:
    """Every batch normalisation inside a layer or model."""
    if isinstance(layer, keras.layers.BatchNormalization):
        return [layer]
    return [norm for part in layer._layers for norm in batch_norms(part)]


class Recorder(keras.callbacks.Callback):
    """After each epoch: best weights, checkpoint, metrics.csv and TensorBoard.

    In this order, so that a run killed at any moment repeats at most the epoch it was
    in, and overwrites what that epoch had already written.
    """

    def __init__(self, run: RunFolder, stage: str, monitor: tuple[str, ...]):
        super().__init__()
        self.run = run
        self.stage = stage
        self.monitor = monitor
        self.state = State()
        self.writer = tf.summary.create_file_writer(
            str(run.path / "tensorboard" / stage)
        )

    def resume(self) -> int:
        """Restore the last checkpoint, if there is one; epochs done."""
        path = self.run.checkpoint(self.stage)
        if path.exists():
            values, self.state = run_folder.load_checkpoint(path)
            restore(self.model, values)
            self.run.write_metrics(self.stage, self.state.rows)
        return self.state.epochs_done

    def on_epoch_begin(self, epoch, logs=None):
        """Called by Keras."""
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        """Called by Keras."""
        row = {
            "epoch": epoch + 1,
            "seconds": round(time.monotonic() - self.started, 3),
            "learning_rate": float(self.model.optimizer.learning_rate),
            **{name: float(value) for name, value in logs.items()},
        }
        best = self.keep_best(row)
        self.state = State(epoch + 1, best, (*self.state.rows, row))
        path = self.run.checkpoint(self.stage)
        run_folder.save_checkpoint(path, snapshot(self.model), self.state)
        self.run.write_metrics(self.stage, self.state.rows)
        with self.writer.as_default(step=epoch + 1):
            for name, value in row.items():
                tf.summary.scalar(name, value)
        self.writer.flush()

    def keep_best(self, row: dict[str, float]) -> float:
        """Save the weights if they are the best so far; the best sum of the terms.

        Without validation the sum cannot be known: then the last weights are kept.
        """
        names = [f"val_{name}" for name in self.monitor]
        known = all(name in row for name in names)
        if not known and self.state.best < float("inf"):
            return self.state.best
        value = sum(row[name] for name in names) if known else float("inf")
        if value >= self.state.best and known:
            return self.state.best
        save_weights(self.model, self.run.weights(self.stage))
        return value


def save_weights(model: keras.Model, path: Path) -> None:
    """Write the weights alone: Keras adds a compiled model's optimiser, thrice them."""
    optimizer, model.optimizer = model.optimizer, None
    try:
        with files.replacing(path) as beside:
            model.save_weights(beside)
    finally:
        model.optimizer = optimizer


def snapshot(model: keras.Model) -> dict[str, np.ndarray]:
    """Every variable that training moves: weights, optimiser, random generators."""
    variables = [*model.variables, *model.optimizer.variables]
    return {f"{i:04d}": v.value.numpy() for i, v in enumerate(variables)}


def restore(model: keras.Model, values: dict[str, np.ndarray]) -> None:
    """Inverse of `snapshot`, for a model that is compiled and built."""
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    shapes = [tuple(value.shape) for value in values.values()]
    if shapes != [tuple(v.shape) for v in variables]:
        raise ValueError(
            f"the checkpoint holds {len(shapes)} arrays that do not fit the model's "
            f"{len(variables)} variables; it is of another version of the program"
        )
    for variable, value in zip(variables, values.values(), strict=True):
        variable.assign(value)


class ProgressLine(keras.callbacks.Callback):
    """A bar while an epoch runs (on a terminal), and one line when it has run."""

    def __init__(self, stage: str, epochs: int, steps: int, console: Console):
        super().__init__()
        self.stage, self.epochs, self.steps = stage, epochs, steps
        self.console = console
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch, logs=None):
        """Called by Keras."""
        self.started = time.monotonic()
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}  loss {task.fields[loss]:.3f}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        name = f"{self.stage} {epoch + 1}/{self.epochs}"
        self.task = self.bar.add_task(name, total=self.steps, loss=float("nan"))
        self.bar.start()

    def on_train_batch_end(self, batch, logs=None):
        """Called by Keras."""
        if not self.bar.disable:
            self.bar.update(self.task, completed=batch + 1, loss=float(logs["loss"]))

    def on_epoch_end(self, epoch, logs=None):
        """Called by Keras."""
        self.bar.stop()
        self.seconds.append(time.monotonic() - self.started)
        left = np.mean(self.seconds) * (self.epochs - epoch - 1)
        terms = "  ".join(f"{name} {value:.3f}" for name, value in logs.items())
        self.console.print(
            f"{self.stage} {epoch + 1}/{self.epochs}  {self.seconds[-1]:.0f} s"
            f" ({left / 60:.0f} min left)  {terms}",
            highlight=False,
            soft_wrap=True,
        )
