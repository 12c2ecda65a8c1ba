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
    """One "element" of a header; the kind of a list is None."""

    name: str
    count: int
    kinds: dict[str, str | None] = field(default_factory=dict)

    def record(self, order: str) -> np.dtype:
        """The element's binary layout. ValueError where lists make it variable."""
        if None in self.kinds.values():
            raise ValueError(
                f"element {self.name!r} has lists, so it must follow vertex"
            )
        return np.dtype([(name, f"{order}{kind}") for name, kind in self.kinds.items()])


def read_vertices(
    path: str | Path, needed: Iterable[str] = "xyz"
) -> dict[str, np.ndarray]:
    """Reads every scalar property of the vertices: {name: [V]}.

    Args:
        path: a PLY file, ASCII or binary. ASCII columns become float64, binary columns
            keep their type. What follows the vertices (faces) is left unread.
        needed: properties that must be among them.

    Raises:
        ScanError: no PLY file, a malformed header, or less than announced.
    """
    with naming_file(path, "PLY"), open(path, "rb") as file:
        order, elements = _read_elements(file)
        for element in elements:
            if element.name == "vertex":
                columns = _read_columns(file, element, order)
                missing = [name for name in needed if name not in columns]
                if missing:
                    raise ValueError(f"vertices need {missing}, have {list(columns)}")
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
        case ["property", "list", _, _, name] if elements:
            elements[-1].kinds[name] = None
        case ["property", kind, name] if elements and kind in _SCALARS:
            if name in elements[-1].kinds:
                raise ValueError(f"property {name!r} is declared twice")
            elements[-1].kinds[name] = _SCALARS[kind]
        case _:
            raise ValueError(f"header line {' '.join(words)[:80]!r} is not understood")


def _skip(file: BinaryIO, element: _Element, order: str) -> None:
    if order:
        file.seek(element.count * element.record(order).itemsize, io.SEEK_CUR)
    else:
        for _ in range(element.count):
            file.readline()


def _read_columns(file: BinaryIO, element: _Element, order: str) -> dict:
    record = element.record(order)
    if order:
        rows = read_binary_rows(file, element.count, record)
        return {name: rows[name] for name in element.kinds}
    table = read_text_rows(file, element.count, len(element.kinds))
    return dict(zip(element.kinds, table.T, strict=True))


def write_ply(
    path: str | Path,
    points: np.ndarray,
    colors: np.ndarray,
    extra: dict[str, np.ndarray] | None = None,
) -> None:
    """Writes a cloud as binary little-endian PLY, atomically.

    points [V, 3] float: float64 is kept, all else is float32   colors [V, 3] uint8
    extra  further int32 columns by name, such as {"instance": [V]}
    """
    extra = extra or {}
    count, kind = len(points), "f8" if points.dtype == np.float64 else "f4"
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
