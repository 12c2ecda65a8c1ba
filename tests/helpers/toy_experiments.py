"""Experiments on toy data."""

import dataclasses as dc
import json
from pathlib import Path

import toy_models

from gspn_tf.data import manifest
from gspn_tf.paper.experiments.budgets import BUDGETS
from gspn_tf.paper.experiments.plan import DataFolder, Experiment
from gspn_tf.paper.experiments.tables import TABLES

ROOMS = "configs/rooms.py:small"


def write_data(path: Path) -> None:
    """Write toy scenes that say they are rooms."""
    toy_models.write_data(path)
    head = manifest.read_manifest(path)
    (path / manifest.NAME).write_text(json.dumps(head | {"data": "rooms"}))


def experiment(data_dir: Path, output: Path, table: str = "table6", **changes):
    """Make an experiment on a data folder."""
    data = DataFolder(data_dir, "rooms", ROOMS)
    given = Experiment(TABLES[table], BUDGETS["small"], (0, 1), output, data)
    return dc.replace(given, **changes)
