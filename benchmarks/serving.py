"""Exports side by side, and a server put to requests of many sizes from many clients.

Every answer is compared with what `Segmenter` finds in this process, and the memory of
the server is looked at after each request.
"""

import json
import statistics
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from benchmarks import machine
from benchmarks.answers import assert_answers, client, resident_mb, running_server
from gspn_tf import models
from gspn_tf.commands.command import write_metrics
from gspn_tf.commands.prepare import prepare_rooms
from gspn_tf.config import loading
from gspn_tf.data import read_scenes
from gspn_tf.data.classes import SCANNET
from gspn_tf.files.scans import read_scan
from gspn_tf.inference import segmenter as inference
from gspn_tf.inference.serving import saved_model

KINDS = ("native", "portable")
SIZES = (1, 100, 1000, 18_000, 81_369)  # points of scans that are compared
POINTS = 36_020  # of the scan that is timed
SPREAD = 0.01  # metres between the points of a scan and those of the room it is made of


class Load(NamedTuple):
    """How many requests a server is put to."""

    requests: int = 500
    clients: int = 4
    most_points: int = 200_000

    def sizes(self) -> np.ndarray:
        """Points of each request, at random, the least and the most among them."""
        rng = np.random.default_rng(0)
        sizes = rng.integers(1, self.most_points + 1, self.requests)
        sizes[:2] = 1, self.most_points
        return rng.permutation(sizes)


class Sent(NamedTuple):
    """How a server bore its load."""

    seconds: float
    median_ms: float
    slowest_ms: float
    warm_mb: float  # most memory that the server held in the first half of the requests
    final_mb: float  # and in the second


def send(load: Load, server: tuple[str, int], scan, offline) -> Sent:
    """Put a server to a load; AssertionError where it does not answer as offline.

    server   host:port of its gRPC, and its process
    scan     number of points -> points, colors
    offline  points, colors -> Segmentation
    """
    (address, pid), grpc_client = server, client("grpc_client")
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
        assert_answers(answer, offline(*scan(size)), size)
    half = len(memory) // 2
    return Sent(
        seconds=round(seconds, 1),
        median_ms=round(1e3 * statistics.median(taken), 1),
        slowest_ms=round(1e3 * max(taken), 1),
        warm_mb=round(max(memory[:half])),
        final_mb=round(max(memory[half:])),
    )


def answer(saved, points: np.ndarray, colors: np.ndarray) -> dict:
    """Call `serving_default` of a SavedModel in this process."""
    inputs = {"points": points, "colors": colors, "num_points": np.int32(-1)}
    inputs = {name: tf.constant(value) for name, value in inputs.items()}
    found = saved.signatures["serving_default"](**inputs)
    return {name: value.numpy() for name, value in found.items()}


def agree(loaded: dict, scan, offline) -> None:
    """Assert that both exports answer scans of several sizes as offline."""
    for count in SIZES:
        points, colors = scan(count)
        expected = offline(points, colors)
        for saved in loaded.values():
            assert_answers(answer(saved, points, colors), expected, count)
        print(f"{count:7,} points: {len(expected.masks)} instances, as offline")


def times(loaded: dict, scan: tuple, repeats: int) -> dict[str, dict]:
    """Time each export on one scan, in turns: least and median seconds."""
    taken: dict[str, list[float]] = {kind: [] for kind in loaded}
    for _ in range(repeats + 1):
        for kind, saved in loaded.items():
            start = time.perf_counter()
            answer(saved, *scan)
            taken[kind].append(time.perf_counter() - start)
    return {
        kind: {
            "best_seconds": round(min(values[1:]), 3),
            "median_seconds": round(statistics.median(values[1:]), 3),
        }
        for kind, values in taken.items()
    }


def scans_of(path: str | None) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    """Return what makes scans of so many points, of a file or of a generated room."""
    with tempfile.TemporaryDirectory() as folder:
        if path:
            room = read_scan(Path(path))
        else:
            prepare_rooms(folder, {"train": 1}, seed=0)
            room = next(read_scenes(folder, "train"))

    def scan(count: int) -> tuple[np.ndarray, np.ndarray]:
        if count == len(room.points):
            return room.points, room.colors
        rng = np.random.default_rng(count)
        rows = rng.integers(len(room.points), size=count)
        noise = rng.normal(0, SPREAD, (count, 3))
        return (room.points[rows] + noise).astype(np.float32), room.colors[rows]

    return scan


def network(config: str, run: str | None):
    """Load (model, config, classes) of a run, or build them of a config, untrained."""
    if run:
        return inference.load_run(run)
    loaded = loading.load_config(config)
    model = models.build(loaded.model)
    decide(model)
    return model, loaded, SCANNET.pairs()


def decide(model) -> None:
    """Make an untrained network sure of many large instances: work for all steps."""
    generator, head = model.proposal_network.proposer.vae.generator, model.box_head
    for layer in (generator.grid_output, generator.dense_output):
        layer.kernel.assign(6 * layer.kernel)
    head.class_output.kernel.assign(400 * head.class_output.kernel)
    background = head.class_output.bias.numpy()
    background[0] = -99.0
    head.class_output.bias.assign(background)
    bias = model.mask_head.mask_output.bias
    bias.assign(np.full(bias.shape, 0.3))


def main(flags: Namespace) -> None:
    """Do `gspn benchmark serving`."""
    model, config, classes = network(flags.config, flags.model)
    data = config.data
    offline = inference.Segmenter(model, data.num_points_inference, data.sampling)
    scan, load = scans_of(flags.scan), Load(flags.requests, flags.clients)
    print(machine.describe())
    with tempfile.TemporaryDirectory() as folder:
        exports = {
            kind: saved_model.export(
                model, config, classes, Path(folder) / kind, ops=kind
            )
            for kind in KINDS
        }
        loaded = {k: tf.saved_model.load(str(p)) for k, p in exports.items()}
        agree(loaded, scan, offline.segment)
        metrics = times(loaded, scan(POINTS), flags.repeats)
        print(json.dumps({"one scan": POINTS, **metrics}, indent=1))
        for kind, path in exports.items() if load.requests else ():
            with running_server(path) as (port, _, pid):
                sent = send(load, (f"localhost:{port}", pid), scan, offline.segment)
            metrics[kind] |= sent._asdict()
            print(f"{kind}: {load.requests} requests as offline", sent)
    metrics = {"machine": machine.describe(), "load": load._asdict()} | metrics
    write_metrics(flags, metrics)
