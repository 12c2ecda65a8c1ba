"""Times the ops beside other libraries, on one core and on all.

Each in a process bound to so many cores that no library can use more. Libraries that
are not installed are left out.
"""

import dataclasses
import importlib.metadata
import json
import os
from argparse import Namespace
from pathlib import Path

from benchmarks import machine, report, suite

LIBRARIES = (
    *("tensorflow", "numpy", "scikit-learn", "fpsample", "pgeof", "napf"),
    *("small_gicp", "pykdtree", "tensorflow-graphics"),
)


def versions() -> dict[str, str]:
    """Name the versions of the libraries that are installed."""
    installed = {
        d.metadata["Name"]: d.version for d in importlib.metadata.distributions()
    }
    return {name: installed[name] for name in LIBRARIES if name in installed}


def main(flags: Namespace) -> None:
    """Do `gspn benchmark ops`."""
    print(machine.describe())
    print(", ".join(f"{name} {version}" for name, version in versions().items()))
    cores = sorted(os.sched_getaffinity(0))
    each = cores[:1], cores
    one, wide = (machine.apart(c, suite.comparisons, flags.scan) for c in each)
    print(f"\n{report.markdown_table(one, wide)}")
    if flags.json:
        metrics = {"machine": machine.describe(), "versions": versions()}
        metrics["comparisons"] = [one, wide]
        text = json.dumps(metrics, default=dataclasses.asdict, indent=1)
        Path(flags.json).write_text(text)
