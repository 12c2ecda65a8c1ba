"""Points as text, a row of numbers each: `.xyz`, `.pts`, `.asc` and `.csv`.

The numbers are x, y and z, then none, an intensity, red green and blue, or an intensity
and these; there may be normals anywhere. A line of names above says otherwise. They
stand between blanks, commas or semicolons, and may have decimal commas where these do
not separate them; nothing between two of these is NaN. A row of one number, as PTS has
it, counts the points below. Rows that begin with # or // are passed over.
"""

import io
import itertools
import re
from pathlib import Path

import numpy as np

from gspn_tf.files.columns import (
    PointTable,
    check_count,
    read_text_rows,
    text_lines,
)
from gspn_tf.files.errors import naming_file
from gspn_tf.files.text import read_text

_COMMENTS = (b"#", b"//")
_DECIMAL_COMMA = re.compile(r"\d,\d+[ \t]+[-+\d]")
_EMPTY_CELL = re.compile(r"(?<=[,;])[ \t]*(?=[,;])")
_BEGINNING = 10_000  # characters that tell how numbers are separated
_RGB = ("red", "green", "blue")
_AFTER_XYZ: dict[int, tuple[str, ...]] = {
    1: ("intensity",),
    3: _RGB,
    4: ("intensity", *_RGB),
}
_NORMAL = ("nx", "ny", "nz")
_WIDEST = 16  # columns; three rows of more are the axes of points, in another order
_UNIT = 0.02  # how far the lengths of normals may be from 1


def read_point_text(path: str | Path) -> PointTable:
    """Reads the columns of a file of text; a note says how they were understood.

    Raises:
        ScanError: no rows of at least three numbers, or fewer than announced.
    """
    with naming_file(path, "point text", decodes=True):
        lines = text_lines(io.BytesIO(_separated(read_text(path, "replace")).encode()))
        heads = list(itertools.takewhile(_is_head, lines))
        rows = [line for line in lines[len(heads) :] if not line.startswith(_COMMENTS)]
        if rows and len(rows[0].split()) == 1:
            counts = [int(line) for line in rows if len(line.split()) == 1]
            rows = [line for line in rows if len(line.split()) > 1]
            check_count(sum(counts), len(rows))
        if not rows:
            raise ValueError("expected a point a line, got no line of numbers")
        table = read_text_rows(rows, len(rows), len(rows[0].split()))
        names = _names(heads[-1]) if heads else []
        _check_names(names, table.shape[1])
        if len(names) == table.shape[1] and {*"xyz"} <= {*names}:
            named = dict(zip(names, table.T, strict=True))
            return PointTable({name: _whole(named[name]) for name in names})
        return name_columns(table)


def name_columns(table: np.ndarray) -> PointTable:
    """Names the columns of points [V, 3 or more] by their order and their values.

    Raises:
        ValueError: there are fewer than three, or rows in their place.
    """
    width = table.shape[1] if table.ndim == 2 else 0
    if width < 3 or (len(table) == 3 and width > _WIDEST):
        raise ValueError(f"expected x y z of each point, got {list(table.shape)}")
    normal = next((at for at in range(3, width - 2) if _are_normals(table, at)), None)
    of_normal = [] if normal is None else [normal, normal + 1, normal + 2]
    rest = [at for at in range(3, width) if at not in of_normal]
    known = _AFTER_XYZ.get(len(rest))
    names = dict(enumerate("xyz"))
    names |= zip(rest, known or [f"column {at + 1}" for at in rest], strict=True)
    names |= zip(of_normal, _NORMAL, strict=False)
    columns = {names[at]: _whole(table[:, at]) for at in range(width)}
    told = f"columns are taken as {', '.join(columns)}"
    return PointTable(columns, (told,) if known else ())


def _separated(text: str) -> str:
    """The text with blanks between its numbers, and points in them."""
    text = _EMPTY_CELL.sub("nan", text)
    beginning = text[:_BEGINNING]
    if ";" in beginning or _DECIMAL_COMMA.search(beginning):
        text = text.replace(",", ".")
    return text.translate(str.maketrans(',;"', "   "))


def _is_head(line: bytes) -> bool:
    """Whether a line is a comment, or has words alone."""
    return line.startswith(_COMMENTS) or not any(map(_is_number, line.split()))


def _is_number(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _names(line: bytes) -> list[str]:
    """The names of a line of them, which may be a comment."""
    return line.decode().lstrip("#/ ").lower().split()


def _check_names(names: list[str], width: int) -> None:
    """Raise ValueError where names do not tell which of so many columns are x, y, z."""
    if not {*"xyz"} <= {*names}:
        return
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"column {twice[0]!r} is named twice")
    if len(names) != width and names[:3] != [*"xyz"]:
        raise ValueError(f"{len(names)} columns are named, a point has {width} values")


def _are_normals(table: np.ndarray, at: int) -> bool:
    """Whether three columns from `at` on are vectors of length 1."""
    lengths = np.linalg.norm(table[:10_000, at : at + 3].astype(np.float64), axis=1)
    return bool(np.mean(np.abs(lengths - 1) < _UNIT) > 0.9)


def _whole(column: np.ndarray) -> np.ndarray:
    """The column as integers, where it holds such and they are no shares of 1."""
    if column.dtype.kind != "f" or not np.isfinite(column).all():
        return column
    small = np.abs(column).max(initial=0) < 2**31
    whole = small and column.max(initial=0) > 1 and (column % 1 == 0).all()
    return column.astype(np.int32) if whole else column
