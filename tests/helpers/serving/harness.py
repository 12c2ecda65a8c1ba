"""Scans to send, what they are answered offline, and processes that answer."""

import contextlib
import subprocess
import sys
from pathlib import Path

import numpy as np

SERVER = Path(__file__).parent / "server.py"
GRID = 1024  # coordinates are multiples of 1/GRID m: sums of them are exact in float32


def scan(count, seed=0, offset=(512, 256, 0)):
    """Points [V, 3] and colors [V, 3] of a room that is far from the origin."""
    rng = np.random.default_rng([seed, count])
    points = rng.uniform(0, 4, (count, 3)) * [1, 1, 0.5]
    points = np.round(points * GRID) / GRID + offset
    return points.astype(np.float32), rng.integers(0, 256, (count, 3), np.uint8)


def decode(mask, count):
    """Rows of the points of a mask."""
    assert len(mask) == -(-count // 8)
    bits = np.frombuffer(mask, np.uint8)
    assert not np.unpackbits(bits, bitorder="little")[count:].any()
    return np.flatnonzero(np.unpackbits(bits, bitorder="little", count=count))


def assert_answers(outputs, expected, count, row=0):
    """One scan of an answer is what `Segmenter` finds in its `count` points."""
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


def library(exported):
    """The op library of an export, or "none"."""
    return next((str(path) for path in Path(exported).glob("*.so")), "none")


@contextlib.contextmanager
def running_server(exported):
    """A process that serves an export: its gRPC port, its REST port, its id."""
    command = [sys.executable, SERVER, exported, library(exported)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(exported).parent,
    )
    try:
        yield *map(int, process.stdout.readline().split()), process.pid
    finally:
        process.stdin.close()
        process.wait(60)


def resident_mb(pid):
    """Memory that a process holds."""
    (line,) = [
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmRSS")
    ]
    return int(line.split()[1]) / 1024
