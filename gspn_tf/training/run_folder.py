"""The folder of one run.

    config.json               every hyper-parameter: `gspn_tf.config.Config`
    classes.json              [[raw_id, name], ...] of the data it was trained on
    versions.json             Python, TensorFlow, Keras, NumPy, gspn_tf, machine,
                              commit, and SHA-256 of the data's splits
    metrics.csv               one row an epoch: stage, epoch, learning rate, every term
    semantic.weights.h5       best weights of a semantic stage (least loss)
    gspn.weights.h5           best weights of stage one (least validation generation)
    rpointnet.weights.h5      best weights of stage two (least sum of the head terms)
    sgpn.weights.h5           in place of both, those of an SGPN (least loss)
    mask_rcnn.weights.h5      or of a Mask R-CNN (least sum of the head terms), which
                              may have three stages: mask_rcnn_stem, _4 and _3
    checkpoints/STAGE/        state after the last epoch, by tf.train.Checkpoint:
                              weights, optimiser, random generators
    checkpoints/lock          held by the process that trains; empty
    tensorboard/              the same scalars for TensorBoard

Each file appears whole or not at all, so a run may be killed at any time.
"""

import contextlib
import csv
import dataclasses as dc
import importlib.metadata
import io
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gspn_tf import config as config_lib
from gspn_tf import files
from gspn_tf.config import Config
from gspn_tf.data import manifest
from gspn_tf.files import hdf5
from gspn_tf.files.errors import ScanError, checked_pairs, load_json, naming_file
from gspn_tf.files.text import visible_files


class RunFolder(NamedTuple):
    """The paths and files of one run."""

    path: Path

    def weights(self, stage: str) -> Path:
        """Return the path of a stage's best weights."""
        return self.path / f"{stage}.weights.h5"

    def checkpoints(self, stage: str) -> Path:
        """Return the folder of a stage's state after the last epoch."""
        return self.path / "checkpoints" / stage

    def has_begun(self) -> bool:
        """Whether an epoch of any stage has been completed."""
        return (self.path / "metrics.csv").is_file()

    def is_finished(self, stage: str, config: Config) -> bool:
        """Whether the last epoch of a stage has been completed."""
        return len(self.read_metrics(stage)) == getattr(config.train, stage).epochs

    def locked(self, wait: bool = False) -> contextlib.AbstractContextManager[None]:
        """Keep other processes from training here meanwhile.

        Raises:
            ValueError: another process trains here, and `wait` is False.
        """
        path = self.path / "checkpoints" / "lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        other = f"{self.path} is at work: another process trains in it"
        return files.locked(path, other, wait)

    def config(self) -> Config:
        """Read `config.json`.

        Raises:
            FileNotFoundError: there is no run.
        """
        path = self.path / "config.json"
        if not path.is_file():
            raise FileNotFoundError(f"{self.path} is no run folder: {path} is missing")
        return config_lib.read_config(path)

    def check(self) -> None:
        """Raise ValueError for a damaged file of a run that another starts from."""
        self.config(), self.classes()
        for path in visible_files(self.path, "*.weights.h5"):
            hdf5.check(path)

    def classes(self) -> list[tuple[int, str]]:
        """Read raw id and name of the network's classes 1..C, in their order.

        Raises:
            ValueError: the file is damaged.
        """
        path = self.path / "classes.json"
        found = load_json(path)
        with naming_file(path, "class list"):
            return checked_pairs(found)

    def versions(self) -> dict[str, Any]:
        """Read `versions.json`: see `versions` below; {} where it is missing."""
        path = self.path / "versions.json"
        found = load_json(path) if path.is_file() else {}
        if not isinstance(found, dict):
            raise ScanError(f"{path} must hold a dict, got {found!r:.80}")
        return found

    def start(
        self, config: Config, classes: Sequence[Sequence], data: Mapping | None = None
    ) -> None:
        """Write the descriptions of a new run, or check them against an old one's.

        Args:
            config: its config.
            classes: raw id and name of each class.
            data: SHA-256 of each split that it sees, see `training_checksums`;
                None where that is not known.

        Raises:
            ValueError: see `refuse_other`.
        """
        data = data or {}
        if self.has_begun():
            self.refuse_other(config, classes, data)
            return
        files.write_json(self.path / "classes.json", [list(pair) for pair in classes])
        files.write_json(self.path / "versions.json", versions() | {"data": data})
        files.write_text(self.path / "config.json", config_lib.to_json(config))

    def refuse_other(
        self, config: Config, classes: Sequence[Sequence], data: Mapping[str, str]
    ) -> None:
        """Raise ValueError if a run of another config, classes or data is here."""
        both = dc.asdict(self.config()), dc.asdict(config)
        if differing := config_lib.differences(*both, "config"):
            raise ValueError(
                f"{self.path} holds a run of another config; differing: "
                f"{', '.join(f'{name} ({how})' for name, how in differing.items())}. "
                f"Give the same config, or another folder and --init {self.path}"
            )
        if self.classes() != [tuple(pair) for pair in classes]:
            raise ValueError(f"{self.path} holds a run with another class list")
        # Runs of earlier versions do not tell their data.
        if self.versions().get("data", data) != data:
            raise ValueError(f"{self.path} holds a run that was trained on other data")

    def write_metrics(self, stage: str, rows: Sequence[dict[str, Any]]) -> None:
        """Replace the rows of `stage` in metrics.csv; those of other stages stay."""
        table = [row for row in self._metrics() if row["stage"] != stage]
        table += [{"stage": stage} | row for row in rows]
        columns = list(dict.fromkeys(key for row in table for key in row))
        out = io.StringIO()
        writer = csv.DictWriter(out, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
        files.write_text(self.path / "metrics.csv", out.getvalue())

    def read_metrics(self, stage: str) -> list[dict[str, str]]:
        """Read the rows of `stage` in metrics.csv, one an epoch; [] without a file."""
        return [row for row in self._metrics() if row["stage"] == stage]

    def _metrics(self) -> list[dict[str, str]]:
        path = self.path / "metrics.csv"
        if not path.exists():
            return []
        with naming_file(path, "metrics", csv.Error):
            text = path.read_text(encoding="utf-8")
            table = list(csv.DictReader(io.StringIO(text)))
            cells = [cell for row in table for item in row.items() for cell in item]
            if not text.startswith("stage,epoch,") or text[-1] != "\n" or None in cells:
                raise ValueError("it is cut off, or no table of stages and epochs")
            return table


def training_checksums(directory: str | Path) -> dict[str, str]:
    """Return the SHA-256 of each split of a data folder that training sees."""
    splits = [s for s in ("train", "val") if manifest.has_scenes(directory, s)]
    return {split: manifest.checksum(directory, split) for split in splits}


def versions() -> dict[str, Any]:
    """Collect everything that a result depends on besides config and data."""
    packages = ("tensorflow", "keras", "numpy", "gspn_tf")
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in packages},
        "git": _commit(),
        "platform": platform.platform(),
        "cpu": _cpu_name(),
        "cpu_count": os.cpu_count(),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_name() -> str:
    """Return the processor's name, or at least its architecture."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str | None:
    """Return the commit of the checkout that holds this file; None outside of one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        return found.stdout.strip()
    return None
