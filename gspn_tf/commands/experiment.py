"""`gspn experiment`: every system of a table of the paper, with several seeds."""

import dataclasses as dc
import re
from argparse import Namespace
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

from gspn_tf.commands.command import (
    Command,
    UserError,
    existing_folder,
    writable_folder,
)
from gspn_tf.commands.flags import flag
from gspn_tf.commands.prepare_generated import write_generated
from gspn_tf.data import manifest
from gspn_tf.paper.experiments import folds, plan, requirements, runner, tables
from gspn_tf.paper.experiments.plan import DataFolder, Experiment, ScanFrames
from gspn_tf.paper.experiments.tables import BUDGETS, TABLES, Budget, PaperTable
from gspn_tf.startup import load_tensorflow

GENERATED = ("rooms", "parts", "views")
FLAGS = (
    flag("table", "Of the paper.", choices=tuple(TABLES)),
    flag(
        "--data",
        "rooms, parts or views to generate them, or a prepared folder.",
        required=True,
    ),
    flag(
        "--budget",
        "smoke: next to nothing. small: two cores. full: the paper's network.",
        "small",
        choices=tuple(BUDGETS),
    ),
    flag("--seeds", "How many, or which: 3 is 0,1,2.", "3"),
    flag("--rows", "Some rows of the table, such as ours,box_regression."),
    flag(
        "--frames",
        "Frames of the scans of --data, for the row pmrcnn: see gspn evaluate.",
    ),
    flag(
        "--frames_data",
        "Folder of gspn prepare frames, of the same scans, that pmrcnn is trained on.",
    ),
    flag("--output", "Folder of data, runs and tables, of all tables.", "experiments"),
    flag(
        "--config",
        "FILE.py:VARIANT that the rows vary, in place of that of data and budget; "
        "each field can be set for all rows as --config.train.batch_size=4.",
    ),
)


def run(flags: Namespace) -> None:
    """Train, measure and tabulate the systems of a table of the paper."""
    from gspn_tf.paper.experiments import report

    table, budget = TABLES[flags.table], BUDGETS[flags.budget]
    output = writable_folder(flags.output, "--output")
    keys = [system.key for system in table.systems]
    wanted = keys if flags.rows is None else flags.rows.split(",")
    if unknown := [key for key in wanted if key not in keys]:
        known = ",".join(keys)
        raise UserError(f"--rows: {table.name} has no row {unknown[0]!r}, has {known}")
    seeds = parse_seeds(flags.seeds)
    frames = find_frames(flags, output, budget)
    data = find_data(flags.data, output, budget, flags.config)
    held_out = requirements.holds_rooms_out(table, data.path)
    lacking = {
        each.key: requirements.lacking(each, data.path, held_out, frames is not None)
        for each in table.systems
    }
    table = rows_on_data(table, lacking, wanted if flags.rows else ())
    overrides = tuple(flags.overrides)
    experiment = Experiment(
        table, budget, seeds, output, data, overrides, frames=frames
    )
    if held_out:
        experiment = hold_rooms_out(experiment)
    everything = plan.plan_jobs(experiment)
    jobs = [job for job in everything if job.system.key in wanted]
    write = partial(report.write_table, experiment, everything, flags.typed)
    failed = runner.run_jobs(jobs, output / "logs", write)
    print(write())
    print(f"{output / 'tables' / experiment.name}.md and .json")
    if failed:
        raise UserError(f"{len(failed)} of {len(jobs)} failed; first: {failed[0]}")


def rows_on_data(
    table: PaperTable, lacking: Mapping[str, str], asked: Collection[str]
) -> PaperTable:
    """Leave out the rows that lack something; UserError where one is asked for."""
    for key, what in lacking.items():
        if what and key in asked:
            raise UserError(f"--rows: {key} needs {what}, which there are not")
        if what:
            print(f"without {key}: it needs {what}")
    systems = [each for each in table.systems if not lacking[each.key]]
    return table._replace(systems=systems)


def find_frames(flags: Namespace, output: Path, budget: Budget) -> ScanFrames | None:
    """Find the frames that `--frames` and `--frames_data` name, if any."""
    if not (flags.frames or flags.frames_data):
        return None
    if not (flags.frames and flags.frames_data):
        raise UserError("--frames and --frames_data go together")
    scans = existing_folder(flags.frames, "--frames")
    existing_folder(flags.frames_data, "--frames_data")
    return ScanFrames(find_data(flags.frames_data, output, budget), scans)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Read "3" as 0, 1, 2, and "7,8" or "7," as those."""
    valid = re.fullmatch(r"\d+(,\d+)*,?", text)
    numbers = [int(part) for part in text.split(",") if part] if valid else [0]
    seeds = tuple(numbers if "," in text else range(numbers[0]))
    if not valid or not seeds or len(set(seeds)) < len(seeds):
        raise UserError(
            f"--seeds must be a number of at least 1, or different seeds such as 7,8, "
            f"got {text!r}"
        )
    return seeds


def find_data(
    name: str, output: Path, budget: Budget, config: str | None = None
) -> DataFolder:
    """Find the data that `--data` names, and generate it where it is missing."""
    if name in GENERATED:
        label, path = name, output / "data" / f"{name}-{budget.name}"
        if not (path / manifest.NAME).exists():
            write_generated(path, name, budget.counts(name))
    else:
        path = existing_folder(name, "--data")
        label = path.resolve().name
    config = config or requirements.config_file(path, budget)
    if ":" not in config:
        raise UserError(f"--config must be FILE.py:VARIANT, got {config}")
    return DataFolder(path, label, config)


def hold_rooms_out(experiment: Experiment) -> Experiment:
    """Add the folds that hold every room out once, and rooms to pretrain on."""
    data, output = experiment.data, experiment.output
    splits = [s for s in tables.SPLITS if manifest.has_scenes(data.path, s)]
    digests = [manifest.checksum(data.path, split)[:8] for split in splits]
    directory = output / "data" / "-".join([data.label, *digests, "folds"])
    if not directory.exists():
        load_tensorflow()
        folds.write_folds(data.path, directory)
    held_out = tuple(
        DataFolder(path, f"{data.label}-{path.name}", data.config)
        for path in folds.list_folds(directory)
    )
    rooms = find_data("rooms", output, experiment.budget)
    return dc.replace(experiment, folds=held_out, rooms=rooms)


COMMAND = Command("experiment", FLAGS, run)
