"""The callback that records a training and shows how far it is."""

import contextlib
import math
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import Progress

from gspn_tf.files.errors import naming_file
from gspn_tf.models.base import NOT_FINITE
from gspn_tf.models.weights import save_weights
from gspn_tf.training.run_folder import RunFolder


class NonFiniteError(ValueError):
    """A training that cannot go on: says in which epoch and step, and of what."""


class Recorder(keras.callbacks.Callback):
    """The callback that writes what an epoch leaves to the run folder, and tells it.

    It writes best weights, metrics.csv and TensorBoard's scalars, and the checkpoint
    last. So a run that is killed at any moment repeats at most the epoch it was in, and
    overwrites what that epoch had already written. On a terminal there is a bar while
    an epoch runs, and everywhere one line when it has run.

    Args:
        run: the folder.
        stage: the stage that is trained.
        model: its model, compiled, with a built optimiser.
        console: where to tell it.
    """

    def __init__(
        self, run: RunFolder, stage: str, model: keras.Model, console: Console
    ) -> None:
        super().__init__()
        self.run, self.stage, self.console = run, stage, console
        self.epochs = getattr(run.config().train, stage).epochs
        self.bar = Progress(console=console, disable=True)  # until an epoch begins
        self.seconds: list[float] = []
        self.monitored = [f"val_{name}" for name in model.monitored]
        self.rows: list[dict[str, Any]] = []
        folder = str(run.path / "tensorboard" / stage)
        self.writer = tf.summary.create_file_writer(folder)
        # Weights, optimiser and random generators: all that training moves.
        variables = [*model.variables, *model.optimizer.variables]
        self.checkpoint = tf.train.Checkpoint(state=[v.value for v in variables])
        states = run.checkpoints(stage)
        with naming_file(states / "checkpoint", "checkpoint"):
            self.manager = tf.train.CheckpointManager(
                self.checkpoint, str(states), max_to_keep=1
            )

    def resume(self) -> int:
        """Restore the last checkpoint, if there is one.

        Returns:
            The number of epochs that are done.

        Raises:
            ValueError: a checkpoint that is damaged or does not fit the model or the
                rows of metrics.csv.
        """
        path, rows = self.manager.latest_checkpoint, self.run.read_metrics(self.stage)
        folder = self.run.checkpoints(self.stage)
        if path is None and (folder / "checkpoint").exists():
            raise ValueError(f"{folder / 'checkpoint'} is damaged: it names no file")
        if path:
            self._restore(path)
        done = int(path.rpartition("-")[2]) if path else 0
        # The rows are written first, so there may be one more of them.
        if len(rows) not in (done, done + 1):
            raise ValueError(
                f"{self.run.path / 'metrics.csv'} has {len(rows)} epochs of the stage "
                f"{self.stage} and {folder} the state after {done}: one is damaged"
            )
        self._remove_unfinished()
        if done:
            self.rows = rows[:done]
            self.run.write_metrics(self.stage, self.rows)
        return done

    def _restore(self, path: str) -> None:
        try:
            self.checkpoint.restore(path).assert_consumed()
        except (tf.errors.OpError, LookupError, RuntimeError) as error:
            raise ValueError(
                f"the checkpoint {path} is damaged (its .index or .data file): start "
                f"from the best weights with --init {self.run.path} and another --run"
            ) from error
        except (AssertionError, ValueError) as error:
            raise ValueError(
                f"the checkpoint {path} does not fit the model: it was written by "
                "another version of the program"
            ) from error

    def _remove_unfinished(self) -> None:
        """Remove what a save that did not come to its end has left."""
        folder = self.run.checkpoints(self.stage)
        whole = Path(tf.train.latest_checkpoint(folder) or "none").name
        for path in folder.iterdir() if folder.exists() else ():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != "checkpoint" and path.stem != whole:
                path.unlink()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Stop the bar in the end, and turn a term that is not finite into one line.

        Raises:
            NonFiniteError: `fit` stopped at such a term.
        """
        try:
            yield
        except tf.errors.InvalidArgumentError as error:
            form = rf"loss terms (.*) {NOT_FINITE}\] \[(\d+)\] \[(.*?)\]"
            if not (found := re.search(form, str(error))):
                raise
            pairs = zip(found[1].split(), found[3].split(), strict=True)
            bad = [f"{name} is {x}" for name, x in pairs if not math.isfinite(float(x))]
            what = f"the loss term {', '.join(bad)}"
            raise self._not_finite(int(found[2]), what) from error
        finally:
            self.bar.stop()

    def _not_finite(self, step: int, what: str) -> NonFiniteError:
        """The error of a step, counted from the first one of the stage."""
        steps, kept = self.params["steps"], self.run.weights(self.stage)
        left = f"the best weights are kept: {kept}" if self.rows else "nothing is kept"
        return NonFiniteError(
            f"{self.stage} epoch {self.epoch + 1}, step {step - self.epoch * steps} "
            f"of {steps}: {what}; {left}"
        )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock and show the bar (called by Keras)."""
        self.epoch, self.started = epoch, time.monotonic()
        hidden = not self.console.is_terminal
        self.bar = Progress(console=self.console, transient=True, disable=hidden)
        name = f"{self.stage} {epoch + 1}/{self.epochs}"
        self.task = self.bar.add_task(name, total=self.params["steps"])
        self.bar.start()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move the bar (called by Keras)."""
        self.bar.advance(self.task)

    def on_test_begin(self, logs: Any = None) -> None:
        """Validate the averages of the weights (called by Keras)."""
        swap_averages(self.model)

    def on_test_end(self, logs: Any = None) -> None:
        """Train the weights themselves (called by Keras)."""
        swap_averages(self.model)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Write everything, then the line (called by Keras)."""
        self.bar.stop()
        for weight in self.model.weights:
            if not np.isfinite(weight.numpy()).all():
                what = f"the weight {weight.path} is not finite"
                raise self._not_finite(
                    int(self.model.optimizer.iterations.numpy()), what
                )
        self.seconds.append(time.monotonic() - self.started)
        row = {
            "epoch": epoch + 1,
            "seconds": round(self.seconds[-1], 3),
            "learning_rate": float(self.model.optimizer.learning_rate),
            **{name: float(value) for name, value in logs.items()},
        }
        if self.is_best(row):
            swap_averages(self.model)
            save_weights(self.model, self.run.weights(self.stage))
            swap_averages(self.model)
        self.rows.append(row)
        self.run.write_metrics(self.stage, self.rows)
        with self.writer.as_default(step=epoch + 1):
            for name, value in row.items():
                tf.summary.scalar(name, value)
        self.writer.flush()
        try:
            self.manager.save(checkpoint_number=epoch + 1)
        except tf.errors.OpError:
            self._remove_unfinished()
            raise
        left = np.mean(self.seconds) * (self.epochs - epoch - 1)
        terms = "  ".join(f"{name} {value:.3f}" for name, value in logs.items())
        self.console.print(
            f"{self.stage} {epoch + 1}/{self.epochs}  {self.seconds[-1]:.0f} s"
            f" ({left / 60:.0f} min left)  {terms}",
            highlight=False,
            soft_wrap=True,
        )

    def is_best(self, row: dict[str, Any]) -> bool:
        """Whether the monitored terms have their least sum in this epoch.

        An epoch without validation has no sum: its weights are kept as long as no
        epoch has a finite one.
        """
        sums = [self.monitored_sum(each) for each in self.rows]
        before = [each for each in sums if each is not None and math.isfinite(each)]
        total = self.monitored_sum(row)
        return not before if total is None else total < min(before, default=math.inf)

    def monitored_sum(self, row: dict[str, Any]) -> float | None:
        """Add up the monitored terms of an epoch; None without validation."""
        values = [row.get(name, "") for name in self.monitored]
        return None if "" in values else sum(map(float, values))


def swap_averages(model: keras.Model) -> None:
    """Exchange the weights and their moving averages, if the optimiser keeps any."""
    if model.optimizer.use_ema:
        averages = model.optimizer._model_variables_moving_average
        for weight, average in zip(model.trainable_variables, averages, strict=True):
            values = weight.numpy()
            weight.assign(average)
            average.assign(values)
