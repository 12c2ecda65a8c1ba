"""The folder of one experiment.

    config.json               every hyper-parameter: `gspn_tf.config.Config`
    classes.json              [[raw_id, name], ...] of the data it was trained on
    versions.json             Python, TensorFlow, Keras, NumPy, gspn_tf, machine, commit
    metrics.csv               one row an epoch: stage, epoch, learning rate, every term
    gspn.weights.h5           best weights of stage one (least validation generation)
    rpointnet.weights.h5      best weights of stage two (least sum of the head terms)
    sgpn.weights.h5           in place of both, those of an SGPN (least loss)
    checkpoints/STAGE.npz     state after the last epoch: weights, optimiser, epoch
    checkpoints/lock          held by the process that trains; empty
    tensorboard/              the same scalars for TensorBoard

Each file appears whole or not at all, so a run may be killed at any time.
"""

import contextlib
import csv
import fcntl
import importlib.metadata
import io
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gspn_tf import config as config_lib
from gspn_tf import files
from gspn_tf.config import Config


class State(NamedTuple):
    """What is known after an epoch, besides the weights."""

    epochs_done: int = 0
    best: float = float("inf")
    rows: tuple[dict[str, float], ...] = ()  # one an epoch


class RunFolder(NamedTuple):
    """Paths and files of one experiment."""

    path: Path

    def weights(self, stage: str) -> Path:
        """Best weights of a stage."""
        return self.path / f"{stage}.weights.h5"

    def checkpoint(self, stage: str) -> Path:
        """State after the last epoch of a stage."""
        return self.path / "checkpoints" / f"{stage}.npz"

    def has_checkpoint(self) -> bool:
        """Whether an epoch of any stage has been completed."""
        return any((self.path / "checkpoints").glob("*.npz"))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """No other process trains here meanwhile; ValueError where one does."""
        path = self.path / "checkpoints" / "lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ValueError(
                    f"{self.path} is at work: another process trains in it"
                ) from error
            yield

    def config(self) -> Config:
        """The run's `config.json`; FileNotFoundError where there is no run."""
        path = self.path / "config.json"
        if not path.is_file():
            raise FileNotFoundError(f"{self.path} is no run folder: {path} is missing")
        return config_lib.read_config(path)

    def classes(self) -> list[tuple[int, str]]:
        """Raw id and name of each class, in the order of the network's rows 1..C."""
        pairs = json.loads((self.path / "classes.json").read_text())
        return [(int(raw_id), str(name)) for raw_id, name in pairs]

    def versions(self) -> dict[str, Any]:
        """What the run was started with: see `versions` below; {} if unknown."""
        path = self.path / "versions.json"
        return json.loads(path.read_text()) if path.is_file() else {}

    def start(self, config: Config, classes: Sequence[tuple[int, str]]) -> None:
        """Write the descriptions of a new run, or check them against an old one's.

        Raises ValueError when the folder holds a run of another config or of other
        classes.
        """
        classes = [[raw_id, name] for raw_id, name in classes]
        if self.has_checkpoint():
            differing = differences(_as_json(self.config()), _as_json(config))
            if differing:
                raise ValueError(
                    f"{self.path} holds a run of another config; differing: "
                    f"{', '.join(differing)}. Give another --run, or the same config"
                )
            if [list(pair) for pair in self.classes()] != classes:
                raise ValueError(f"{self.path} holds a run with another class list")
        else:
            files.write_json(self.path / "classes.json", classes)
            files.write_json(self.path / "versions.json", versions())
            files.write_text(self.path / "config.json", config_lib.to_json(config))

    def write_metrics(self, stage: str, rows: Sequence[dict[str, float]]) -> None:
        """Replace the rows of `stage` in metrics.csv; those of other stages stay."""
        path = self.path / "metrics.csv"
        others = [row for row in self._metrics() if row["stage"] != stage]
        table = [*others, *({"stage": stage} | row for row in rows)]
        columns = list(dict.fromkeys(key for row in table for key in row))
        out = io.StringIO()
        writer = csv.DictWriter(out, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
        files.write_text(path, out.getvalue())

    def read_metrics(self, stage: str) -> list[dict[str, str]]:
        """Rows of `stage` in metrics.csv, one an epoch; none where there is no file."""
        return [row for row in self._metrics() if row["stage"] == stage]

    def _metrics(self) -> list[dict[str, str]]:
        path = self.path / "metrics.csv"
        text = path.read_text() if path.exists() else ""
        return list(csv.DictReader(io.StringIO(text)))


def save_checkpoint(path: Path, values: dict[str, np.ndarray], state: State) -> None:
    """Write the arrays and the state to one file."""
    with files.replacing(path) as beside:
        np.savez(beside, state=np.array(json.dumps(state._asdict())), **values)


def load_checkpoint(path: Path) -> tuple[dict[str, np.ndarray], State]:
    """Inverse of `save_checkpoint`."""
    with np.load(path) as archive:
        values = {key: archive[key] for key in archive.files}
    state = State(**json.loads(str(values.pop("state"))))
    return values, state._replace(rows=tuple(state.rows))


def versions() -> dict[str, Any]:
    """What a result depends on besides config and data."""
    packages = ("tensorflow", "keras", "numpy", "gspn_tf")
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in packages},
        "git": _commit(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the checkout that this file is part of, if it is part of one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _as_json(config: Config) -> dict[str, Any]:
    return json.loads(config_lib.to_json(config))


def differences(left: Any, right: Any, path: str = "config") -> list[str]:
    """Where two trees of JSON differ: "config.train.seed (3 there, 4 here)"."""
    if not (isinstance(left, dict) and isinstance(right, dict)):
        return (
            []
            if left == right
            else [f"{path.lstrip('.')} ({left} there, {right} here)"]
        )
    keys = dict.fromkeys([*left, *right])
    pairs = ((f"{path}.{key}", left.get(key), right.get(key)) for key in keys)
    return [item for name, a, b in pairs for item in differences(a, b, name)]
