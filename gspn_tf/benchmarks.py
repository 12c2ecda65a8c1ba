"""Times of the ops, the networks and the data pipeline on the machine at hand."""

import resource
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from gspn_tf import inference, ops, training
from gspn_tf.config import Config
from gspn_tf.data import read_scenes


class Timing(NamedTuple):
    """How long something took."""

    name: str
    median_ms: float
    best_ms: float
    runs: int


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


def model_timings(config: Config, directory: str, repeats: int) -> list[Timing]:
    """A training step of each stage, and inference on one whole scene."""
    scenes = training.Scenes(directory, config)
    batch = next(iter(scenes.epoch("gspn", 0)))
    found = []
    for stage in training.STAGES:
        model = training.build(stage, config)
        options = getattr(config.train, stage)
        model.compile(optimizer=training.optimizer(options), jit_compile=False)
        name = f"training step, {stage}, batch of {config.train.batch_size}"
        found.append(measure(name, lambda m=model: m.train_on_batch(batch), repeats))
    scene = next(read_scenes(directory, "train"))
    segmenter = inference.Segmenter(
        model, config.data.num_points_inference, config.data.sampling
    )
    run = lambda: segmenter.segment(scene.points, scene.colors).semantic  # noqa: E731
    name = f"inference, one scene of {len(scene.points):,} points"
    return [*found, measure(name, run, repeats)]


def data_timings(config: Config, directory: str, repeats: int) -> list[Timing]:
    """An epoch of training batches, without a network."""
    scenes = training.Scenes(directory, config)
    count = scenes.steps() * config.train.batch_size

    def epoch() -> None:
        for _ in scenes.epoch("gspn", 0):
            pass

    return [measure(f"pipeline, {count} training scenes", epoch, repeats)]


def peak_memory_gb() -> float:
    """Largest memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
