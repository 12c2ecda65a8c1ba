"""`gspn segment`."""

import dataclasses
import time
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

import numpy as np

from gspn_tf.commands.command import (
    Command,
    UserError,
    model_folder,
    start_tensorflow,
)
from gspn_tf.commands.flags import MODEL, POINT_SEED, PRECISION, flag, integer, real

SETTINGS = (
    "model",
    "scale",
    "up",
    "num_points",
    "seed",
    "precision",
    "tile",
    "formats",
)


def tile(text: str) -> str | float:
    """The type of a flag that holds auto, off or metres."""
    if text in ("auto", "off"):
        return text
    try:
        return real(1.0, 1e4)(text)
    except ArgumentTypeError as error:
        message = f"must be auto, off or metres from 1 on, got {text!r}"
        raise ArgumentTypeError(message) from error


FLAGS = (
    flag(
        "scans",
        "Files (ply, obj, glb, las, e57, xyz, npz ...), folders of them, or .txt lists "
        "of their paths.",
        nargs="+",
    ),
    MODEL,
    flag(
        "--output",
        "Folder for the results; of several scans each has a folder of its own in it.",
        required=True,
    ),
    flag(
        "--scale", "Metres per unit; 0.001 for millimetres.", 1.0, type=real(1e-9, 1e9)
    ),
    flag(
        "--up",
        "Axis that points up; auto: by the format, unless a floor says otherwise.",
        "auto",
        choices=("auto", "y", "z"),
    ),
    flag(
        "--num_points",
        "Points that the network sees; default: those of the run's config.",
        type=integer(1),
    ),
    flag(
        "--tile",
        "Metres of the overlapping tiles in which a large scan is done; auto: 8 m "
        "where it is wider than 12 m in plan; off: in one piece.",
        "auto",
        type=tile,
    ),
    flag(
        "--formats",
        "Files of the labelled points: ply and json in any case, las and laz if named.",
        "ply,json",
    ),
    flag(
        "--picture",
        "Also a picture (PNG) of the scan and its instances; of several scans one of "
        "this name in each one's folder.",
    ),
    flag("--shard", "Part i/n of several scans, for n processes that share them."),
    flag("--keep_going", "Go on with the next scan where one cannot be read.", False),
    POINT_SEED,
    PRECISION,
)


class Program:
    """The network and what it is asked to do with each scan."""

    def __init__(self, flags: Namespace, folder: Path, several: bool) -> None:
        from gspn_tf.data.classes import ClassList
        from gspn_tf.inference import segmenter

        self.flags, self.several = flags, several
        self.formats = flags.formats.split(",")
        model, config, pairs = segmenter.load_run(folder, flags.precision)
        self.classes = ClassList.from_pairs(list(pairs))
        self.least, data = config.model.shown_score, config.data
        limit = flags.num_points or data.num_points_inference
        self.data = dataclasses.replace(data, num_points_inference=limit)
        self.for_one, self.for_many = (
            segmenter.Segmenter.from_config(model, self.data, graph)
            for graph in (False, True)
        )

    def segment(self, path: Path, output: Path) -> int:
        """Find the instances of one scan, write the results, and count them."""
        from gspn_tf.files.scans import read_scan
        from gspn_tf.inference import seen
        from gspn_tf.inference.segmented_scan import SegmentedScan

        scan = read_scan(path, scale=self.flags.scale)
        limit = min(self.data.num_points_inference, len(scan.points))
        total = len(scan.points)
        print(f"{path.name}: {total:,} points; the network sees {limit:,} at most")
        scan = self.turned(scan)
        points = scan.metres(self.flags.scale)
        for note in scan.notes:
            print(f"note: {note}")
        if doubt := seen.unit_doubt(points):
            print(doubt)
        everything = self.find(points, scan.colors)
        found = everything.scored(self.least)
        result = SegmentedScan(path.name, scan, self.flags.scale, self.classes, found)
        result.write(output, self.formats)
        if self.flags.picture:
            picture = Path(self.flags.picture)
            result.write_picture(output / picture.name if self.several else picture)
        if not self.several:
            for row in result.instances():
                print(f"{row['score']:6.2f}  {row['num_points']:9,}  {row['class']}")
            if seen.is_little(found):
                print(seen.report(everything, self.least, self.classes, points))
        return len(found.classes)

    def turned(self, scan: Any) -> Any:
        """Return a scan that knows which axis is up, and say why it is."""
        from gspn_tf.inference.floor import find_up

        if self.flags.up != "auto":
            return dataclasses.replace(scan, up=self.flags.up)
        points = scan.points[scan.finite & ~scan.stray] * self.flags.scale
        up, reason = find_up(points, scan.up)
        print(f"{up} is up: {reason}")
        return dataclasses.replace(scan, up=up)

    def find(self, points: np.ndarray, colors: np.ndarray | None) -> Any:
        """Segment a scan as one, or in tiles where it is large."""
        from rich.progress import Progress

        from gspn_tf.inference import tiling

        side, seed = self.flags.tile, self.flags.seed
        if side == "auto":
            side = tiling.SIDE if tiling.needs_tiles(points) else "off"
        if side == "off":
            segmenter = self.for_many if self.several else self.for_one
            return segmenter.segment(points, colors, seed)
        with Progress(transient=True) as bar:
            task = bar.add_task(f"tiles of {side:g} m")
            return tiling.segment_tiles(
                self.for_many,
                points,
                colors,
                side=side,
                overlap=min(tiling.OVERLAP, side / 4),
                seed=seed,
                progress=lambda done, total: bar.update(
                    task, completed=done, total=total
                ),
            )


def check_formats(text: str) -> None:
    """UserError where formats are not known; ScanError where a library is missing."""
    from gspn_tf.files.formats import ALWAYS, ON_DEMAND
    from gspn_tf.files.las import import_laspy

    for name in text.split(","):
        if name not in ALWAYS + ON_DEMAND:
            known = ", ".join(ALWAYS + ON_DEMAND)
            raise UserError(f"--formats must be of {known}, got {name!r}")
        if name in ON_DEMAND:
            import_laspy(f"--formats {name}")


def run(flags: Namespace) -> None:
    """Find the instances of scans and write a cloud, a list and a page of each."""
    from gspn_tf.inference import collection

    scans = collection.list_scans(flags.scans)
    try:
        shard = collection.JobShare.parse(flags.shard or "1/1")
    except ValueError as error:
        raise UserError(f"--shard {error}") from error
    folder, output = model_folder(flags.model), Path(flags.output)
    if output.is_file():
        raise UserError(f"--output must be a folder, {output} is a file")
    check_formats(flags.formats)
    several = len(scans) > 1 or not Path(flags.scans[0]).samefile(scans[0].path)
    start_tensorflow()
    program = Program(flags, folder, several)
    if not several:
        count = program.segment(scans[0].path, output)
        print(f"{count} instances: {output / 'index.html'}")
        return
    settings = {name: getattr(flags, name) for name in SETTINGS}
    results = collection.Results(output, settings, shard)
    own = shard.of(scans)
    segment_all(program, own, results, flags.keep_going)
    if failed := results.failures(own):
        raise UserError(f"{len(failed)} of {len(own)} scans failed: {results.path}")
    print(f"{len(own)} scans: {results.path}")


def segment_all(program: Program, scans: Any, results: Any, keep_going: bool) -> None:
    """Segment the scans that are not done yet; each one's outcome is written."""
    from gspn_tf.inference.collection import Outcome

    for number, (path, name) in enumerate(scans, 1):
        place = f"{number}/{len(scans)} {name}"
        if results.is_done(name):
            print(f"{place}: done before")
            continue
        began = time.monotonic()
        try:
            count, error = program.segment(path, results.folder / name), ""
        except (OSError, ValueError) as problem:
            if not keep_going:
                raise
            count, error = 0, str(problem)
        seconds = round(time.monotonic() - began, 2)
        results.add(Outcome(name, count, seconds, error))
        print(f"{place}: {error or f'{count} instances'}, {seconds:.1f} s", flush=True)


COMMAND = Command("segment", FLAGS, run)
