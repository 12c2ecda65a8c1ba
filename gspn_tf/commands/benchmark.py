"""`gspn benchmark`."""

import contextlib
import os
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
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
from gspn_tf.commands.prepare import prepare_rooms
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
    flag(
        "--requests",
        "For `serving`: how many, of 1 to 200,000 points.",
        500,
        type=integer(0),
    ),
    flag("--clients", "For `serving`: how many ask at once.", 4, type=integer(1)),
    JSON,
)


def run_peers(flags: Namespace) -> None:
    """Compare the ops with those of other libraries."""
    run_program("benchmarks", paths_of(flags, scan="scan", json="json"))


def run_serving(flags: Namespace) -> None:
    """Time both exports, and put a server of each to many requests."""
    options = [f"--config={flags.config}", f"--repeats={flags.repeats}"]
    options += [f"--requests={flags.requests}", f"--clients={flags.clients}"]
    options += paths_of(flags, model="run", scan="scan", json="json")
    run_program("benchmarks.serving", options)


def paths_of(flags: Namespace, **names: str) -> list[str]:
    """Options of a program, by the flags here whose paths they are."""
    return [
        f"--{option}={Path(getattr(flags, name)).resolve()}"
        for name, option in names.items()
        if getattr(flags, name)
    ]


def run_program(module: str, options: list[str]) -> None:
    """Run a program of benchmarks/, which uses the builders of tests/."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "benchmarks").is_dir():
        raise UserError(
            "this needs benchmarks/ and tests/ of the sources: use a checkout, "
            "installed by make install or pip install -e"
        )
    command = [sys.executable, "-m", module, *options]
    python_path = [str(root / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(python_path)}
    if subprocess.run(command, cwd=root, env=paths).returncode:
        raise UserError("the benchmark ended early: see above")


def run(arguments: Arguments) -> None:
    """Measure, print and write."""
    flags, subject = arguments.flags, arguments.positional[0]
    if subject not in SUBJECTS:
        names = ", ".join(SUBJECTS)
        raise UserError(f"a benchmark is of one of {names}, got {subject!r}")
    if flags.peers and subject == "ops":
        return run_peers(flags)
    if subject == "serving":
        return run_serving(flags)
    config = config_loading.override(
        config_loading.load_config(flags.config), arguments.overrides
    )
    with limited_to(flags.cores) as cores, tempfile.TemporaryDirectory() as scratch:
        load_tensorflow()
        from gspn_tf.commands import timings as benchmarks
        from gspn_tf.training.run_folder import versions

        directory = flags.data
        if subject != "ops" and not directory:
            directory = str(Path(scratch) / "rooms")
            rooms = {"train": 2 * config.train.batch_size}
            prepare_rooms(directory, rooms, seed=0)
        figures: dict[str, Any] = {"cores": cores}
        if subject == "data":
            found = benchmarks.data_throughput(config, directory, flags.repeats)
            timings = [found.pipeline, *found.steps]
            lines = [*found.lines(), f"{cores:10d} cores"]
            figures |= {"scenes_per_s": found.given(), "step_takes": found.taken()}
        elif subject == "model":
            timings = benchmarks.model_timings(config, directory, flags.repeats)
            lines = [timing.line() for timing in timings]
        else:
            timings = benchmarks.op_timings(flags.repeats)
            lines = [timing.line() for timing in timings]
    memory = benchmarks.peak_memory_gb()
    print("\n".join([*lines, f"{memory:10.2f} GB  peak memory of this process"]))
    figures |= {
        "timings": [timing._asdict() for timing in timings],
        "peak_memory_gb": round(memory, 3),
        "environment": versions(),
    }
    write_metrics(flags, figures)


@contextlib.contextmanager
def limited_to(count: int) -> Iterator[int]:
    """Keep this thread and those it starts on `count` cores, 0: all; how many it is."""
    chosen = sorted(os.sched_getaffinity(0))[: count or None]
    with startup.bound_to(chosen):
        yield len(chosen)


COMMAND = Command(
    name="benchmark",
    summary="Time the ops, the model, the data pipeline or a server on this machine.",
    usage="ops|model|data|serving [flags]",
    flags=FLAGS,
    run=run,
    num_positional=1,
)
