"""Times the networks and the data pipeline on the machine at hand."""

import statistics
import timeit
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

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


def timed_runs(name: str, run: Callable[[], object], repeats: int) -> Timing:
    """Time `run`, which waits for its result, after one run that is not counted."""
    run()
    times = [1e3 * taken for taken in timeit.repeat(run, repeat=repeats, number=1)]
    return Timing(name, statistics.median(times), min(times), repeats)


def show(taken: Iterable[Timing]) -> None:
    """Print a line for each."""
    for name, median, best, _ in taken:
        print(f"{median:10.1f} ms  (best {best:.1f})  {name}")


def step_timings(scenes: training.Scenes, repeats: int) -> list[Timing]:
    """Time a training step of each stage, on one batch."""
    config, found = scenes.config, []
    stages = list(config.model.stages())
    batch = next(iter(scenes.epoch(stages[0], 0)))
    for stage in stages:
        model = training.initial_model(stage, config)
        options = getattr(config.train, stage)
        model.compile(optimizer=training.optimizer(options), jit_compile=False)
        name = f"training step, {stage}, batch of {config.train.batch_size}"
        found.append(timed_runs(name, partial(model.train_on_batch, batch), repeats))
    return found


def model_timings(config: Config, directory: str, repeats: int) -> list[Timing]:
    """Time a training step of each stage, and inference on one whole scene."""
    found = step_timings(training.Scenes(directory, config), repeats)
    scene = next(read_scenes(directory, "train"))
    *_, stage = config.model.stages()
    model = training.initial_model(stage, config)
    segmenter = inference.Segmenter.from_config(model, config.data)
    segment = partial(segmenter.segment, scene.points, scene.colors)
    name = f"inference, one scene of {len(scene.points):,} points"
    return [*found, timed_runs(name, segment, repeats)]


def pipeline_timing(
    config: Config, directory: str, repeats: int
) -> tuple[Timing, float]:
    """Time batches that nothing is done with; also return the scenes a second."""
    scenes, size = training.Scenes(directory, config), config.train.batch_size
    batches = max(scenes.steps(), -(-LEAST_SCENES // size))
    endless = iter(scenes.epoch("gspn", 0).repeat())

    def run() -> None:
        for _ in range(batches):
            next(endless)

    name = f"pipeline, {config.data.num_points:,} points a scene"
    pipeline = timed_runs(name, run, repeats)
    return pipeline, 1e3 * batches * size / pipeline.median_ms
