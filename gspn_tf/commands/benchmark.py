"""`gspn benchmark`."""

import importlib
import os
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from types import ModuleType
from typing import Any

from gspn_tf import startup
from gspn_tf.commands.command import (
    Command,
    UserError,
    config_of,
    start_tensorflow,
    writable_file,
    write_metrics,
)
from gspn_tf.commands.flags import JSON, PRECISION, flag, integer
from gspn_tf.commands.prepare_generated import write_generated

FLAGS = (
    flag(
        "subject",
        "What to time.",
        choices=("ops", "model", "data", "serving", "building"),
    ),
    flag(
        "--config",
        "For `model`, `data` and `serving`: as of gspn train.",
        "configs/rooms.py:small",
    ),
    flag(
        "--data", "For `model` and `data`: a data folder; default: rooms made for it."
    ),
    flag("--repeats", "Runs that count, after one that does not.", 5, type=integer(1)),
    flag(
        "--scan",
        "For `serving` and, of 18,000 points or more, `ops`: PLY or npz file; default: "
        "a room.",
    ),
    flag(
        "--peers",
        "For `ops`: beside the fastest other libraries that are installed.",
        False,
    ),
    flag("--cores", "CPU cores to use; 0: all there are.", 0, type=integer(0)),
    flag(
        "--model",
        "For `serving`: run folder; default: the network of --config, untrained. For "
        "`building`: as of gspn segment.",
    ),
    flag("--rooms", "For `building`: generated rooms of it.", 100, type=integer(1)),
    flag(
        "--precision",
        "For `model`: float32, bfloat16 or float16, or several with commas.",
        "float32",
    ),
    JSON,
)


def run(flags: Namespace) -> None:
    """Time the ops, the model, the data pipeline or a server on this machine."""
    if flags.json:
        writable_file(flags.json, "--json")
    chosen = sorted(os.sched_getaffinity(0))[: flags.cores or None]
    with startup.bound_to(chosen):
        if flags.subject in ("serving", "building"):
            of_checkout(flags.subject).main(flags)
        elif flags.subject == "ops" and flags.peers:
            of_checkout("ops").main(flags)
        else:
            time_subject(flags, len(chosen))


def of_checkout(name: str) -> ModuleType:
    """Import a module of benchmarks/, which an installed package lacks."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "benchmarks").is_dir():
        raise UserError(
            f"gspn benchmark {name} needs benchmarks/ of the sources: use a checkout, "
            "installed by make install or pip install -e"
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    start_tensorflow()
    return importlib.import_module(f"benchmarks.{name}")


def time_subject(flags: Namespace, cores: int) -> None:
    """Time ops, the model or the data pipeline in this process."""
    config = config_of(flags)
    precisions = flags.precision.split(",")
    if unknown := set(precisions) - set(PRECISION.options["choices"]):
        known = ", ".join(PRECISION.options["choices"])
        raise UserError(f"--precision must be of {known}, got {min(unknown)!r}")
    start_tensorflow()
    from gspn_tf.commands import timings
    from gspn_tf.training.loop import Scenes
    from gspn_tf.training.run_folder import versions

    metrics: dict[str, Any] = {"cores": cores}
    with tempfile.TemporaryDirectory() as scratch:
        directory = flags.data
        if flags.subject != "ops" and not directory:
            directory = str(Path(scratch) / "rooms")
            write_generated(directory, "rooms", {"train": 2 * config.train.batch_size})
        if flags.subject == "ops":
            cases = of_checkout("ops").cases(flags.scan)
            taken = [timings.timed_runs(c.name, c.call, flags.repeats) for c in cases]
        elif flags.subject == "model":
            taken = timings.model_timings(config, directory, flags.repeats, precisions)
        else:
            pipeline, rate = timings.pipeline_timing(config, directory, flags.repeats)
            steps = [
                timings.step_timing(Scenes(directory, config), stage, flags.repeats)
                for stage in config.model.stages()
            ]
            taken = [pipeline, *steps]
            fastest = min(step.median_ms for step in steps)
            metrics["scenes_per_s"] = rate
            metrics["step_takes"] = 1e3 * config.train.batch_size / fastest
    timings.show(taken)
    if flags.subject == "data":
        text = "{scenes_per_s:.1f} scenes/s; training takes {step_takes:.1f}"
        print(text.format(**metrics))
    metrics |= {
        "timings": [timing._asdict() for timing in taken],
        "environment": versions(),
    }
    write_metrics(flags, metrics)


COMMAND = Command("benchmark", FLAGS, run)
