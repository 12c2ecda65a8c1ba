"""The callback that records a training and shows how far it is."""

import math
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import Progress

from gspn_tf import files
from gspn_tf.training.run_folder import RunFolder


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
        self.seconds: list[float] = []
        self.monitored = [f"val_{name}" for name in model.monitored]
        self.rows: list[dict[str, Any]] = []
        folder = str(run.path / "tensorboard" / stage)
        self.writer = tf.summary.create_file_writer(folder)
        # Weights, optimiser and random generators: all that training moves.
        variables = [*model.variables, *model.optimizer.variables]
        self.checkpoint = tf.train.Checkpoint(state=[v.value for v in variables])
        self.manager = tf.train.CheckpointManager(
            self.checkpoint, str(run.checkpoints(stage)), max_to_keep=1
        )

    def resume(self) -> int:
        """Restore the last checkpoint, if there is one.

        Returns:
            The number of epochs that are done.

        Raises:
            ValueError: a checkpoint that does not fit the model.
        """
        path = self.manager.latest_checkpoint
        if path is None:
            return 0
        try:
            self.checkpoint.restore(path).assert_consumed()
        except (AssertionError, ValueError) as error:
            raise ValueError(
                f"the checkpoint {path} does not fit the model: it was written by "
                "another version of the program"
            ) from error
        done = int(path.rpartition("-")[2])
        self.rows = self.run.read_metrics(self.stage)[:done]
        self.run.write_metrics(self.stage, self.rows)
        return done

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock and show the bar (called by Keras)."""
        self.started = time.monotonic()
        hidden = not self.console.is_terminal
        self.bar = Progress(console=self.console, transient=True, disable=hidden)
        name = f"{self.stage} {epoch + 1}/{self.epochs}"
        self.task = self.bar.add_task(name, total=self.params["steps"])
        self.bar.start()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move the bar (called by Keras)."""
        self.bar.advance(self.task)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Write everything, then the line (called by Keras)."""
        self.bar.stop()
        self.seconds.append(time.monotonic() - self.started)
        row = {
            "epoch": epoch + 1,
            "seconds": round(self.seconds[-1], 3),
            "learning_rate": float(self.model.optimizer.learning_rate),
            **{name: float(value) for name, value in logs.items()},
        }
        if self.is_best(row):
            save_weights(self.model, self.run.weights(self.stage))
        self.rows.append(row)
        self.run.write_metrics(self.stage, self.rows)
        with self.writer.as_default(step=epoch + 1):
            for name, value in row.items():
                tf.summary.scalar(name, value)
        self.writer.flush()
        self.manager.save(checkpoint_number=epoch + 1)
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
        epoch has one.
        """
        least = min(map(self.monitored_sum, self.rows), default=math.inf)
        return least == math.inf or not self.monitored_sum(row) >= least

    def monitored_sum(self, row: dict[str, Any]) -> float:
        """Add up the monitored terms of an epoch; infinite without validation."""
        if not all(row.get(name) for name in self.monitored):
            return math.inf
        return sum(float(row[name]) for name in self.monitored)


def save_weights(model: keras.Model, path: Path) -> None:
    """Write the weights alone: Keras adds a compiled model's optimiser, thrice them."""
    optimizer, model.optimizer = model.optimizer, None
    try:
        with files.replacing(path) as beside:
            model.save_weights(beside)
    finally:
        model.optimizer = optimizer
