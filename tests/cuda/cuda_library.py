"""The CUDA kernels on NumPy arrays, through ctypes: no TensorFlow.

They run on a GPU where `build_for_gpu` made the library, and on the host where
`build_emulation` did.
"""

import ctypes
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [*sorted((ROOT / "tf_ops/cuda").glob("*.cu")), ROOT / "tests/cuda/device.cu"]
ALIGNMENT = 256


def _build(folder: Path, sources: list, compile_command: list, linker: list) -> Path:
    """Compiles the sources, two at a time, and links them."""
    folder.mkdir(parents=True, exist_ok=True)
    objects = [folder / f"{source.stem}.o" for source in sources]

    def compile_one(source, target):
        command = [*compile_command, f"-I{ROOT}/tf_ops", "-c", source, "-o", target]
        subprocess.run(command, check=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(compile_one, sources, objects))
    library = folder / "kernels.so"
    subprocess.run([*linker, "-shared", *objects, "-o", library], check=True)
    return library


def build_for_gpu(folder: Path, nvcc: str, arch: str = "native") -> Path:
    """A library for the GPU of this machine, with the flags of the real build."""
    options = ["--options-file", ROOT / "tf_ops/cuda/nvcc.options"]
    command = [nvcc, *options, f"-arch={arch}", "-lineinfo"]
    return _build(folder, SOURCES, command, [nvcc, f"-arch={arch}"])


def build_emulation(folder: Path, arch: int, names: tuple = ()) -> Path:
    """A library for the host, of all sources or those named.

    arch is what the kernels see as __CUDA_ARCH__.
    """
    sources = [path for path in SOURCES if not names or path.stem in names]
    flags = "-std=c++17 -O2 -ffp-contract=off -fPIC -fvisibility=hidden"
    command = ["g++", *flags.split(), "-Wall", "-Wno-unknown-pragmas"]
    command += [f"-D__CUDA_ARCH__={arch}", f"-I{ROOT}/tests/cuda/emulation"]
    return _build(folder, sources, [*command, "-x", "c++"], ["g++"])


class Output(NamedTuple):
    """An argument that the kernel fills."""

    shape: tuple
    dtype: type


class Host(NamedTuple):
    """An array that stays in host memory."""

    array: np.ndarray


class Device:
    """A library of kernels and the memory they work on."""

    def __init__(self, library: Path):
        self.library = ctypes.CDLL(str(library))
        self.library.device_allocate.restype = ctypes.c_void_p
        self.library.gspn_cuda_error_string.restype = ctypes.c_char_p

    def check(self, error: int) -> None:
        """Raises RuntimeError with the name of a CUDA error."""
        if error:
            name = self.library.gspn_cuda_error_string(error).decode()
            raise RuntimeError(f"CUDA error {error}: {name}")

    def allocate(self, num_bytes: int) -> ctypes.c_void_p:
        """Device memory; MemoryError where there is none."""
        allocate = self.library.device_allocate
        memory = allocate(ctypes.c_size_t(max(num_bytes, 1)))
        if not memory:
            raise MemoryError(f"no device memory of {num_bytes} bytes")
        return ctypes.c_void_p(memory)

    def copy(self, to, source, num_bytes: int) -> None:
        """Copies between host and device, or within the device."""
        size = ctypes.c_size_t(num_bytes)
        self.check(self.library.device_copy(to, source, size))

    def call(self, name: str, arguments: tuple, scratch: tuple | None = None) -> list:
        """Runs gspn_cuda_<name> and returns the outputs.

        Arguments are arrays (copied to the device), Output, Host, None (a null
        pointer), int (int64) and float. `scratch` holds the arguments of
        <name>_scratch_bytes.
        """
        memory: list = []
        filled: list = []

        def allocate(num_bytes):
            memory.append(self.allocate(num_bytes))
            return memory[-1]

        def convert(argument):
            if argument is None:
                return None
            if isinstance(argument, Host):
                return _address(argument.array)
            if isinstance(argument, Output):
                array = np.empty(argument.shape, argument.dtype)
                filled.append((array, allocate(array.nbytes)))
                return memory[-1]
            if isinstance(argument, np.ndarray):
                array = np.ascontiguousarray(argument)
                self.copy(allocate(array.nbytes), _address(array), array.nbytes)
                return memory[-1]
            if isinstance(argument, int | np.integer):
                return ctypes.c_int64(argument)
            return ctypes.c_float(argument)

        try:
            converted = [convert(argument) for argument in arguments]
            if scratch is not None:
                count = getattr(self.library, f"gspn_cuda_{name}_scratch_bytes")
                count.restype = ctypes.c_size_t
                converted.append(allocate(count(*map(ctypes.c_int64, scratch))))
            function = getattr(self.library, f"gspn_cuda_{name}")
            self.check(function(*converted, None))
            self.check(self.library.device_synchronize())
            for array, there in filled:
                self.copy(_address(array), there, array.nbytes)
        finally:
            for each in memory:
                self.check(self.library.device_free(each))
        return [array for array, _ in filled]


def _address(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
