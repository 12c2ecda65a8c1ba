"""A self-contained HTML report: numbers, tables and figures in one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gspn_tf.files import write_text
from gspn_tf.visualize.templates import fill


class Figure(NamedTuple):
    """A Figure is a picture with a sentence about it."""

    image: bytes  # PNG or SVG
    caption: str


class ReportTable(NamedTuple):
    """A ReportTable has rows under a header, each named by its first cell."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    total: bool = False  # whether the last row sums up the others


class Section(NamedTuple):
    """A Section is a part of a report, under a heading unless its title is empty."""

    title: str = ""
    text: str = ""
    parts: Sequence[Figure | ReportTable] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A Report is shown from top to bottom; what is empty is left out."""

    title: str
    summary: str = ""
    numbers: Sequence[tuple[str, object]] = ()  # the headline: (name, value)
    sections: Sequence[Section] = ()
    links: Sequence[tuple[str, str]] = ()  # (text, address relative to the report)
    commands: Sequence[str] = ()  # shell lines that made the results
    environment: Sequence[tuple[str, object]] = ()  # versions, machine, seed, time


def write_report(path: str | Path, report: Report) -> None:
    """Write `report` as one HTML page that needs no other file, atomically."""
    write_text(path, fill("report.html", report=report))
