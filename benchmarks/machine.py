"""The machine at hand."""

import os
from pathlib import Path


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
