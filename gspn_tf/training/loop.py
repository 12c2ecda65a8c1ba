"""The stages of training (section 3.3), each by Keras's `fit`.

Stage one trains a GSPN with its semantic network, or after this, where it has a stage
of its own. Stage two trains the heads of an R-PointNet on the proposals of the frozen
GSPN. An SGPN has one stage, a Mask R-CNN one or three. The batches of an epoch are a
function of the seed and the epoch, and everything else that training moves is in the
checkpoint: an interrupted run continues as if nothing had happened.
"""

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from gspn_tf import data, models
from gspn_tf.config import Config, MaskRCNNConfig, StageConfig
from gspn_tf.data import manifest
from gspn_tf.image.batches import SplitFrames, image_batches
from gspn_tf.training import run_folder
from gspn_tf.training.callbacks import Recorder
from gspn_tf.training.hosts import Hosts
from gspn_tf.training.run_folder import RunFolder
from gspn_tf.training.schedules import optimizer
from gspn_tf.training.starting import Start, start_weights


@dataclass(frozen=True)
class Scenes:
    """The scenes of a data folder as batches of a run."""

    directory: str
    config: Config
    hosts: Hosts = Hosts()

    def epoch(self, stage: str, epoch: int) -> tf.data.Dataset:
        """Give the training batches of an epoch, each time the same.

        They are this host's, one for each of its devices in turn.
        """
        hosts = self.hosts
        number = list(self.config.model.stages()).index(stage)
        options = self.config.train
        key = (options.seed, number, epoch)
        batches = self._batches(
            self._training_scenes,
            batch_size=options.batch_size // hosts.count,
            training=True,
            seed=int(np.random.SeedSequence(key).generate_state(1)[0] >> 1),
            context=tf.distribute.InputContext(hosts.count, hosts.number),
        ).repeat(options.scene_repeats)
        if hosts.devices > 1:
            batches = batches.rebatch(options.batch_size // hosts.replicas)
        count = self.steps() * hosts.devices
        return batches.apply(tf.data.experimental.assert_cardinality(count))

    def validation(self) -> tf.data.Dataset | None:
        """Give the batches of the split `val`, or None where there is none."""
        if not manifest.has_scenes(self.directory, "val"):
            return None
        return self._batches(
            self._find("val", training=False),
            batch_size=self.config.train.batch_size,
            training=False,
            seed=self.config.train.seed,
        )

    def steps(self) -> int:
        """Count the steps of an epoch; ValueError where a batch cannot be filled."""
        self.hosts.check(self.config.train.batch_size)
        scenes = manifest.num_scenes(self.directory, "train")
        size = self.config.train.batch_size
        if scenes < size:
            raise ValueError(
                f"train.batch_size must be at most the {scenes} training scenes of "
                f"{self.directory}, got {size}"
            )
        return scenes // size * self.config.train.scene_repeats

    @functools.cached_property
    def _training_scenes(self) -> data.SplitScenes | SplitFrames:
        return self._find("train", training=True)

    def _find(self, split: str, training: bool) -> data.SplitScenes | SplitFrames:
        """Find the scenes of a split, or where a Mask R-CNN is trained its frames."""
        model, cache = self.config.model, self.config.data.cache
        found = data.scenes(self.directory, split, training=training, cache=cache)
        if isinstance(model, MaskRCNNConfig):
            return SplitFrames(found, model.num_channels, keep=cache)
        return found

    def _batches(
        self, found: data.SplitScenes | SplitFrames, **options: Any
    ) -> tf.data.Dataset:
        if isinstance(found, SplitFrames):
            return image_batches(found, self.config.data, **options)
        features = self.config.model.image_features
        return data.batches(found, self.config.data, image_features=features, **options)


def train(
    config: Config,
    data_dir: str | Path,
    run_dir: str | Path,
    *,
    init: str | Path | None = None,
    stages: Sequence[str] | None = None,
    console: Console | None = None,
    wait: bool = False,
    precision: str | None = None,
    strategy: tf.distribute.Strategy | None = None,
) -> RunFolder:
    """Train the stages, continuing a run of the same config that `run_dir` holds.

    Args:
        config: every hyper-parameter.
        data_dir: a prepared data folder.
        run_dir: the run folder, made where it is missing.
        init: a run folder or preset to start from instead of random weights
            (fine-tuning), or for a Mask R-CNN a file of published weights; layers of
            the classes start at random where these differ.
        stages: some stages of the config; None: all of them.
        console: where the progress goes; None: nowhere.
        wait: whether to wait while another process trains in the folder.
        precision: that of `models.build`.
        strategy: several replicas that train together, of this host or, by
            `hosts.join`, of several, of which the first writes to the run folder.

    Returns:
        The run folder.

    Raises:
        ValueError: the folder holds another run, or one that another process trains;
            the data has other classes or image features than the config, or too few
            scenes; the config lacks a stage; a file of `init` is damaged; the replicas
            cannot have equal parts of a batch; another host has ended.
    """
    known = list(config.model.stages())
    if not set(stages or ()) <= set(known):
        raise ValueError(f"stages must be of {known}, as the config's, got {stages}")
    hosts, run = Hosts(strategy), RunFolder(Path(run_dir))
    console = console if console and hosts.is_chief else Console(quiet=True)
    scenes = Scenes(str(data_dir), config, hosts)
    classes = manifest.read_classes(data_dir).pairs()
    field, expected = config.model.num_classes_field, len(classes) + 1
    outputs = operator.attrgetter(field)(config.model)
    if outputs != expected:
        raise ValueError(
            f"the data has {len(classes)} classes; give --config.model.{field}="
            f"{expected} (with the background), got {outputs}"
        )
    if channels := config.model.image_features:
        manifest.check_image_features(data_dir, channels)
    scenes.steps()
    source = Start.find(init) if init else None
    with hosts.own_folder(run.path) as path, hosts.watching():
        own = RunFolder(path)
        with own.locked(wait), manifest.naming_damage(data_dir):
            own.start(config, classes, run_folder.training_checksums(data_dir))
            for stage in stages or known:
                fit_stage(stage, scenes, own, source, console, precision)
            hosts.agree(None)  # none leaves before the others
    return run


def fit_stage(
    stage: str,
    scenes: Scenes,
    run: RunFolder,
    init: Start | None,
    console: Console,
    precision: str | None,
) -> None:
    """Train one stage from its last checkpoint, or from the start, to its end."""
    config, steps, hosts = scenes.config, scenes.steps(), scenes.hosts
    options: StageConfig = getattr(config.train, stage)
    title = f"{stage}: {options.epochs} epochs of {steps} steps"
    if hosts.agree(run.is_finished(stage, config)):
        console.print(f"{title}, all done before")
        return
    folder = run.checkpoints(stage)
    if (old := folder.with_suffix(".npz")).exists() and not folder.exists():
        raise ValueError(
            f"an earlier version left the stage {stage} of {run.path} unfinished, and "
            f"{old.name} cannot be read any more: start from its best weights with "
            f"--init {run.path} and another --run"
        )
    with hosts.strategy.scope():
        model = initial_model(stage, config, precision)
        model.compile(optimizer(options, total_steps=steps * options.epochs))
        # Else the first step traces twice.
        model.optimizer.build(model.trainable_variables)
        # `fit` ends with every epoch: the averages must not become the weights there.
        model.optimizer.finalize_variable_values = lambda variables: None
    recorder = Recorder(run, stage, model, console)
    first = recorder.resume()
    if not first and hosts.is_chief:
        start_weights(model, stage, run, init, console)
    first, recorder.rows = hosts.agree([first, recorder.rows])
    hosts.share_state(model)
    console.print(title + (f", from epoch {first + 1}" if first else ""))
    validation, fit = scenes.validation(), hosts.fit_of(model)
    for epoch in range(first, options.epochs):
        last = epoch + 1 == options.epochs
        due = last or (epoch + 1) % config.train.validation_every == 0
        with recorder.watching():
            fit(
                scenes.epoch(stage, epoch),
                initial_epoch=epoch,
                epochs=epoch + 1,
                validation_data=validation if due else None,
                callbacks=[recorder],
                shuffle=False,  # the data set shuffles
                verbose=0,
            )


def initial_model(
    stage: str, config: Config, precision: str | None = None
) -> keras.Model:
    """Build the model of a stage, with the weights that every run starts from."""
    keras.utils.set_random_seed(config.train.seed)
    return models.build(config.model.stages()[stage], precision)
