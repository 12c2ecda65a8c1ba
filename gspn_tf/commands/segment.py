"""`gspn segment`."""

import contextlib
import time
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

from gspn_tf.commands.command import (
    Command,
    UserError,
    existing_folder,
    job_share,
    model_folder,
    start_tensorflow,
    writable_file,
    writable_folder,
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
    "intrinsics",
    "depth_scale",
    "color",
    "frames",
    "every",
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
        "Files (ply, obj, glb, las, e57, xyz, npz ...), folders of them or of frames, "
        "depth images (png), or .txt lists of paths.",
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
    flag(
        "--intrinsics",
        "Camera of depth images: fx,fy,cx,cy in pixels, or a file of its matrix; "
        "default: that in the folder of the frames.",
    ),
    flag(
        "--depth_scale",
        "Steps of a depth image in a metre.",
        1000.0,
        type=real(1e-3, 1e6),
    ),
    flag("--color", "Colours (PNG, JPEG) of a single depth image."),
    flag(
        "--frames",
        "Folder of a scan's frames in ScanNet's layout, or of such folders by the "
        "names of scans: a Mask R-CNN segments them, and its instances are merged on "
        "the scan (PMRCNN).",
    ),
    flag("--every", "Take each n-th frame of --frames; default: all.", type=integer(1)),
    flag("--shard", "Part i/n of several scans, for n processes that share them."),
    flag("--keep_going", "Go on with the next scan where one cannot be read.", False),
    POINT_SEED,
    PRECISION,
)


class PartBar:
    """A progress bar that appears with the first part: most scans have none.

    Args:
        parts: What they are.
    """

    def __init__(self, parts: str) -> None:
        self._parts = parts
        self._stack = contextlib.ExitStack()
        self._bar: Any = None

    def __enter__(self) -> "PartBar":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def show(self, done: int, total: int) -> None:
        """Show how many parts of all are done."""
        from rich.progress import Progress

        if self._bar is None:
            self._bar = self._stack.enter_context(Progress(transient=True))
            self._bar.add_task(self._parts, total=total)
        self._bar.update(self._bar.task_ids[0], completed=done)


class Program:
    """The network, and what is left of each scan that it segments."""

    def __init__(self, flags: Namespace, folder: Path, several: bool) -> None:
        from gspn_tf.files.frame_files import FrameOptions
        from gspn_tf.inference.scan_projector import ScanProjector
        from gspn_tf.inference.scan_segmenter import ScanSegmenter, SegmentOptions

        frames = FrameOptions(
            flags.intrinsics or "", flags.depth_scale, flags.color or ""
        )
        names = (name for name in SegmentOptions._fields if name != "frames")
        values = {name: getattr(flags, name) for name in names}
        options = SegmentOptions(**values, frames=frames)
        self.flags, self.several = flags, several
        self.parts = "frames" if flags.frames else "tiles"
        self.segmenter: ScanProjector | ScanSegmenter
        if flags.frames:
            root, every = Path(flags.frames), flags.every or 1
            self.segmenter = ScanProjector.from_run(folder, root, options, every)
        else:
            self.segmenter = ScanSegmenter(folder, options, graph=several)

    def segment(self, path: Path, output: Path) -> int:
        """Find the instances of one scan, write the results, and count them."""
        with PartBar(self.parts) as bar:
            result = self.segmenter.segment(path, say=print, progress=bar.show)
        result.write(output, self.flags.formats.split(","))
        if self.flags.picture:
            picture = Path(self.flags.picture)
            result.write_picture(output / picture.name if self.several else picture)
        if not self.several:
            for row in result.instances():
                print(f"{row['score']:6.2f}  {row['num_points']:9,}  {row['class']}")
            print(*result.remarks, sep="\n", end="\n" if result.remarks else "")
        return len(result.found.classes)


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
    shard = job_share(flags.shard or "1/1")
    folder = model_folder(flags.model)
    if flags.frames:
        existing_folder(flags.frames, "--frames")
    elif flags.every:
        raise UserError("--every is for --frames, which is not given")
    check_formats(flags.formats)
    output = writable_folder(flags.output, "--output")
    several = len(scans) > 1 or not Path(flags.scans[0]).samefile(scans[0].path)
    if flags.picture and not several:
        writable_file(flags.picture, "--picture")
    start_tensorflow()
    program = Program(flags, folder, several)
    if not several:
        count = program.segment(scans[0].path, output)
        print(f"{count} instances: {output / 'index.html'}")
        return
    settings = {name: getattr(flags, name) for name in SETTINGS}
    own = shard.of(scans)
    with collection.locked_share(output, shard):
        results = collection.Results(output, settings, shard)
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
            count, error = program.segment(path, results.folder_of(name)), ""
        except (OSError, ValueError) as problem:
            if not keep_going:
                raise
            count, error = 0, str(problem)
        seconds = round(time.monotonic() - began, 2)
        results.add(Outcome(name, count, seconds, error))
        print(f"{place}: {error or f'{count} instances'}, {seconds:.1f} s", flush=True)


COMMAND = Command("segment", FLAGS, run)
