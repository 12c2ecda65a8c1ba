"""Times the ops beside other libraries, on one core and on all.

In processes bound to so many cores that no library can use more: two that compare, two
for the growth up to a million points. Libraries that are not installed are left out.
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
    """Do `gspn benchmark ops --peers`."""
    print(machine.describe())
    print(", ".join(f"{name} {version}" for name, version in versions().items()))
    cores, names = sorted(os.sched_getaffinity(0)), suite.NAMES
    each = cores[:1], cores
    one, wide = (machine.apart(c, suite.comparisons, flags.scan) for c in each)
    for part in (report.targets, report.libraries):
        print(f"\n{part(one, wide)}")
    scaling = [machine.apart(allowed, suite.growth) for allowed in each]
    memory = [machine.apart(cores, suite.memory, name) for name in names]
    print(f"\n{report.scaling(*scaling, memory, len(cores))}")
    if flags.json:
        metrics = {"machine": machine.describe(), "versions": versions()}
        metrics |= {"comparisons": [one, wide], "scaling": scaling, "memory": memory}
        text = json.dumps(metrics, default=dataclasses.asdict, indent=1)
        Path(flags.json).write_text(text)
