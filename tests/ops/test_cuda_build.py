"""What the compiled CUDA half of the op library holds. Nothing runs on a GPU."""

import os
import shutil
import subprocess

import pytest
from cuda_library import Device, build_for_gpu
from tensorflow.python.framework import kernels

from gspn_tf import ops

NVCC = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
needs_nvcc = pytest.mark.skipif(not os.access(NVCC, os.X_OK), reason="no nvcc here")
OPS = (
    *("FarthestPointSample", "BallQuery", "KNN", "NNDistance", "NNDistanceGrad"),
    *("GroupPoints", "GroupPointsGrad", "ThreeInterpolate", "ThreeInterpolateGrad"),
    *(
        "ThreeInterpolateWeightsGrad",
        "NMS3D",
        "PointsInBoxes",
        "SampleInBoxes",
        "NearestAssign",
    ),
)


def devices(op):
    ops.load_library()
    found = kernels.get_registered_kernels_for_op(f"Gspn>{op}").kernel
    return {kernel.device_type for kernel in found}


def test_every_op_has_kernels_for_the_same_devices():
    assert devices("BallQuery") in ({"CPU"}, {"CPU", "GPU"})
    for op in OPS:
        assert devices(op) == devices("BallQuery"), op


def test_no_op_is_missing_above():
    names = {name for name in dir(ops.load_library()) if name.startswith("gspn_")}
    assert len([name for name in names if "eager_fallback" not in name]) == len(OPS)


def test_library_leaves_the_cuda_runtime_to_itself():
    """Some TensorFlow wheels export stubs of it, others do not: ours is linked in."""
    command = ["nm", "-D", str(ops.library_path())]
    symbols = subprocess.run(command, capture_output=True, text=True, check=True)
    assert " T gspn_" in symbols.stdout or devices("BallQuery") == {"CPU"}
    assert not [line for line in symbols.stdout.split("\n") if " cuda" in line]
    assert "__cuda" not in symbols.stdout


@needs_nvcc
def test_kernels_compile_without_warnings(tmp_path, capfd):
    device = Device(build_for_gpu(tmp_path, NVCC, "sm_90"), small=True)
    assert device.library.gspn_cuda_error_string(1) == b"invalid argument"
    assert "warning" not in capfd.readouterr().err
