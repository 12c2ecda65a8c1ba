"""The vertices of a PLY file, as columns; and a coloured cloud as a PLY file.

A small reader of its own: general mesh libraries accept truncated ASCII files in
silence, and load faces that nobody here needs.
"""

import codecs
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from gspn_tf import files
from gspn_tf.files import ply_body
from gspn_tf.files.columns import check_line_end, header_lines, text_lines
from gspn_tf.files.errors import naming_file
from gspn_tf.files.ply_body import Element, List

_SCALARS = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1",
    "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
_LENGTHS = [word for word, kind in _SCALARS.items() if kind[0] != "f"]
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


def read_vertices(
    path: str | Path, needed: Iterable[str] = "xyz"
) -> dict[str, np.ndarray]:
    """Reads every scalar property of the vertices: {name: [V]}.

    Lists, faces and whatever else there is are passed over, but must be whole: where a
    header does not fit its file, the vertices would be others.

    Args:
        path: a PLY file, ASCII or binary. Columns have their declared types. In ASCII
            files those of floats are float64, and so are those that hold what their
            type cannot.
        needed: properties that must be among them; capital ones become small.

    Raises:
        ScanError: no PLY file, a malformed header, or less or more than announced.
    """
    with naming_file(path, "PLY"), open(path, "rb") as file:
        order, elements = _read_elements(file)
        vertices = [element for element in elements if element.name == "vertex"]
        if len(vertices) != 1:
            names = [element.name for element in elements]
            raise ValueError(
                f"expected one element 'vertex' in the header, got {names}"
            )
        there = vertices[0].scalars()
        capital = {name.upper(): name for name in needed if name not in there}
        if missing := [capital[name] for name in capital if name not in there]:
            raise ValueError(f"vertices need {missing}, have {list(there)}")
        if order:
            body = memoryview(file.read())
            columns = ply_body.read_binary(body, elements, order, "vertex")
        else:
            columns = ply_body.read_rows(text_lines(file), elements, "vertex")
        return {capital.get(name, name): column for name, column in columns.items()}


def _read_elements(file: BinaryIO) -> tuple[str, list[Element]]:
    """Byte order ("" = ASCII) and elements; the file is left at the first value."""
    first = file.readline(80).removeprefix(codecs.BOM_UTF8)
    if first.startswith(b"ply\r"):
        check_line_end(first)
    if first.strip() != b"ply":
        raise ValueError("expected a file that begins with the line 'ply'")
    order, elements = None, list[Element]()
    for words in header_lines(file, "end_header"):
        if words[0] == "format" and len(words) == 3 and words[1] in _ORDERS:
            order = _ORDERS[words[1]]
        elif words[0] not in ("comment", "obj_info", "end_header"):
            _read_declaration(words, elements)
    if order is None:
        raise ValueError(f"expected a line 'format' with one of {list(_ORDERS)}")
    return order, elements


def _read_declaration(words: list[str], elements: list[Element]) -> None:
    kind: str | List
    match words:
        case ["element", name, count] if count.isascii() and count.isdigit():
            elements.append(Element(name, int(count)))
            return
        case ["property", scalar, name] if elements and scalar in _SCALARS:
            kind = _SCALARS[scalar]
        case ["property", "list", length, item, name] if (
            elements and length in _LENGTHS and item in _SCALARS
        ):
            kind = List(_SCALARS[length], _SCALARS[item])
        case _:
            raise ValueError(f"header line {' '.join(words)[:80]!r} is not understood")
    if name in elements[-1].kinds:
        raise ValueError(f"property {name!r} is declared twice")
    elements[-1].kinds[name] = kind


def write_ply(
    path: str | Path,
    points: np.ndarray,
    colors: np.ndarray,
    extra: dict[str, np.ndarray] | None = None,
) -> None:
    """Writes a cloud as binary little-endian PLY, atomically.

    points [V, 3] float: float64 is kept, all else is float32   colors [V, 3] uint8
    extra  further columns by name, such as {"instance": [V]}: float32, or int32
    """
    extra = extra or {}
    count, kind = len(points), "f8" if points.dtype == np.float64 else "f4"
    columns = [(c, "<" + kind, points[:, i]) for i, c in enumerate("xyz")]
    columns += [(c, "u1", colors[:, i]) for i, c in enumerate(("red", "green", "blue"))]
    for name, value in extra.items():
        columns.append((name, "<f4" if value.dtype.kind == "f" else "<i4", value))
    rows = np.empty(count, [(name, kind) for name, kind, _ in columns])
    for name, _, value in columns:
        rows[name] = value
    words = {"<f8": "double", "<f4": "float", "u1": "uchar", "<i4": "int"}
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    lines += [f"property {words[kind]} {name}" for name, kind, _ in columns]
    with files.replacing(path) as beside:
        header = "\n".join([*lines, "end_header", ""]).encode("ascii")
        beside.write_bytes(header + rows.tobytes())
