"""Scans in bulk by Apache Beam (the extra `beam`): a `DoFn` for pipelines of one's own.

    scans = [(str(path), name) for path, name in list_scans(["scans"])]
    with beam.Pipeline(options=options) as pipeline:
        outcomes = (
            pipeline
            | beam.Create(scans)
            | beam.Reshuffle()
            | beam.ParDo(SegmentScans("indoor", "out"))
        )

Workers see scans, model and results under the same paths. Each of their processes loads
TensorFlow and the model once.
"""

import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from gspn_tf.inference.collection import Outcome
from gspn_tf.inference.scan_segmenter import ScanSegmenter, SegmentOptions

try:
    import apache_beam as beam
except ImportError as error:
    raise ImportError(
        "gspn_tf.inference.beam needs apache_beam: pip install 'gspn-tf[beam]'"
    ) from error


class SegmentScans(beam.DoFn):
    """Segments scans, writes the results of each and says what became of it.

    Takes pairs of a scan's path and the name of its results, as `list_scans` gives
    them. Gives dicts of the fields of `Outcome`: a scan that cannot be read is one with
    an error. Results of a scan are what `gspn segment` writes; they appear whole or not
    at all, so a runner may do a scan twice.

    Args:
        model: Run folder, or preset or its folder.
        output: Folder of the results; those of a scan are in the one of its name.
        options: How scans are read and seen.
        formats: Of "las" and "laz", those that are wanted besides.
    """

    def __init__(
        self,
        model: str,
        output: str,
        options: SegmentOptions = SegmentOptions(),  # noqa: B008 - immutable
        formats: Collection[str] = (),
    ) -> None:
        super().__init__()
        self._model, self._output = model, output
        self._options, self._formats = options, tuple(formats)

    def setup(self) -> None:
        """Load the model; Beam calls this once for each copy that it makes."""
        self._segmenter = ScanSegmenter(self._model, self._options)

    def process(self, element: tuple[str, str]) -> Iterator[dict[str, Any]]:
        """Segment one scan."""
        path, name = element
        began, count, error = time.monotonic(), 0, ""
        try:
            result = self._segmenter.segment(path)
            result.write(Path(self._output, name), self._formats)
            count = len(result.found.classes)
        except (OSError, ValueError) as problem:
            error = str(problem)
        seconds = round(time.monotonic() - began, 2)
        yield Outcome(name, count, seconds, error)._asdict()
