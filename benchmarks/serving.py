"""Exports side by side, and a server put to requests of many sizes from many clients.

Every answer is compared with what `Segmenter` finds in this process, and the memory of
the server is looked at after each request.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import machine
from gspn_tf.commands.command import load_tensorflow

KINDS = ("native", "portable")
SPREAD = 0.01  # metres between the points of a scan and those of the room it is made of


class Load(NamedTuple):
    """What a server is put to."""

    requests: int = 500
    clients: int = 4
    most_points: int = 200_000

    def sizes(self) -> np.ndarray:
        """Points of each request, at random, the least and the most among them."""
        rng = np.random.default_rng(0)
        sizes = rng.integers(1, self.most_points + 1, self.requests)
        sizes[:2] = 1, self.most_points
        return rng.permutation(sizes)


class Report(NamedTuple):
    """How it went."""

    seconds: float
    median_ms: float
    slowest_ms: float
    warm_mb: float  # most memory that the server held in the first half of the requests
    final_mb: float  # and in the second


def send(load: Load, server: tuple[str, int], scan, offline, check) -> Report:
    """Put a server to a load.

    server   host:port of its gRPC, and its process
    scan     number of points -> points, colors
    offline  points, colors -> Segmentation
    check    answer, Segmentation, number of points: raises where they differ
    """
    from serving.clients import grpc_client
    from serving.harness import resident_mb

    address, pid = server
    stub = grpc_client.connect(address)

    def ask(size: int) -> tuple[dict, float, float]:
        points, colors = scan(size)
        start = time.monotonic()
        answer = grpc_client.predict(stub, points, colors, timeout=600)
        return answer, time.monotonic() - start, resident_mb(pid)

    start = time.monotonic()
    with ThreadPoolExecutor(load.clients) as clients:
        answers, taken, memory = zip(*clients.map(ask, load.sizes()), strict=True)
    seconds = time.monotonic() - start
    for size, answer in zip(load.sizes(), answers, strict=True):
        check(answer, offline(*scan(size)), size)
    half = len(memory) // 2
    return Report(
        seconds=round(seconds, 1),
        median_ms=round(1e3 * statistics.median(taken), 1),
        slowest_ms=round(1e3 * max(taken), 1),
        warm_mb=round(max(memory[:half])),
        final_mb=round(max(memory[half:])),
    )


def times(exports: dict[str, Path], scan: tuple, repeats: int) -> dict[str, dict]:
    """Least and median seconds of each export on one scan; they take turns."""
    import tensorflow as tf

    points, colors = map(tf.constant, scan)
    inputs = {"points": points, "colors": colors, "num_points": tf.constant(-1)}
    loaded = {kind: tf.saved_model.load(str(path)) for kind, path in exports.items()}
    taken: dict[str, list[float]] = {kind: [] for kind in loaded}
    for _ in range(repeats + 1):
        for kind, model in loaded.items():
            start = time.perf_counter()
            found = model.signatures["serving_default"](**inputs)
            found["num_detections"].numpy()
            taken[kind].append(time.perf_counter() - start)
    return {
        kind: {
            "best_seconds": round(min(values[1:]), 3),
            "median_seconds": round(statistics.median(values[1:]), 3),
        }
        for kind, values in taken.items()
    }


def room_scans(seed: int = 0) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    """Makes scans of so many points of one generated room."""
    from gspn_tf.commands.prepare import prepare_rooms
    from gspn_tf.data import read_scenes

    with tempfile.TemporaryDirectory() as folder:
        prepare_rooms(folder, {"train": 1}, seed=seed)
        room = next(read_scenes(folder, "train"))

    def scan(count: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([seed, count])
        rows = rng.integers(len(room.points), size=count)
        noise = rng.normal(0, SPREAD, (count, 3))
        return (room.points[rows] + noise).astype(np.float32), room.colors[rows]

    return scan


def network(config: str, run: str | None):
    """(model, config, classes) of a run, or of a config without training."""
    from gspn_tf import config_loading, inference, models
    from gspn_tf.data.classes import SCANNET

    if run:
        return inference.load_run(run)
    loaded = config_loading.load(config)
    model = models.build(loaded.model)
    decide(model)
    return model, loaded, SCANNET.pairs()


def decide(model) -> None:
    """Makes an untrained network sure of many instances, for all steps to have work."""
    kernel, bias = model.box_head.class_output.kernel, model.box_head.class_output.bias
    kernel.assign(6 * kernel)
    bias.assign([-9.0] + [0.0] * (bias.shape[0] - 1))
    bias = model.mask_head.mask_output.bias
    bias.assign(np.full(bias.shape, 0.3))


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser("benchmarks.serving", description=__doc__)
    parser.add_argument("--config", default="configs/rooms.py:small")
    parser.add_argument("--run", help="default: --config, untrained")
    parser.add_argument("--points", type=int, default=36_020, help="of the scan timed")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    arguments = parser.parse_args()

    load_tensorflow()
    from serving.harness import assert_answers, running_server

    from gspn_tf import inference, saved_model

    model, config, classes = network(arguments.config, arguments.run)
    data = config.data
    offline = inference.Segmenter(model, data.num_points_inference, data.sampling)
    scan = room_scans()
    load = Load(arguments.requests, arguments.clients)
    print(machine.describe())
    with tempfile.TemporaryDirectory() as folder:
        exports = {
            kind: saved_model.export(
                model, config, classes, Path(folder) / kind, ops=kind
            )
            for kind in KINDS
        }
        figures = times(exports, scan(arguments.points), arguments.repeats)
        print(json.dumps({"one scan": arguments.points, **figures}, indent=1))
        for kind, path in exports.items() if load.requests else ():
            with running_server(path) as (port, _, pid):
                server = f"localhost:{port}", pid
                report = send(load, server, scan, offline.segment, assert_answers)
            figures[kind] |= report._asdict()
            print(f"{kind}: {load.requests} requests as offline", report)
    if arguments.json:
        figures = {"machine": machine.describe(), "load": load._asdict()} | figures
        arguments.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
