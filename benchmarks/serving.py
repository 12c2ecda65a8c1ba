"""Requests of many sizes to a server, from several clients at once.

    gspn benchmark serving --model RUN

Every answer is compared with what `Segmenter` finds in this process, and the memory of
the server is looked at after each request.
"""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

MAX_POINTS = 200_000
SEED = 0


class Load(NamedTuple):
    """What a server is put to."""

    requests: int
    clients: int
    max_points: int = MAX_POINTS

    def sizes(self) -> np.ndarray:
        """Points of each request: from one to the most, evenly in their logarithm."""
        most = np.log(self.max_points)
        sizes = np.exp(np.linspace(0, most, self.requests)).round().astype(int)
        return np.random.default_rng(SEED).permutation(sizes)


class Report(NamedTuple):
    """How it went."""

    seconds: float
    median_ms: float
    slowest_ms: float
    warm_mb: float  # memory of the server after a first round of half the requests
    final_mb: float  # and at the end


def send(load: Load, address: str, pid: int, offline, check) -> Report:
    """Put a server to a load; every answer is given to `check`.

    address  host:port of its gRPC          pid  its process
    offline  points, colors -> Segmentation
    check    answer, Segmentation, number of points: raises where they differ
    """
    from serving.clients import grpc_client
    from serving.harness import resident_mb, scan

    stub = grpc_client.connect(address)

    def ask(size: int) -> tuple[int, float, dict, float]:
        points, colors = scan(size)
        start = time.monotonic()
        answer = grpc_client.predict(stub, points, colors, timeout=600)
        return size, time.monotonic() - start, answer, resident_mb(pid)

    start = time.monotonic()
    with ThreadPoolExecutor(load.clients) as clients:
        answers = list(clients.map(ask, load.sizes()))
    seconds = time.monotonic() - start
    for size, _, answer, _ in answers:
        check(answer, offline(*scan(size)), size)
    times = [1e3 * taken for _, taken, _, _ in answers]
    memory = [held for *_, held in answers]
    half = len(memory) // 2
    return Report(
        seconds=round(seconds, 1),
        median_ms=round(statistics.median(times), 1),
        slowest_ms=round(max(times), 1),
        warm_mb=round(max(memory[:half]), 1),
        final_mb=round(max(memory[half:]), 1),
    )


def times(exports: dict[str, Path], count: int, repeats: int) -> dict[str, float]:
    """Least and median seconds of each export on one scan, taking turns."""
    import tensorflow as tf
    from serving.harness import scan

    points, colors = scan(count)
    inputs = {"points": points, "colors": colors, "num_points": -1}
    inputs = {name: tf.constant(value) for name, value in inputs.items()}
    loaded = {kind: tf.saved_model.load(str(path)) for kind, path in exports.items()}
    taken = {kind: [] for kind in loaded}
    for _ in range(repeats + 1):
        for kind, model in loaded.items():
            start = time.perf_counter()
            found = model.signatures["serving_default"](**inputs)
            found["num_detections"].numpy()
            taken[kind].append(time.perf_counter() - start)
    return {
        f"{kind}_{name}_seconds": round(measure(values[1:]), 3)
        for kind, values in taken.items()
        for name, measure in (("best", min), ("median", statistics.median))
    }
