"""The vertices of a PLY file, as columns; and a coloured cloud as a PLY file.

A small reader of its own: general mesh libraries accept truncated ASCII files in
silence, and load faces that nobody here needs.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from gspn_tf import files
from gspn_tf.files.columns import header_lines, read_binary_rows, read_text_rows
from gspn_tf.files.errors import naming_file

_SCALARS = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass(slots=True)
class _Element:
    """One "element" of a header; the kind of a list is that of its length and items."""

    name: str
    count: int
    names: list[str] = field(default_factory=list)
    kinds: list[str | tuple[str, str]] = field(default_factory=list)

    def record(self, order: str) -> np.dtype:
        """The element's binary layout. ValueError where lists make it variable."""
        columns = zip(self.names, self.kinds, strict=True)
        plain = [
            (name, order + kind) for name, kind in columns if isinstance(kind, str)
        ]
        if len(plain) < len(self.names):
            raise ValueError(
                f"element {self.name!r} has lists, so it must follow vertex"
            )
        return np.dtype(plain)


def read_vertices(
    path: str | Path, needed: Iterable[str] = "xyz", *, whole: bool = False
) -> dict[str, np.ndarray]:
    """Reads every scalar property of the vertices: {name: [V]}.

    Args:
        path: a PLY file, ASCII or binary. ASCII columns become float64, binary columns
            keep their type.
        needed: properties that must be among them.
        whole: check that what follows the vertices (faces) is there as announced;
            otherwise it is left unread.

    Raises:
        ScanError: no PLY file, a malformed header, or less than announced.
    """
    with naming_file(path, "PLY"), open(path, "rb") as file:
        order, elements = _read_elements(file)
        for number, element in enumerate(elements):
            if element.name == "vertex":
                columns = _read_columns(file, element, order)
                missing = [name for name in needed if name not in columns]
                if missing:
                    raise ValueError(f"vertices need {missing}, have {list(columns)}")
                if whole:
                    _check_rest(file, elements[number + 1 :], order)
                return columns
            _skip(file, element, order)
        raise ValueError("expected an element 'vertex' in the header, got none")


def _read_elements(file: BinaryIO) -> tuple[str, list[_Element]]:
    """Byte order ("" = ASCII) and elements; the file is left at the first value."""
    if file.readline(80).strip() != b"ply":
        raise ValueError("expected a file that begins with the line 'ply'")
    order, elements = None, list[_Element]()
    for words in header_lines(file, "end_header"):
        if words[0] == "format" and len(words) == 3 and words[1] in _ORDERS:
            order = _ORDERS[words[1]]
        elif words[0] not in ("comment", "obj_info", "end_header"):
            _read_declaration(words, elements)
    if order is None:
        raise ValueError(f"expected a line 'format' with one of {list(_ORDERS)}")
    return order, elements


def _read_declaration(words: list[str], elements: list[_Element]) -> None:
    match words:
        case ["element", name, count] if count.isascii() and count.isdigit():
            elements.append(_Element(name, int(count)))
        case ["property", "list", *kinds, name] if elements and _are_list(kinds):
            elements[-1].names.append(name)
            elements[-1].kinds.append((_SCALARS[kinds[0]], _SCALARS[kinds[1]]))
        case ["property", kind, name] if elements and kind in _SCALARS:
            if name in elements[-1].names:
                raise ValueError(f"property {name!r} is declared twice")
            elements[-1].names.append(name)
            elements[-1].kinds.append(_SCALARS[kind])
        case _:
            raise ValueError(f"header line {' '.join(words)[:80]!r} is not understood")


def _are_list(kinds: list[str]) -> bool:
    return len(kinds) == 2 and all(kind in _SCALARS for kind in kinds)


def _skip(file: BinaryIO, element: _Element, order: str) -> None:
    if order:
        file.seek(element.count * element.record(order).itemsize, io.SEEK_CUR)
    else:
        for _ in range(element.count):
            file.readline()


def _read_columns(file: BinaryIO, element: _Element, order: str) -> dict:
    record = element.record(order or "<")
    if order:
        rows = read_binary_rows(file, element.count, record)
        return {name: rows[name] for name in element.names}
    table = read_text_rows(file, element.count, len(element.names))
    return dict(zip(element.names, table.T, strict=True))


def _check_rest(file: BinaryIO, elements: list[_Element], order: str) -> None:
    """ValueError where a file ends before the last of these elements does."""
    rest = file.read()
    if not order:
        lines = sum(bool(line.strip()) for line in rest.splitlines())
        expected = sum(element.count for element in elements)
        if lines < expected:
            raise ValueError(f"truncated: {expected} lines of faces announced, {lines}")
        return
    start = 0
    for element in elements:
        for row in range(element.count):
            size = _row_size(rest, start, element, order)
            # Most meshes have faces of one size, and nothing behind them.
            if row == 0 and start + element.count * size == len(rest):
                start = len(rest)
                break
            start += size
            if start > len(rest):
                raise ValueError(
                    f"truncated: {element.count} of {element.name!r} announced, "
                    f"{row} there"
                )


def _row_size(body: bytes, start: int, element: _Element, order: str) -> int:
    """Bytes of the row of an element that begins at `start`."""
    size = 0
    for kind in element.kinds:
        length = 1
        if isinstance(kind, tuple):
            count, kind = np.dtype(order + kind[0]), kind[1]
            head = body[start + size : start + size + count.itemsize]
            whole = len(head) == count.itemsize
            length = int(np.frombuffer(head, count)[0]) if whole else 0
            size += count.itemsize
        size += length * np.dtype(kind).itemsize
    return size


def write_ply(
    path: str | Path,
    points: np.ndarray,
    colors: np.ndarray,
    extra: dict[str, np.ndarray] | None = None,
) -> None:
    """Writes a cloud as binary little-endian PLY, atomically.

    points [V, 3] float: float64 is kept, all else is float32   colors [V, 3] uint8
    extra  further int32 columns by name, such as {"instance": [V]}

    Raises:
      ValueError: shapes that do not agree.
    """
    extra = extra or {}
    count, kind = len(points), "f8" if points.dtype == np.float64 else "f4"
    if points.shape != (count, 3) or colors.shape != (count, 3):
        raise ValueError(
            "points and colors must be [V, 3] alike, "
            f"got {points.shape} and {colors.shape}"
        )
    columns = [(c, "<" + kind, points[:, i]) for i, c in enumerate("xyz")]
    columns += [(c, "u1", colors[:, i]) for i, c in enumerate(("red", "green", "blue"))]
    columns += [(name, "<i4", np.asarray(value)) for name, value in extra.items()]
    rows = np.empty(count, [(name, kind) for name, kind, _ in columns])
    for name, _, value in columns:
        rows[name] = value
    words = {"<f8": "double", "<f4": "float", "u1": "uchar", "<i4": "int"}
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    lines += [f"property {words[kind]} {name}" for name, kind, _ in columns]
    with files.replacing(path) as beside:
        header = "\n".join([*lines, "end_header", ""]).encode("ascii")
        beside.write_bytes(header + rows.tobytes())
