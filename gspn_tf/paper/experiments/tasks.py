"""What there is to do, each with the file that says that it is done.

    OUTPUT/runs/rooms-small-seed0-proposals-3f2a9c1b/     stage one
    OUTPUT/runs/rooms-small-seed0-77d0a1e4/               stage two; a whole run folder
        trained.json                    its last epoch is done
        measured-5be0c2d1.json          figures on the test scenes of that checksum

The eight digits at the end of a folder are a hash of all that determines its weights:
rows of any table that agree in it share the folder, and no others do.
"""

import dataclasses as dc
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from gspn_tf import files
from gspn_tf.config import Config, RPointNetConfig, StageConfig
from gspn_tf.data import manifest


@dc.dataclass(frozen=True)
class DataFolder:
    """Prepared data, and what it is called in the names of runs."""

    path: Path
    label: str

    def checksum(self, *splits: str) -> str:
        """One digest of those of `splits` that are there, and of the class list."""
        there = [s for s in splits if manifest.has_scenes(self.path, s)]
        digests = [manifest.checksum(self.path, split) for split in there]
        return digest([digests, manifest.read_classes(self.path).pairs()])


@dc.dataclass(frozen=True)
class Training:
    """One stage of one config on one data set."""

    stage: str
    config: Config
    data: DataFolder
    folder: Path
    proposals: "Training | None" = None  # stage one, whose weights stage two takes
    init: "Training | None" = None  # whose weights to start from (fine-tuning)

    @property
    def result(self) -> Path:
        """Exists when the training is done."""
        return self.folder / "trained.json"

    @property
    def epochs(self) -> int:
        """Of this stage."""
        return getattr(self.config.train, self.stage).epochs

    @property
    def label(self) -> str:
        """What a progress line calls it."""
        return f"{self.stage} on {self.data.label}"

    def needs(self) -> Iterator["Training"]:
        """Those that come before, and this one, in the order of work."""
        for other in (self.init, self.proposals):
            if other:
                yield from other.needs()
        yield self


@dc.dataclass(frozen=True)
class Measurement:
    """Figures of trained networks, over the test scenes of all of them together."""

    kind: Literal["proposals", "instances"]
    trainings: tuple[Training, ...]
    split: str
    result: Path
    by: Literal["category", "room"] | None = None  # figures for groups of scenes, too

    @property
    def label(self) -> str:
        """What a progress line calls it."""
        return f"{self.kind} of the split {self.split}"


Task = Training | Measurement


def training(
    root: Path,
    variant: str,
    stage: str,
    config: Config,
    data: DataFolder,
    proposals: Training | None = None,
    init: Training | None = None,
) -> Training:
    """A training, in the folder below `root` that its determinants give it."""
    config = of_stage_one(config) if stage == "gspn" else config
    facts = {
        "stage": stage,
        "config": changed(config),
        "data": data.checksum("train", "val"),
        "proposals": proposals and proposals.folder.name,
        "init": init and init.folder.name,
    }
    words = [data.label, variant.replace("+", "-"), f"seed{config.train.seed}"]
    words += ["proposals"] if stage == "gspn" else []
    name = "-".join([*words, digest(facts)[:8]])
    return Training(stage, config, data, root / name, proposals, init)


def measurement(
    kind: Literal["proposals", "instances"],
    trainings: tuple[Training, ...],
    split: str,
    folder: Path,
    by: Literal["category", "room"] | None = None,
) -> Measurement:
    """A measurement, whose file is named after the test scenes."""
    sums = [[t.folder.name, t.data.checksum(split)] for t in trainings]
    name = f"measured-{digest([sums, split, by])[:8]}.json"
    return Measurement(kind, trainings, split, folder / name, by)


def of_stage_one(config: Config) -> Config:
    """The config with everything at its default that stage one does not depend on."""
    names = {f.name for f in dc.fields(config.train) if f.type is StageConfig}
    others = {name: StageConfig() for name in names - {"gspn"}}
    return dc.replace(
        config,
        model=RPointNetConfig(proposal=config.model.proposal),
        train=dc.replace(config.train, **others),
    )


def changed(config: Any) -> Any:
    """The fields that differ from their defaults, as JSON knows them.

    So that a field that a later version adds, with a default that means what was
    before it, leaves old runs valid.
    """
    if not dc.is_dataclass(config):
        return config
    found: dict[str, Any] = {"": type(config).__name__}
    for field in dc.fields(config):
        value, default = getattr(config, field.name), _default(field)
        if value != default:
            found[field.name] = changed(value)
    return found


def _default(field: dc.Field) -> Any:
    made = field.default_factory is not dc.MISSING
    return field.default_factory() if made else field.default


def digest(value: Any) -> str:
    """SHA-256 of a value as JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def is_done(task: Task) -> bool:
    """Whether its file is there, which appears whole or not at all."""
    return task.result.is_file()


def read_result(task: Task) -> dict[str, Any]:
    """What the file of a finished task says."""
    return json.loads(task.result.read_text(encoding="utf-8"))


def write_result(task: Task, result: dict[str, Any]) -> None:
    """Say that the task is done."""
    files.write_json(task.result, result)
