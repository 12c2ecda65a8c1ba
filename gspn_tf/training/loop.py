"""The stages of training (section 3.3), each through `fit`.

Stage one trains a GSPN with its semantic network. Stage two trains the heads of an
R-PointNet on the proposals of the frozen GSPN. An SGPN has one stage. The batches of
an epoch are a function of the seed and the epoch, and everything else that training
moves is in the checkpoint: an interrupted run continues as if nothing had happened.
"""

import functools
import operator
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from gspn_tf import data, models
from gspn_tf.config import Config, StageConfig
from gspn_tf.data import manifest
from gspn_tf.training import callbacks
from gspn_tf.training.run_folder import RunFolder


@dataclass(frozen=True)
class Scenes:
    """The data of a run."""

    directory: str
    config: Config

    def epoch(self, stage: str, epoch: int) -> tf.data.Dataset:
        """Training batches of one epoch: the same whenever they are asked for."""
        number = list(self.config.model.stages()).index(stage)
        key = (self.config.train.seed, number, epoch)
        seed = int(np.random.SeedSequence(key).generate_state(1)[0] >> 1)
        batches = self._batches(self._training_scenes, training=True, seed=seed)
        batches = batches.repeat(self.config.train.scene_repeats)
        return batches.apply(tf.data.experimental.assert_cardinality(self.steps()))

    def validation(self) -> tf.data.Dataset | None:
        """Batches of the split `val`, or None where there is none."""
        if not manifest.has_scenes(self.directory, "val"):
            return None
        scenes = data.scenes(self.directory, "val", training=False)
        return self._batches(scenes, training=False, seed=self.config.train.seed)

    def steps(self) -> int:
        """Training steps of an epoch; ValueError where a batch cannot be filled."""
        scenes, size = self._count("train"), self.config.train.batch_size
        if scenes < size:
            raise ValueError(
                f"train.batch_size must be at most the {scenes} training scenes of "
                f"{self.directory}, got {size}"
            )
        return scenes // size * self.config.train.scene_repeats

    def _count(self, split: str) -> int:
        return manifest.num_scenes(self.directory, split)

    @functools.cached_property
    def _training_scenes(self) -> tf.data.Dataset:
        scenes = data.scenes(self.directory, "train", training=True)
        return scenes.cache() if self.config.data.cache else scenes

    def _batches(
        self, scenes: tf.data.Dataset, *, training: bool, seed: int
    ) -> tf.data.Dataset:
        size = self.config.train.batch_size
        return data.batches(
            scenes, self.config.data, batch_size=size, training=training, seed=seed
        )


def train(
    config: Config,
    data_dir: str | Path,
    run_dir: str | Path,
    *,
    init: str | Path | None = None,
    stages: Sequence[str] | None = None,
    console: Console | None = None,
) -> RunFolder:
    """Train the stages, continuing a run of the same config that `run_dir` holds.

    By default all stages of the config. `init` is a run folder to start from instead
    of random weights (fine-tuning); what does not fit because the classes are others
    starts at random. Progress goes to `console`, nowhere by default.

    Raises ValueError when the folder holds another run, or one that another process
    trains, when the data has other classes than the config, or too few scenes, or for
    a stage that the config lacks.
    """
    known = list(config.model.stages())
    for stage in stages or ():
        if stage not in known:
            raise ValueError(f"stage must be of {known}, as the config's, got {stage}")
    console = console or Console(quiet=True)
    scenes, run = Scenes(str(data_dir), config), RunFolder(Path(run_dir))
    classes = manifest.read_classes(data_dir).pairs()
    check_classes(config, classes)
    scenes.steps()
    source = RunFolder(Path(init)) if init else None
    if source:
        source.config()
    with run.locked(), manifest.naming_damage(data_dir):
        run.start(config, classes)
        for stage in stages or known:
            fit_stage(stage, scenes, run, source, console)
    return run


def check_classes(config: Config, classes: Sequence) -> None:
    """Raise ValueError unless the network has an output for each class."""
    field, expected = config.model.num_classes_field, len(classes) + 1
    outputs = operator.attrgetter(field)(config.model)
    if outputs != expected:
        raise ValueError(
            f"the data has {len(classes)} classes; give --config.model.{field}="
            f"{expected} (with the background), got {outputs}"
        )


def fit_stage(
    stage: str,
    scenes: Scenes,
    run: RunFolder,
    init: RunFolder | None,
    console: Console,
) -> None:
    """Train one stage from its last checkpoint, or from the start, to its end."""
    config, steps = scenes.config, scenes.steps()
    options: StageConfig = getattr(config.train, stage)
    model = build(stage, config)
    if not run.checkpoint(stage).exists():
        start_weights(model, stage, run, init)
    model.compile(optimizer=optimizer(options), jit_compile=False)
    model.optimizer.build(model.trainable_variables)  # else the first step traces twice
    recorder = callbacks.Recorder(run, stage, model.monitored)
    recorder.set_model(model)
    first = recorder.resume()
    start = f", from epoch {first + 1}" if first else ""
    start = ", all done before" if first == options.epochs else start
    console.print(f"{stage}: {options.epochs} epochs of {steps} steps{start}")
    line = callbacks.ProgressLine(stage, options.epochs, steps, console)
    watchers = [*schedules(stage, model, config, steps), recorder, line]
    validation = scenes.validation()
    for epoch in range(first, options.epochs):
        last = epoch + 1 == options.epochs
        due = last or (epoch + 1) % config.train.validation_every == 0
        model.fit(
            scenes.epoch(stage, epoch),
            initial_epoch=epoch,
            epochs=epoch + 1,
            validation_data=validation if due else None,
            callbacks=watchers,
            shuffle=False,  # the data set shuffles
            verbose=0,
        )


def build(stage: str, config: Config) -> keras.Model:
    """The model of a stage, with the weights that every run of it starts from."""
    keras.utils.set_random_seed(config.train.seed)
    return models.build(config.model.stages()[stage])


def optimizer(options: StageConfig) -> keras.optimizers.Optimizer:
    """Adam of the release (train.py); the schedule moves its learning rate."""
    clip = options.clip_norm or None
    return keras.optimizers.Adam(
        options.learning_rate, epsilon=1e-8, global_clipnorm=clip
    )


def schedules(
    stage: str, model: keras.Model, config: Config, steps: int
) -> list[keras.callbacks.Callback]:
    """Callbacks that move the learning rate, the KL weight and the momentum."""
    options: StageConfig = getattr(config.train, stage)
    moved = [callbacks.LearningRate(options, steps * options.epochs)]
    if stage == "gspn":
        moved.append(callbacks.KLWarmup(model))
    if options.schedule == "staircase":
        moved.append(callbacks.BatchNormMomentum(options.decay_steps))
    return moved


def start_weights(
    model: keras.Model, stage: str, run: RunFolder, init: RunFolder | None
) -> None:
    """Weights before the first step: of `init`, and of stage one for stage two."""
    if init and init.weights(stage).exists():
        load_other_run(model, init.weights(stage), init.classes() == run.classes())
    if stage != "rpointnet":
        return
    for source in filter(None, (run, init)):
        path = source.weights("gspn")
        if path.exists():
            same = source.classes() == run.classes()
            load_weights(model.proposal_network, path, same)
            return
    if not (init and init.weights(stage).exists()):
        raise ValueError(
            f"stage two needs proposals: {run.weights('gspn')} is missing; "
            "train stage gspn first"
        )


def load_weights(model: keras.Model, path: Path, same_classes: bool) -> None:
    """Read a weight file; layers that depend on the classes may differ if those do."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras lists the layers it skips
            model.load_weights(path, skip_mismatch=not same_classes)
    except ValueError as error:
        raise ValueError(f"{path} does not fit this config's network") from error


def load_other_run(model: keras.Model, path: Path, same_classes: bool) -> None:
    """As `load_weights`; ValueError where less than half of the weights fit."""
    before = [variable.numpy() for variable in model.trainable_variables]
    load_weights(model, path, same_classes)
    pairs = zip(before, model.trainable_variables, strict=True)
    skipped = sum(old.size for old, new in pairs if np.array_equal(old, new.numpy()))
    if skipped > sum(old.size for old in before) / 2:
        raise ValueError(f"{path} does not fit this config's network")
