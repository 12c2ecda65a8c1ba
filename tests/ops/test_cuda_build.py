"""The CUDA half: kernels of all ops, in the emulation and compiled by nvcc."""

import collections
import os
import shutil
import subprocess

import pytest
from cuda_checks import SPECIAL_CHECKS, check_case
from cuda_library import Device, build_emulation, build_for_gpu
from op_cases import CASES, OPS
from tensorflow.python.framework import kernels

from gspn_tf import ops

NVCC = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
needs_nvcc = pytest.mark.skipif(not os.access(NVCC, os.X_OK), reason="no nvcc here")


def devices():
    """The devices of every op of the library that has kernels."""
    ops.load_library()
    found = collections.defaultdict(set)
    for kernel in kernels.get_all_registered_kernels().kernel:
        if kernel.op.startswith("Gspn>"):
            found[kernel.op].add(kernel.device_type)
    return found


def test_every_op_has_cases_and_kernels_for_the_same_devices():
    names = {name for name in dir(ops.load_library()) if name.startswith("gspn_")}
    names = [name for name in names if "eager_fallback" not in name]
    assert len(names) == len(devices()) == len(OPS)
    assert all(own == devices()["Gspn>BallQuery"] for own in devices().values())


def test_library_leaves_the_cuda_runtime_to_itself():
    """Some TensorFlow wheels export stubs of it, others do not: ours is linked in."""
    command = ["nm", "-D", str(ops.library_path())]
    symbols = subprocess.run(command, capture_output=True, text=True, check=True)
    cpu_only = devices()["Gspn>BallQuery"] == {"CPU"}
    assert " T gspn_" in symbols.stdout or cpu_only
    assert not [line for line in symbols.stdout.split("\n") if " cuda" in line]
    assert "__cuda" not in symbols.stdout


@pytest.mark.build
def test_warp_reduction_of_older_gpus(tmp_path):
    names = ("farthest_point_sample", "sort", "runtime", "device")
    device = Device(build_emulation(tmp_path, 750, names))
    for case in [case for case in CASES if case.op == "farthest_point_sample"]:
        check_case(device, case)


@pytest.mark.build
def test_indices_that_ops_refuse(tmp_path):
    device = Device(build_emulation(tmp_path, 900))
    for check in SPECIAL_CHECKS:
        check(device)


@pytest.mark.build
@needs_nvcc
def test_kernels_compile_without_warnings(tmp_path, capfd):
    device = Device(build_for_gpu(tmp_path, NVCC, "sm_90"))
    assert device.library.gspn_cuda_error_string(1) == b"invalid argument"
    assert "warning" not in capfd.readouterr().err
