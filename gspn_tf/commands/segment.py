"""`gspn segment`."""

import dataclasses
from argparse import Namespace
from pathlib import Path

import numpy as np

from gspn_tf.commands.command import (
    Command,
    UserError,
    model_folder,
    start_tensorflow,
)
from gspn_tf.commands.flags import MODEL, POINT_SEED, PRECISION, flag, integer, real

FLAGS = (
    flag("scan", "PLY or npz file."),
    MODEL,
    flag("--output", "Folder for the results.", required=True),
    flag(
        "--scale", "Metres per unit; 0.001 for millimetres.", 1.0, type=real(1e-9, 1e9)
    ),
    flag(
        "--num_points",
        "Points that the network sees; default: those of the run's config.",
        type=integer(1),
    ),
    POINT_SEED,
    PRECISION,
)


def run(flags: Namespace) -> None:
    """Find the instances of one scan and write a cloud, a list and a page."""
    path = Path(flags.scan)
    if not path.is_file():
        raise UserError(f"no file {path}")
    folder = model_folder(flags.model)
    if Path(flags.output).is_file():
        raise UserError(f"--output must be a folder, {flags.output} is a file")
    start_tensorflow()
    from gspn_tf.data.classes import ClassList
    from gspn_tf.files.scans import read_scan
    from gspn_tf.inference import seen
    from gspn_tf.inference import segmenter as inference
    from gspn_tf.inference.segmented_scan import SegmentedScan

    scan = read_scan(path)
    model, config, pairs = inference.load_run(folder, flags.precision)
    classes = ClassList.from_pairs(list(pairs))
    limit = min(flags.num_points or config.data.num_points_inference, len(scan.points))
    print(
        f"{path.name}: {len(scan.points):,} points; the network sees {limit:,} at most"
    )
    data = dataclasses.replace(config.data, num_points_inference=limit)
    segmenter = inference.Segmenter.from_config(model, data, graph=False)
    points = scan.metres(flags.scale)
    clear = points[np.isfinite(points).all(axis=1)]
    for note in scan.notes:
        print(f"note: {note}")
    if doubt := seen.unit_doubt(clear):
        print(doubt)
    everything = segmenter.segment(points, scan.colors, flags.seed)
    found = everything.scored(config.model.shown_score)
    result = SegmentedScan(path.name, scan, flags.scale, classes, found)
    result.write(flags.output)
    for row in result.instances():
        print(f"{row['score']:6.2f}  {row['num_points']:9,}  {row['class']}")
    if seen.is_little(found):
        print(seen.report(everything, config.model.shown_score, classes, clear))
    print(f"{len(found.classes)} instances: {Path(flags.output) / 'index.html'}")


COMMAND = Command("segment", FLAGS, run)
