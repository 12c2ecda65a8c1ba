"""Times of the ops, the networks and the data pipeline on the machine at hand."""

import resource
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gspn_tf import ops
from gspn_tf.config import Config
from gspn_tf.data import read_scenes
from gspn_tf.inference import segmenter as inference
from gspn_tf.training import loop as training

LEAST_SCENES = 64  # that one run of the pipeline is timed over


class Timing(NamedTuple):
    """How long something took."""

    name: str
    median_ms: float
    best_ms: float
    runs: int

    def line(self) -> str:
        """The same to read."""
        return f"{self.median_ms:10.1f} ms  (best {self.best_ms:.1f})  {self.name}"


def measure(name: str, run: Callable[[], object], repeats: int) -> Timing:
    """Time `run`, whose result is waited for, after one run that is not counted."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        for result in tf.nest.flatten(run()):
            if isinstance(result, tf.Tensor):
                result.numpy()
        times.append(1e3 * (time.perf_counter() - start))
    counted = times[1:]
    return Timing(name, statistics.median(counted), min(counted), repeats)


def op_timings(repeats: int, seed: int = 0) -> list[Timing]:
    """Every op at the sizes of the paper's network on one scene of 18 000 points."""
    rng = np.random.default_rng(seed)

    def uniform(*shape: int, size: float = 1.0) -> tf.Tensor:
        return tf.constant(rng.uniform(0, size, shape), tf.float32)

    points = uniform(1, 18_000, 3, size=6.0)
    centers = points[:, :2048]
    features = {c: uniform(1, 18_000, c) for c in (64, 128)}
    near, _ = ops.ball_query(points, centers, radius=0.2, num_neighbors=32)
    squared, table = ops.three_nn(centers, points)
    weights = tf.nn.softmax(-squared)
    shapes = uniform(64, 512, 3)
    boxes = tf.concat([uniform(1, 1536, 3, size=6.0), uniform(1, 1536, 3)], -1)
    scores, valid = uniform(1, 1536), tf.ones([1, 1536], tf.bool)
    samples, values = uniform(1, 100, 1024, 3, size=6.0), uniform(1, 100, 1024)
    seed_pair = tf.constant([0, seed])
    runs = {
        "farthest_point_sample": lambda: ops.farthest_point_sample(points, 2048),
        "ball_query": lambda: ops.ball_query(
            points, centers, radius=0.2, num_neighbors=32
        ),
        "three_nn": lambda: ops.three_nn(centers, points),
        "three_interpolate": lambda: ops.three_interpolate(
            features[128][:, :2048], table, weights
        ),
        "group_points": lambda: ops.group_points(features[64], near),
        "nn_distance": lambda: ops.nn_distance(shapes, shapes[::-1]),
        "nms_3d": lambda: ops.nms_3d(
            boxes, scores, valid, iou_threshold=0.5, max_outputs=384
        ),
        "sample_in_boxes": lambda: ops.sample_in_boxes(
            points, boxes[:, :384], seed_pair, num_samples=1024
        ),
        "nearest_assign": lambda: ops.nearest_assign(
            points, samples, values, boxes[:, :100]
        ),
    }
    return [measure(name, run, repeats) for name, run in runs.items()]


def step_timings(scenes: training.Scenes, repeats: int) -> list[Timing]:
    """A training step of each stage, on one batch."""
    config, found = scenes.config, []
    stages = list(config.model.stages())
    batch = next(iter(scenes.epoch(stages[0], 0)))
    for stage in stages:
        model = training.build(stage, config)
        options = getattr(config.train, stage)
        model.compile(optimizer=training.optimizer(options), jit_compile=False)
        name = f"training step, {stage}, batch of {config.train.batch_size}"
        found.append(measure(name, lambda m=model: m.train_on_batch(batch), repeats))
    return found


def model_timings(config: Config, directory: str, repeats: int) -> list[Timing]:
    """A training step of each stage, and inference on one whole scene."""
    found = step_timings(training.Scenes(directory, config), repeats)
    scene = next(read_scenes(directory, "train"))
    *_, stage = config.model.stages()
    model = training.build(stage, config)
    segmenter = inference.Segmenter.from_config(model, config.data)
    run = lambda: segmenter.segment(scene.points, scene.colors).semantic  # noqa: E731
    name = f"inference, one scene of {len(scene.points):,} points"
    return [*found, measure(name, run, repeats)]


class Throughput(NamedTuple):
    """How many training scenes a second the pipeline gives and each stage takes."""

    pipeline: Timing  # of `scenes` scenes
    scenes: int
    steps: list[Timing]  # of a batch, one a stage
    batch_size: int

    def given(self) -> float:
        """Scenes a second of the pipeline without a network beside it."""
        return 1e3 * self.scenes / self.pipeline.median_ms

    def taken(self) -> float:
        """Scenes a second of the faster stage, on batches that are there."""
        return 1e3 * self.batch_size / min(step.median_ms for step in self.steps)

    def lines(self) -> list[str]:
        """What there is to say, a sentence a line."""
        rows = [(self.given(), self.pipeline.name)]
        rows += [(1e3 * self.batch_size / t.median_ms, t.name) for t in self.steps]
        ratio = self.given() / self.taken()
        return [f"{rate:10.1f} scenes/s  {name}" for rate, name in rows] + [
            f"{ratio:10.1f} times as many from the pipeline as the faster stage takes"
        ]


def data_throughput(config: Config, directory: str, repeats: int) -> Throughput:
    """Training batches, passed over without a pause, beside the steps they are for."""
    scenes, size = training.Scenes(directory, config), config.train.batch_size
    batches = max(scenes.steps(), -(-LEAST_SCENES // size))
    endless = iter(scenes.epoch("gspn", 0).repeat())

    def run() -> None:
        for _ in range(batches):
            next(endless)

    name = f"pipeline, {config.data.num_points:,} points a scene"
    pipeline = measure(name, run, repeats)
    steps = step_timings(scenes, repeats)
    return Throughput(pipeline, batches * size, steps, size)


def peak_memory_gb() -> float:
    """Largest memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
