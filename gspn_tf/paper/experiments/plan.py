"""An experiment -> its systems and seeds, each with the steps that it needs.

    OUTPUT/runs/rooms-small-ours-seed0-proposals/     stage one; systems may share it
    OUTPUT/runs/rooms-small-ours-seed0/               stage two; a whole run folder
        measured-5be0c2d1.json          figures on the test scenes of that checksum

Systems are trained on the same scenes for as many epochs as the config of each says; a
seed changes first weights and all that training draws, never the data.
"""

import dataclasses as dc
import itertools
from pathlib import Path
from typing import Literal, NamedTuple

from gspn_tf import config as config_lib
from gspn_tf.config import Config, RPointNetConfig, StageConfig
from gspn_tf.config import loading as config_loading
from gspn_tf.data import manifest
from gspn_tf.paper.experiments import requirements
from gspn_tf.paper.experiments.tables import (
    Budget,
    PaperTable,
    System,
    reduce_network,
    reduce_training,
)
from gspn_tf.training import run_folder
from gspn_tf.training.run_folder import RunFolder

CATEGORIES = ("parts", "partnet")  # data sets whose shapes are of categories
OURS = System("ours", "Ours")


@dc.dataclass(frozen=True)
class DataFolder:
    """Prepared data, and the config that the systems vary on it."""

    path: Path
    label: str  # in the names of runs
    config: str  # FILE.py:VARIANT


@dc.dataclass(frozen=True)
class ScanFrames:
    """The frames of the scans, for a system that sees these alone."""

    data: DataFolder  # of `gspn prepare frames`: to train on
    scans: Path  # with a folder of frames for each scan that is measured


@dc.dataclass(frozen=True)
class Experiment:
    """A table and all else that the command line says."""

    table: PaperTable
    budget: Budget
    seeds: tuple[int, ...]
    output: Path
    data: DataFolder
    overrides: tuple[str, ...] = ()
    folds: tuple[DataFolder, ...] = ()  # of a table that holds rooms out
    rooms: DataFolder | None = None  # that its pretrained systems start with
    frames: ScanFrames | None = None

    @property
    def name(self) -> str:
        """The name of its table's files."""
        return f"{self.table.name}-{self.data.label}-{self.budget.name}"


@dc.dataclass(frozen=True)
class Training:
    """The training of some stages in one run folder."""

    path: Path
    stages: tuple[str, ...]
    config: Config
    data: DataFolder
    init: Path | str | None = None  # the run or preset whose weights to start from

    def is_done(self) -> bool:
        """Whether the last epoch of every stage is done."""
        run = RunFolder(self.path)
        return all(run.is_finished(stage, self.config) for stage in self.stages)


@dc.dataclass(frozen=True)
class Measurement:
    """The figures of trained networks, over the test scenes of all of them together."""

    path: Path  # of the file that they are written to
    networks: tuple[Training, ...]
    split: str
    by: Literal["category", "room"] | None = None  # figures for groups of scenes, too
    data: DataFolder | None = None  # to measure on, if not that of the training
    frames: Path | None = None  # of the scans of that data, which the networks see

    def is_done(self) -> bool:
        """Whether its file is there, which appears whole or not at all."""
        return self.path.is_file()

    def scenes_of(self, network: Training) -> Path:
        """Return the data folder that a network is measured on."""
        return (self.data or network.data).path


Step = Training | Measurement


class Job(NamedTuple):
    """One system with one seed."""

    system: System
    seed: int
    trainings: list[Training]  # in their order
    measurement: Measurement

    @property
    def name(self) -> str:
        """The name of its log."""
        return self.measurement.path.parent.name

    def missing(self) -> list[Step]:
        """List the steps that are not done yet, in their order."""
        steps: list[Step] = [*self.trainings, self.measurement]
        return [step for step in steps if not step.is_done()]


def plan_jobs(experiment: Experiment) -> list[Job]:
    """List systems and seeds in the order of work: every system, then the next seed.

    Raises:
        ValueError: a run that is there is of another config or data.
    """
    pairs = itertools.product(experiment.seeds, experiment.table.systems)
    jobs = [_plan_job(experiment, system, seed) for seed, system in pairs]
    for training in {t.path: t for job in jobs for t in job.trainings}.values():
        if (run := RunFolder(training.path)).has_begun():
            directory = training.data.path
            classes = manifest.read_classes(directory).pairs()
            checksums = run_folder.training_checksums(directory)
            run.refuse_other(training.config, classes, checksums)
    return jobs


def stage_one_config(config: Config) -> Config:
    """Return the config with defaults for everything that stage one ignores."""
    assert isinstance(config.model, RPointNetConfig)
    train = dc.replace(config.train, rpointnet=StageConfig(), sgpn=StageConfig())
    model = RPointNetConfig(proposal=config.model.proposal)
    return dc.replace(config, model=model, train=train)


def _plan_job(experiment: Experiment, system: System, seed: int) -> Job:
    """Find out what a system needs with a seed."""
    if not experiment.rooms:
        seen = experiment.data
        if system.sees_frames:
            assert experiment.frames is not None  # see `lacking`
            seen = experiment.frames.data
        trainings = _network_runs(experiment, system, seed, seen)
        measurement = _measurement(experiment, system, trainings[-1])
        return Job(system, seed, trainings, measurement)
    before: list[Training] = []
    init: Path | str | None = system.preset
    if system.pretrained:
        alone = system._replace(key=system.config_name)
        before = _network_runs(experiment, alone, seed, experiment.rooms)
        init = before[-1].path
    folds = [_whole_run(experiment, system, seed, f, init) for f in experiment.folds]
    folder = f"{experiment.name}-{system.key}-seed{seed}"
    path = experiment.output / "pooled" / folder / "measured.json"
    measurement = Measurement(path, tuple(folds), "test", "room")
    return Job(system, seed, [*before, *folds], measurement)


def _network_runs(
    experiment: Experiment, system: System, seed: int, data: DataFolder
) -> list[Training]:
    """List the trainings of a network; stage one is that of "Ours" where it agrees."""
    whole = _whole_run(experiment, system, seed, data)
    if not isinstance(whole.config.model, RPointNetConfig):
        return [whole]
    ours = _whole_run(experiment, OURS, seed, data)
    config = stage_one_config(whole.config)
    shared = ours if config == stage_one_config(ours.config) else whole
    path = shared.path.with_name(f"{shared.path.name}-proposals")
    *before, last = whole.stages
    first = Training(path, tuple(before), config, data)
    if experiment.table.proposals_alone:
        return [first]
    return [first, dc.replace(whole, stages=(last,), init=path)]


def _whole_run(
    experiment: Experiment,
    system: System,
    seed: int,
    data: DataFolder,
    init: Path | str | None = None,
) -> Training:
    """Train all stages of a system in one run folder, for the classes of the data."""
    if system.preset:
        source = str(config_lib.preset_folder(system.preset) / "config.json")
    else:
        file, _, base = data.config.partition(":")
        source = f"{file}:{system.variant(base, experiment.budget)}"
    config = config_loading.load_config(source)
    if experiment.budget.name == "smoke":
        reduce_training(config)
        if not system.preset:
            reduce_network(config)
    classes = len(manifest.read_classes(data.path)) + 1
    outputs = [f"--config.model.{config.model.num_classes_field}={classes}"]
    if config.model.image_features:
        channels = manifest.image_channels(data.path)
        field = config.model.image_features_field
        outputs.append(f"--config.model.{field}={channels}")
    config = config_loading.override(config, (*outputs, *experiment.overrides))
    config.train.seed = seed
    name = f"{data.label}-{experiment.budget.name}-{system.key}-seed{seed}"
    path = experiment.output / "runs" / name
    return Training(path, tuple(config.model.stages()), config, data, init)


def _measurement(
    experiment: Experiment, system: System, network: Training
) -> Measurement:
    """Measure a network in its run folder, in a file named after the test scenes."""
    data = experiment.data
    split = requirements.measured_split(data.path)
    path = network.path / f"measured-{manifest.checksum(data.path, split)[:8]}.json"
    named = manifest.read_manifest(data.path).get("data") in CATEGORIES
    by: Literal["category"] | None = "category" if named else None
    frames = (
        experiment.frames.scans if system.sees_frames and experiment.frames else None
    )
    return Measurement(path, (network,), split, by, data, frames)
