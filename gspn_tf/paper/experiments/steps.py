"""Does the steps of a job: trains as `gspn train`, measures as `gspn evaluate`."""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gspn_tf import files, startup
from gspn_tf.paper.experiments.plan import Measurement, Step, Training
from gspn_tf.training import run_folder


def perform(steps: Sequence[Step], log: Path) -> None:
    """Do the steps in a process that ends with its parent; print to the log."""
    startup.follow_parent()
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", encoding="utf-8") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    startup.load_tensorflow()
    for step in steps:
        print(f"{step.label}: {step.path}", flush=True)
        if isinstance(step, Training):
            train_stages(step)
        else:
            files.write_json(step.path, measure_networks(step))


def train_stages(training: Training) -> None:
    """Train, or go on; where another experiment trains the same run, wait for it."""
    from rich.console import Console

    from gspn_tf.training import loop

    loop.train(
        training.config,
        training.data.path,
        training.path,
        init=training.init,
        stages=training.stages,
        console=Console(file=sys.stdout, width=200),
        wait=True,
    )


def measure_networks(measurement: Measurement) -> dict[str, Any]:
    """Measure networks, and tell what the figures depend on."""
    import tensorflow as tf

    from gspn_tf.paper.experiments.measuring import measured_figures

    start = time.monotonic()
    figures = measured_figures(measurement)
    versions = run_folder.versions()
    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return {
        "figures": figures,
        "seconds": time.monotonic() - start,
        "split": measurement.split,
        "runs": [str(network.path) for network in measurement.networks],
        "versions": versions,
        "machine": {
            "cpu": versions["cpu"],
            "cpus": len(os.sched_getaffinity(0)),
            "gpus": [str(each.get("device_name", "unknown")) for each in details],
        },
    }
