"""The kernels under AddressSanitizer and UndefinedBehaviorSanitizer.

GSPN_FUZZ_CALLS is the number of rounds per instruction set (default 150).
"""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

OPS = Path(__file__).resolve().parents[2] / "tf_ops"
COMPILER = shutil.which(os.environ.get("CXX", "g++"))
pytestmark = pytest.mark.build
MARCHES = {
    "base": [],
    "v3": ["-march=x86-64-v3"],
    "v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"],
}
if platform.machine() != "x86_64":
    MARCHES = {"base": []}
FLAGS = [
    *["-std=c++17", "-O1", "-g1", "-ffp-contract=off", f"-I{OPS}", "-c"],
    *["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
]


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    if COMPILER is None:
        pytest.skip("there is no C++ compiler")
    folder = tmp_path_factory.mktemp("kernels")
    sources = [*(OPS / "kernels").glob("*.cc"), OPS / "kernels/simd/dispatch.cc"]
    jobs = [(source, []) for source in [*sources, OPS / "tests/kernels_test.cc"]]
    loops = OPS / "kernels/simd/loops.cc"
    jobs += [(loops, [f"-DGSPN_ISA={isa}", *march]) for isa, march in MARCHES.items()]
    objects = []
    for source, flags in jobs:
        objects.append(str(folder / f"{len(objects)}.o"))
        command = [COMPILER, *FLAGS, *flags, str(source), "-o", objects[-1]]
        subprocess.run(command, check=True)
    path = folder / "kernels_test"
    link = [COMPILER, "-fsanitize=address,undefined", *objects, "-o", str(path)]
    subprocess.run(link, check=True)
    return path


@pytest.mark.parametrize("isa", MARCHES)
def test_kernels_under_sanitizers(binary, isa):
    rounds = os.environ.get("GSPN_FUZZ_CALLS", "150")
    result = subprocess.run(
        [binary, rounds],
        env={**os.environ, "GSPN_ISA": isa, "ASAN_OPTIONS": "detect_leaks=1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "ok\n"


def arm_compiler() -> list[str]:
    """A cross compiler of the system or of `pip install ziglang`."""
    if gcc := shutil.which("aarch64-linux-gnu-g++"):
        return [gcc]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "c++", "-target", "aarch64-linux-gnu"]
    pytest.skip("there is no compiler for ARM: pip install ziglang")


def test_kernels_compile_for_arm(tmp_path):
    compiler = arm_compiler()
    sources = [*OPS.glob("kernels/*.cc"), *OPS.glob("kernels/simd/*.cc")]
    flags = ["-std=c++17", "-Werror", "-Wall", "-DGSPN_ISA=base", f"-I{OPS}", "-c"]
    for source in sources:
        path = tmp_path / f"{source.stem}.o"
        subprocess.run([*compiler, *flags, source, "-o", path], check=True)
        assert path.read_bytes()[18:20] == bytes([183, 0])  # ELF machine: AArch64
