"""Times the networks and the data pipeline on the machine at hand."""

import concurrent.futures
import contextlib
import functools
import itertools
import multiprocessing
import statistics
import timeit
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import tensorflow as tf

from gspn_tf import startup
from gspn_tf.config import Config
from gspn_tf.data import read_scenes
from gspn_tf.inference import segmenter as inference
from gspn_tf.training import loop as training

Call = Callable[[], object]
LEAST_SCENES = 64  # that one run of the pipeline is timed over


class Timing(NamedTuple):
    """How long something took, and what of that its matrix products need."""

    name: str
    median_ms: float
    best_ms: float
    runs: int
    gmac: float | None = None  # 1e9 multiplications and additions of matrix products
    floor_ms: float | None = None  # of one matrix product of so many
    peak_mb: float | None = None  # greatest memory of the process meanwhile


def timed_runs(name: str, run: Call, repeats: int) -> Timing:
    """Time `run`, which waits for its result, after one run that is not counted."""
    run()
    times = [1e3 * taken for taken in timeit.repeat(run, repeat=repeats, number=1)]
    return Timing(name, statistics.median(times), min(times), repeats)


def show(taken: Iterable[Timing]) -> None:
    """Print a line for each."""
    for each in taken:
        print(f"{each.median_ms:10.1f} ms  (best {each.best_ms:.1f})  {each.name}")
        if each.floor_ms is not None:
            ratio = each.median_ms / each.floor_ms
            print(
                f"{each.floor_ms:10.1f} ms  is the floor, one matrix product of its "
                f"{each.gmac:.1f} GMAC; the median is {ratio:.2f} times that"
            )
        if each.peak_mb is not None:
            print(f"{each.peak_mb:10.0f} MB  at most")


def beside_floor(name: str, run: Call, count: Call, precision: str, n: int) -> Timing:
    """Time `n` times `run` and, in turn, one matrix product of the same cores.

    `count` runs the same, traced anew, with its products counted.
    """
    times, rates = [], []
    run()
    reset_peak()
    for _ in range(n):
        times.append(1e3 * timeit.timeit(run, number=1))
        rates.append(product_rate(precision))
    peak = peak_mb()  # before another graph is traced
    with counted_products() as total:
        count()
    gmac = float(total) / 1e9
    median, best = statistics.median(times), min(times)
    floor = 1e3 * gmac / statistics.median(rates)
    return Timing(f"{precision}, {name}", median, best, n, gmac, floor, peak)


@contextlib.contextmanager
def counted_products() -> Iterator[tf.Variable]:
    """Count the multiply-adds of the matrix products that are traced and run within."""
    total, matmul = tf.Variable(0, trainable=False, dtype=tf.int64), tf.matmul

    def counted(a: tf.Tensor, b: tf.Tensor, **options: Any) -> tf.Tensor:
        """Multiply and count, and let the gradient do so too."""
        columns = tf.shape(b)[-2 if options.get("transpose_b") else -1]
        total.assign_add(tf.cast(tf.size(a), tf.int64) * tf.cast(columns, tf.int64))
        if options or a.shape.rank != 2:
            return matmul(a, b, **options)

        @tf.custom_gradient
        def product(a: tf.Tensor, b: tf.Tensor) -> Any:
            def gradient(above: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                of_a = counted(above, b, transpose_b=True)
                return of_a, counted(a, above, transpose_a=True)

            return matmul(a, b), gradient

        return product(a, b)

    with mock.patch.object(tf, "matmul", counted):
        yield total


def product_rate(precision: str) -> float:
    """Measure the 1e9 multiply-adds a second of a large matrix product."""
    left, right = (tf.ones(size, precision) for size in ((65_536, 256), (256, 256)))
    product = tf.function(lambda: tf.matmul(left, right)[:1])
    product()
    best = min(timeit.repeat(lambda: product().numpy(), repeat=5, number=1))
    return 65_536 * 256 * 256 / best / 1e9


def reset_peak() -> None:
    """Let Linux forget the process's greatest memory so far."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> float | None:
    """Return the greatest memory of the process, VmHWM of Linux."""
    with contextlib.suppress(OSError):
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    return None


def step_timing(
    scenes: training.Scenes, stage: str, repeats: int, precision: str = "float32"
) -> Timing:
    """Time a training step of a stage, on one batch."""
    batch, config = next(iter(scenes.epoch(stage, 0))), scenes.config

    def step() -> Call:
        model = training.initial_model(stage, config, precision)
        options = getattr(config.train, stage)
        model.compile(training.optimizer(options, schedule=False))
        return functools.partial(model.train_on_batch, batch)

    name = f"training step, {stage}, batch of {config.train.batch_size}"
    return beside_floor(name, step(), step(), precision, repeats)


def model_timings(
    config: Config, directory: str, repeats: int, precisions: Sequence[str]
) -> list[Timing]:
    """Time a training step of each stage, and inference on one whole scene.

    Each has a process of its own, so that its greatest memory is its own too.
    """
    subjects = [*config.model.stages(), "inference"]
    pairs = itertools.product(precisions, subjects)
    with concurrent.futures.ProcessPoolExecutor(
        1,
        multiprocessing.get_context("spawn"),
        initializer=startup.load_tensorflow,
        max_tasks_per_child=1,
    ) as pool:
        time_one = functools.partial(model_timing, config, directory, repeats)
        return list(pool.map(time_one, *zip(*pairs, strict=True)))


def model_timing(
    config: Config, directory: str, repeats: int, precision: str, subject: str
) -> Timing:
    """Time a training step of the stage `subject`, or "inference" on one scene."""
    if subject != "inference":
        scenes = training.Scenes(directory, config)
        return step_timing(scenes, subject, repeats, precision)
    scene = next(read_scenes(directory, "train"))
    *_, stage = config.model.stages()
    model = training.initial_model(stage, config, precision)

    def segment() -> Call:
        segmenter = inference.Segmenter.from_config(model, config.data)
        return functools.partial(segmenter.segment, scene.points, scene.colors)

    name = f"inference, one scene of {len(scene.points):,} points"
    return beside_floor(name, segment(), segment(), precision, repeats)


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
