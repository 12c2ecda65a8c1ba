"""The columns of a PCD 0.7 file (Point Cloud Library): ascii, binary or compressed.

`binary_compressed` holds two little-endian uint32, the sizes of the compressed and of
the plain bytes, then one LZF stream of the fields, column after column.
"""

from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from gspn_tf.files.columns import header_lines, read_binary_rows, read_text_rows
from gspn_tf.files.errors import naming_file

_SIZES = {"I": "1248", "U": "1248", "F": "48"}  # bytes that a type may have


class _Header(NamedTuple):
    fields: list[tuple[str, np.dtype, int]]  # name, type, values a point
    num_points: int
    encoding: str

    def record(self) -> np.dtype:
        """The binary layout of a point; padding (`_`) may occur more than once."""
        columns = enumerate(self.fields)
        return np.dtype([(str(i), kind, (n,)) for i, (_, kind, n) in columns])


def read_pcd(path: str | Path) -> dict[str, np.ndarray]:
    """The fields of a file, each [V] (or [V, n] where COUNT is n), in file order.

    Raises:
      ScanError: missing, truncated or corrupt file, or a header that is not understood.
    """
    with naming_file(path, "PCD"), open(path, "rb") as file:
        header = _read_header(file)
        columns = _READERS[header.encoding](file, header)
    named = zip(header.fields, columns, strict=True)
    return {
        name: column[:, 0] if count == 1 else column
        for (name, _, count), column in named
        if name != "_"
    }


def _read_header(file: BinaryIO) -> _Header:
    values = {words[0]: words[1:] for words in header_lines(file, "DATA")}
    for key in ("FIELDS", "SIZE", "TYPE", "WIDTH", "HEIGHT"):
        if not values.get(key):
            raise ValueError(f"expected a line {key!r} in the header, got none")
    names = values["FIELDS"]
    counts = values.get("COUNT", ["1"] * len(names))
    if not len(names) == len(values["SIZE"]) == len(values["TYPE"]) == len(counts):
        raise ValueError("FIELDS, SIZE, TYPE and COUNT must have as many values")
    rows = zip(names, values["TYPE"], values["SIZE"], counts, strict=True)
    fields = [(name, _kind(*kind), _number(count)) for name, *kind, count in rows]
    real = [name for name in names if name != "_"]
    if len(set(real)) != len(real):
        raise ValueError(f"FIELDS must be distinct, got {real}")
    num_points = _number(values["WIDTH"][0]) * _number(values["HEIGHT"][0])
    announced = values.get("POINTS", [str(num_points)])
    if announced != [str(num_points)]:
        raise ValueError(f"WIDTH * HEIGHT is {num_points}, POINTS is {announced}")
    encoding = " ".join(values["DATA"])
    if encoding not in _READERS:
        raise ValueError(f"DATA must be one of {list(_READERS)}, got {encoding!r}")
    return _Header(fields, num_points, encoding)


def _kind(letter: str, size: str) -> np.dtype:
    if size not in [*_SIZES.get(letter, "")]:
        raise ValueError(f"no type {letter!r} of {size!r} bytes")
    return np.dtype(f"<{letter.lower()}{size}")


def _number(word: str) -> int:
    if not (word.isascii() and word.isdigit() and int(word) > 0):
        raise ValueError(f"expected a positive number in the header, got {word!r}")
    return int(word)


def _text_columns(file: BinaryIO, header: _Header) -> list[np.ndarray]:
    ends = np.cumsum([count for _, _, count in header.fields])
    table = read_text_rows(file, header.num_points, ends[-1])
    parts = np.split(table, ends[:-1], axis=1)
    rows = zip(header.fields, parts, strict=True)
    return [part.astype(kind) for (_, kind, _), part in rows]


def _binary_columns(file: BinaryIO, header: _Header) -> list[np.ndarray]:
    rows = read_binary_rows(file, header.num_points, header.record())
    return [rows[name] for name in rows.dtype.names or ()]


def _compressed_columns(file: BinaryIO, header: _Header) -> list[np.ndarray]:
    sizes, data = np.frombuffer(file.read(8), "<u4"), file.read()
    if len(sizes) < 2 or len(data) < sizes[0]:
        raise ValueError(f"truncated: {sizes[:1]} bytes announced, {len(data)} there")
    packed, plain = sizes.tolist()
    expected = header.num_points * header.record().itemsize
    if plain != expected:
        raise ValueError(f"the points have {expected} bytes, the data says {plain}")
    body, start, columns = decompress(data[:packed], plain), 0, []
    for _, kind, count in header.fields:
        column = np.frombuffer(body, kind, header.num_points * count, start)
        columns.append(column.reshape(header.num_points, count))
        start += column.nbytes
    return columns


_READERS = {
    "ascii": _text_columns,
    "binary": _binary_columns,
    "binary_compressed": _compressed_columns,
}


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
            _repeat(out, distance, length + 2)
    except IndexError:
        at = len(data) + 1
    if at != len(data) or len(out) != size:
        raise ValueError(
            f"corrupt LZF data: expected {size} bytes, got {len(out)} of "
            f"{'incomplete' if at != len(data) else 'whole'} runs"
        )
    return bytes(out)


def _repeat(out: bytearray, distance: int, length: int) -> None:
    """Appends `length` bytes, each equal to the one `distance` before it."""
    start = len(out) - distance
    if start < 0:
        raise ValueError(
            f"corrupt LZF data: byte {len(out)} repeats one {distance} before it"
        )
    piece = out[start : start + length]
    if distance < length:  # it repeats what it writes
        piece = (piece * (length // distance + 1))[:length]
    out += piece
