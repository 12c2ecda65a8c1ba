"""A trained network on scans on disk: what `gspn segment` does with each of them."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gspn_tf.data.classes import ClassList
from gspn_tf.files.frame_files import FrameOptions
from gspn_tf.files.scans import Scan, read_scan
from gspn_tf.files.stray import extents
from gspn_tf.files.text import printable
from gspn_tf.image.lifting import COLORS
from gspn_tf.image.mask_rcnn import MaskRCNN
from gspn_tf.inference import seen, tiling
from gspn_tf.inference.depth_image import segment_depth_image
from gspn_tf.inference.floor import find_up
from gspn_tf.inference.segmented_scan import SegmentedScan
from gspn_tf.inference.segmenter import Segmentation, Segmenter, load_run

Progress = Callable[[int, int], None]
"""Called with the number of tiles that are done, and of all."""


class SegmentOptions(NamedTuple):
    """How scans are read and seen."""

    scale: float = 1.0  # metres per unit
    up: str = "auto"  # axis that points up: y, z, or by the format and the floor
    num_points: int | None = None  # that the network sees; None: as its config says
    seed: int = 0  # of the draw of these
    precision: str = "float32"
    tile: float | str = "auto"  # metres of overlapping tiles, "auto" or "off"
    frames: FrameOptions = FrameOptions()


def with_up_axis(scan: Scan, options: SegmentOptions) -> tuple[Scan, str]:
    """Give a scan the axis that is up, and say why it is."""
    if options.up != "auto":
        return dataclasses.replace(scan, up=options.up), f"as --up {options.up} says"
    points = scan.points[scan.finite & ~scan.stray] * options.scale
    up, reason = find_up(points, scan.up)
    return dataclasses.replace(scan, up=up), reason


class ScanSegmenter:
    """A trained network that segments scans on disk, loaded once.

    Args:
        model: Run folder, or preset or its folder.
        options: How scans are read and seen.
        graph: Whether there will be several scans; see `Segmenter`.

    Raises:
        FileNotFoundError: No such preset or folder.
        ValueError: A file of the model is damaged, or it finds no instances.
    """

    def __init__(
        self, model: str | Path, options: SegmentOptions, graph: bool = True
    ) -> None:
        network, config, pairs = load_run(model, options.precision)
        if channels := config.model.image_features:
            raise ValueError(
                f"the network of {model} sees image features of {channels} channels, "
                "which scans on disk have not: gspn evaluate runs it on a folder of "
                "gspn prepare nyuv2, or views, with --image_features FILE"
            )
        self.options = options
        self.classes = ClassList.from_pairs(list(pairs))
        self.config = config.model
        limit = options.num_points or config.data.num_points_inference
        self.num_points = limit
        data = dataclasses.replace(config.data, num_points_inference=limit)
        self._images = network if isinstance(network, MaskRCNN) else None
        if self._images is not None:
            return
        self._tracing = Segmenter.from_config(network, data, True)
        self._segmenter = (
            self._tracing if graph else Segmenter.from_config(network, data, False)
        )

    def segment(
        self,
        path: str | Path,
        say: Callable[[str], None] = lambda line: None,
        progress: Progress = lambda done, total: None,
    ) -> SegmentedScan:
        """Read a scan and find its instances.

        Args:
            path: A file, or a folder of frames.
            say: Called with each line about what was read, guessed and left out.
            progress: Called where the scan is done in tiles.

        Raises:
            OSError, ValueError: The scan cannot be read, or is no frame that a Mask
                R-CNN can see; one line names it.
        """
        options, path = self.options, Path(path)
        scan = read_scan(path, scale=options.scale, frames=options.frames)
        scan, reason = with_up_axis(scan, options)
        points = scan.metres(options.scale)
        side, told = self._side_of_tiles(points)
        doubts = (seen.unit_doubt(points), told)
        notes = (*scan.notes, *filter(None, doubts))
        scan = dataclasses.replace(scan, notes=notes)
        name = printable(path.name)
        size = " x ".join(f"{side:.3g}" for side in extents(points))
        say(f"{name}: {len(points):,} points, {size} m")
        say(f"the network sees {self._seen(len(points), side)}")
        say(f"{scan.up} is up: {reason}")
        for note in notes:
            say(f"note: {note}")
        if self._images is not None:
            frame = options.frames, options.scale
            everything = segment_depth_image(self._images, path, points, *frame)
        else:
            everything = self._find(points, scan.colors, side, progress)
        found = everything.scored(self.config.shown_score)
        little = seen.is_little(found)
        seen_as = everything, self.config, self.classes, points
        remarks = seen.report(*seen_as) if little else ()
        result = SegmentedScan(name, scan, options.scale, self.classes, found)
        return result._replace(remarks=tuple(remarks))

    def _side_of_tiles(self, points: np.ndarray) -> tuple[float, str]:
        """Metres of a tile, 0 where the scan is done in one piece; why it is not."""
        tile = self.options.tile
        if self._images is not None:
            return 0.0, ""
        if not isinstance(tile, str):
            return float(tile), ""
        if tile == "off" or not tiling.needs_tiles(points):
            return 0.0, ""
        width = extents(points)[:2].max()
        told = f"{width:.3g} m wide, so it is done in tiles of {tiling.SIDE:g} m"
        return tiling.SIDE, f"{told}; else --tile off"

    def _seen(self, count: int, side: float) -> str:
        """Say what the network sees of so many points, in tiles or not."""
        if self._images is not None:
            channels = self._images.config.num_channels
            return "the colours" if channels == COLORS else "the colours and HHA"
        part = " of a tile" if side else ""
        return f"{min(self.num_points, count):,} points{part} at most"

    def _find(
        self,
        points: np.ndarray,
        colors: np.ndarray | None,
        side: float,
        progress: Progress,
    ) -> Segmentation:
        seed = self.options.seed
        if not side:
            return self._segmenter.segment(points, colors, seed)
        return tiling.segment_tiles(
            self._tracing,
            points,
            colors,
            side=side,
            seed=seed,
            progress=progress,
        )
