"""The machine at hand."""

import os
from pathlib import Path


def describe() -> str:
    """Kind of processor, and how busy it was before."""
    flags = Path("/proc/cpuinfo").read_text()
    kinds = {"avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}
    simd = next((kinds[flag] for flag in kinds if f" {flag} " in flags), "no SIMD")
    count, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    return f"{count} {os.uname().machine} cores with {simd}, load {load:.1f} before"
