"""The vertices of a PLY file, as columns; and a coloured cloud as a PLY file.

A small reader of its own: general mesh libraries accept truncated ASCII files in
silence, and load faces that nobody here needs.
"""

import io
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from gspn_tf import files

_SCALARS = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_MAX_HEADER_LINES = 10_000


class PlyError(ValueError):
    """What is wrong with a PLY file; without the file's name."""


@dataclass(slots=True)
class _Element:
    """One "element" of a header; the kind of a list is that of its length and items."""

    name: str
    count: int
    names: list[str]
    kinds: list[str | tuple[str, str]]

    def record(self, order: str) -> np.dtype:
        """The element's binary layout. PlyError where lists make it variable."""
        if any(isinstance(kind, tuple) for kind in self.kinds):
            raise PlyError(f"element {self.name!r} has lists, so it must follow vertex")
        columns = zip(self.names, self.kinds, strict=True)
        return np.dtype([(name, order + kind) for name, kind in columns])


def read_vertices(file: BinaryIO, *, whole: bool = False) -> dict[str, np.ndarray]:
    """Reads every scalar property of the vertices: {name: [V]}.

    What follows the vertices (faces) is left unread; `whole` checks that it is there
    as announced. ASCII columns are float64, binary columns keep their type.

    Raises:
      PlyError: not a PLY file, a malformed header, or less of something than announced.
    """
    order, elements = _read_header(file)
    for number, element in enumerate(elements):
        if element.name == "vertex":
            read = _read_binary if order else _read_ascii
            columns = read(file, element, order)
            if whole:
                _check_rest(file, elements[number + 1 :], order)
            return columns
        _skip(file, element, order)
    raise PlyError("expected an element 'vertex' in the header, got none")


def _read_header(file: BinaryIO) -> tuple[str, list[_Element]]:
    """Byte order ("" = ASCII) and elements; the file is left at the first value."""
    if file.readline(80).strip() != b"ply":
        raise PlyError("expected a file that begins with the line 'ply'")
    order, elements = None, []
    for _ in range(_MAX_HEADER_LINES):
        line = file.readline(4096)
        words = line.decode("latin-1").split()
        if words == ["end_header"]:
            break
        if not line:
            raise PlyError("the file ends inside the header")
        if words[:1] == ["format"] and len(words) == 3 and words[1] in _ORDERS:
            order = _ORDERS[words[1]]
        elif words and words[0] not in ("comment", "obj_info"):
            _read_declaration(words, elements)
    else:
        raise PlyError(f"no 'end_header' in the first {_MAX_HEADER_LINES} lines")
    if order is None:
        raise PlyError(f"expected a line 'format' with one of {list(_ORDERS)}")
    return order, elements


def _read_declaration(words: list[str], elements: list[_Element]) -> None:
    match words:
        case ["element", name, count] if count.isascii() and count.isdigit():
            elements.append(_Element(name, int(count), [], []))
        case ["property", "list", *kinds, name] if elements and _are_list(kinds):
            elements[-1].names.append(name)
            elements[-1].kinds.append((_SCALARS[kinds[0]], _SCALARS[kinds[1]]))
        case ["property", kind, name] if elements and kind in _SCALARS:
            if name in elements[-1].names:
                raise PlyError(f"property {name!r} is declared twice")
            elements[-1].names.append(name)
            elements[-1].kinds.append(_SCALARS[kind])
        case _:
            raise PlyError(f"header line {' '.join(words)[:80]!r} is not understood")


def _are_list(kinds: list[str]) -> bool:
    return len(kinds) == 2 and all(kind in _SCALARS for kind in kinds)


def _skip(file: BinaryIO, element: _Element, order: str) -> None:
    if order:
        file.seek(element.count * element.record(order).itemsize, io.SEEK_CUR)
    else:
        for _ in range(element.count):
            file.readline()


def _read_binary(file: BinaryIO, element: _Element, order: str) -> dict:
    record = element.record(order)
    body = file.read(element.count * record.itemsize)
    if len(body) < element.count * record.itemsize:
        whole = len(body) // record.itemsize
        raise PlyError(f"truncated: {element.count} vertices announced, {whole} there")
    rows = np.frombuffer(body, record)
    return {name: rows[name] for name in element.names}


def _check_rest(file: BinaryIO, elements: list[_Element], order: str) -> None:
    """PlyError where a file ends before the last of these elements does."""
    rest = file.read()
    if not order:
        lines = sum(bool(line.strip()) for line in rest.splitlines())
        expected = sum(element.count for element in elements)
        if lines < expected:
            raise PlyError(f"truncated: {expected} lines of faces announced, {lines}")
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
                raise PlyError(
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


def _read_ascii(file: BinaryIO, element: _Element, _: str) -> dict:
    element.record("<")  # refuses lists
    lines = [line for line in itertools.islice(file, element.count) if line.strip()]
    try:
        rows = np.loadtxt(lines, ndmin=2, comments=None) if lines else np.empty((0, 0))
    except ValueError as error:
        raise PlyError(f"malformed vertices: {error}") from error
    if len(rows) < element.count:
        raise PlyError(
            f"truncated: {element.count} vertices announced, {len(rows)} there"
        )
    if element.count and rows.shape[1] != len(element.names):
        raise PlyError(
            f"a vertex has {len(element.names)} properties, a line {rows.shape[1]}"
        )
    rows = rows.reshape(element.count, len(element.names))
    return dict(zip(element.names, rows.T, strict=True))


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
