"""Times the ops beside other libraries, on one core and on all.

In processes bound to so many cores that no library can use more: two that compare, two
for the growth up to a million points. Libraries that are not installed are left out.
"""

import argparse
import dataclasses
import importlib.metadata
import json
import os
from pathlib import Path

from benchmarks import machine
from benchmarks.processes import apart
from gspn_tf.commands.command import load_tensorflow

NAMES = (
    *("farthest_point_sample", "ball_query", "three_nn", "nn_distance", "nms_3d"),
    *("sample_in_boxes", "nearest_assign", "group_points", "three_interpolate"),
)
LIBRARIES = (
    *("tensorflow", "numpy", "scipy", "scikit-learn", "fpsample", "pgeof", "napf"),
    *("pynanoflann", "small_gicp", "pykdtree", "open3d", "torch", "torch-cluster"),
    *("faiss-cpu", "tensorflow-graphics"),
)


def versions() -> dict[str, str]:
    """Of the libraries that are installed."""
    installed = {
        d.metadata["Name"]: d.version for d in importlib.metadata.distributions()
    }
    return {name: installed[name] for name in LIBRARIES if name in installed}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser("benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="op", help=", ".join(NAMES))
    parser.add_argument("--scan", help="PLY or npz; default: a generated room")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    arguments = parser.parse_args()
    names = arguments.names or list(NAMES)
    if unknown := set(names) - set(NAMES):
        parser.error(f"unknown ops {sorted(unknown)}: there are {', '.join(NAMES)}")

    load_tensorflow()
    from benchmarks import report, suite

    print(machine.describe())
    print(", ".join(f"{name} {version}" for name, version in versions().items()))
    cores = sorted(os.sched_getaffinity(0))
    one = apart(cores[:1], suite.compare, names, arguments.scan)
    wide = apart(cores, suite.compare, names, arguments.scan)
    for part in (report.targets, report.libraries, report.limits):
        print(f"\n{part(one, wide)}")
    scalings = [apart(cpus, suite.scale, names) for cpus in (cores[:1], cores)]
    memory = [apart(cores, suite.memory, name) for name in names]
    print(f"\n{report.scaling(*scalings, memory, len(cores))}")
    if arguments.json:
        figures = {"machine": machine.describe(), "versions": versions()}
        figures |= {"comparisons": [one, wide], "scaling": scalings, "memory": memory}
        text = json.dumps(figures, default=dataclasses.asdict, indent=1)
        arguments.json.write_text(text)


if __name__ == "__main__":
    main()
