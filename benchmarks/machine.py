"""The machine at hand, and processes that may use some of its cores."""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from gspn_tf.startup import bound_to, load_tensorflow


def describe() -> str:
    """Name the kind of processor, and say how busy it was before."""
    flags = Path("/proc/cpuinfo").read_text()
    kinds = {"avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}
    simd = next((kinds[flag] for flag in kinds if f" {flag} " in flags), "no SIMD")
    load = os.getloadavg()[0]
    return f"{cores()} {os.uname().machine} cores with {simd}, load {load:.1f} before"


def cores() -> int:
    """Count the cores that this process may use: the threads a library is given."""
    return len(os.sched_getaffinity(0))


def apart(allowed: list[int], function: Callable, *arguments: Any) -> Any:
    """Call the function in a process that can use these cores only.

    Libraries look once, when they are loaded, at how many cores there are.
    """
    spawn = multiprocessing.get_context("spawn")
    with bound_to(allowed), ProcessPoolExecutor(1, spawn, initializer=_begin) as pool:
        return pool.submit(function, *arguments).result()


def _begin() -> None:
    # Threads of a library that wait for its next call keep no core from the others.
    os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
    load_tensorflow()
