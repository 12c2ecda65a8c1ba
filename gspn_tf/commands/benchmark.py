"""`gspn benchmark`."""

import importlib
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from gspn_tf import startup
from gspn_tf.commands.command import (
    Arguments,
    Command,
    UserError,
    load_tensorflow,
    write_metrics,
)
from gspn_tf.commands.flags import JSON, flag, integer
from gspn_tf.commands.prepare_generated import write_generated
from gspn_tf.config import loading as config_loading

SUBJECTS = ("ops", "model", "data", "serving")
FLAGS = (
    flag(
        "--config",
        "For `model`, `data` and `serving`: as of gspn train.",
        "configs/rooms.py:small",
    ),
    flag(
        "--data", "For `model` and `data`: a data folder; default: rooms made for it."
    ),
    flag("--repeats", "Runs that count, after one that does not.", 5, type=integer(1)),
    flag("--peers", "For `ops`: beside the other libraries that are installed.", False),
    flag(
        "--scan",
        "For `serving` and, of 18,000 points or more, `ops --peers`: PLY or npz file; "
        "default: a room.",
    ),
    flag("--cores", "CPU cores to use; 0: all there are.", 0, type=integer(0)),
    flag(
        "--model",
        "For `serving`: run folder; default: the network of --config, untrained.",
    ),
    JSON,
)


def run(arguments: Arguments) -> None:
    """Measure, print and write."""
    (subject,) = arguments.positional
    if subject not in SUBJECTS:
        names = ", ".join(SUBJECTS)
        raise UserError(f"a benchmark is of one of {names}, got {subject!r}")
    chosen = sorted(os.sched_getaffinity(0))[: arguments.flags.cores or None]
    with startup.bound_to(chosen):
        if subject == "serving":
            of_checkout("serving").main(arguments.flags)
        elif subject == "ops" and arguments.flags.peers:
            of_checkout("ops").main(arguments.flags)
        else:
            time_subject(subject, arguments, len(chosen))


def of_checkout(name: str) -> ModuleType:
    """Import a module of benchmarks/, which an installed package lacks."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "benchmarks").is_dir():
        raise UserError(
            "gspn benchmark ops and serving need benchmarks/ of the sources: use a "
            "checkout, installed by make install or pip install -e"
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    load_tensorflow()
    return importlib.import_module(f"benchmarks.{name}")


def time_subject(subject: str, arguments: Arguments, cores: int) -> None:
    """Time our ops, the model or the data pipeline in this process."""
    flags = arguments.flags
    config = config_loading.override(
        config_loading.load_config(flags.config), arguments.overrides
    )
    load_tensorflow()
    from gspn_tf.commands import timings
    from gspn_tf.training.run_folder import versions

    metrics: dict[str, Any] = {"cores": cores}
    with tempfile.TemporaryDirectory() as scratch:
        directory = flags.data
        if subject != "ops" and not directory:
            directory = str(Path(scratch) / "rooms")
            write_generated(directory, "rooms", {"train": 2 * config.train.batch_size})
        if subject == "ops":
            cases = of_checkout("ops").cases(flags.scan)
            taken = [timings.timed_runs(c.name, c.call, flags.repeats) for c in cases]
        elif subject == "model":
            taken = timings.model_timings(config, directory, flags.repeats)
        else:
            taken, rates = timings.data_timings(config, directory, flags.repeats)
            metrics |= {"scenes_per_s": rates[0], "step_takes": max(rates[1:])}
    lines = [timing.line() for timing in taken]
    if subject == "data":
        pairs = zip(rates, taken, strict=True)
        lines = [f"{rate:10.1f} scenes/s  {timing.name}" for rate, timing in pairs]
        ratio = metrics["scenes_per_s"] / metrics["step_takes"]
        lines += [
            f"{ratio:10.1f} times as many from the pipeline as the faster stage takes",
            f"{cores:10d} cores",
        ]
    memory = timings.peak_memory_gb()
    print("\n".join([*lines, f"{memory:10.2f} GB  peak memory of this process"]))
    metrics |= {
        "timings": [timing._asdict() for timing in taken],
        "peak_memory_gb": round(memory, 3),
        "environment": versions(),
    }
    write_metrics(flags, metrics)


COMMAND = Command(
    name="benchmark",
    summary="Time the ops, the model, the data pipeline or a server on this machine.",
    usage="ops|model|data|serving [flags]",
    flags=FLAGS,
    run=run,
    num_positional=1,
)
