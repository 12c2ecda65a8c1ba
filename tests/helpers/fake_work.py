"""Stands in for training: processes that import no TensorFlow."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from gspn_tf import files
from gspn_tf.data import manifest
from gspn_tf.paper.experiments.plan import Job, Step, Training
from gspn_tf.training import run_folder

PATIENCE_SECONDS = 60


def fail_first(todo: Sequence[Step], log: Path) -> None:
    """Do all steps, or the first time nothing but to leave an error in the log."""
    if not (marker := log.parent / "begun").exists():
        marker.touch()
        log.write_text("Traceback ...\nValueError: a bad scene\n")
        sys.exit(1)
    for step in todo:
        do(step)


def sleep(todo: Sequence[Step], log: Path) -> None:
    """Do nothing for long."""
    time.sleep(PATIENCE_SECONDS)


def finish_job(job: Job, **figures: float) -> None:
    """Pretend that a job has been done, with these figures."""
    for step in job.missing():
        do(step, **figures)


def do(step: Step, **figures: float) -> None:
    """Pretend that a step has been done; every epoch took three seconds."""
    if not isinstance(step, Training):
        result = {"figures": figures, "split": step.split, "versions": {"cpu": "toy"}}
        files.write_json(step.path, result)
        return
    run, data = run_folder.RunFolder(step.path), step.data.path
    classes = manifest.read_classes(data).pairs()
    run.start(step.config, classes, run_folder.training_checksums(data))
    for stage in step.stages:
        epochs = range(1, getattr(step.config.train, stage).epochs + 1)
        rows = [{"epoch": i, "seconds": 3, "loss": 1, "val_loss": 2} for i in epochs]
        run.write_metrics(stage, rows)
