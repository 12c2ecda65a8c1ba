"""Headers and rows of numbers, which PLY and PCD files have alike."""

import itertools
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

_MAX_HEADER_LINES = 10_000


def header_lines(file: BinaryIO, last: str) -> Iterator[list[str]]:
    """The words of each line of a header, up to the line that begins with `last`.

    Raises:
        ValueError: there is no such line.
    """
    for _ in range(_MAX_HEADER_LINES):
        line = file.readline(4096)
        if not line:
            raise ValueError("the file ends inside the header")
        words = line.decode("latin-1").split()
        if words:
            yield words
        if words[:1] == [last]:
            return
    raise ValueError(f"no {last!r} in the first {_MAX_HEADER_LINES} lines")


def read_text_rows(file: BinaryIO, count: int, width: int) -> np.ndarray:
    """The next `count` lines as numbers [count, width] float64.

    Raises:
        ValueError: fewer lines, no numbers, or another number of them in a line.
    """
    lines = [line for line in itertools.islice(file, count) if line.strip()]
    _check_count(count, len(lines))
    if not lines:
        return np.empty((0, width))
    try:
        rows = np.loadtxt(lines, ndmin=2, comments=None)
    except ValueError as error:
        raise ValueError(f"malformed points: {error}") from error
    if rows.shape[1] != width:
        raise ValueError(f"a point has {width} values, a line {rows.shape[1]}")
    return rows


def read_binary_rows(file: BinaryIO, count: int, record: np.dtype) -> np.ndarray:
    """The next `count` records [count].

    Raises:
        ValueError: fewer than that.
    """
    body = file.read(count * record.itemsize)
    if len(body) < count * record.itemsize:
        _check_count(count, len(body) // record.itemsize)
    return np.frombuffer(body, record)


def _check_count(announced: int, there: int) -> None:
    if there < announced:
        raise ValueError(f"truncated: {announced} points announced, {there} there")
