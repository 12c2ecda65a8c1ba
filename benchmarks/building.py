"""A building in tiles beside its rooms one by one: generated rooms, side by side."""

import math
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from functools import partial

import numpy as np

from gspn_tf.commands.command import model_folder, write_metrics
from gspn_tf.commands.flags import DEFAULT_MODEL
from gspn_tf.commands.prepare_generated import write_generated
from gspn_tf.commands.timings import peak_mb, reset_peak
from gspn_tf.data.classes import SCANNET
from gspn_tf.data.scene import Scene
from gspn_tf.evaluation import measures
from gspn_tf.inference.segmenter import Segmentation, Segmenter, load_run
from gspn_tf.inference.tiling import OVERLAP, SIDE, segment_tiles, tiles_of
from gspn_tf.metrics import InstancePredictions, Judged, evaluate_scenes
from gspn_tf.training.run_folder import versions

GAP = 0.3  # metres between rooms
Finder = Callable[[np.ndarray, np.ndarray], Segmentation]


def main(flags: Namespace) -> None:
    """Do `gspn benchmark building`."""
    model, config, _ = load_run(model_folder(flags.model or DEFAULT_MODEL))
    segmenter = Segmenter.from_config(model, config.data)
    with tempfile.TemporaryDirectory() as folder:
        write_generated(folder, "rooms", {"test": flags.rooms})
        rooms = list(measures.Split(folder, "test").scenes("rooms"))
    building = side_by_side(rooms)
    tiles = sum(1 for _ in tiles_of(building.points, SIDE, OVERLAP))
    width, depth, _ = np.ptp(building.points, axis=0)
    points = len(building.points)
    print(f"{len(rooms)} rooms, {width:.0f} by {depth:.0f} m, {points:,} points")
    ways: list[tuple[str, list[Scene], Finder]] = [
        ("one by one", rooms, segmenter.segment),
        (f"in {tiles} tiles", [building], partial(segment_tiles, segmenter)),
        ("without tiles", [building], segmenter.segment),
    ]
    rows = []
    for name, scenes, find in ways:
        rows.append({"way": name, **measured(scenes, find)})
        print(
            "{way}: AP50 {ap50:.3f}, AP25 {ap25:.3f}, {seconds:.0f} s, at most "
            "{megabytes:,.0f} MB".format(**rows[-1])
        )
    write_metrics(flags, {"environment": versions(), "ways": rows, "tiles": tiles})


def side_by_side(rooms: list[Scene]) -> Scene:
    """Lay the rooms out in a square of rows, as one scan of one floor."""
    across = math.ceil(math.sqrt(len(rooms)))
    points, instances, first = [], [], 0
    corner, depth = np.zeros(3), 0.0
    for number, room in enumerate(rooms):
        if number % across == 0:
            corner, depth = np.array([0, corner[1] + depth, 0]), 0.0
        low, high = room.points.min(0), room.points.max(0)
        points.append(room.points - low + corner)
        instances.append(np.where(room.instance < 0, -1, room.instance + first))
        first += room.num_instances
        corner[0] += high[0] - low[0] + GAP
        depth = max(depth, high[1] - low[1] + GAP)
    return Scene(
        "building",
        np.concatenate(points).astype(np.float32),
        np.concatenate([room.colors for room in rooms]),
        np.concatenate([room.semantic for room in rooms]),
        np.concatenate(instances).astype(np.int32),
    )


def measured(scenes: list[Scene], find: Finder) -> dict[str, float | None]:
    """Find the instances of scenes: pooled AP, seconds, the memory of the process."""
    reset_peak()
    begun, judged = time.perf_counter(), []
    for scene in scenes:
        found = find(scene.points, scene.colors)
        instances = InstancePredictions(found.masks, found.classes, found.scores)
        judged.append(Judged(scene.name, instances, scene.semantic, scene.instance))
    seconds = time.perf_counter() - begun
    result = evaluate_scenes(judged, SCANNET.names).result
    return {
        "ap50": result.ap50,
        "ap25": result.ap25,
        "seconds": seconds,
        "megabytes": peak_mb(),
    }
