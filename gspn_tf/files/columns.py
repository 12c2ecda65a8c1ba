"""Columns of points; headers and rows of numbers, which text formats have alike."""

import os
import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

import numpy as np

from gspn_tf.files.text import in_utf8

_MAX_HEADER_LINES = 10_000
_MAX_LINE = 1 << 20

# Microsoft's compilers print a NaN as -nan(ind) or -1.#IND00, infinity as 1.#INF.
_NAN = re.compile(rb"[-+]?(?:nan\([^)\s]*\)|1\.#(?!INF)\w+)", re.IGNORECASE)
_INFINITY = re.compile(rb"1\.#INF\d*", re.IGNORECASE)


class PointTable(NamedTuple):
    """A PointTable holds the columns [V] of a file's points by their names.

    The notes say what was guessed.
    """

    columns: dict[str, np.ndarray]
    notes: tuple[str, ...] = ()


def header_lines(file: BinaryIO, last: str) -> Iterator[list[str]]:
    """The words of each line of a header, up to the line that begins with `last`.

    Raises:
        ValueError: there is no such line.
    """
    for _ in range(_MAX_HEADER_LINES):
        line = file.readline(_MAX_LINE)
        if not line.endswith(b"\n"):
            check_line_end(line)
            raise ValueError("the file ends inside the header")
        words = line.decode("latin-1").split()
        if words:
            yield words
        if words[:1] == [last]:
            return
    raise ValueError(f"no {last!r} in the first {_MAX_HEADER_LINES} lines")


def check_line_end(line: bytes) -> None:
    """Raise ValueError where what begins a file holds lines as of old Macs."""
    if b"\r" in line.rstrip(b"\r\n"):
        raise ValueError(
            "its lines end in carriage returns alone; "
            r"`tr '\r' '\n' < OLD > NEW` mends text"
        )


def plain_text(data: bytes) -> bytes:
    """A text without byte order mark, its lines and numbers as all programs know them.

    Raises:
        UnicodeDecodeError: it is not what its mark says.
    """
    return b"\n".join(_with_usual_numbers(in_utf8(data)).splitlines())


def _with_usual_numbers(text: bytes) -> bytes:
    if b"#" not in text and b"(" not in text:
        return text
    return _INFINITY.sub(b"inf", _NAN.sub(b"nan", text))


def text_lines(file: BinaryIO) -> list[bytes]:
    """The lines that are left of a file, without empty ones."""
    text = _with_usual_numbers(file.read())
    return [line for line in text.splitlines() if line.strip()]


def read_text_rows(lines: Sequence[bytes], count: int, width: int) -> np.ndarray:
    """The first `count` lines as numbers [count, width] float64.

    Raises:
        ValueError: fewer lines, no numbers, or another number of them in a line.
    """
    check_count(count, len(lines))
    if not count:
        return np.empty((0, width))
    try:
        rows = np.loadtxt(lines[:count], ndmin=2, comments=None)
    except ValueError as error:
        raise ValueError(f"malformed points: {error}") from error
    if rows.shape[1] != width:
        raise ValueError(f"a point has {width} values, a line {rows.shape[1]}")
    return rows


def as_declared(column: np.ndarray, kind: str) -> np.ndarray:
    """A column of text as the integers it is declared to be, where it holds such."""
    if np.dtype(kind).kind == "f":
        return column
    limits = np.iinfo(kind)
    with np.errstate(invalid="ignore"):
        fits = (column >= limits.min) & (column <= limits.max) & (column % 1 == 0)
    return column.astype(kind) if fits.all() else column


def read_binary_rows(file: BinaryIO, count: int, record: np.dtype) -> np.ndarray:
    """The next `count` records [count].

    Raises:
        ValueError: fewer than that.
    """
    size = count * record.itemsize
    body = file.read(min(size, os.fstat(file.fileno()).st_size))
    if len(body) < size:
        check_count(count, len(body) // record.itemsize)
    return np.frombuffer(body, record)


def check_count(announced: int, there: int, noun: str = "points") -> None:
    """Raise ValueError where less is there than was announced."""
    if there < announced:
        raise ValueError(f"truncated: {announced} {noun} announced, {there} there")
