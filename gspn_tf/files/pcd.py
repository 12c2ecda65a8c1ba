"""The columns of a PCD 0.7 file (Point Cloud Library): ascii, binary or compressed.

`binary_compressed` holds two little-endian uint32, the sizes of the compressed and of
the plain bytes, then one LZF stream of the fields, column after column.
"""

from pathlib import Path
from typing import BinaryIO

import numpy as np

from gspn_tf.files.columns import (
    as_declared,
    header_lines,
    read_binary_rows,
    read_text_rows,
    text_lines,
)
from gspn_tf.files.errors import naming_file

_ENCODINGS = ("ascii", "binary", "binary_compressed")


def read_pcd(path: str | Path) -> dict[str, np.ndarray]:
    """The first value of every field of the points, each [V], in file order.

    Raises:
      ScanError: missing, truncated or corrupt file, or a header that is not understood.
    """
    with naming_file(path, "PCD", TypeError), open(path, "rb") as file:
        record, count, encoding = _read_header(file)
        names = record.names or ()
        if encoding == "ascii":
            columns = _text_columns(text_lines(file), record, count)
        elif encoding == "binary":
            rows = read_binary_rows(file, count, record)
            columns = [rows[name][:, 0] for name in names]
            if (rest := file.read()).strip(b"\0 \r\n"):
                raise ValueError(f"{len(rest)} bytes more are there than announced")
        else:
            columns = _compressed_columns(file, record, count)
        fields = zip(names, columns, strict=True)
        return {
            name: _as_type(column, record[name].base)
            for name, column in fields
            if not name.startswith("_")
        }


def _as_type(column: np.ndarray, kind: np.dtype) -> np.ndarray:
    """A column of the type of its field, where that can hold its numbers."""
    return column.astype(kind) if kind.kind == "f" else as_declared(column, kind.str)


def _read_header(file: BinaryIO) -> tuple[np.dtype, int, str]:
    """Binary layout of a point (each field [COUNT]), number of points, encoding."""
    values = {words[0]: words[1:] for words in header_lines(file, "DATA")}
    for key in ("FIELDS", "SIZE", "TYPE", "WIDTH", "HEIGHT"):
        if not values.get(key):
            raise ValueError(f"expected a line {key!r} in the header, got none")
    names = [f"_{i}" if n == "_" else n for i, n in enumerate(values["FIELDS"])]
    counts = values.get("COUNT", ["1"] * len(names))
    if not len(names) == len(values["SIZE"]) == len(values["TYPE"]) == len(counts):
        raise ValueError("FIELDS, SIZE, TYPE and COUNT must have as many values")
    if wrong := [word for word in counts if not word.isdecimal() or int(word) < 1]:
        raise ValueError(f"COUNT must be of numbers from 1 on, got {wrong[0]!r}")
    fields = zip(names, values["TYPE"], values["SIZE"], counts, strict=True)
    record = np.dtype(
        [(name, f"<{kind.lower()}{size}", (int(n),)) for name, kind, size, n in fields]
    )
    sides = [values[key][0] for key in ("WIDTH", "HEIGHT")]
    if not all(side.isdecimal() for side in sides):
        raise ValueError(f"WIDTH and HEIGHT must be whole numbers, got {sides}")
    num_points = int(sides[0]) * int(sides[1])
    if num_points < 1:
        raise ValueError(f"WIDTH * HEIGHT must be positive, got {num_points}")
    encoding = " ".join(values["DATA"])
    if encoding not in _ENCODINGS:
        raise ValueError(f"DATA must be one of {_ENCODINGS}, got {encoding!r}")
    return record, num_points, encoding


def _text_columns(lines: list[bytes], record: np.dtype, count: int) -> list[np.ndarray]:
    """The first value of every field, from a line a point."""
    if len(lines) > count:
        raise ValueError(f"{count} points announced, {len(lines)} there")
    widths = [int(np.prod(record[name].shape)) for name in record.names or ()]
    table = read_text_rows(lines, count, sum(widths))
    return list(table.T[np.cumsum([0, *widths[:-1]])])


def _compressed_columns(
    file: BinaryIO, record: np.dtype, count: int
) -> list[np.ndarray]:
    packed, plain = read_binary_rows(file, 2, np.dtype("<u4")).tolist()
    expected = count * record.itemsize
    if plain != expected:
        raise ValueError(f"the points have {expected} bytes, the data says {plain}")
    names = record.names or ()
    fields = [(n, record[n].base, (count, *record[n].shape)) for n in names]
    (columns,) = np.frombuffer(decompress(file.read(packed), plain), fields)
    return [columns[name][:, 0] for name in names]


def decompress(data: bytes, size: int) -> bytes:
    """The `size` bytes of an LZF stream.

    A stream is a row of runs. A first byte below 32 is followed by that many bytes and
    one more, to be copied. Of any other first byte the upper 3 bits are the length
    less two (7: the next byte is added) and the lower 5 bits, with the following byte,
    the distance less one back to bytes that are repeated.

    Raises:
      ValueError: a run reaches beyond the data, or the size is another.
    """
    out, at = bytearray(), 0
    try:
        while at < len(data):
            head = data[at]
            if head < 32:
                out += data[at + 1 : at + head + 2]
                at += head + 2
                continue
            length = head >> 5
            if length == 7:
                at += 1
                length += data[at]
            distance = ((head & 31) << 8) + data[at + 1] + 1
            at += 2
            for _ in range(length + 2):  # it may repeat what it writes
                out.append(out[-distance])
    except IndexError:
        at = len(data) + 1
    if at != len(data) or len(out) != size:
        raise ValueError(
            f"corrupt LZF data: expected {size} bytes, got {len(out)} of "
            f"{'incomplete' if at != len(data) else 'whole'} runs"
        )
    return bytes(out)
