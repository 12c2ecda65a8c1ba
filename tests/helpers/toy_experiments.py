"""Experiments on toy data."""

import dataclasses as dc
from pathlib import Path

from gspn_tf.paper.experiments.plan import DataFolder, Experiment
from gspn_tf.paper.experiments.tables import BUDGETS, TABLES

ROOMS = "configs/rooms.py:small"


def experiment(data_dir: Path, output: Path, table: str = "table6", **changes):
    """Make an experiment on a data folder."""
    data = DataFolder(data_dir, "rooms", ROOMS)
    given = Experiment(TABLES[table], BUDGETS["small"], (0, 1), output, data)
    return dc.replace(given, **changes)
