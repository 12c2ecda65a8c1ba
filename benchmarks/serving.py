"""Both kinds of exports side by side: what they answer, and how fast."""

import json
import statistics
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks import machine
from gspn_tf import models
from gspn_tf.commands.command import write_metrics
from gspn_tf.config import loading
from gspn_tf.data.classes import SCANNET
from gspn_tf.files.scans import read_scan
from gspn_tf.inference import segmenter as inference
from gspn_tf.inference.serving import saved_model
from gspn_tf.synthetic.rooms import generate_room

SIZES = (1, 100, 1000, 18_000, 81_369)  # points of scans that are compared
POINTS = 36_020  # of the scan that is timed
SPREAD = 0.01  # metres between the points of a scan and those of the room it is made of


def answer(saved, points: np.ndarray, colors: np.ndarray) -> dict:
    """Call `serving_default` of a SavedModel in this process."""
    inputs = {"points": points, "colors": colors, "num_points": np.int32(-1)}
    inputs = {name: tf.constant(value) for name, value in inputs.items()}
    found = saved.signatures["serving_default"](**inputs)
    return {name: value.numpy()[0] for name, value in found.items()}


def agree(loaded: dict, scan: Callable, offline: inference.Segmenter) -> None:
    """Assert that both exports answer scans of several sizes as `Segmenter` does."""
    for count in SIZES:
        points, colors = scan(count)
        expected = offline.segment(points, colors)
        for saved in loaded.values():
            found = answer(saved, points, colors)
            np.testing.assert_array_equal(found["classes"], expected.classes)
            np.testing.assert_allclose(found["scores"], expected.scores, atol=1e-5)
            for bits, rows in zip(found["masks_bytes"], expected.masks, strict=True):
                mask = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")
                np.testing.assert_array_equal(np.flatnonzero(mask), rows)
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
    room = read_scan(Path(path)) if path else generate_room(0)

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
    scan = scans_of(flags.scan)
    print(machine.describe())
    with tempfile.TemporaryDirectory() as folder:
        loaded = {}
        for kind in saved_model.KINDS_OF_OPS:
            target = Path(folder) / kind
            path = saved_model.export(model, config, classes, target, ops=kind)
            loaded[kind] = tf.saved_model.load(str(path))
        agree(loaded, scan, inference.Segmenter.from_config(model, config.data))
        taken = times(loaded, scan(POINTS), flags.repeats)
    print(json.dumps({"one scan": POINTS, **taken}, indent=1))
    write_metrics(flags, {"machine": machine.describe()} | taken)
