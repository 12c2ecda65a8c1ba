"""`gspn experiment`: every system of a table of the paper, with several seeds."""

import dataclasses as dc
import os
from collections.abc import Mapping
from pathlib import Path

from gspn_tf.commands import prepare, prepare_rgbd, prepare_shapes
from gspn_tf.commands.command import (
    Arguments,
    Command,
    UserError,
    existing_folder,
    load_tensorflow,
)
from gspn_tf.commands.flags import flag
from gspn_tf.data import manifest
from gspn_tf.paper.experiments import folds, plan, runner, worker
from gspn_tf.paper.experiments.budgets import BUDGETS, Budget
from gspn_tf.paper.experiments.plan import Experiment, Source
from gspn_tf.paper.experiments.tables import TABLES, Row, Table
from gspn_tf.paper.experiments.tasks import DataFolder

GENERATED = {
    "rooms": prepare.generated_rooms,
    "parts": prepare_shapes.generated_parts,
    "views": prepare_rgbd.generated_views,
}


FLAGS = (
    flag("--data", "rooms, parts or views to generate them, or a prepared folder."),
    flag(
        "--budget",
        "smoke: next to nothing. small: two cores. full: the paper's network.",
        "small",
        choices=tuple(BUDGETS),
    ),
    flag("--seeds", "How many, or which: 3 is 0,1,2.", "3"),
    flag("--rows", "Some rows of the table, such as ours,box_regression."),
    flag("--output", "Folder of data, runs and tables, of all tables.", "experiments"),
    flag(
        "--at_once",
        "How many rows are trained side by side, each on an equal share of the cores. "
        "For machines without a GPU.",
        1,
    ),
    flag(
        "--config",
        "FILE.py:VARIANT that the rows vary, in place of that of data and budget; "
        "each field can be set for all rows as --config.train.batch_size=4.",
    ),
)


def run(arguments: Arguments) -> None:
    """Do what is missing, and write the table."""
    from rich.console import Console

    from gspn_tf.paper.experiments import report

    flags = arguments.flags
    table = _table(arguments.positional[0])
    seeds, rows = _seeds(flags.seeds), _rows(table, flags.rows)
    at_once = _at_once(flags.at_once)
    output, budget = Path(flags.output), BUDGETS[flags.budget]
    experiment = Experiment(
        table,
        budget,
        seeds,
        output,
        _source(flags.data, output, budget, flags.config),
        tuple(arguments.overrides),
    )
    if table.rooms_apart:
        experiment = _with_folds(experiment)
    everything = plan.jobs(experiment, table.rows)
    wanted = [job for job in everything if job.row in rows]
    console = Console()

    def write() -> str:
        return report.write(experiment, everything, arguments.typed)

    failed = runner.run(wanted, output / "logs", console, write, at_once)
    print(write())
    print(f"{output / 'tables' / experiment.name}.md, .csv, .json and .html")
    if failed:
        raise UserError(f"{len(failed)} of {len(wanted)} failed; first: {failed[0]}")


def _table(name: str) -> Table:
    if name not in TABLES:
        raise UserError(f"no experiment {name!r}; choose one of: {', '.join(TABLES)}")
    return TABLES[name]


def _seeds(text: str) -> tuple[int, ...]:
    """Of "3": 0, 1, 2; of "7,8" or "7,": those."""
    parts = text.split(",")
    try:
        numbers = [int(part) for part in parts if part.strip()]
    except ValueError:
        numbers = []
    found = tuple(range(numbers[0])) if len(parts) == 1 and numbers else tuple(numbers)
    if not found or min(found) < 0 or len(set(found)) < len(found):
        raise UserError(
            f"--seeds must be a number of at least 1, or different seeds such as 7,8, "
            f"got {text!r}"
        )
    return found


def _rows(table: Table, names: str | None) -> list[Row]:
    known = {row.key: row for row in table.rows}
    chosen = list(known) if names is None else names.split(",")
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise UserError(
            f"--rows: {table.name} has no row {unknown[0]!r}, has {','.join(known)}"
        )
    return [row for key, row in known.items() if key in chosen]


def _at_once(count: int) -> int:
    cores = len(os.sched_getaffinity(0))
    if not 1 <= count <= cores:
        raise UserError(
            f"--at_once must be 1 to {cores}, the cores that this process may use, "
            f"got {count}"
        )
    return count


def _source(name: str, output: Path, budget: Budget, config: str | None) -> Source:
    """The data that `--data` names, generated where it is missing."""
    if name in GENERATED:
        label, path = name, output / "data" / f"{name}-{budget.name}"
        _generated(name, path, budget.scenes[name])
    else:
        path = existing_folder(name, "--data")
        label = path.resolve().name
    config = config or plan.config_file(path, budget)
    if ":" not in config:
        raise UserError(f"--config must be FILE.py:VARIANT, got {config}")
    return Source(DataFolder(path, label), config)


def _generated(name: str, path: Path, counts: Mapping[str, int]) -> None:
    """Make a generated data set, or go on with it, or find that it is there."""
    if not (path / manifest.NAME).exists():
        runner.isolated(generate, name, path, counts)
    splits = manifest.read_manifest(path)["splits"]
    there = {split: entry["scenes"] for split, entry in splits.items()}
    if there != counts:
        raise UserError(f"{path} must have {counts} scenes, has {there}: remove it")


def generate(name: str, path: Path, counts: dict[str, int]) -> None:
    """Write a generated data set, in a process of its own, unless another just did."""
    with worker.locked(path.parent):
        if not (path / manifest.NAME).exists():
            prepare.write_generated(path, GENERATED[name](counts, 0))


def _with_folds(experiment: Experiment) -> Experiment:
    """The same with every room held out once, and rooms to pretrain on."""
    data, output = experiment.source.data, experiment.output
    name = f"{data.label}-{data.checksum('train', 'val', 'test')[:8]}-folds"
    if not (output / "data" / name).exists():
        runner.isolated(write_folds, data.path, output / "data" / name)
    found = folds.existing(output / "data" / name)
    held_out = [DataFolder(path, f"{data.label}-{path.name}") for path in found]
    pretraining = _source("rooms", output, experiment.budget, None)
    return dc.replace(experiment, folds=tuple(held_out), pretraining=pretraining)


def write_folds(source: Path, path: Path) -> None:
    """Write the folds, in a process of its own, unless another just did."""
    load_tensorflow()
    with worker.locked(path.parent):
        if not path.exists():
            folds.write(source, path)


COMMAND = Command(
    name="experiment",
    summary="Train, measure and tabulate the systems of a table of the paper.",
    usage="table1|...|table6 --data rooms|parts|views|DIR [--seeds N]",
    flags=FLAGS,
    run=run,
    required=("data",),
    num_positional=1,
)
