"""Processes that serve an export, and what they should answer."""

import contextlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "docs" / "serving"


def client(name: str) -> ModuleType:
    """Import an example of docs/serving: `grpc_client` or `rest_client`."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def decode(mask: bytes, count: int) -> np.ndarray:
    """Return the rows of the points of a mask."""
    assert len(mask) == -(-count // 8)
    bits = np.frombuffer(mask, np.uint8)
    assert not np.unpackbits(bits, bitorder="little")[count:].any()
    return np.flatnonzero(np.unpackbits(bits, bitorder="little", count=count))


def assert_answers(outputs: dict, expected, count: int, row: int = 0) -> None:
    """Assert that one scan of an answer is what `Segmenter` finds in `count` points."""
    number = len(expected.masks)
    # REST gives lists; as an array of strings masks would lose their last zeros.
    outputs = {
        name: np.asarray(value[row], object if name == "masks_bytes" else None)
        for name, value in outputs.items()
    }
    assert outputs["num_detections"] == number
    np.testing.assert_array_equal(outputs["classes"][:number], expected.classes)
    np.testing.assert_allclose(outputs["scores"][:number], expected.scores, atol=1e-5)
    np.testing.assert_allclose(
        outputs["boxes"][:number], expected.boxes, rtol=1e-6, atol=1e-5
    )
    for mask, rows in zip(outputs["masks_bytes"], expected.masks, strict=False):
        np.testing.assert_array_equal(decode(mask, count), rows)
    for name in ("boxes", "classes", "scores"):
        assert not outputs[name][number:].any()
    assert all(mask == b"" for mask in outputs["masks_bytes"][number:])


def library(exported: str | Path) -> str:
    """Name the op library of an export, or say "none"."""
    return next((str(path) for path in Path(exported).glob("*.so")), "none")


def server_process(exported: str | Path) -> subprocess.Popen:
    """Start a process that serves an export; its first line has both ports."""
    program = Path(__file__).parent / "server.py"
    return subprocess.Popen(
        [sys.executable, program, exported, library(exported)],
        stdin=subprocess.PIPE,  # it ends with this
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(exported).parent,
    )


@contextlib.contextmanager
def running_server(exported: str | Path) -> Iterator[tuple[int, int]]:
    """Start a process that serves an export: its gRPC port and its REST port."""
    with server_process(exported) as process:
        grpc, rest = map(int, process.stdout.readline().split())
        yield grpc, rest
