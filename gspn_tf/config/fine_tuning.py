"""The config with which a preset is trained on."""

import dataclasses as dc
from pathlib import Path

from gspn_tf import config as c
from gspn_tf.files import errors


def fine_tuning_config(folder: Path) -> c.Config:
    """Return a preset's network and data, and a training for few scans.

    Raises:
        ValueError: a file is damaged or no network's, or it makes proposals alone.
    """
    path = folder / "config.json"
    model, data = map(errors.load_json, (path, folder / "preprocessing.json"))
    with errors.naming_file(path, "preset's config", KeyError, TypeError):
        values = {"model": model["config"]["config"], "data": data or {}}
        if "gspn" in values["model"]["kind"]:
            raise ValueError("it makes proposals alone: give --config")
        return dc.replace(c.from_dict(c.Config, values), train=fine_tuning())


def is_preset_config(path: Path) -> bool:
    """Whether a JSON file is a preset's config, not a run's."""
    data = errors.load_json(path)
    return isinstance(data, dict) and "class_name" in data


def fine_tuning() -> c.TrainConfig:
    """All stages at a tenth of the first learning rates, and averaged weights."""
    stage = c.StageConfig(
        epochs=20,
        learning_rate=3e-4,
        final_learning_rate=1e-5,
        schedule="cosine",
        warmup_steps=20,
        clip_norm=5.0,
        average_momentum=0.98,
    )
    return c.TrainConfig(
        semantic=stage, gspn=stage, rpointnet=stage, sgpn=stage, validation_every=2
    )
