"""The CUDA kernels, compiled for the host by tests/cuda/emulation: no GPU needed."""

import cuda_box_checks
import cuda_checks
import pytest
from cuda_library import Device, build_emulation


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    return Device(build_emulation(tmp_path_factory.mktemp("cuda"), 900), small=True)


@pytest.mark.parametrize(
    "check", [*cuda_checks.CHECKS, *cuda_box_checks.CHECKS], ids=lambda c: c.__name__
)
def test_kernel(device, check):
    check(device)


def test_warp_reduction_of_older_gpus(tmp_path):
    names = ("farthest_point_sample", "sort", "runtime", "device")
    device = Device(build_emulation(tmp_path, 750, names), small=True)
    cuda_checks.check_farthest_point_sample_takes_every_point(device)
