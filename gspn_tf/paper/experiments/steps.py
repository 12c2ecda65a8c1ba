"""Does the steps of a job: trains as `gspn train`, measures as `gspn evaluate`."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gspn_tf import files, startup
from gspn_tf.paper.experiments.plan import Step, Training


def perform(steps: Sequence[Step], log: Path) -> None:
    """Do the steps in a process that ends with its parent; print to the log.

    Where another experiment trains the same run, this one waits for it and goes on.
    """
    startup.follow_parent()
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", encoding="utf-8") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    startup.load_tensorflow()
    from rich.console import Console

    from gspn_tf.paper.experiments.measuring import measure_networks
    from gspn_tf.training import loop

    console = Console(file=sys.stdout, width=200)
    for step in steps:
        print(f"{step.label}: {step.path}", flush=True)
        if isinstance(step, Training):
            loop.train(
                step.config,
                step.data.path,
                step.path,
                init=step.init,
                stages=step.stages,
                console=console,
                wait=True,
            )
        else:
            files.write_json(step.path, measure_networks(step))
