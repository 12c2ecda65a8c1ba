"""Experiments on toy data, and results that nothing was trained for."""

import dataclasses as dc
import json
from pathlib import Path

import toy_models

from gspn_tf.data import manifest
from gspn_tf.paper.experiments import plan, tasks
from gspn_tf.paper.experiments.budgets import BUDGETS
from gspn_tf.paper.experiments.plan import Experiment, Source
from gspn_tf.paper.experiments.tables import TABLES
from gspn_tf.paper.experiments.tasks import DataFolder
from gspn_tf.training import run_folder

ROOMS = "configs/rooms.py:small"


def write_data(path: Path) -> None:
    """Toy scenes that say they are rooms."""
    toy_models.write_data(path)
    head = manifest.read_manifest(path)
    (path / manifest.NAME).write_text(json.dumps(head | {"data": "rooms"}))


def experiment(data_dir: Path, output: Path, table: str = "table6", **changes):
    source = Source(DataFolder(data_dir, "rooms"), ROOMS)
    given = Experiment(TABLES[table], BUDGETS["small"], (0, 1), output, source)
    return dc.replace(given, **changes)


def planned(given: Experiment) -> list[plan.Job]:
    return plan.jobs(given, given.table.rows)


def finish(job: plan.Job, **figures: float) -> None:
    """Pretend that a row's seed has been trained and measured."""
    for task in job.tasks():
        result = {"stage": "x", "epochs": 1, "seconds": 60.0}
        if isinstance(task, tasks.Measurement):
            machine = {"cpu": "toy", "cpus": 2, "gpus": []}
            result = {"figures": figures, "seconds": {"gspn": 60.0, "measuring": 5.0}}
            result |= {"machine": machine, "versions": {"keras": "0"}}
        else:
            folder = run_folder.RunFolder(task.folder)
            folder.start(task.config, toy_models.CLASSES.pairs())
            rows = [{"epoch": i, "loss": 1 / i, "val_loss": 2 / i} for i in (1, 2)]
            folder.write_metrics(task.stage, rows)
        tasks.write_result(task, result)
