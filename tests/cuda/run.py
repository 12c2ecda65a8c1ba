"""Builds the CUDA kernels and checks them on this machine's GPU.

    export PYTHONPATH=tests/helpers
    python tests/cuda/run.py             all checks
    python tests/cuda/run.py --sanitize  checks under compute-sanitizer

Needs nvcc, a GPU and NumPy; no TensorFlow. `make test-gpu` runs both.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cuda_checks
from cuda_library import Device, build_for_gpu
from op_cases import OPS

TOOLS = ("memcheck", "racecheck", "synccheck", "initcheck")


def find_nvcc() -> str:
    """nvcc of $CUDA_HOME, of the path or of /usr/local/cuda."""
    home = os.environ.get("CUDA_HOME", "/usr/local/cuda")
    on_path = None if "CUDA_HOME" in os.environ else shutil.which("nvcc")
    nvcc = on_path or f"{home}/bin/nvcc"
    if not os.access(nvcc, os.X_OK):
        sys.exit("there is no nvcc: set CUDA_HOME")
    return nvcc


def run_checks(device: Device, small: bool) -> None:
    """Runs every check and says so; the first that fails ends the run."""
    for check in cuda_checks.SPECIAL_CHECKS:
        check(device)
        print(f"passed {check.__name__}")
    cases = cuda_checks.all_cases(small)
    for op in OPS:
        own = [case for case in cases if case.op == op]
        start = time.perf_counter()
        for case in own:
            cuda_checks.check_case(device, case)
        took = time.perf_counter() - start
        print(f"passed {len(own)} cases of {op} in {took:.1f} s")


def sanitize() -> None:
    """Runs the checks of this script again, under every tool of the sanitizer."""
    sanitizer = shutil.which("compute-sanitizer") or sys.exit("no compute-sanitizer")
    for tool in TOOLS:
        print(f"compute-sanitizer --tool {tool}")
        command = [sanitizer, "--tool", tool, "--error-exitcode", "1"]
        command += [sys.executable, __file__, "--small"]
        subprocess.run(command, check=True)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sanitize", action="store_true")
    parser.add_argument("--small", action="store_true", help="the sizes of emulation")
    parser.add_argument("--build", default="build/cuda-tests", type=Path)
    flags = parser.parse_args()
    if flags.sanitize:
        return sanitize()
    run_checks(Device(build_for_gpu(flags.build, find_nvcc())), flags.small)


if __name__ == "__main__":
    main()
