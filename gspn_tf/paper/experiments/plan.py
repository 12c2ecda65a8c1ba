"""An experiment -> its rows and seeds, each with the tasks that it needs.

Rows are trained on the same scenes for as many epochs as the config of each says; a
seed changes first weights and all that training draws, never the data.
"""

import dataclasses as dc
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from gspn_tf.config import Config
from gspn_tf.config import loading as config_loading
from gspn_tf.data import manifest
from gspn_tf.paper.experiments import tasks
from gspn_tf.paper.experiments.budgets import Budget, reduced
from gspn_tf.paper.experiments.tables import Row, Table
from gspn_tf.paper.experiments.tasks import DataFolder, Measurement, Task, Training
from gspn_tf.training import run_folder

CONFIG_FILES = {"own": "scannet"}  # data set -> file of configs/, where they differ
CATEGORIES = ("parts", "partnet")  # data sets whose shapes are of categories


@dc.dataclass(frozen=True)
class Source:
    """Data, and the config that the rows vary."""

    data: DataFolder
    config: str  # FILE.py:VARIANT


@dc.dataclass(frozen=True)
class Experiment:
    """All that the command line says."""

    table: Table
    budget: Budget
    seeds: tuple[int, ...]
    output: Path
    source: Source
    overrides: tuple[str, ...] = ()
    folds: tuple[DataFolder, ...] = ()  # of a table that holds rooms out
    pretraining: Source | None = None  # of its rows that are pretrained

    @property
    def name(self) -> str:
        """What its table's files are called."""
        data, config = self.source.data, self.source.config
        usual = config == config_file(data.path, self.budget) and not self.overrides
        other = "" if usual else tasks.digest([config, self.overrides])[:4]
        words = [self.table.name, data.label, self.budget.name, other]
        return "-".join(filter(None, words))


class Job(NamedTuple):
    """One row with one seed."""

    row: Row
    seed: int
    measurements: list[Measurement]

    def tasks(self) -> list[Task]:
        """Everything to do, in order, each once."""
        found: dict[Path, Task] = {}
        for measured in self.measurements:
            for network in measured.trainings:
                found |= {task.result: task for task in network.needs()}
            found[measured.result] = measured
        return list(found.values())

    def missing(self) -> list[Task]:
        """Those that are not done yet."""
        return [task for task in self.tasks() if not tasks.is_done(task)]


def config_file(directory: str | Path, budget: Budget) -> str:
    """FILE.py:VARIANT for a data folder."""
    name = manifest.read_manifest(directory).get("data", "own")
    return f"configs/{CONFIG_FILES.get(name, name)}.py:{budget.variant}"


def measured_split(directory: str | Path) -> str:
    """`test` where it has labels, else `val`; ValueError where neither has."""
    for split in ("test", "val"):
        there = manifest.has_scenes(directory, split)
        if there and manifest.is_labelled(directory, split):
            return split
    raise ValueError(
        f"{directory} has no labelled scenes to measure on: the split test or val"
    )


def jobs(experiment: Experiment, rows: Iterable[Row]) -> list[Job]:
    """Rows and seeds in the order of work: every row once, then the next seed."""
    pairs = itertools.product(experiment.seeds, rows)
    found = [_job(experiment, row, seed) for seed, row in pairs]
    for task in {t.result: t for job in found for t in job.tasks()}.values():
        check_folder(task)
    return found


def check_folder(task: Task) -> None:
    """Raise ValueError where a finished run is of another config after all."""
    if isinstance(task, Training) and tasks.is_done(task):
        there = run_folder.RunFolder(task.folder).config()
        if there != task.config:
            raise ValueError(
                f"{task.folder} holds a run of another config, of another version of "
                "the program: give another --output"
            )


def row_config(experiment: Experiment, row: Row, seed: int, source: Source) -> Config:
    """The config of a row, for the classes of the data."""
    file = source.config.partition(":")[0]
    config = config_loading.load_config(f"{file}:{variant_of(experiment, row, source)}")
    if experiment.budget.name == "smoke":
        config = reduced(config)
    classes = len(manifest.read_classes(source.data.path)) + 1
    outputs = f"--config.model.{config.model.num_classes_field}={classes}"
    config = config_loading.override(config, (outputs, *experiment.overrides))
    config.train.seed = seed
    scenes = manifest.num_scenes(source.data.path, "train")
    if scenes < config.train.batch_size:
        raise ValueError(
            f"{source.data.path} must have {config.train.batch_size} scenes to train "
            f"on at least, train.batch_size, got {scenes}"
        )
    return config


def variant_of(experiment: Experiment, row: Row, source: Source) -> str:
    """The variant of the config file that a row is."""
    base = source.config.partition(":")[2]
    return row.variant.format(base=base, sgpn=experiment.budget.sgpn)


def _job(experiment: Experiment, row: Row, seed: int) -> Job:
    if not experiment.table.rooms_apart:
        trained = _network(experiment, row, seed, experiment.source)
        return Job(row, seed, list(_measurements(experiment, trained)))
    init = None
    if row.pretrained:
        *_, init = _network(experiment, row, seed, experiment.pretraining)
    sources = [dc.replace(experiment.source, data=fold) for fold in experiment.folds]
    networks = [_network(experiment, row, seed, s, init)[-1] for s in sources]
    folder = experiment.output / "pooled" / f"{experiment.name}-{row.key}-seed{seed}"
    pooled = tasks.measurement("instances", tuple(networks), "test", folder, "room")
    return Job(row, seed, [pooled])


def _network(
    experiment: Experiment,
    row: Row,
    seed: int,
    source: Source,
    init: Training | None = None,
) -> list[Training]:
    """The trainings of a network, in their order; the last is the whole of it."""
    config = row_config(experiment, row, seed, source)
    name = variant_of(experiment, row, source)
    runs, data = experiment.output / "runs", source.data
    if config.model.kind == "sgpn":
        return [tasks.training(runs, name, "sgpn", config, data, init=init)]
    base = row._replace(variant="{base}")
    shared = tasks.of_stage_one(row_config(experiment, base, seed, source))
    same = shared == tasks.of_stage_one(config)
    of = variant_of(experiment, base if same else row, source)
    first = tasks.training(runs, of, "gspn", config, data, init=init)
    return [first, tasks.training(runs, name, "rpointnet", config, data, first, init)]


def _measurements(
    experiment: Experiment, trained: list[Training]
) -> Iterator[Measurement]:
    """What the columns of the table need."""
    path = experiment.source.data.path
    split = measured_split(path)
    named = manifest.read_manifest(path).get("data") in CATEGORIES
    by = "category" if named else None
    for kind in experiment.table.kinds():
        proposing = kind == "proposals"
        if proposing and trained[0].stage != "gspn":
            continue
        network = trained[0] if proposing else trained[-1]
        yield tasks.measurement(
            kind, (network,), split, network.folder, None if proposing else by
        )
